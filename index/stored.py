"""Files of an index: what they are stamped with, and how they are written: whole under their own name, or not there."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Seconds: nobody takes as long to write a segment; a partial file this old was left by a process that died.
_STALE = 3600


class SegmentError(Exception):
    """A segment file cannot be used; the message says why, as the end of "index segment X is ..."."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a segment must be made of to be used."""

    catalog: str
    algorithm: str
    width: int


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary path to write to; when the block ends well, what lies there takes the place of ``path``."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sweep(folder: Path, names: str) -> None:
    """Deletes what processes that were killed while writing files of such ``names`` (a pattern) left behind."""
    for partial in folder.glob(f"{names}.*.partial"):
        if time.time() - partial.stat().st_mtime > _STALE:
            partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Makes a file's content, or a folder's renamings, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
