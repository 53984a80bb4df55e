"""What registering and matching cost: CPU beside a bare decode, memory, bytes stored, time to an answer.

    python -m benchmarks.speed [--cache FOLDER] [--part PART] [--profile]

Everything is measured on whole processes, as a user starts them. Prints a table beside the required figures,
and writes ``speed.json`` and ``speed.png`` into ``benchmarks/results``. With --part only that is measured anew; --profile
tells where the seconds of a match go, and writes nothing.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks import extraction, plots
from benchmarks.accuracy import RESULTS, print_figures
from benchmarks.corpus import media_folder, titles
from benchmarks.long_file import HOURS, long_file
from benchmarks.outcomes import Note
from benchmarks.processes import Run, run
from benchmarks.queries import default_cache, queries
from benchmarks.stages import profiled
from benchmarks.taken import noted
from benchmarks.truth import Truth
from fingerprint.extractor import CONFIRMED_BY, WIDTHS
from fingerprint.storage import to_bytes
from index.catalog import Catalog

CLIPS = ("audio-none", "audio-speed-up-4", "video-none")
EACH = 5  # clips of each
MOST = {"ratio": 1.6, "memory": 400e6, "bytes": 140.0, "seconds": 3.0}  # what is asked for


def whorl(data: Path, *arguments: str) -> Run:
    """Runs the command line on a data directory."""
    return run([sys.executable, "-m", "service.cli", "--data", str(data), *arguments])


def registered(media: Path, data: Path) -> dict[str, Any]:
    """CPU seconds of registering everything anew, and of the peer on the same files."""
    shutil.rmtree(data, ignore_errors=True)
    ours = whorl(data, "register", str(media / "audio"), str(media / "video"))
    files = "\n".join(str(media / title.file) for title in titles(media))
    peer = run([sys.executable, "-m", "benchmarks.peer"], files)
    if peer.code:
        raise RuntimeError("the bare decode failed: its message stands above")
    seconds = sum(title.seconds for title in titles(media))
    return {"media_seconds": seconds, "exit_code": ours.code, "cpu": ours.cpu, "peer_cpu": peer.cpu,
            "ratio": ours.cpu / peer.cpu, "wall": ours.wall, "peer_wall": peer.wall,
            "peak_memory": ours.peak}  # fmt: skip


def stored(data: Path) -> dict[str, float]:
    """Bytes of fingerprint for each second of media, by algorithm."""
    catalog = Catalog(data / "catalog.db")
    sizes: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for reference in catalog.references():
        for algorithm in catalog.algorithms(reference.id):
            fingerprint = catalog.fingerprint(reference.id, algorithm)
            assert fingerprint is not None, "nobody else uses this catalog"
            sizes[algorithm] = sizes.get(algorithm, 0.0) + len(to_bytes(fingerprint))
            seconds[algorithm] = seconds.get(algorithm, 0.0) + fingerprint.duration
    catalog.close()
    return {algorithm: sizes[algorithm] / seconds[algorithm] for algorithm in sizes}


def registering(cache: Path, note: Note) -> dict[str, Any]:
    """The part that registers everything, and what is stored of it."""
    note("registering all media, then decoding them bare")
    data = cache / "speed-catalog"
    return {"registering": registered(media_folder(), data), "stored": stored(data)}


def matching(cache: Path, note: Note) -> dict[str, Any]:
    """The part that matches clips, in the catalog of the one before."""
    data = _catalog(cache)
    folder, truths = queries(media_folder(), cache, note)
    note("matching clips")
    return {"matching": matched(data, folder, truths)}


def _catalog(cache: Path) -> Path:
    """That of the part that registers. Raises RuntimeError without one, or where it lacks what is made now."""
    data = cache / "speed-catalog"
    lacking = set(WIDTHS) - (set(stored(data)) if data.is_dir() else set())
    if lacking:
        raise RuntimeError(f"{data} has no codes {', '.join(sorted(lacking))}: run whorl bench speed first")
    return data


def matched(data: Path, folder: Path, truths: list[Truth]) -> dict[str, Any]:
    """Wall seconds of ``whorl match`` on clips of 10 s, process start and all."""
    rows: dict[str, list[float]] = {}
    for group in CLIPS:
        clips = [t.query for t in truths if (t.group, t.length) == (group, 10.0)][:EACH]
        runs = [whorl(data, "match", str(folder / clip)) for clip in clips]
        if any(clip.code for clip in runs):
            raise RuntimeError(f"whorl match failed on a clip of {group}: its message stands above")
        rows[group] = [clip.wall for clip in runs]
    everything = [seconds for walls in rows.values() for seconds in walls]
    return {"seconds": rows, "median": float(np.median(everything))}


def memory(cache: Path, note: Note) -> dict[str, Any]:
    """The part about peak memory of registering a long file and of matching it, and how it went."""
    note(f"registering and matching {HOURS} hours")
    data, path = cache / "speed-long", long_file(cache)
    shutil.rmtree(data, ignore_errors=True)
    rows = {}
    for what in ("register", "match"):
        done = whorl(data, what, str(path))
        if done.code:
            raise RuntimeError(f"whorl {what} failed on {path.name}: its message stands above")
        step = max(1, len(done.memory) // 400)
        rows[what] = {
            "peak": done.peak, "wall": done.wall, "cpu": done.cpu,
            "course": [[round(t, 1), size] for t, size in done.memory[::step]],
        }  # fmt: skip
    return {"memory": rows}


def figures(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The required figures."""
    cost, answer = report["registering"], report["matching"]["median"]
    ratio = cost["ratio"]
    rows = [
        ("exit code of registering everything", str(cost["exit_code"]), "0", cost["exit_code"] == 0),
        ("CPU, registering / bare decode", f"{ratio:.2f}", "<= 1.6", ratio <= MOST["ratio"]),
        ("whorl match, 10 s, median", f"{answer:.2f} s", "<= 3 s", answer <= MOST["seconds"]),
    ]  # fmt: skip
    for what, row in report["memory"].items():
        measured = f"{row['peak'] / 1e6:.0f} MB"
        rows.append((f"peak memory, {HOURS} h, {what}", measured, "<= 400 MB", row["peak"] <= MOST["memory"]))
    for algorithm, confirming in CONFIRMED_BY.items():
        codes, beside = (report["stored"][name] for name in (algorithm, confirming))
        measured = f"{codes + beside:.1f} B/s, {codes:.1f} of them codes"
        rows.append(
            (f"stored, {algorithm} and {confirming}", measured, "<= 140 B/s", codes + beside <= MOST["bytes"])
        )
    rows += extraction.figures(report.get("extraction", {}))
    return [dict(zip(("name", "measured", "required", "reached"), row, strict=True)) for row in rows]


