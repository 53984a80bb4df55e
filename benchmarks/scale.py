"""The index against its size: time of a query, recall, memory, disk, insert rate and start-up, to 10,000 hours.

    python -m benchmarks.scale [--kind audio] [--hours 10 100 1000 10000]

Catalogs are the real codes of the registered titles, enlarged (``benchmarks/enlarge.py``). Queries are the attacked
excerpts of the accuracy benchmark, each under the disguise that the engine would have to assume. A query counts as
found when a line of its candidates is one of its reference; ``placed`` tells how many run within NEAR of the true one. Asked
are those that exhaustive search finds in the smallest catalog; recall is the share found of those that it finds in the
larger one too: those missed are searched for exhaustively, those found it is taken to find, and what it misses it is taken
to miss in any larger one. Strangers, whose works nobody registered, are timed beside them.
Times are CPU seconds of one thread beside wall seconds, for others may use the machine. Prints a table, and writes
``scale.json`` and ``scale.png`` into ``benchmarks/results``.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.status import Status

from benchmarks import plots
from benchmarks.accuracy import RESULTS, print_figures
from benchmarks.catalogs import CODES, SEED, Note, World, build, check_room, chunks, enlarged, references
from benchmarks.corpus import media_folder
from benchmarks.enlarge import STRETCH, Enlarger, likeness, real
from benchmarks.queries import default_cache, queries
from benchmarks.scale_rows import figures
from benchmarks.taken import noted
from benchmarks.truth import STRANGER, Truth
from fingerprint.audio import HYPOTHESES
from fingerprint.extractor import EXTRACTORS, WIDTHS, Extractor
from fingerprint.fingerprint import PLAIN, Disguise, Query
from fingerprint.media import open_media, windows
from index.faiss_index import nearest, on_threads
from index.hits import Hits
from index.index import Index
from index.keyed_file import Labels, opened
from index.keyed_index import KeyedIndex
from index.segments import SCANNED
from index.stored import Stamp
from matching.align import lines
from matching.search import LINES, NEAREST

HOURS = (10, 100, 1000, 10000)
NEAR = 1.0  # seconds of the reference
REFERENCE, PLACE = 1, 2  # what candidates tell
STRANGERS = 20  # queries
TIMED = 100  # queries, about, that are asked again when all were asked once, and so warm
LENGTH = {"audio": 10.0, "video": 5.0}
PITCHES = {
    "pitch-up-1": 1.0,
    "quarter-tone": 0.5,
    "pitch-up-3": 3.0,
    "pitch-down-4": -4.0,
}  # of audio attacks

Distances = NDArray[np.int32]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """An attacked excerpt under the disguise that undoes it best, without weak codes; and where it is."""

    truth: Truth
    query: Query
    ref_id: int


def assumed(truth: Truth, extractor: Extractor) -> Disguise:
    """The one of the engine's disguises that comes nearest to what was done."""
    if extractor.kind == "video":
        return Disguise(mirror="mirror" in truth.group)
    speeds = 12 * np.log2(truth.time_scale) if "speed" in truth.group else 0.0
    pitch = PITCHES.get(truth.group.removeprefix("audio-"), speeds)
    if pitch == 0 and truth.time_scale == 1:
        return PLAIN
    return min(
        HYPOTHESES,
        key=lambda d: abs(d.pitch - pitch) + 30 * abs(float(np.log(d.time_scale / truth.time_scale))),
    )


def asked(extractor: Extractor, folder: Path, truths: list[Truth], ids: dict[str, int]) -> Iterator[Asked]:
    """The queries of the extractor's kind; with no ``ids``, the first STRANGERS of strangers."""
    wanted = [t for t in truths if (t.kind, t.length) == (extractor.kind, LENGTH[extractor.kind])]
    strangers = [truth for truth in wanted if truth.group == STRANGER][:STRANGERS]
    for truth in [truth for truth in wanted if truth.reference in ids] if ids else strangers:
        with open_media(folder / truth.query) as media:
            _, clip = next(windows(media, extractor.kind, extractor.window, extractor.rate))
            query = extractor.query(clip, assumed(truth, extractor))
        strong = ~query.fingerprint.weak
        kept = replace(
            query.fingerprint,
            times=query.fingerprint.times[strong],
            codes=query.fingerprint.codes[strong],
            weak=query.fingerprint.weak[strong],
        )
        if len(kept):
            dense = Query(kept, query.reliability[strong], query.disguise)
            yield Asked(truth, dense, ids.get(truth.reference, 0))


