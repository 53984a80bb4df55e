"""How much is found, how surely and how exactly, on sources no model has seen; what strangers give; what peers find.

    python -m benchmarks.accuracy [--cache FOLDER] [--no-peers]

Registers the catalog, renders the queries, examines them, prints tables beside the required figures, and writes
``accuracy.json``, ``accuracy.png`` and ``calibration.png`` into ``benchmarks/results``.

Who learns from what (``training.split``, ``benchmarks.corpus``): sources that are not held out train the models, and
the null models are fitted on them (``benchmarks.calibrate``). Held-out sources are for testing
only: three in five of their titles are registered and give the copies and the decoys, the others are the strangers
and, where their source is registered, the cousins. Speech is the exception that ``benchmarks.corpus`` names.

A stranger that is matched is a false match, whatever it is matched to; matches to another title of its own source and
matches to another source are told apart, for they have null models of their own.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks import plots
from benchmarks.corpus import media_folder
from benchmarks.metrics import quantiles
from benchmarks.outcomes import Outcome, catalog, outcomes
from benchmarks.peer_rows import figures_beside, key, peer_rows
from benchmarks.queries import default_cache, queries
from benchmarks.required import required_figures
from benchmarks.rows import (
    attack_rows,
    calibration_rows,
    compilation_rows,
    copies,
    no_copy_rows,
    pool_rows,
    ranking,
)
from benchmarks.taken import noted

RESULTS = Path(__file__).parent / "results"


def report(found: list[Outcome]) -> dict[str, Any]:
    """Everything that is written to accuracy.json, but for the peers."""
    wrong = [[o.truth.query, claim.files, claim.score] for o in copies(found) for claim in o.false_matches]
    return {
        "required": [asdict(figure) for figure in required_figures(found)],
        "pools": pool_rows(found),
        "attacks": attack_rows(found),
        "ranking": {kind: ranking(found, kind) for kind in ("audio", "video")},
        "no_copies": no_copy_rows(found),
        "calibration": calibration_rows(found),
        "compilations": compilation_rows(found),
        "wrong_work": wrong,
        "not_examined": [[o.truths[0].query, o.error] for o in found if o.error],
        "median_seconds_a_query": quantiles([o.elapsed for o in found]).median,
    }


def print_figures(figures: list[dict[str, Any]]) -> None:
    """The required figures beside what was measured."""
    table = Table("figure", "measured", "required", "")
    for figure in figures:
        mark = "[green]reached[/]" if figure["reached"] else "[red]missed[/]"
        table.add_row(figure["name"], figure["measured"], figure["required"], mark)
    Console().print(table)


def print_recall(figures: dict[str, Any]) -> None:
    """For each pool and attack: what is matched, what is found where no stranger passes, and what peers find there.

    Peers are not asked for rendered strangers nor for a stranger's own series: what is found by that rule is "as peers".
    """
    names = [name for name, peer in figures["peers"].items() if not peer["missing"]]
    table = Table("copies", "s", "matched", "no stranger above", "1 % above", "as peers", *names)
    for what in ("pool", "attack"):
        for row in figures[f"{what}s"]:
            theirs = [figures["peers"][name]["recall"].get(key(row[what], row["length"])) for name in names]
            own = [row[limit] for limit in ("found", "at_no_false", "at_1_percent", "as_peers")]
            table.add_row(row[what], f"{row['length']:g}", *map(_share, own), *map(_peer_share, theirs))
    Console().print(table)
    for name, peer in figures["peers"].items():
        if peer["missing"]:
            Console().print(f"[red]peer {name} was not measured:[/] {peer['missing']}")


def print_calibration(rows: list[dict[str, Any]]) -> None:
    """False matches claimed and observed, where enough are claimed for a ratio."""
    table = Table("kind", "of", "expected up to", "claimed", "observed", "95 %", "observed / claimed")
    for row in (row for row in rows if row["ratio"] is not None):
        bounds = f"{row['low']:.1f} to {row['high']:.1f}"
        table.add_row(row["kind"], row["of"], f"{row['up_to']:g}", f"{row['claimed']:.1f}", str(row["observed"]),
                      bounds, f"{row['ratio']:.2f}")  # fmt: skip
    Console().print(table)


def _share(count: dict[str, Any]) -> str:
    return f"{count['rate']:.1%}"


def _peer_share(limits: dict[str, Any] | None) -> str:
    """Where no stranger passes; empty for what the peer was not asked."""
    return _share(limits["at_no_false"]) if limits else ""


def measure(cache: Path, peers: bool, note: Callable[[str], None]) -> dict[str, Any]:
    """Registers, renders and examines; what is in the cache folder is used again."""
    media = media_folder()
    folder, truths = queries(media, cache, note)
    data, by_id = catalog(media, cache, note)
    figures = report(list(outcomes(data, by_id, folder, truths, note)))
    figures = noted(figures, "accuracy")
    return beside(figures, peer_rows(media, folder, truths, note) if peers else {})


def beside(figures: dict[str, Any], peers: dict[str, Any]) -> dict[str, Any]:
    """The figures with the peers' and with how they compare."""
    required = [*figures["required"], *map(asdict, figures_beside(figures, peers))]
    return figures | {"required": required, "peers": peers}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="whorl bench accuracy", description=str(__doc__).split("\n")[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for queries and catalog")
    parser.add_argument(
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="measure peers too"
    )
    arguments = parser.parse_args()
    with Status("starting", console=Console(stderr=True)) as status:
        figures = measure(arguments.cache, arguments.peers, status.update)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy.json").write_text(json.dumps(figures, indent=1) + "\n")
    plots.accuracy(figures, RESULTS / "accuracy.png")
    plots.calibration(figures["calibration"], RESULTS / "calibration.png")
    print_recall(figures)
    print_calibration(figures["calibration"])
    print_figures(figures["required"])


if __name__ == "__main__":
    main()
