"""What a user hands in: files and folders, details of works, a table of them."""

import csv
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.answer import Json, reference_json
from fingerprint.media import MediaError
from fingerprint.storage import to_bytes
from matching.segment import Answer, Failure, QueryInfo
from service.answers import FieldError, parsed
from service.identifiers import SCHEMES, IdentifierError, identifiers
from service.terminal import say

if TYPE_CHECKING:
    from matching.engine import Engine

COLUMNS = ("file", "title", "owner", "kind", "identifiers")  # of a table of works
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # of a URL as a path has it: with one stroke


class InputError(Exception):
    """What was typed cannot be meant."""


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a work; empty where nothing is."""

    title: str = ""
    owner: str = ""
    kind: str = ""
    identifiers: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that was named, or lies in a folder that was; or an unreadable folder, with its ``problem``."""

    path: Path
    problem: MediaError | None = None

    def checked(self) -> Path:
        """Its path. Raises its problem."""
        if self.problem is not None:
            raise self.problem
        return self.path


def refused(path: Path, problem: MediaError) -> Answer:
    """The answer to a file that cannot be examined."""
    return Answer(QueryInfo(path.name, "", 0.0, ()), (), Failure(problem.code, str(problem)), (), 0.0)


def found_files(paths: Iterable[Path], note: Callable[[str], None]) -> list[FoundFile]:
    """The files, and all below the folders in order of their names; what is hidden or a link is passed over, as ``note`` is
    told. A folder in which nothing is left is one with a problem: it may be a drive that is not there.

    A file that is named may be a link; one that came with a folder may lead out of it, to what was never captured.
    """
    found: list[FoundFile] = []
    for path in paths:
        if not _is_folder(path):
            found.append(FoundFile(path, _not_a_path(path)))
            continue
        below, hidden, links = _in_folder(path)
        passed = [
            *([f"hidden, and passed over: {hidden} (name them, or see whorl scan)"] if hidden else []),
            *([f"symbolic links, and not followed: {links} (name what they lead to)"] if links else []),
        ]
        if not below:
            reason = f"nothing to examine in this folder{''.join(f'; {one}' for one in passed)}"
            below = [FoundFile(path, MediaError("not-found", path.name, reason))]
        else:
            for one in passed:
                note(f"{path}: {one}")
        found += below
    return found


def _not_a_path(path: Path) -> MediaError | None:
    try:
        if not _ADDRESS.match(str(path)) or path.exists():
            return None
    except OSError:  # too long for a name of a file
        pass
    reason = "that is an address: whorl watch examines streams; download a file, and name it here"
    return MediaError("not-found", path.name, reason)


def _is_folder(path: Path) -> bool:
    """Whether it is a folder; what cannot be asked is none, and fails when it is read."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _in_folder(folder: Path) -> tuple[list[FoundFile], int, int]:
    """What lies in a folder, how many hidden files and folders are left out of that, and how many links."""
    found: list[FoundFile] = []
    hidden = links = 0

    def unreadable(error: OSError) -> None:
        place = Path(os.fsdecode(error.filename))
        found.append(
            FoundFile(place, MediaError("unreadable", place.name, f"folder cannot be read: {error.strerror}"))
        )

    for place, folders, files in os.walk(folder, onerror=unreadable):
        hidden += sum(name.startswith(".") for name in (*folders, *files))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        shown = [Path(place) / name for name in sorted(files) if not name.startswith(".")]
        found += [FoundFile(path) for path in shown if not path.is_symlink()]
        links += sum(path.is_symlink() for path in (*shown, *(Path(place) / name for name in folders)))
    return found, hidden, links


def identifier_pairs(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """("isrc", "USRC17607839") of "isrc:USRC17607839". Raises InputError, also for a wrong check digit."""
    try:
        return identifiers(texts)
    except IdentifierError as error:
        raise InputError(str(error)) from None


class DetailsTable:
    """What a CSV says of files, by their paths, ends of these, or names; the rest is as ``given``."""

    def __init__(self, by_file: dict[str, Details], given: Details) -> None:
        self._by_file, self._given = by_file, given
        self.unused = dict.fromkeys(by_file)  # rows that no file has asked for, in their order
        named = {scheme for one in (given, *by_file.values()) for scheme, _ in one.identifiers}
        self.unchecked = sorted(named - SCHEMES.keys())  # schemes whose values are taken as they are

    def __call__(self, file: Path) -> Details:
        """The details of a file."""
        ends = (str(Path(*file.parts[first:])) for first in range(len(file.parts)))
        named = next((end for end in ends if end in self._by_file), None)
        if named is None:
            return self._given
        self.unused.pop(named, None)
        return self._by_file[named]


def note_unchecked(details: DetailsTable) -> None:
    """Tells of schemes that may be a slip: they are the user's own as well as anybody's."""
    if details.unchecked:
        known = ", ".join(SCHEMES)
        say(f"not checked, taken as your own: {', '.join(details.unchecked)} (known schemes: {known})")


def read_table(path: Path, given: Details) -> DetailsTable:
    """The table of a CSV file. Raises InputError."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise InputError(
            f"table {path} is not UTF-8 text (byte {error.start}): in a spreadsheet, save it as `CSV UTF-8`"
        ) from None
    except (OSError, csv.Error) as error:
        raise InputError(f"table {path} cannot be read: {error}") from None
    if not rows or "file" not in rows[0]:
        raise InputError(f"table {path} has no column `file`: it may have {', '.join(COLUMNS)}")
    unknown = [column for column in rows[0] if column not in COLUMNS]
    if unknown:
        raise InputError(f"table {path} has the column {unknown[0]!r}: it may have {', '.join(COLUMNS)}")
    try:
        return DetailsTable({row["file"]: _row(row, given) for row in rows}, given)
    except InputError as error:
        raise InputError(f"table {path}: {error}") from None