def exhaustive(world: World, codes: int, questions: list[Asked], extractor: Extractor) -> list[int]:
    """How well the candidates tell of each (``located``) when all codes are compared with all."""
    if not questions:
        return []
    asked_codes = np.concatenate([one.query.fingerprint.codes for one in questions])
    distances = np.full((len(asked_codes), NEAREST), np.iinfo(np.int32).max, np.int32)
    marks = np.full(distances.shape, -1, np.int64)
    for part, own in chunks(world, codes):
        near, rows = nearest(part, asked_codes, NEAREST)
        near = np.concatenate([distances, np.where(rows < 0, distances.max(), near)], axis=1)
        both = np.concatenate([marks, np.where(rows < 0, -1, own[rows])], axis=1)
        order = np.argsort(near, axis=1, kind="stable")[:, :NEAREST]
        distances, marks = np.take_along_axis(near, order, 1), np.take_along_axis(both, order, 1)
    ends = np.cumsum([len(one.query.fingerprint) for one in questions])[:-1]
    split = zip(questions, np.split(distances, ends), np.split(marks, ends), strict=True)
    return [located(_hits(one, near, own), one, extractor) for one, near, own in split]


def _hits(one: Asked, distances: Distances, marks: Labels) -> Hits:
    rows, ranks = np.nonzero(marks >= 0)
    picked = marks[rows, ranks]
    times = one.query.fingerprint.times[rows]
    return Hits(picked >> 32, times, (picked & 0xFFFFFFFF) / 1000, distances[rows, ranks])


def found(index: Index, one: Asked, extractor: Extractor) -> int:
    """How well the candidates tell of a query."""
    return located(_search(index, one), one, extractor)


def _search(index: Index, one: Asked) -> Hits:
    return index.search(one.query.fingerprint, NEAREST, one.query.reliability, patient=True)


def located(hits: Hits, one: Asked, extractor: Extractor) -> int:
    """What the engine's candidates of these hits tell: 0 the wrong ones, REFERENCE the true one, PLACE and where in it."""
    hits, best = replace(hits, disguise=one.query.disguise), 0
    for line in lines(hits, 8 * WIDTHS[extractor.algorithm], extractor.tolerance, LINES):
        if line.ref_id == one.ref_id:
            apart = line.time_scale * line.middle + line.offset - one.truth.ref_start
            near = abs(apart - one.truth.time_scale * line.middle) <= NEAR
            best = max(best, PLACE if near else REFERENCE)
    return best


def searched(path: str, algorithm: str, questions: list[Asked], strangers: list[Asked]) -> dict[str, Any]:
    """Opens a segment in a process of its own and asks everything, on one thread."""
    on_threads(1)
    extractor = EXTRACTORS[algorithm]()
    wall, cpu = time.monotonic(), time.process_time()
    width = WIDTHS[algorithm]
    index = KeyedIndex(algorithm, width, [opened(Path(path), Stamp("0" * 36, algorithm, width))])
    hit = [found(index, questions[0], extractor)]
    start = {"start_wall": time.monotonic() - wall, "start_cpu": time.process_time() - cpu}
    hit += [found(index, one, extractor) for one in questions[1:]]
    alone = _times(index, questions) | {"strangers": _times(index, strangers)}
    on_threads(os.cpu_count() or 1)
    return {**start, "found": hit, **alone, "all_cores": _times(index, questions), "resident": _resident()}


