"""Pictures of the figures."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {10.0: "#1f4e79", 5.0: "#7fb2d9"}


def accuracy(figures: dict[str, Any], path: Path) -> None:
    """Share of the copies found for each attack and length, with intervals of 95 %."""
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 6.5), layout="constrained")
        for axes, kind in zip(figure.subplots(1, 2), ("audio", "video"), strict=True):
            _recall_bars(axes, [row for row in figures["attacks"] if row["kind"] == kind], kind)
            matched = [row["matched"] for row in figures["strangers"] if row["kind"] == kind]
            false, total = sum(m["hits"] for m in matched), sum(m["total"] for m in matched)
            axes.set_title(f"{kind}: {false} of {total} strangers matched", loc="left")
        figure.savefig(path, dpi=130)


def _recall_bars(axes: Axes, rows: list[dict[str, Any]], kind: str) -> None:
    attacks = sorted({row["attack"] for row in rows}, key=lambda name: _order(rows, name))
    for row in rows:
        place = attacks.index(row["attack"]) + (0.2 if row["length"] == 10.0 else -0.2)
        found = row["found"]
        reach = [[found["rate"] - found["low"]], [found["high"] - found["rate"]]]
        axes.barh(place, found["rate"], 0.36, color=COLOURS[row["length"]])
        axes.errorbar(found["rate"], place, xerr=reach, color="#666666", linewidth=0.8, capsize=2)
    axes.set_yticks(
        range(len(attacks)), [name.removeprefix(f"{kind}-").replace("-", " ") for name in attacks]
    )
    axes.set_xlim(0, 1)
    axes.set_xlabel("copies found in their place (bars of error: 95 %)")
    for length, colour in COLOURS.items():
        axes.barh([0], [0], color=colour, label=f"{length:g} s")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


def _order(rows: list[dict[str, Any]], attack: str) -> tuple[bool, float]:
    """From below: attacks that are not required, then the required ones; each from the hardest on."""
    own = [row for row in rows if row["attack"] == attack]
    return own[0]["required"], sum(row["found"]["hits"] for row in own) / sum(
        row["found"]["total"] for row in own
    )
