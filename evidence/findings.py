"""What a scan of many files found, as rows: how much of which work is where."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidence.answer import Json
from evidence.remarks import STREAMS
from evidence.words import disguise, harmless, stream

COLUMNS = (
    "path", "status", "examined", "same_bytes_as", "sha256", "duration", "verdict", "title", "owner", "reference_id",
    "reference", "expected_false_matches", "kind", "query_start", "query_end", "ref_start", "ref_end", "seconds", "disguise",
    "replaced", "error_code", "error", "warnings",
)  # fmt: skip
# Where a cell begins with what begins a formula; spreadsheets of many countries part cells at semicolons, quoted or not.
_FORMULA = re.compile(r"(^|; *)(?=[=+\-@])")


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to a file, with its ``path``.

    thorough  whether it was examined in full
    copy_of   the first file of the same bytes, where it is not this one
    """

    answer: Json
    thorough: bool
    copy_of: str | None = None


def amounts(answer: Json) -> Iterator[Json]:
    """For each match the work, the verdict, the seconds of the capture that are it, their share of the capture, and what is
    another's in some of them, such as "sound".
    """
    for match in answer["matches"]:
        seconds = covered([(s["query_start"], s["query_end"]) for s in match["segments"]])
        about = {name: match["reference"][name] for name in ("title", "owner")}
        share = min(1.0, seconds / max(answer["query"]["duration"], 1e-3))
        replaced = sorted({STREAMS[part["kind"]] for part in match.get("replaced", ())})
        yield {**about, "verdict": match["verdict"], "seconds": seconds, "share": share, "replaced": replaced}


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that lie in at least one of the spans (start, end)."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def rows(finding: Finding) -> Iterator[dict[str, str]]:
    """A row of a table of COLUMNS for each segment; one for a file without any."""
    answer = finding.answer
    common = {
        "path": answer["path"],
        "status": answer["status"],
        "examined": "" if answer["error"] else "in full" if finding.thorough else "at a glance",
        "same_bytes_as": finding.copy_of or "",
        "sha256": answer["query"]["sha256"],
        "duration": f"{answer['query']['duration']:.3f}",
        "warnings": "; ".join(answer.get("warnings", ())),
    }
    if answer["error"]:
        common |= {"error_code": answer["error"]["code"], "error": answer["error"]["message"]}
    found = [
        common | _segment(match, segment) for match in answer["matches"] for segment in match["segments"]
    ]
    for row in found or [common]:
        yield {name: _cell(row.get(name, "")) for name in COLUMNS}


def _segment(match: Json, segment: Json) -> dict[str, str]:
    reference = match["reference"]
    times = {name: f"{segment[name]:.3f}" for name in ("query_start", "query_end", "ref_start", "ref_end")}
    return {
        "verdict": match["verdict"],
        "title": reference["title"],
        "owner": reference["owner"],
        "reference_id": reference["id"],
        "reference": reference["name"],
        "expected_false_matches": f"{match['expected_false_matches']:.3g}",
        "kind": stream(segment),
        "seconds": f"{segment['query_end'] - segment['query_start']:.3f}",
        "disguise": disguise(segment),
        "replaced": "; ".join(_replaced(part) for part in match.get("replaced", ())),
        **times,
    }


def _replaced(part: Json) -> str:
    """Such as "audio 0.000 to 12.500": seconds of the file in which that stream is not the work's."""
    return f"{part['kind']} {part['query_start']:.3f} to {part['query_end']:.3f}"


def _cell(text: str) -> str:
    """The text as a spreadsheet shows it and does not obey it: a name such as =HYPERLINK(...) is a formula there."""
    return _FORMULA.sub(r"\1'", harmless(text))
