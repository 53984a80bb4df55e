"""Pictures of the figures."""

from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {10.0: "#1f4e79", 5.0: "#7fb2d9", 3.0: "#e0a030", 2.0: "#b04a30"}
MARKS = "xv^s+"  # of the peers
OF = {"strangers": "#1f4e79", "decoys": "#7fb2d9", "cousins": "#b04a30"}


def _style() -> AbstractContextManager[None]:
    return matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def accuracy(figures: dict[str, Any], path: Path) -> None:
    """Share of the copies found for each pool, attack and length, with intervals of 95 %, and what peers find at 5 s."""
    rows = [*figures["attacks"], *({**row, "attack": row["pool"]} for row in figures["pools"])]
    peers = {name: peer for name, peer in figures["peers"].items() if not peer["missing"]}
    with _style():
        figure = Figure(figsize=(13, 15), layout="constrained")
        for axes, kind in zip(figure.subplots(1, 2), ("audio", "video"), strict=True):
            _recall_dots(axes, [row for row in rows if row["kind"] == kind], kind)
            theirs = {name: peer["recall"] for name, peer in peers.items() if peer["kind"] == kind}
            _peer_dots(axes, [row for row in rows if row["kind"] == kind], theirs)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncols=4, frameon=False)
            axes.set_xlabel(
                "copies found where no recorded stranger passes\nin a work of another series (bars of error: 95 %)"
            )
        figure.savefig(path, dpi=110)


def _attacks(rows: list[dict[str, Any]]) -> list[str]:
    """From below: the hardest first, the pools at the top."""
    return sorted({row["attack"] for row in rows}, key=lambda name: ("," in name, *_order(rows, name)))


def _recall_dots(axes: Axes, rows: list[dict[str, Any]], kind: str) -> None:
    attacks = _attacks(rows)
    lengths = sorted({row["length"] for row in rows}, reverse=True)
    for length in lengths:
        own = [row for row in rows if row["length"] == length]
        shift = 0.2 * (len(lengths) / 2 - 0.5 - lengths.index(length))
        places = [attacks.index(row["attack"]) + shift for row in own]
        found = [row["as_peers"] for row in own]
        reach = [[f["rate"] - f["low"] for f in found], [f["high"] - f["rate"] for f in found]]
        axes.errorbar([f["rate"] for f in found], places, xerr=reach, fmt="o", markersize=3, linewidth=0.8,
                      color=COLOURS[length], label=f"{length:g} s")  # fmt: skip
    names = [name.removeprefix(f"{kind}-").replace("-", " ") for name in attacks]
    axes.set_yticks(range(len(attacks)), names)
    axes.set_ylim(-0.6, len(attacks) - 0.4)
    axes.set_xlim(0, 1.01)
    axes.grid(axis="y", linewidth=0.3)


def _peer_dots(axes: Axes, rows: list[dict[str, Any]], peers: dict[str, dict[str, Any]]) -> None:
    attacks = _attacks(rows)
    for (name, recall), mark in zip(peers.items(), cycle(MARKS), strict=False):
        told = [(i, recall.get(f"{attack}, 5 s")) for i, attack in enumerate(attacks)]
        there = [(i, row["at_no_false"]["rate"]) for i, row in told if row]
        axes.plot([r for _, r in there], [i for i, _ in there], mark, color="#888888", label=f"{name}, 5 s")


def calibration(rows: list[dict[str, Any]], path: Path) -> None:
    """False matches observed beside those claimed, with exact intervals of 95 %; on the line the claims are honest."""
    with _style():
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        for axes, kind in zip(figure.subplots(1, 2), ("audio", "video"), strict=True):
            own = [row for row in rows if row["kind"] == kind]
            for of, colour in OF.items():
                _calibration_line(axes, [row for row in own if row["of"] == of], of, colour)
            claimed = [row["claimed"] for row in own] or [1.0]
            honest = np.geomspace(min(claimed), max(claimed), 200)  # bent where the axis below 1 is linear
            axes.plot(honest, honest, color="#888888", linewidth=0.8, linestyle="--")
            axes.set_xscale("log")
            axes.set_yscale("symlog", linthresh=1)
            axes.set_ylim(0)
            axes.set_xlabel("false matches claimed (queries x expected)")
            axes.set_ylabel("false matches observed")
            axes.set_title(kind, loc="left")
            axes.legend(frameon=False)
        figure.savefig(path, dpi=130)


def _calibration_line(axes: Axes, rows: list[dict[str, Any]], of: str, colour: str) -> None:
    observed = [row["observed"] for row in rows]
    reach = [[row["observed"] - row["low"] for row in rows], [row["high"] - row["observed"] for row in rows]]
    label = f"{of} ({rows[0]['queries']} queries)" if rows else of
    axes.errorbar([row["claimed"] for row in rows], observed, yerr=reach, fmt="o-", markersize=3, linewidth=0.8,
                  color=colour, label=label)  # fmt: skip


def _order(rows: list[dict[str, Any]], attack: str) -> tuple[float, str]:
    """Share found at all lengths together, then the name."""
    own = [row["at_no_false"] for row in rows if row["attack"] == attack]
    return sum(row["hits"] for row in own) / max(1, sum(row["total"] for row in own)), attack


def speed(report: dict[str, Any], path: Path) -> None:
    """CPU beside a bare decode, time to an answer, and memory in the course of a long file."""
    with _style():
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
    for (what, row), colour in zip(rows.items(), COLOURS.values(), strict=False):
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
        for kind, colour in (("audio", COLOURS[10.0]), ("video", COLOURS[5.0])):
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
