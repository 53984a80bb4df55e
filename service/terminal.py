"""What people see: progress on stderr, tables on stdout, hostile names made harmless."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evidence.answer import Json
from evidence.remarks import named, remarks
from evidence.words import clock, disguise, harmless, stream

PATIENCE = 2.0  # seconds before progress is shown
REDRAWN = 0.5  # seconds between two drawings of a line that is drawn over itself
FOLDED = 500  # rows of a table that are folded to the terminal's width; of more, each is one line: folding takes long
LOGGED = 10.0  # seconds between its lines where stderr is no terminal


def say(text: str) -> None:
    """A line on stderr, for people."""
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int, float, str], None]]:
    """Gives ``show(files done, part of this one, its name)``; drawn on stderr after PATIENCE seconds.

    Where stderr is no terminal, a line every LOGGED seconds.
    """
    if not sys.stderr.isatty():
        yield _logged(total, what)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    begun = time.monotonic()

    def show(done: int, part: float, name: str) -> None:
        if time.monotonic() - begun > PATIENCE:
            bar.start()
        bar.update(task, completed=done + part, description=f"{what} {escape(harmless(name))[:40]}")

    try:
        yield show
    finally:
        bar.stop()


def _logged(total: int, what: str) -> Callable[[int, float, str], None]:
    due = time.monotonic() + PATIENCE

    def show(done: int, part: float, name: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + LOGGED
            say(f"{what} {done + 1} of {total}, {(done + part) / max(total, 1):.0%}: {name}")

    return show


@contextmanager
def running() -> Iterator[Callable[[Callable[[float], str]], None]]:
    """Gives ``show(words)``, which draws a line on stderr now and then: ``words`` of the seconds since the beginning.

    On a terminal it is drawn over itself; elsewhere, a line every LOGGED seconds. First after PATIENCE seconds.
    """
    begun, drawn = time.monotonic(), sys.stderr.isatty()
    due = begun + PATIENCE

    def show(words: Callable[[float], str]) -> None:
        nonlocal due
        now = time.monotonic()
        if now < due:
            return
        due = now + (REDRAWN if drawn else LOGGED)
        line = harmless(words(now - begun))
        sys.stderr.write(
            f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}" if drawn else f"{line}\n"
        )
        sys.stderr.flush()

    try:
        yield show
    finally:
        if drawn:
            sys.stderr.write("\r\x1b[K")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout, as wide as the terminal and no wider; whole lines where stdout is no terminal."""
    if len(rows) > FOLDED:
        _long_table([header, *([harmless(cell) for cell in row] for row in rows)])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for name in header:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(harmless(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(drawn)


def _long_table(rows: Sequence[Sequence[str]]) -> None:
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


ANSWER_HEADER = (
    "capture",
    "verdict",
    "work",
    "kind",
    "capture time",
    "original time",
    "disguise",
    "expected false",
)


def show_answers(answers: Sequence[Json]) -> None:
    """The table of what was found, and under it what is to be said about single matches."""
    rows = [row for answer in answers for row in answer_rows(answer)]
    if rows:
        table(ANSWER_HEADER, rows)
    for answer in answers:
        show_remarks(answer["query"]["name"], answer)


def show_remarks(name: str, answer: Json) -> None:
    """What is to be said about a capture as a whole, and about single matches of it."""
    for warning in answer.get("warnings", ()):
        print(harmless(f"{name}: {warning}"))
    for match in answer["matches"]:
        for remark in remarks(match, answer):
            print(harmless(f"{name}, {named(match)}: {remark}"))


def answer_rows(answer: Json) -> Sequence[tuple[str, ...]]:
    """One row for each segment, in the order of the capture; one for a capture without any, that says why."""
    name = answer["query"]["name"]
    if answer["error"]:
        reason = answer["error"]["message"].removeprefix(f"{Path(name).name}: ")
        return [(name, "error", reason, "", "", "", "", "")]
    found = [(match, segment) for match in answer["matches"] for segment in match["segments"]]
    rows = [
        (
            name,
            match["verdict"],
            match["reference"]["title"],
            stream(segment),
            f"{clock(segment['query_start'])} to {clock(segment['query_end'])}",
            f"{clock(segment['ref_start'])} to {clock(segment['ref_end'])}",
            disguise(segment),
            f"{match['expected_false_matches']:.0e}",
        )
        for match, segment in sorted(found, key=lambda pair: pair[1]["query_start"])
    ]
    return rows or [(name, "no match", "", "", "", "", "", "")]
