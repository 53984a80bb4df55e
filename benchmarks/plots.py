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
        both = sum(other["attack"] == row["attack"] for other in rows) == 2
        place = attacks.index(row["attack"]) + both * (0.2 if row["length"] == 10.0 else -0.2)
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


def speed(report: dict[str, Any], path: Path) -> None:
    """CPU beside a bare decode, time to an answer, and memory in the course of a long file."""
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 3.6), layout="constrained")
        cost, answers, course = figure.subplots(1, 3, width_ratios=(1, 1, 1.6))
        _cost_bars(cost, report["registering"])
        _answer_dots(answers, report["matching"]["seconds"])
        _memory_lines(course, report["memory"])
        figure.savefig(path, dpi=130)


def _cost_bars(axes: Axes, cost: dict[str, Any]) -> None:
    rates = [cost["media_seconds"] / cost["peer_cpu"], cost["media_seconds"] / cost["cpu"]]
    bars = axes.bar(["bare decode", "whorl register"], rates, 0.6, color=[COLOURS[5.0], COLOURS[10.0]])
    axes.bar_label(bars, fmt="{:.0f}")
    axes.set_ylabel("seconds of media for a second of CPU")
    axes.set_title(f"registering: {cost['ratio']:.2f} x a bare decode", loc="left")


def _answer_dots(axes: Axes, seconds: dict[str, list[float]]) -> None:
    for place, walls in enumerate(seconds.values()):
        axes.plot([place] * len(walls), walls, "o", color=COLOURS[10.0], alpha=0.6)
    axes.set_xticks(range(len(seconds)), [name.replace("-", "\n", 1).replace("-", " ") for name in seconds])
    axes.set_xlim(-0.6, len(seconds) - 0.4)
    axes.set_ylim(0, 1.15 * max(max(walls) for walls in seconds.values()))
    axes.set_ylabel("seconds, whole process")
    axes.set_title("whorl match, a clip of 10 s", loc="left")


def _memory_lines(axes: Axes, rows: dict[str, Any]) -> None:
    for (what, row), colour in zip(rows.items(), COLOURS.values(), strict=True):
        times, sizes = zip(*row["course"], strict=True)
        axes.plot(times, [size / 1e6 for size in sizes], color=colour, label=what)
    axes.axhline(400, color="#b03030", linewidth=0.8, linestyle="--")
    axes.set_ylim(0)
    axes.set_xlabel("seconds since the start")
    axes.set_ylabel("MB resident, all processes")
    axes.set_title("memory on a file of 3 hours", loc="left")
    axes.legend(frameon=False)


def scale(report: dict[str, Any], path: Path) -> None:
    """Time of a query, recall, memory and disk, insert rate and start-up against the hours of a catalog."""
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 6), layout="constrained")
        panels = figure.subplots(2, 3).ravel()
        for kind, colour in zip(("audio", "video"), COLOURS.values(), strict=True):
            if kind in report:
                _scale_lines(panels, report[kind]["sizes"], kind, colour)
        titles = ("query, CPU ms (dashed: p99)", "recall of candidates", "GB resident", "GB on disk",
                  "hours inserted a minute of CPU", "CPU seconds to the first answer")  # fmt: skip
        for axes, title in zip(panels, titles, strict=True):
            axes.set_xscale("log")
            axes.set_ylim(0)
            axes.set_title(title, loc="left")
            axes.set_xlabel("hours")
        panels[0].legend(frameon=False)
        figure.savefig(path, dpi=130)


def _scale_lines(panels: Any, rows: list[dict[str, Any]], kind: str, colour: str) -> None:
    hours = [row["hours"] for row in rows]
    panels[0].plot(hours, [1e3 * row["cpu_p99"] for row in rows], "o--", color=colour)
    curves = (
        [1e3 * row["cpu_p50"] for row in rows],
        [row["recall"]["hits"] / max(1, row["recall"]["total"]) for row in rows],
        [row["resident"] / 1e9 for row in rows],
        [row["disk"] / 1e9 for row in rows],
        [row["hours_per_cpu_minute"] for row in rows],
        [row["start_cpu"] for row in rows],
    )
    for axes, curve in zip(panels, curves, strict=True):
        axes.plot(hours, curve, "o-", color=colour, label=kind)
