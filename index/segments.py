"""Saved index segments: one immutable file an algorithm, so that a match need not read every fingerprint.

A segment is a cache of the catalog and never trusted over it. Layout, little-endian: header | SHA-256 of
the references' files | ref_ids | counts | times | codes | BLAKE2b of all before. The files' SHA-256 are
there because a catalog put back from a backup gives the same ids to other files.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.columns import Columns, only
from index.index import INDEXES, Index
from index.keyed_store import Store
from index.stored import SegmentError, Stamp, sweep, written

Bytes = NDArray[np.uint8]

MAGIC = b"WhorlSeg"
VERSION = 1
DIGEST_SIZE = 32
# magic, version, width, catalog, algorithm, lowest and highest reference, number of references, of codes
_HEADER = struct.Struct("<8sHH36s32sqqQQ")
# Codes that are all compared with each of a query: with more, 10 s of sound would take longer than a quarter of a second.
SCANNED = 1_000_000
# Codes that came or went since the segment was saved: more than these are worth writing it anew.
_CHANGED_CODES = 50_000
_CHANGED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Saved:
    """What a segment holds: codes, and the SHA-256 of the file of each of their references, in order."""

    columns: Columns
    sha256s: list[str]


def load_index(
    catalog: Catalog, algorithm: str, width: int, folder: Path, note: Callable[[str], None]
) -> Index:
    """The index of all codes of the algorithm: from the saved segment where it holds, else from the catalog.

    Up to SCANNED codes it is exact; more are filed under keys.

    Whatever is wrong with the segment, the index is right: references removed since are left out, those
    added since are read from the catalog. ``note`` is told, in one line, of a segment that was refused or
    could not be saved.
    """
    if sum(catalog.counts(algorithm).values()) > SCANNED:
        return Store(catalog, Stamp(catalog.uuid, algorithm, width), folder, note).load()
    index = INDEXES["faiss"](algorithm, width)
    live = catalog.sha256s(algorithm)
    if not live:
        return index
    saved = _saved(segment_path(folder, algorithm), Stamp(catalog.uuid, algorithm, width), note)
    known = _known(saved, live) if saved else set()
    if saved:
        index.extend(only(saved.columns, known))
    kept = len(index)
    if live.keys() > known:
        for ref_id, fingerprint in catalog.fingerprints(algorithm, after=max(known, default=0)):
            index.add(ref_id, fingerprint)
    if saved is None or _worth_saving(len(saved.columns), len(saved.columns) - kept, len(index) - kept):
        save_index(index, catalog, folder, note)
    return index


def save_index(index: Index, catalog: Catalog, folder: Path, note: Callable[[str], None]) -> None:
    """Saves the index as the segment of its algorithm. A cache that cannot be written is noted, no more.

    An empty index is not saved: there is nothing to wait for.
    """
    path = segment_path(folder, index.algorithm)
    columns = index.columns()
    if not len(columns.ref_ids):
        return
    live = catalog.sha256s(index.algorithm)
    # A reference that was removed meanwhile gets no SHA-256, and is left out when the segment is loaded.
    saved = Saved(columns, [live.get(ref_id, "") for ref_id in columns.ref_ids.tolist()])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, path.name)
        _write(path, Stamp(catalog.uuid, index.algorithm, columns.codes.shape[1]), saved)
    except OSError as error:
        note(f"index segment {path} cannot be saved ({error.strerror}): the next start will be slower")


def segment_path(folder: Path, algorithm: str) -> Path:
    """Where the segment of an algorithm lies: that of "audio/1" in ``audio-1.segment``."""
    return folder / f"{algorithm.replace('/', '-')}.segment"


def _known(saved: Saved, live: dict[int, str]) -> set[int]:
    """The references of the segment that are still those of the catalog, up to the first that it lacks.

    Not those after it: references must enter in ascending order, for of equally near codes the first one is
    found, and the answers may not depend on what was saved when.
    """
    pairs = zip(saved.columns.ref_ids.tolist(), saved.sha256s, strict=True)
    same = {ref_id for ref_id, sha256 in pairs if live.get(ref_id) == sha256}
    first_missing = min(live.keys() - same, default=None)
    return {ref_id for ref_id in same if first_missing is None or ref_id < first_missing}


def _worth_saving(saved: int, lost: int, new: int) -> bool:
    return lost + new > min(_CHANGED_CODES, _CHANGED_SHARE * saved)


def _saved(path: Path, stamp: Stamp, note: Callable[[str], None]) -> Saved | None:
    try:
        return _read(path, stamp)
    except FileNotFoundError:
        pass  # as at the first start: nothing to tell anybody
    except SegmentError as error:
        note(f"index segment {path} is {error}: rebuilt from the catalog")
    except OSError as error:
        note(f"index segment {path} cannot be read ({error.strerror}): rebuilt from the catalog")
    return None


def _read(path: Path, stamp: Stamp) -> Saved:
    data: Bytes = np.fromfile(path, np.uint8)
    if len(data) < _HEADER.size + DIGEST_SIZE:
        raise SegmentError(f"truncated ({len(data)} bytes)")
    magic, version, width, catalog, algorithm, _, _, references, codes = _HEADER.unpack_from(data.data)
    if magic != MAGIC:
        raise SegmentError(f"no index segment (starts with {magic!r})")
    if version != VERSION:
        raise SegmentError(f"of another version ({version}, not {VERSION})")
    if data[-DIGEST_SIZE:].tobytes() != _digest(data[:-DIGEST_SIZE]):
        raise SegmentError("damaged (checksum)")
    found = Stamp(catalog.decode(), algorithm.rstrip(b"\0").decode(), width)
    if found != stamp:
        raise SegmentError(f"foreign ({found}, not {stamp})")
    return _sections(data[_HEADER.size : -DIGEST_SIZE], references, codes, width)


def _sections(data: Bytes, references: int, n: int, width: int) -> Saved:
    ends = np.cumsum([64 * references, 8 * references, 8 * references, 8 * n])
    sha256s, ref_ids, counts, times, codes = np.split(data, ends)
    # The codes stay a view, for the index copies them; views of the others would keep the file in memory.
    labels = (ref_ids.view("<i8").copy(), counts.view("<i8").copy(), times.view("<f8").copy())
    columns = Columns(*labels, codes.reshape(n, width))
    return Saved(columns, [sha256.decode() for sha256 in sha256s.view("S64").tolist()])


def _write(path: Path, stamp: Stamp, saved: Saved) -> None:
    with written(path) as partial, partial.open("wb") as file:
        digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
        for part in _parts(stamp, saved):
            digest.update(part)
            file.write(part)
        file.write(digest.digest())


def _parts(stamp: Stamp, saved: Saved) -> list[bytes | memoryview]:
    columns = saved.columns
    arrays = (
        np.array(saved.sha256s, "S64"),
        columns.ref_ids.astype("<i8", copy=False),
        columns.counts.astype("<i8", copy=False),
        columns.times.astype("<f8", copy=False),
        columns.codes,
    )
    sections = [np.ascontiguousarray(array).data.cast("B") for array in arrays if array.size]
    return [_header(stamp, columns), *sections]


def _header(stamp: Stamp, columns: Columns) -> bytes:
    return _HEADER.pack(
        MAGIC,
        VERSION,
        stamp.width,
        stamp.catalog.encode(),
        stamp.algorithm.encode(),
        int(columns.ref_ids.min()),
        int(columns.ref_ids.max()),
        len(columns.ref_ids),
        len(columns),
    )


def _digest(data: Bytes) -> bytes:
    return hashlib.blake2b(data.data, digest_size=DIGEST_SIZE).digest()