def _delimiter(header: str) -> str:
    """What parts the columns: spreadsheets write semicolons where the comma is the decimal mark."""
    return max(",;\t", key=header.count)


def _row(row: dict[str, str | None], given: Details) -> Details:
    named = identifier_pairs([part for part in (row.get("identifiers") or "").split(";") if part.strip()])
    return Details(
        row.get("title") or given.title,
        row.get("owner") or given.owner,
        row.get("kind") or given.kind,
        named or given.identifiers,
    )


def read_answers(path: Path) -> list[Json]:
    """The answers that `whorl match --json` or a scan printed into a file. Raises InputError.

    A last line that was cut off, as by a kill, is told and left out.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"answers {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(
            f"{path} is no text of JSON lines: give it what `whorl match --json` printed"
        ) from None
    if len(lines) > 1 and _is_cut(lines[-1]):
        say(f"{path}: line {len(lines)}, the last, is cut off and left out")
        lines.pop()
    answers = [_answer(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]
    if not answers:
        raise InputError(f"{path} holds no answers: give it what `whorl match --json` printed")
    return answers


def _is_cut(last: str) -> bool:
    """Whether what follows the last line's end begins as JSON and is none: a whole line must be an answer."""
    try:
        json.JSONDecoder().raw_decode(last)
    except json.JSONDecodeError:
        return last.startswith("{")
    except RecursionError:
        return False
    return False


def _answer(line: str, path: Path, number: int) -> Json:
    try:
        return parsed(line)
    except FieldError as error:
        raise InputError(
            f"{path} holds something else than the lines of `whorl match --json`: line {number}: {error}"
        ) from None
    except ValueError:
        raise InputError(
            f"{path} is no text of JSON lines (line {number}): give it what `whorl match --json` printed"
        ) from None


def described(engine: "Engine", ref_id: int) -> Json:
    """Everything about one reference."""
    catalog = engine.catalog
    reference = catalog.reference(ref_id)
    work = catalog.work(reference.work_id)
    about = reference_json(reference, work)
    about |= {
        "kind": work.kind,
        "identifiers": sorted(f"{scheme}:{value}" for scheme, value in work.identifiers),
    }
    about |= {
        "duration": round(reference.duration, 3),
        "added": reference.added.isoformat(),
    }
    about["fingerprints"] = [
        _fingerprint(engine, ref_id, algorithm) for algorithm in catalog.algorithms(ref_id)
    ]
    return about


def _fingerprint(engine: "Engine", ref_id: int, algorithm: str) -> Json:
    fingerprint = engine.catalog.fingerprint(ref_id, algorithm)
    if fingerprint is None:
        return {"algorithm": algorithm, "codes": 0}
    size = len(to_bytes(fingerprint))
    weak = int(fingerprint.weak.sum())
    return {"algorithm": algorithm, "codes": len(fingerprint), "weak": weak, "bytes": size}
