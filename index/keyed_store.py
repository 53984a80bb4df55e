"""Keyed segments beside a catalog: opened, checked, healed from the catalog, and merged as it grows.

The files need no list of them: each tells what references it holds, and its name is a digest of that. Of two that
overlap, as a process leaves that was killed between writing a merged one and deleting its parts, the one that holds
more is taken.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.columns import Columns, join, seeds
from index.keyed_file import Chunk, Segment, labelled, opened, write
from index.keyed_index import CHUNK, KeyedIndex
from index.stored import SegmentError, Stamp, sweep

TAIL = 100_000  # codes that are scanned: more are worth a segment
GROWTH = 2  # a segment is merged with all smaller ones when they hold a half of its codes together
SPOILED = 0.2  # share of a segment's codes that may be of removed references

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Store:
    """The segments of one algorithm of a catalog, in a folder. ``note`` is told of files refused or not written."""

    catalog: Catalog
    stamp: Stamp
    folder: Path
    note: Note

    def load(self) -> KeyedIndex:
        """The index of all codes of the algorithm: from the segments where they hold, else from the catalog."""
        live = self.catalog.sha256s(self.stamp.algorithm)
        segments, refused = self._opened(live)
        missing = live.keys() - _held(segments)
        if refused or self._worth_writing(segments, missing):
            segments = self._grown(segments, live, missing)
            missing = live.keys() - _held(segments)
        index = KeyedIndex(self.stamp.algorithm, self.stamp.width, segments)
        for columns in self._from_catalog(missing):
            index.extend(columns)
        return index

    def _opened(self, live: dict[int, str]) -> tuple[list[Segment], bool]:
        """The segments that can be used, largest first, none that overlaps a larger one, and whether any was refused."""
        found, refused = list[Segment](), False
        for path in sorted(self.folder.glob(self._names)):
            try:
                segment = opened(path, self.stamp)
            except FileNotFoundError:
                continue  # merged by another process a moment ago: what it held is read from the catalog
            except (SegmentError, OSError) as error:
                reason = (
                    f"is {error}" if isinstance(error, SegmentError) else f"cannot be read ({error.strerror})"
                )
                self.note(f"index segment {path} {reason}: rebuilt from the catalog")
                refused = True
                continue
            segment.gone = _gone(segment, live)
            found.append(segment)
        kept: list[Segment] = []
        for segment in sorted(found, key=lambda s: -s.total):
            if not _held([segment]) & _held(kept):
                kept.append(segment)
        return kept, refused or len(kept) < len(found)

    def _worth_writing(self, segments: list[Segment], missing: set[int]) -> bool:
        counts = self.catalog.counts(self.stamp.algorithm) if missing else {}
        # A reference removed since has no count: nothing of it is worth writing.
        new = sum(counts.get(ref_id, 0) for ref_id in missing)
        return new > TAIL or any(_spoiled(segment) for segment in segments)

    def _grown(self, segments: list[Segment], live: dict[int, str], missing: set[int]) -> list[Segment]:
        """The segments after what is missing was written into a new one, with those that it outgrows merged into it.

        A cache that cannot be written is noted, no more.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _lock(self.folder / "lock"):
                sweep(self.folder, self._names)
                return self._merged(segments, live, missing)
        except BlockingIOError:
            self.note(
                f"index folder {self.folder} is being written by another process: searching goes on without"
            )
        except OSError as error:
            self.note(
                f"index folder {self.folder} cannot be written ({error.strerror}): searching will be slower"
            )
        return segments

    def _merged(self, segments: list[Segment], live: dict[int, str], missing: set[int]) -> list[Segment]:
        counts = self.catalog.counts(self.stamp.algorithm)
        kept, merged = _outgrown(segments, sum(counts.get(ref_id, 0) for ref_id in missing))
        parts = _held(merged) | missing
        if parts:

            def chunks() -> Iterator[Chunk]:
                for segment in merged:
                    yield from segment.chunks(CHUNK)
                yield from map(labelled, self._from_catalog(missing))

            sha256s = {ref_id: live[ref_id] for ref_id in sorted(parts)}
            kept = [*kept, opened(write(self.folder, self._name, self.stamp, sha256s, chunks()), self.stamp)]
        for path in self.folder.glob(self._names):
            if path not in {segment.path for segment in kept}:
                path.unlink()
        return kept

    def _from_catalog(self, ref_ids: set[int]) -> Iterator[Columns]:
        """The codes of these references, ascending, about CHUNK of them at a time."""
        held: list[Columns] = []
        if ref_ids:
            for ref_id, fingerprint in self.catalog.fingerprints(
                self.stamp.algorithm, after=min(ref_ids) - 1
            ):
                if ref_id not in ref_ids:
                    continue
                held.append(seeds(ref_id, fingerprint))
                if sum(len(columns) for columns in held) >= CHUNK:
                    yield join(held)
                    held = []
        if held:
            yield join(held)

    @property
    def _name(self) -> str:
        return self.stamp.algorithm.replace("/", "-")

    @property
    def _names(self) -> str:
        return f"{self._name}-*.keys"


def _held(segments: list[Segment]) -> set[int]:
    """The references of the segments that are not gone."""
    return {ref_id for s in segments for ref_id in s.holdings.ref_ids.tolist() if ref_id not in s.gone}


def _gone(segment: Segment, live: dict[int, str]) -> set[int]:
    pairs = zip(segment.holdings.ref_ids.tolist(), segment.holdings.sha256s, strict=True)
    return {ref_id for ref_id, sha256 in pairs if live.get(ref_id) != sha256}


def _spoiled(segment: Segment) -> bool:
    lost = segment.holdings.counts[np.isin(segment.holdings.ref_ids, list(segment.gone))].sum()
    return bool(lost > SPOILED * segment.total)


def _outgrown(segments: list[Segment], new: int) -> tuple[list[Segment], list[Segment]]:
    """(kept, merged) of segments, largest first, when so many codes are new; spoiled ones are merged anyhow."""
    at = len(segments)
    for i in range(len(segments) - 1, -1, -1):
        if segments[i].total <= GROWTH * (new + sum(segment.total for segment in segments[i + 1 :])):
            at = i
    merged = [s for i, s in enumerate(segments) if i >= at or _spoiled(s)]
    return [s for s in segments if s not in merged], merged


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held by one process at a time. Raises BlockingIOError when another one holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
