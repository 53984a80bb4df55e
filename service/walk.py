"""All that lies in folders, as a seized drive has it: hidden files, odd names, loops, and what may not be read."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fingerprint.media import MediaError


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or what is in its place.

    size      bytes; 0 where it is no file
    modified  nanoseconds since 1970
    passed    why it is no file to read: "link" or "special"; empty for a file
    problem   why it, or a folder, cannot be read
    """

    path: Path
    size: int = 0
    modified: int = 0
    passed: str = ""
    problem: MediaError | None = None


def walk(paths: Iterable[Path]) -> Iterator[Entry]:
    """Every file below the folders, in order of their names; each folder once, symbolic links not followed.

    A path that was given may itself be a link, or a file.
    """
    visited: set[tuple[int, int]] = set()
    for path in paths:
        try:
            state = path.stat()
        except OSError as error:
            yield _unreadable(path, error)
            continue
        if stat.S_ISDIR(state.st_mode):
            yield from _below(path, state, visited)
        else:
            yield _entry(path, state)


def _below(folder: Path, state: os.stat_result, visited: set[tuple[int, int]]) -> Iterator[Entry]:
    waiting = [(folder, state)]
    while waiting:
        place, state = waiting.pop()
        # A folder can be reached twice without a link: mounted again inside itself, or given twice.
        if (state.st_dev, state.st_ino) in visited:
            continue
        visited.add((state.st_dev, state.st_ino))
        folders = []
        for path, found in _listed(place):
            if isinstance(found, OSError):
                yield _unreadable(path, found)
            elif stat.S_ISDIR(found.st_mode):
                folders.append((path, found))
            else:
                yield _entry(path, found)
        waiting += reversed(folders)


def _listed(folder: Path) -> Iterator[tuple[Path, os.stat_result | OSError]]:
    """What is in a folder, by name, each with its state or why that cannot be told."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names, which may be no Unicode text
    except OSError as error:
        yield folder, error
        return
    for name in names:
        path = folder / name
        try:
            yield path, path.lstat()
        except OSError as error:
            yield path, error


def _entry(path: Path, state: os.stat_result) -> Entry:
    if stat.S_ISLNK(state.st_mode):
        return Entry(path, passed="link")
    if not stat.S_ISREG(state.st_mode):
        return Entry(path, passed="special")
    return Entry(path, state.st_size, state.st_mtime_ns)


def _unreadable(path: Path, error: OSError) -> Entry:
    code = "not-found" if isinstance(error, FileNotFoundError) else "unreadable"
    return Entry(path, problem=MediaError(code, path.name, f"cannot be read: {error.strerror}"))