def _times(index: Index, questions: list[Asked]) -> dict[str, Any]:
    """Seconds that a warm search takes."""
    walls, cpus = [], []
    for one in questions[:: max(1, len(questions) // TIMED)]:
        wall, cpu = time.monotonic(), time.process_time()
        _search(index, one)
        walls.append(time.monotonic() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        f"{name}_p{q}": float(np.percentile(values, q))
        for name, values in (("wall", walls), ("cpu", cpus))
        for q in (50, 99)
    }


def _resident() -> int:
    """Most bytes that the process held, mapped pages of the segment among them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measured(world: World, hours: int, questions: list[Asked], strangers: list[Asked], note: Note) -> Row:
    """One size: built, searched in a fresh process, and deleted; what it misses is searched for exhaustively."""
    codes = int(hours * CODES[world.kind])
    with tempfile.TemporaryDirectory(dir=world.made.parent) as folder:
        note(f"{world.kind}: building {hours} hours")
        row = {"hours": hours, "codes": codes, **build(world, codes, Path(folder))}
        note(f"{world.kind}: searching {hours} hours")
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            row |= pool.submit(searched, row.pop("path"), world.algorithm, questions, strangers).result()
    levels = row.pop("found")
    missed = [one for level, one in zip(levels, questions, strict=True) if not level]
    note(f"{world.kind}: exhaustive search of {hours} hours for the {len(missed)} that were missed")
    cpu = time.process_time()
    there = exhaustive(world, codes, missed, EXTRACTORS[world.algorithm]())
    wanted = [one.truth.query for one, level in zip(missed, there, strict=True) if level]
    hits = len(questions) - len(missed)
    return row | {
        "recall": {"hits": hits, "placed": levels.count(PLACE), "total": hits + len(wanted)},
        "missed": wanted,
        "missed_by_both": [one.truth.query for one in missed if one.truth.query not in wanted],
        "exhaustive_cpu": (time.process_time() - cpu) / max(1, len(missed)),
    }


def measure(kind: str, hours: list[int], cache: Path, note: Note) -> dict[str, Any]:
    """All sizes of one kind."""
    media = media_folder()
    algorithm, extractor = next(
        (a, e) for a, e in ((a, m()) for a, m in EXTRACTORS.items()) if e.kind == kind
    )
    note(f"{kind}: fingerprints of the registered titles")
    folder, truths = queries(media, cache, note)
    columns, ids = references(media, extractor, truths)
    titles_ = list(real(media, extractor))
    note(f"{kind}: codes of the queries")
    questions, strangers = (list(asked(extractor, folder, truths, of)) for of in (ids, {}))
    report: dict[str, Any] = {
        "likeness": likeness(titles_, Enlarger(titles_, STRETCH[kind], SEED + 1), SEED),
        "queries": len(questions),
        "strangers": len(strangers),
    }
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        world = World(kind, algorithm, columns, Path(temporary) / "made")
        check_room(world, max(hours))
        enlarged(titles_, kind, int(max(hours) * CODES[kind]), world.made, note)
        note(f"{kind}: exhaustive search of {min(hours)} hours")
        there = exhaustive(world, int(min(hours) * CODES[kind]), questions, extractor)
        report["findable"] = sum(level > 0 for level in there)
        findable = [one for one, level in zip(questions, there, strict=True) if level]
        report["sizes"] = []
        for size in sorted(hours):
            row = measured(world, size, findable, strangers, note)
            report["sizes"].append(row)
            findable = [one for one in findable if one.truth.query not in row["missed_by_both"]]
    return report


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="whorl bench scale", description=str(__doc__).split("\n")[0])
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="folder for queries and made codes"
    )
    parser.add_argument("--kind", action="append", choices=sorted(CODES), help="all unless given")
    parser.add_argument("--hours", type=int, nargs="+", default=list(HOURS))
    arguments = parser.parse_args()
    report: dict[str, Any] = {"scanned": SCANNED}
    with Status("starting", console=Console(stderr=True)) as status:
        for kind in arguments.kind or sorted(CODES):
            report[kind] = measure(kind, arguments.hours, arguments.cache, status.update)
            report = noted(report, kind, SEED)
            report["required"] = figures(report)
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / "scale.json").write_text(json.dumps(report, indent=1) + "\n")
    plots.scale(report, RESULTS / "scale.png")
    print_figures(report["required"])


if __name__ == "__main__":
    main()
