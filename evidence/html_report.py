"""The answers as one self-contained web page: timelines, disguises, frames and spectrograms."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evidence.answer import Json
from evidence.findings import Finding, amounts
from evidence.pictures import along, data_url, drawn_seconds, frame, frame_times, spectrogram
from evidence.remarks import remarks
from evidence.report import Find
from evidence.timeline import SCALE, axes
from evidence.words import clock, counted, disguise, harmless, stream
from fingerprint.media import MediaError

PICTURED = (
    200  # files of a scan that are drawn: each costs seconds, and every page must be opened by a browser
)
STATUSES = {"match": "matched", "review": "to review", "no-match": "no match", "error": "not examined"}


def page(answers: Sequence[Json], find: Find) -> str:
    """The page. ``find`` gives the file of a query or a reference; without that of the query there are timelines alone."""
    views = [_answer(answer, find) for answer in answers]
    summary = Counter(answer["status"] for answer in answers)
    engines = _engines(answers)
    return (
        _environment()
        .get_template("report.html")
        .render(answers=views, summary=summary, statuses=STATUSES, engines=engines, scale=SCALE, made=_now())
    )


def scan_page(
    findings: Sequence[Finding], tally: Sequence[tuple[str, int]], notes: Sequence[str], find: Find
) -> str:
    """The page of a scan: what was found, where, how much, what could not be examined; pictures of the first PICTURED."""
    found = [(i, one) for i, one in enumerate(findings) if one.answer["matches"]]
    shown = [(i, one.answer) for i, one in found if one.copy_of is None]
    views = [
        _answer(answer, find if number < PICTURED else None) | {"id": f"f{i}"}
        for number, (i, answer) in enumerate(shown)
    ]
    if len(shown) > PICTURED:
        notes = [*notes, f"pictures are drawn of the first {PICTURED} of {len(shown)} files alone"]
    places = {answer["query"]["sha256"]: f"f{i}" for i, answer in shown}
    rows = [
        row
        | {"id": places[one.answer["query"]["sha256"]], "path": one.answer["path"], "copy_of": one.copy_of}
        for _, one in found
        for row in amounts(one.answer)
    ]
    failed = [one.answer for one in findings if one.answer["error"]]
    warned = [one.answer for one in findings if one.answer.get("warnings") and not one.answer["matches"]]
    engines = _engines([one.answer for one in findings])
    template = _environment().get_template("scan.html")
    return template.render(answers=views, found=rows, failed=failed, warned=warned, tally=tally,
                           notes=notes, statuses=STATUSES, engines=engines, scale=SCALE, made=_now())  # fmt: skip


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clock": clock, "harmless": harmless, "disguise": disguise, "stream": stream}
    return environment


def _engines(answers: Sequence[Json]) -> list[str]:
    """What examined, each once, and with how many registered files: of what could not be examined, that is not said."""
    engines = [answer["engine"] for answer in answers]
    made_by = {f"Whorl {engine['version']} ({', '.join(engine['algorithms'])})" for engine in engines}
    compared = {engine["references"] for engine in engines if "references" in engine}
    return sorted(made_by) + [f"compared with {counted(n, 'registered file')}" for n in sorted(compared)]


def _answer(answer: Json, find: Find | None) -> Json:
    """The answer as it is drawn; without pictures where there is no ``find``."""
    query, matches = find and find(answer["query"]), []
    for match in answer["matches"]:
        reference = find and find(match["reference"])
        undrawn = _undrawn(answer, match, query, reference) if find else []  # else they were not looked for
        matches.append(_match(answer, match, query, reference) | {"undrawn": undrawn})
    return answer | {"matches": matches}


def _match(answer: Json, match: Json, query: Path | None, reference: Path | None) -> Json:
    top, bottom = axes(answer["query"]["duration"], match["segments"])
    segments = [_segment(segment, query, reference) for segment in match["segments"]]
    told = {"query_axis": top, "ref_axis": bottom, "segments": segments, "remarks": remarks(match, answer)}
    return match | told


def _undrawn(answer: Json, match: Json, query: Path | None, reference: Path | None) -> list[str]:
    """What there are no pictures of: no file of its bytes was at hand."""
    sides = (("the capture", answer["query"], query), ("the original", match["reference"], reference))
    return [f"{side} ({thing['name']})" for side, thing, path in sides if path is None]


def _segment(segment: Json, query: Path | None, reference: Path | None) -> Json:
    """The segment with its pictures; with the reason where its media cannot be read any more."""
    shown: dict[str, Any] = {"frames": [], "spectrograms": None, "problem": None}
    if query is not None:
        try:
            if segment["kind"] == "video":
                shown["frames"] = _frames(segment, query, reference)
            else:
                shown["spectrograms"] = _spectrograms(segment, query, reference)
        except MediaError as error:
            shown["problem"] = str(error)
    return segment | shown


def _frames(segment: Json, query: Path, reference: Path | None) -> list[Json]:
    pairs = [(seconds, along(segment, seconds)) for seconds in frame_times(segment)]
    return [
        {
            "query_time": q,
            "ref_time": r,
            "query": data_url("jpeg", frame(query, q)),
            "reference": reference and data_url("jpeg", frame(reference, r)),
        }
        for q, r in pairs
    ]


def _spectrograms(segment: Json, query: Path, reference: Path | None) -> Json:
    seconds = drawn_seconds(segment)
    played = seconds * segment["time_scale"]
    return {
        "seconds": seconds,
        "query": data_url(
            "png", spectrogram(query, segment["query_start"], seconds, segment.get("track") or 1)
        ),
        "reference": reference and data_url("png", spectrogram(reference, segment["ref_start"], played)),
    }
