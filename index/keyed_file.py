"""A keyed segment: an immutable file of codes, filed under some of their bits, for catalogs too large to scan.

Layout, little-endian: header | SHA-256 of the references' files (r * 32) | ref_ids | counts | sizes of the lists |
lists | digests of the blocks. A list holds the codes of one key, then their labels: ``ref_id << 32 | milliseconds``. The
digests are the SHA-256 of each BLOCK of all before, and the SHA-256 of these.
"""

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import faiss
import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes
from index.columns import Columns
from index.probes import keys, probes
from index.stored import SegmentError, Stamp, written

MAGIC = b"WhorlKey"
VERSION = 1
BLOCK = 1 << 23  # bytes checked at once
LIST = 128  # codes of a list, about: of 32, with twice as many looked into in the same time, recall is lower
MOST_BITS = 22  # of a key
GATHERED = 1 << 22  # codes sorted together: half a gigabyte of memory
SLICES = 64  # parts of the keys that are merged one after the other
DIGEST = 32  # bytes
# magic, version, width, bits of a key, catalog, algorithm, number of references, of codes
_HEADER = struct.Struct("<8sHHI36s32s4xQQ")

Labels = NDArray[np.int64]
Chunk = tuple[Codes, Labels]


@dataclass(frozen=True, slots=True)
class Holdings:
    """The references of a segment, r of them: ids (r,), numbers of codes (r,), SHA-256 of their files (hexadecimal)."""

    ref_ids: NDArray[np.int64]
    counts: NDArray[np.int64]
    sha256s: list[str]


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest codes of each of n: distances, and labels of which those below 0 mean none; both are (n, k)."""

    distances: NDArray[np.int32]
    labels: Labels


def labels(ref_ids: NDArray[np.int64], times: NDArray[np.float64]) -> Labels:
    """Reference and time of each code in one number; times are whole milliseconds, as they are stored."""
    return ref_ids << 32 | np.rint(times * 1000).astype(np.int64)


def labelled(columns: Columns) -> Chunk:
    """The codes of the columns with their labels."""
    return columns.codes, labels(np.repeat(columns.ref_ids, columns.counts), columns.times)


@dataclass(eq=False)
class Segment:
    """An opened file. ``gone`` are those of its references that were removed since."""

    path: Path
    stamp: Stamp
    holdings: Holdings
    sizes: NDArray[np.int64]
    start: int  # byte at which the lists begin
    gone: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        dimension = 8 * self.stamp.width
        # Asked for by FAISS and never used: which lists are looked into is told to it. It keeps no hold of it itself.
        self._unused = faiss.IndexBinaryFlat(dimension)
        self._file = faiss.IndexBinaryIVF(self._unused, dimension, len(self.sizes))
        self._file.replace_invlists(self._lists(), True)
        self._file.ntotal = self.total

    @property
    def total(self) -> int:
        """Number of codes in the file."""
        return int(self.holdings.counts.sum())

    @property
    def bits(self) -> int:
        """Bits of a key."""
        return len(self.sizes).bit_length() - 1

    def search(self, codes: Codes, reliability: NDArray[np.floating] | None, k: int, most: int) -> Found:
        """The k nearest codes of references that are not gone, as far as they lie in the likeliest lists.

        most  lists that are looked into for each code, on average
        """
        tried, wanted = probes(codes, reliability, self.bits, most), k
        while True:
            found = self._nearest(codes, tried, wanted)
            lost = np.isin(found.labels >> 32, list(self.gone)) & (found.labels >= 0)
            enough = (wanted - lost.sum(1) >= k) | (found.labels[:, -1] < 0)
            if enough.all():
                return _first(found, lost, k)
            wanted *= 2  # those who are gone took the places of others

    def _nearest(self, codes: Codes, tried: NDArray[np.int64], k: int) -> Found:
        self._file.nprobe = tried.shape[1]
        distances, found = self._file.search_preassigned(codes, k, tried, np.zeros(tried.shape, np.int32))
        return Found(distances, found)

    def _lists(self) -> faiss.OnDiskInvertedLists:
        lists = faiss.OnDiskInvertedLists()
        lists.nlist, lists.code_size = len(self.sizes), self.stamp.width
        lists.filename, lists.totsize, lists.read_only = str(self.path), self.path.stat().st_size, True
        lists.prefetch_nthread = 0  # the lists of one search are too many and too small for it
        begins = self.start + _starts(self.sizes, self.stamp.width)
        places = np.stack([self.sizes, self.sizes, begins], axis=1).astype(
            np.uint64
        )  # size, capacity, offset
        table: Any = lists.lists  # a C++ vector, which the stubs take for a list
        table.resize(len(places))
        faiss.memcpy(table.data(), faiss.swig_ptr(places), places.nbytes)
        lists.do_mmap()
        lists.this.disown()  # type: ignore[attr-defined]  # SWIG adds it
        return lists

    def chunks(self, codes: int) -> Iterator[Chunk]:
        """What it holds of references that are not gone, about so many codes at a time, list after list."""
        ends = np.cumsum(self.sizes)
        lists = np.memmap(self.path, "<u8", "r", self.start, (int(ends[-1]) * (self.stamp.width // 8 + 1),))
        first = 0
        while first < len(ends):
            base = ends[first] - self.sizes[first]
            last = max(first + 1, int(np.searchsorted(ends, base + codes, side="right")))
            yield _without(_split(lists, self.sizes, first, last, self.stamp.width // 8), self.gone)
            first = last


def _first(found: Found, lost: NDArray[np.bool_], k: int) -> Found:
    """The k nearest that are not lost; of equals the one registered first."""
    none = lost | (found.labels < 0)
    distances = np.where(none, np.iinfo(np.int32).max, found.distances)
    order = np.lexsort((found.labels, distances), axis=1)[:, :k]
    labels_ = np.take_along_axis(np.where(none, -1, found.labels), order, 1)
    return Found(np.take_along_axis(distances, order, 1), labels_)


def _starts(sizes: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Bytes before each list."""
    return (np.cumsum(sizes) - sizes) * (width + 8)


