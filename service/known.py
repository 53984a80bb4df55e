"""Sets of known files, by their hashes: what a system or a game installs need not be examined."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from service.inputs import InputError

SIZES = {16: "md5", 20: "sha1", 32: "sha256"}  # bytes of a hash -> its algorithm
BOM = "\xef\xbb\xbf"  # what some editors write before UTF-8, as Latin-1
NSRL = "SHA-1"  # the first column's name in NSRLFile.txt


class KnownFiles:
    """The hashes of files that are passed over."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        """Reads lists of hexadecimal hashes, one a line, or NSRL's table NSRLFile.txt. Raises InputError."""
        gathered = {size: bytearray() for size in SIZES}
        for path in paths:
            for digest in _read(path):
                gathered[len(digest)] += digest
        # Sorted and packed, for a set of objects would take five times the memory of NSRL's forty million.
        self._sorted: dict[str, NDArray[np.void]] = {
            SIZES[size]: np.unique(np.frombuffer(bytes(found), f"S{size}"))
            for size, found in gathered.items()
            if found
        }

    def __len__(self) -> int:
        return sum(map(len, self._sorted.values()))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The hashes that a file must have to be looked up."""
        return tuple(self._sorted)

    def holds(self, digests: dict[str, str]) -> bool:
        """Whether a file is known, by its hexadecimal hashes."""
        return any(self._has(name, bytes.fromhex(digests[name])) for name in self._sorted)

    def _has(self, name: str, digest: bytes) -> bool:
        known = self._sorted[name]
        sought = np.array([digest], known.dtype)
        place = int(np.searchsorted(known, sought)[0])
        return place < len(known) and bool(known[place] == sought[0])


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open(encoding="latin-1", newline="") as file:
            yield from _digests(file, path)
    except OSError as error:
        raise InputError(f"hashes {path} cannot be read: {error.strerror}") from None


def _digests(file: TextIO, path: Path) -> Iterator[bytes]:
    first = file.readline().removeprefix(BOM)
    place = _nsrl_place(first)
    texts = _lines(chain([first], file)) if place is None else _column(file, place)
    number = 0 if place is None else 1
    try:
        for text in texts:
            number += 1
            if text:
                yield _digest(text, path, number)
    except csv.Error as error:
        raise InputError(f"hashes {path}, line {number + 1}: {error}") from None


def _nsrl_place(header: str) -> int | None:
    """Which column of NSRL's table has the SHA-1; None for a list, whatever its first line speaks of."""
    try:
        names = [name.strip() for row in csv.reader([header]) for name in row]
    except csv.Error:
        return None
    return names.index(NSRL) if NSRL in names else None


def _column(file: Iterable[str], place: int) -> Iterator[str]:
    """The SHA-1 of each row of NSRL's table."""
    return (row[place] if len(row) > place else "" for row in csv.reader(file))


def _lines(file: Iterable[str]) -> Iterator[str]:
    """The first word of each line: a name may follow, as `sha256sum` writes it; # begins a comment."""
    return ("".join(line.partition("#")[0].split()[:1]) for line in file)


def _digest(text: str, path: Path, number: int) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) not in SIZES:
        raise InputError(
            f"hashes {path}, line {number}: {text[:80]!r} is no MD5, SHA-1 or SHA-256 in hexadecimal"
        )
    return digest
