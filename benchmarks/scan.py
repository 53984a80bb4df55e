"""What a glance costs beside a full decode of the same files, and what it finds of a minute that was copied.

    python -m benchmarks.scan [--cache FOLDER]

Films of eight minutes at 720p, each with a minute of a registered work somewhere. Costs are seconds of CPU, for other work
on the machine counts little there. Writes ``scan.json`` into ``benchmarks/results``, and what a scan prints of its
shortfall into ``matching/models/glance.json``.
"""

import argparse
import json
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from benchmarks.accuracy import RESULTS, print_figures
from benchmarks.corpus import media_folder, registered, titles
from benchmarks.processes import run
from benchmarks.queries import default_cache
from benchmarks.scan_files import MINUTE, SEED, Film, Work, films
from benchmarks.taken import noted
from matching import glance
from matching.engine import Engine

TIMED = 4  # films whose cost is measured
LEAST = {"speed": 8.0, "recall": 0.95}  # what is asked for
MODEL = Path(glance.__file__).parent / "models" / "glance.json"


def catalog(media: Path, data: Path, works: list[Work], note: Callable[[str], None]) -> dict[int, str]:
    """Registers the works and, as distractors, the titles; the file that each reference stands for."""
    files = [work.file for work in works] + [media / title.file for title in registered(titles(media))]
    names = {}
    with Engine(data) as engine:
        for number, file in enumerate(files, 1):
            note(f"registered {number} of {len(files)} files")
            reference, _ = engine.register(file)
            names[reference.id] = str(file.relative_to(media)) if file.is_relative_to(media) else file.name
        engine.save()
    return names


def looked(engine: Engine, film: Film, names: dict[int, str]) -> dict[str, Any]:
    """What a glance finds in one film: by kind of lead, how many are right, and how many are wrong."""
    held = {film.work.file.name, *film.work.made_of}
    row: dict[str, Any] = {"film": film.file.name, "start": film.start}
    look = engine.glance(film.file)
    for kind in ("audio", "video"):
        leads = [lead for lead in look.leads if lead.kind == kind]
        right = [
            lead for lead in leads
            if names[lead.ref_id] in held and film.start - 1 <= lead.start < film.start + MINUTE
        ]  # fmt: skip
        row[kind] = {"right": len(right), "wrong": len(leads) - len(right)}
    return row | {"unclear": look.unclear, "found": bool(row["audio"]["right"] or row["video"]["right"])}


def costs(data: Path, timed: list[Film]) -> dict[str, float]:
    """Seconds of CPU of glancing at the films and of decoding them in full, start-up of both taken off."""
    files = [str(film.file) for film in timed]
    look = [sys.executable, "-m", "benchmarks.scan", "--glance", str(data)]
    decode = [sys.executable, "-m", "benchmarks.peer"]
    once = run([*look, files[0]])
    more = run([*look, files[0], *files])
    nothing, bare = run(decode, ""), run(decode, "\n".join(files))
    if once.code or more.code or bare.code:
        raise RuntimeError("a measured program failed: its message stands above")
    return {"glance": more.cpu - once.cpu, "decode": bare.cpu - nothing.cpu}


def report(rows: list[dict[str, Any]], cost: dict[str, float]) -> dict[str, Any]:
    """All of it, with the required figures first."""
    found, speed = sum(row["found"] for row in rows), cost["decode"] / cost["glance"]
    recall = found / len(rows)
    required = [
        ("scan, a glance beside a full decode, CPU", f"{speed:.1f}x", ">= 8x", speed >= LEAST["speed"]),
        ("scan, recall of a glance, 60 s", f"{recall:.1%} ({found} of {len(rows)})", ">= 95%", recall >= LEAST["recall"]),
    ]  # fmt: skip
    figures = {
        "required": [dict(zip(("name", "measured", "required", "reached"), r, strict=True)) for r in required],
        "seconds_of_cpu": cost,
        "films_timed": TIMED,
        "recall": {kind: sum(row[kind]["right"] > 0 for row in rows) for kind in ("audio", "video")},
        "wrong_leads": sum(row[kind]["wrong"] for row in rows for kind in ("audio", "video")),
        "films": rows,
    }  # fmt: skip
    return noted(figures, "scan", SEED)


def measure(cache: Path, note: Callable[[str], None]) -> dict[str, Any]:
    """Renders, registers, looks."""
    media, data = media_folder(), cache / "scan-catalog"
    works, made = films(media, cache / "scan", note)
    names = catalog(media, data, works, note)
    rows = []
    with Engine(data) as engine:
        for number, film in enumerate(made, 1):
            note(f"glanced at {number} of {len(made)} films")
            rows.append(looked(engine, film, names))
    note(f"costs of {TIMED} films")
    # In a process of its own: this one's decoder would be waited for with what is measured.
    with get_context("spawn").Pool(1) as pool:
        return report(rows, pool.apply(costs, (data, made[:TIMED])))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scan", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for films and catalogs")
    parser.add_argument("--glance", type=Path, nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.glance:
        data, *files = arguments.glance
        with Engine(data) as engine:
            for file in files:
                engine.glance(file)
        return
    with Status("starting", console=Console(stderr=True)) as status:
        made = measure(arguments.cache, status.update)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scan.json").write_text(json.dumps(made, indent=1) + "\n")
    shortfall = {"heard": glance.HEARD, "every": glance.EVERY, "passage": MINUTE}
    shortfall |= {"found": sum(row["found"] for row in made["films"]), "passages": len(made["films"])}
    shortfall |= {"by_sound": made["recall"]["audio"], "by_pictures": made["recall"]["video"]}
    MODEL.write_text(json.dumps(shortfall) + "\n")
    print_figures(made["required"])


if __name__ == "__main__":
    main()
