"""Catalogs of any size for ``whorl bench scale``: the registered titles, and made codes beside them, as segments."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.enlarge import STRETCH, Enlarger, Real
from benchmarks.truth import Truth
from fingerprint.audio import SPACING
from fingerprint.extractor import WIDTHS, Extractor
from fingerprint.fingerprint import Codes
from fingerprint.media import open_media
from fingerprint.video import REFERENCE_RATE
from index.columns import Columns, seeds
from index.keyed_file import Chunk, Labels, labelled, write
from index.stored import Stamp

SEED = 20261126
# Of an hour.
CODES = {"audio": 3600 / SPACING, "video": 3600 * REFERENCE_RATE}
MADE = 1_000_000  # ids from here on are of made references
TITLE = 60  # stretches of a made reference
BATCH = 67 * TITLE  # stretches made at once: whole references

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """What is searched in: real references, and a file of made codes of which each size takes the first ones."""

    kind: str
    algorithm: str
    columns: list[Columns]
    made: Path

    @property
    def width(self) -> int:
        """Bytes of a code."""
        return WIDTHS[self.algorithm]


def enlarged(found: list[Real], kind: str, codes: int, path: Path, note: Note) -> None:
    """Writes so many made codes, one after the other."""
    enlarger = Enlarger(found, STRETCH[kind], SEED)
    left = -(-codes // STRETCH[kind])
    with path.open("wb") as file:
        while left > 0:
            file.write(enlarger.codes(min(left, BATCH)).tobytes())
            left -= BATCH
            note(f"{kind}: {left * STRETCH[kind] / 1e6:.1f} million codes to be made")


def chunks(world: World, codes: int) -> Iterator[Chunk]:
    """The real codes, then as many made ones as are missing to ``codes``."""
    yield from map(labelled, world.columns)
    missing = codes - sum(len(columns) for columns in world.columns)
    size = BATCH * STRETCH[world.kind]
    for begin in range(0, max(missing, 0), size):
        rows = np.arange(begin, min(begin + size, missing))
        made: Codes = np.fromfile(world.made, np.uint8, world.width * len(rows), offset=world.width * begin)
        yield made.reshape(-1, world.width), _label(rows, world.kind)


def _label(rows: Labels, kind: str) -> Labels:
    """Of a made code its made reference and the milliseconds at which it lies there."""
    each, spacing = STRETCH[kind] * TITLE, round(3.6e6 / CODES[kind])
    return np.asarray((MADE + rows // each) << 32 | rows % each * spacing)


def build(world: World, codes: int, folder: Path) -> dict[str, Any]:
    """Writes the catalog's codes as the segment that the engine would, and what that cost."""
    real_ids = {int(columns.ref_ids[0]) for columns in world.columns}
    made = max(0, codes - sum(len(columns) for columns in world.columns))
    last = MADE + -(-made // (STRETCH[world.kind] * TITLE))
    sha256s = {ref_id: f"{ref_id:064x}" for ref_id in [*sorted(real_ids), *range(MADE, last)]}
    stamp = Stamp("0" * 36, world.algorithm, world.width)
    wall, cpu = time.monotonic(), time.process_time()
    path = write(folder, world.kind, stamp, sha256s, chunks(world, codes))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    per_minute = codes / CODES[world.kind] * 60
    return {
        "path": str(path),
        "disk": path.stat().st_size,
        "insert_wall": wall,
        "insert_cpu": cpu,
        "hours_per_minute": per_minute / wall,
        "hours_per_cpu_minute": per_minute / cpu,
    }


def references(
    media: Path, extractor: Extractor, truths: list[Truth]
) -> tuple[list[Columns], dict[str, int]]:
    """The titles that are asked for, as they are registered; the others are among what is enlarged."""
    columns, ids = list[Columns](), dict[str, int]()
    for ref_id, file in enumerate(
        sorted({t.reference for t in truths if t.kind == extractor.kind and t.reference}), 1
    ):
        with open_media(media / file) as opened_:
            part = seeds(ref_id, extractor.reference(opened_))
        if len(part):
            columns.append(part)
            ids[file] = ref_id
    return columns, ids


def check_room(world: World, hours: int) -> None:
    """Raises RuntimeError where the disk has no room for the made codes, a segment of them, and its sorted runs."""
    # The codes, and twice these with their labels.
    needed = int(hours * CODES[world.kind] * (3 * world.width + 16) * 1.05)
    free = shutil.disk_usage(world.made.parent).free
    if free < needed:
        raise RuntimeError(
            f"{world.made.parent} has {free / 1e9:.0f} GB, {needed / 1e9:.0f} are needed: name another --cache"
        )
