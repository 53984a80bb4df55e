"""Saved index segments: one immutable file an algorithm, so that a match starts without reading every fingerprint.

A segment is a cache of the catalog and never trusted over it: header | ref_ids | counts | times | codes | BLAKE2b of all before.
"""

import hashlib
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.columns import Columns, only
from index.index import INDEXES, Index

MAGIC = b"WhorlSeg"
VERSION = 1
DIGEST_SIZE = 32
# magic, version, width, catalog, algorithm, lowest and highest reference, number of references, number of codes
_HEADER = struct.Struct("<8sHH36s32sqqQQ")
_STALE = 3600  # seconds: no process takes as long to write a segment; a partial file this old was left by one that died
# Codes that came or went since the segment was saved: more than these are worth writing it anew.
_CHANGED_CODES = 50_000
_CHANGED_SHARE = 0.2


class SegmentError(Exception):
    """A segment file cannot be used; the message says why, as the end of "index segment X is ..."."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a segment must be made of to be used."""

    catalog: str
    algorithm: str
    width: int


def load_index(
    catalog: Catalog, algorithm: str, width: int, folder: Path, note: Callable[[str], None]
) -> Index:
    """The index of all codes of the algorithm: from the saved segment where it holds, else from the catalog.

    Whatever is wrong with the segment, the index is right: references removed since are left out, references added since
    are read from the catalog. ``note`` is told, in one line, of a segment that was refused or could not be saved.
    """
    index = INDEXES["faiss"](algorithm, width)
    live = set(catalog.ids(algorithm))
    saved = _saved(segment_path(folder, algorithm), Stamp(catalog.uuid, algorithm, width), note)
    if saved is not None:
        index.extend(only(saved, live))
        live -= set(saved.ref_ids.tolist())
    kept = len(index)
    for ref_id, fingerprint in (
        catalog.fingerprints(algorithm, after=min(live, default=0) - 1) if live else ()
    ):
        if ref_id in live:
            index.add(ref_id, fingerprint)
    if saved is None or _worth_saving(len(saved), (len(saved) - kept) + (len(index) - kept)):
        save_index(index, catalog, folder, note)
    return index


def save_index(index: Index, catalog: Catalog, folder: Path, note: Callable[[str], None]) -> None:
    """Saves the index as the segment of its algorithm. A cache that cannot be written is noted and fails nothing."""
    path = segment_path(folder, index.algorithm)
    columns = index.columns()
    stamp = Stamp(catalog.uuid, index.algorithm, columns.codes.shape[1])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        _write(path, stamp, columns)
    except OSError as error:
        note(f"index segment {path} cannot be saved ({error.strerror}): the next start will be slower")


def segment_path(folder: Path, algorithm: str) -> Path:
    """Where the segment of an algorithm lies: "audio/1" in ``audio-1.segment``."""
    return folder / f"{algorithm.replace('/', '-')}.segment"


def _worth_saving(saved: int, changed: int) -> bool:
    return changed > min(_CHANGED_CODES, _CHANGED_SHARE * saved)


def _saved(path: Path, stamp: Stamp, note: Callable[[str], None]) -> Columns | None:
    try:
        return _read(path, stamp)
    except FileNotFoundError:
        note(f"index segment {path} is not there yet: built from the catalog")
    except SegmentError as error:
        note(f"index segment {path} is {error}: rebuilt from the catalog")
    except OSError as error:
        note(f"index segment {path} cannot be read ({error.strerror}): rebuilt from the catalog")
    return None


def _read(path: Path, stamp: Stamp) -> Columns:
    data = np.fromfile(path, np.uint8)
    if len(data) < _HEADER.size + DIGEST_SIZE:
        raise SegmentError(f"truncated ({len(data)} bytes)")
    magic, version, width, catalog, algorithm, _, _, references, codes = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise SegmentError(f"no index segment (starts with {magic!r})")
    if version != VERSION:
        raise SegmentError(f"of another version ({version}, not {VERSION})")
    if data[-DIGEST_SIZE:].tobytes() != _digest(data[:-DIGEST_SIZE]):
        raise SegmentError("damaged (checksum)")
    found = Stamp(catalog.decode(), algorithm.rstrip(b"\0").decode(), width)
    if found != stamp:
        raise SegmentError(f"foreign ({found}, not {stamp})")
    return _columns(data[_HEADER.size : -DIGEST_SIZE], references, codes, width)


def _columns(
    data: np.ndarray[tuple[int], np.dtype[np.uint8]], references: int, n: int, width: int
) -> Columns:
    ref_ids, counts, times, codes = np.split(data, np.cumsum([8 * references, 8 * references, 8 * n]))
    return Columns(ref_ids.view("<i8"), counts.view("<i8"), times.view("<f8"), codes.reshape(n, width))


def _write(path: Path, stamp: Stamp, columns: Columns) -> None:
    """Under a temporary name, synced, then renamed: under its own name the file is whole or is not there."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
            for part in (_header(stamp, columns), *_parts(columns)):
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _header(stamp: Stamp, columns: Columns) -> bytes:
    ids = columns.ref_ids
    lowest, highest = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    return _HEADER.pack(
        MAGIC,
        VERSION,
        stamp.width,
        stamp.catalog.encode(),
        stamp.algorithm.encode(),
        lowest,
        highest,
        len(ids),
        len(columns),
    )


def _parts(columns: Columns) -> list[memoryview]:
    arrays = (
        columns.ref_ids.astype("<i8", copy=False),
        columns.counts.astype("<i8", copy=False),
        columns.times.astype("<f8", copy=False),
        columns.codes,
    )
    return [memoryview(np.ascontiguousarray(array)).cast("B") for array in arrays if array.size]


def _digest(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def _sync_folder(folder: Path) -> None:
    """Makes the renaming itself outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Deletes what a process that was killed while saving left behind."""
    for partial in path.parent.glob(f"{path.name}.*.partial"):
        if time.time() - partial.stat().st_mtime > _STALE:
            partial.unlink(missing_ok=True)