def extracting(cache: Path, note: Note) -> dict[str, Any]:
    """The part that compares extraction with peers'."""
    note("extraction, beside peers")
    return {"extraction": extraction.measured(media_folder(), cache / "speed-extraction")}


PARTS = {"registering": registering, "matching": matching, "memory": memory, "extraction": extracting}


def measure(cache: Path, note: Note) -> dict[str, Any]:
    """Runs everything, one after the other."""
    report: dict[str, Any] = {}
    for name, part in PARTS.items():
        report = noted(report | part(cache, note), name)
    return report


def profile(cache: Path, note: Note) -> dict[str, dict[str, float]]:
    """Seconds of each stage, by clip: one of each group.

    Raises RuntimeError without a catalog of a measurement before, or where that lacks what is made now.
    """
    data = _catalog(cache)
    folder, truths = queries(media_folder(), cache, note)
    clips = {t.group: t.query for t in reversed(truths) if t.group in CLIPS and t.length == 10.0}
    return {group: profiled(data, folder / clip) for group, clip in sorted(clips.items())}


def print_profile(found: dict[str, dict[str, float]]) -> None:
    """A column a clip."""
    table = Table("stage", *found)
    for stage in next(iter(found.values())):
        table.add_row(stage, *(_part(row[stage], sum(row.values())) for row in found.values()))
    table.add_section()
    table.add_row("together", *(_part(sum(row.values()), sum(row.values())) for row in found.values()))
    Console().print(table)


def _part(seconds: float, total: float) -> str:
    return f"{seconds:5.2f} s, {seconds / total:4.0%}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="whorl bench speed", description=str(__doc__).split("\n")[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for queries and catalogs")
    parser.add_argument("--part", choices=sorted(PARTS), help="measure this anew and keep the rest")
    parser.add_argument("--profile", action="store_true", help="tell where the seconds of a match go")
    arguments = parser.parse_args()
    with Status("starting", console=Console(stderr=True)) as status:
        if arguments.profile:
            print_profile(profile(arguments.cache, status.update))
            return
        path = RESULTS / "speed.json"
        if arguments.part:
            known = json.loads(path.read_text()) | PARTS[arguments.part](arguments.cache, status.update)
            report = noted(known, arguments.part)
        else:
            report = measure(arguments.cache, status.update)
    report = {**report, "required": figures(report)}
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    plots.speed(report, RESULTS / "speed.png")
    print_figures(report["required"])


if __name__ == "__main__":
    main()