def _split(lists: NDArray[np.uint64], sizes: NDArray[np.int64], first: int, last: int, words: int) -> Chunk:
    before = int(sizes[:first].sum()) * (words + 1)
    own = sizes[first:last]
    part = np.asarray(lists[before : before + int(own.sum()) * (words + 1)])
    code_words, label_words = _layout(own, words)
    codes = part[code_words[:, None] + np.arange(words)]
    return codes.view(np.uint8).reshape(len(label_words), 8 * words), part[label_words].view(np.int64)


def _layout(sizes: NDArray[np.int64], words: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the codes of lists one after another: first word of the code, and word of the label."""
    begins = np.cumsum(sizes) - sizes
    ranks = np.arange(int(sizes.sum())) - np.repeat(begins, sizes)
    bases = np.repeat(begins * (words + 1), sizes)
    return bases + ranks * words, bases + np.repeat(sizes * words, sizes) + ranks


def _without(chunk: Chunk, gone: set[int]) -> Chunk:
    if not gone:
        return chunk
    kept = ~np.isin(chunk[1] >> 32, list(gone))
    return chunk[0][kept], chunk[1][kept]


def key_bits(codes: int) -> int:
    """Bits of a key with which lists of so many codes hold LIST or a little more."""
    return min(MOST_BITS, max(0, (codes // LIST).bit_length() - 1))


def write(folder: Path, name: str, stamp: Stamp, sha256s: dict[int, str], chunks: Iterable[Chunk]) -> Path:
    """Writes the codes of these references, given in chunks in any order; memory stays flat.

    sha256s  of their files, by reference, ascending
    Gives the path: ``name`` and a digest of what the file holds.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        runs = _Runs(file, stamp.width, np.fromiter(sha256s, np.int64, len(sha256s)))
        for codes, marks in _gathered(chunks):
            runs.add(codes, marks)
        sizes = runs.finest.reshape(1 << key_bits(int(runs.counts.sum())), -1).sum(1)
        head = _head(stamp, Holdings(runs.ref_ids, runs.counts, list(sha256s.values())), sizes)
        path = folder / f"{name}-{hashlib.sha256(head).hexdigest()[:16]}.keys"
        with written(path) as partial:
            with partial.open("wb") as whole:
                whole.write(head)
                for lists in runs.merged(sizes):
                    whole.write(lists.data)
                size = whole.tell()
            with partial.open("ab") as whole:
                whole.write(_digests(partial, size))
    return path


class _Runs:
    """Codes sorted by key, GATHERED at a time, in a temporary file; then all of them, one slice of the keys at a time.

    counts  (r,): codes of each reference
    finest  (2**MOST_BITS,): codes of each key of MOST_BITS
    """

    def __init__(self, file: IO[bytes], width: int, ref_ids: NDArray[np.int64]) -> None:
        self._file, self._width, self.ref_ids = file, width, ref_ids
        self.counts, self.finest = np.zeros(len(ref_ids), np.int64), np.zeros(1 << MOST_BITS, np.int64)
        self._runs: list[tuple[int, NDArray[np.int64]]] = []

    def add(self, codes: Codes, marks: Labels) -> None:
        """Writes a run."""
        own = keys(codes, MOST_BITS)
        order = np.argsort(own, kind="stable")
        edges = np.arange(SLICES + 1) * (1 << MOST_BITS) // SLICES
        self._runs.append((self._file.tell(), np.searchsorted(own[order], edges)))
        self._file.write(codes[order].data)
        self._file.write(marks[order].data)
        self.counts += np.bincount(np.searchsorted(self.ref_ids, marks >> 32), minlength=len(self.ref_ids))
        self.finest += np.bincount(own, minlength=len(self.finest))

    def merged(self, sizes: NDArray[np.int64]) -> Iterator[NDArray[np.uint64]]:
        """The lists of these sizes one after another, those of a slice at a time."""
        bits, words = len(sizes).bit_length() - 1, self._width // 8
        for part in range(slices := min(SLICES, len(sizes))):
            own_sizes = sizes.reshape(slices, -1)[part]
            codes, marks = self._slice(part * SLICES // slices, (part + 1) * SLICES // slices)
            order = np.argsort(keys(codes, bits), kind="stable")
            lists = np.empty(len(codes) * (words + 1), np.uint64)
            code_words, label_words = _layout(own_sizes, words)
            lists[code_words[:, None] + np.arange(words)] = codes[order].view(np.uint64)
            lists[label_words] = marks[order].view(np.uint64)
            yield lists

    def _slice(self, first: int, last: int) -> Chunk:
        parts: list[Chunk] = [(np.empty((0, self._width), np.uint8), np.empty(0, np.int64))]
        for start, edges in self._runs:
            low, n, total = int(edges[first]), int(edges[last] - edges[first]), int(edges[-1])
            self._file.seek(start + low * self._width)
            codes = np.frombuffer(self._file.read(n * self._width), np.uint8).reshape(n, self._width)
            self._file.seek(start + total * self._width + low * 8)
            parts.append((codes, np.frombuffer(self._file.read(n * 8), np.int64)))
        return _joined(parts)


def _head(stamp: Stamp, holdings: Holdings, sizes: NDArray[np.int64]) -> bytes:
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        stamp.width,
        len(sizes).bit_length() - 1,
        stamp.catalog.encode(),
        stamp.algorithm.encode(),
        len(holdings.ref_ids),
        int(sizes.sum()),
    )
    sections = (holdings.ref_ids, holdings.counts, sizes)
    return b"".join(
        [header, bytes.fromhex("".join(holdings.sha256s)), *(s.astype("<i8").tobytes() for s in sections)]
    )


def _gathered(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same in chunks of GATHERED codes or more."""
    held: list[Chunk] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(len(marks) for _, marks in held) >= GATHERED:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(held: list[Chunk]) -> Chunk:
    return np.concatenate([codes for codes, _ in held]), np.concatenate([marks for _, marks in held])


def opened(path: Path, stamp: Stamp) -> Segment:
    """The segment in the file, after all of it was checked. Raises SegmentError, or OSError as it is."""
    with path.open("rb") as file:
        bits, references = _checked(path, file.read(_HEADER.size), stamp)
        sha256s = [file.read(32).hex() for _ in range(references)]
        ref_ids, counts, sizes = (
            np.frombuffer(file.read(8 * n), "<i8").astype(np.int64)
            for n in (references, references, 1 << bits)
        )
        return Segment(path, stamp, Holdings(ref_ids, counts, sha256s), sizes, file.tell())


def _checked(path: Path, head: bytes, stamp: Stamp) -> tuple[int, int]:
    """Bits of a key and number of references, when the file is whole and has this stamp. Raises SegmentError."""
    size = path.stat().st_size
    if size < _HEADER.size + DIGEST:
        raise SegmentError(f"truncated ({size} bytes)")
    magic, version, width, bits, catalog, algorithm, references, _ = _HEADER.unpack(head)
    if magic != MAGIC:
        raise SegmentError(f"no index segment (starts with {magic!r})")
    if version != VERSION:
        raise SegmentError(f"of another version ({version}, not {VERSION})")
    with path.open("rb") as file:
        file.seek(_body(size))
        if file.read() != _digests(path, _body(size)):
            raise SegmentError("damaged (checksum)")
    found = Stamp(catalog.decode(), algorithm.rstrip(b"\0").decode(), width)
    if found != stamp:
        raise SegmentError(f"foreign ({found}, not {stamp})")
    return bits, references


def _body(size: int) -> int:
    """Bytes before the digests in a file of this size: b with b + DIGEST * (ceil(b / BLOCK) + 1) = size."""
    blocks = -(-(size - DIGEST) // (BLOCK + DIGEST))
    return size - DIGEST * (blocks + 1)


def _digests(path: Path, size: int) -> bytes:
    """Those of the first ``size`` bytes of the file; on all cores, for ten thousand hours are six gigabytes."""
    with path.open("rb") as file, ThreadPoolExecutor() as pool:

        def digest(start: int) -> bytes:
            block = os.pread(file.fileno(), min(BLOCK, size - start), start)
            return hashlib.sha256(block).digest()

        blocks = b"".join(pool.map(digest, range(0, size, BLOCK)))
        return blocks + hashlib.sha256(blocks).digest()
