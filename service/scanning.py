"""`whorl scan`: runs a scan, tells how far it is, and writes what it found."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO

from evidence.answer import Json, printable
from evidence.findings import COLUMNS, Finding, rows
from evidence.report import Sources
from evidence.words import gigabytes
from fingerprint.media import Limits
from index.catalog import CatalogError
from service.examining import Opening, examiner
from service.known import KnownFiles
from service.opening import open_engine, refuse_empty
from service.scan import Result, Scan, Tally, journal
from service.terminal import ANSWER_HEADER, answer_rows, running, say, show_remarks, table
from service.walk import walk
from service.workers import Workers, cores, patience


def scan(
    paths: Sequence[Path],
    data: Path,
    limits: Limits,
    known: KnownFiles,
    thorough: bool,
    as_json: bool,
    output: Path | None,
    originals: Sequence[Path],
) -> bool:
    """Scans folders; whether something could not be examined. Raises CatalogError."""
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(data, limits))
        refuse_empty(engine, data, as_json)
        engine.save()  # once, for all workers
        results = stack.enter_context(Results(as_json, output))
        remembered = stack.enter_context(journal(data, engine, limits))
        workers = stack.enter_context(Workers(cores(), examiner, Opening(data, limits), patience(limits)))
        run = Scan(workers, remembered, known, thorough, engine, results.take)
        sizes = [entry.size for entry in walk(paths)]
        show = stack.enter_context(running())
        run.run(
            walk(paths),
            lambda tally: show(lambda _: told(tally, workers, len(sizes), sum(sizes))),
        )
    results.end(run.tally, Sources(originals))
    return bool(run.tally.status["error"] or run.tally.archives)


def told(tally: Tally, workers: Workers, files: int, size: int) -> str:
    """How far a scan is, in a line. What is left of it nobody knows: a lead costs a hundred times what a glance does."""
    under_way = zip(workers.jobs, workers.parts, strict=True)
    names = ", ".join(f"{job.entry.path.name} {part:.0%}" for job, part in under_way)
    return (
        f"{tally.files} of {files} files ({gigabytes(tally.bytes)} of {gigabytes(size)}), {tally.examined} examined, "
        f"{tally.status['match']} match, {tally.status['error']} not examined{': ' if names else ''}{names}"
    )


def totals(tally: Tally) -> list[tuple[str, int]]:
    """What the whole scan comes to, in words and numbers: each file is counted once before the first verdict."""
    found = [
        ("file{s}", tally.files),
        ("examined", tally.examined),
        ("of the same bytes as one of these", tally.copies),
        ("known as good, passed over", tally.known),
        ("not examined", tally.status["error"]),
        ("archive{s}, not opened", tally.archives),
        ("still picture{s}, passed over", tally.pictures),
        ("playlist{s} or manifest{s}, passed over", tally.lists),
        ("file{s} of other kinds, passed over", tally.others),
        ("matched, with those of the same bytes", tally.status["match"]),
        ("to review", tally.status["review"]),
        ("no match", tally.status["no-match"]),
        ("examined in full", tally.full),
        ("link{s} or device{s}, not followed", tally.links),
    ]
    return [(words.format(s="" if number == 1 else "s"), number) for words, number in found]


def shortfall() -> str:
    """What the quick look is known to miss, as it was measured, in a line."""
    measured: Json = json.loads((files("matching") / "models" / "glance.json").read_text())
    return (
        f"at a glance means key frames and {measured['heard']:g} s of sound in every {measured['every']:g} s: of "
        f"{measured['passages']} copied passages of {measured['passage']:g} s it found {measured['found']}, by their sound "
        f"{measured['by_sound']}, by their pictures {measured['by_pictures']}; shorter and disguised ones are found less "
        "often; --full examines everything in full"
    )


class Results:
    """Takes results as they come: prints lines, writes the files of ``output``, keeps what there is to tell of."""

    def __init__(self, as_json: bool, output: Path | None) -> None:
        """Raises CatalogError when the folder cannot be written to."""
        self._as_json, self._output = as_json, output
        self._kept: list[Finding] = []
        self._paths: dict[str, Path] = {}
        self._files = ExitStack()
        self._lines: IO[str] | None = None
        self._table: csv.DictWriter[str] | None = None
        if output is not None:
            with _written(output):
                self._lines, self._table = self._opened(output)

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *_: object) -> None:
        with _written(self._output):
            self._files.close()

    def _opened(self, folder: Path) -> "tuple[IO[str], csv.DictWriter[str]]":
        folder.mkdir(parents=True, exist_ok=True)
        opened = [
            self._files.enter_context(_part(folder / name).open("w", encoding="utf-8", newline=""))
            for name in ("results.jsonl", "results.csv")
        ]
        cells = csv.DictWriter(opened[1], COLUMNS, quoting=csv.QUOTE_ALL)
        cells.writeheader()
        return opened[0], cells

    def take(self, result: Result) -> None:
        """One more."""
        copy_of = None if result.copy_of is None else printable(str(result.copy_of))
        finding = Finding(result.answer, result.thorough, copy_of)
        line = json.dumps(result.answer)
        if self._as_json:
            print(line, flush=True)
        if self._lines is not None and self._table is not None:
            with _written(self._output):
                self._lines.write(line + "\n")
                self._table.writerows(rows(finding))
        if result.answer["matches"] or result.answer["error"] or result.answer.get("warnings"):
            self._kept.append(finding)
            self._paths.setdefault(result.answer["query"]["sha256"], result.path)

    def end(self, tally: Tally, originals: Sources) -> None:
        """Tells and writes the whole."""
        notes = [shortfall()] if tally.full < tally.examined else []
        self._kept.sort(key=lambda finding: str(finding.answer["path"]))
        if not self._as_json:
            found = [row for finding in self._kept for row in _table_rows(finding)]
            table(ANSWER_HEADER, found) if found else print("nothing was found")
            for finding in self._kept:
                if finding.copy_of is None:
                    show_remarks(finding.answer["path"], finding.answer)
        say(", ".join(f"{number} {words}" for words, number in totals(tally)))
        for note in notes:
            say(note)
        if self._output is not None:
            self._write(self._output, tally, notes, originals)

    def _write(self, folder: Path, tally: Tally, notes: list[str], originals: Sources) -> None:
        from evidence.html_report import scan_page

        def find(thing: Json) -> Path | None:
            return self._paths.get(thing.get("sha256", "")) or originals(thing)

        page = scan_page(self._kept, totals(tally), notes, find)
        with _written(folder):
            _part(folder / "index.html").write_text(page, encoding="utf-8")
        for name in ("results.jsonl", "results.csv", "index.html"):
            with _written(folder):
                _part(folder / name).replace(folder / name)
            say(f"written: {folder / name}")


@contextmanager
def _written(folder: Path | None) -> Iterator[None]:
    """Names the folder where its files cannot be written. Raises CatalogError."""
    try:
        yield
    except OSError as error:
        raise CatalogError(f"{folder} cannot be written to: {error.strerror}") from error


def _part(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(path.name + ".part")


def _table_rows(finding: Finding) -> list[tuple[str, ...]]:
    path, answer = finding.answer["path"], finding.answer
    if finding.copy_of is not None:
        return [(path, answer["status"], f"same bytes as {finding.copy_of}", "", "", "", "", "")]
    return [(path, *row[1:]) for row in answer_rows(answer)]
