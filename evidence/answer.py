"""An answer as the JSON object that programs read: one line for each capture."""

from collections.abc import Callable
from typing import Any

from fingerprint.fingerprint import Crop, Disguise
from index.catalog import Reference, Work
from index.names import printable as printable  # for all that tell of answers
from matching.segment import Answer, Match, Replaced, Segment

Json = dict[str, Any]


def answer_json(answer: Answer, work: Callable[[int], Work], engine: Json) -> Json:
    """The answer as plain data; ``engine`` is {"version": ..., "algorithms": [...]}, and "references" of what was examined.

    ``warnings`` are there only where there are any: what of a damaged capture could not be read, and why nothing was found.
    """
    query = answer.query
    return {
        "query": {
            "name": printable(query.name),
            "sha256": query.sha256,
            "duration": round(query.duration, 3),
            "kinds": list(query.kinds),
        },
        "status": answer.status,
        "error": answer.error and {"code": answer.error.code, "message": printable(answer.error.message)},
        "elapsed": round(answer.elapsed, 3),
        "matches": [_match(match, work) for match in answer.matches],
        "engine": engine,
        **({"warnings": [printable(warning) for warning in answer.warnings]} if answer.warnings else {}),
    }


def reference_json(reference: Reference, work: Work) -> Json:
    """A registered file and its work as plain data; ``sha256`` is not there of what is on the air and has no file."""
    return {
        "id": str(reference.id),
        "name": printable(reference.name),
        "title": printable(work.title),
        "owner": printable(work.owner),
        **({"sha256": reference.sha256} if reference.sha256 else {}),
    }


def _match(match: Match, work: Callable[[int], Work]) -> Json:
    """What relates it to other streams and works is there only where there is any: most copies are plain."""
    return {
        "reference": reference_json(match.reference, work(match.reference.work_id)),
        "verdict": match.verdict,
        "expected_false_matches": match.expected_false_matches,
        "segments": [segment_json(segment) for segment in match.segments],
        **({"replaced": [_replaced(part) for part in match.replaced]} if match.replaced else {}),
        **({"repeats": [segment_json(segment) for segment in match.repeats]} if match.repeats else {}),
        **({"also_in": [_match(other, work) for other in match.also_in]} if match.also_in else {}),
        **({"tied_with": [str(ref_id) for ref_id in match.tied_with]} if match.tied_with else {}),
    }


def _replaced(part: Replaced) -> Json:
    return {
        "kind": part.kind,
        "query_start": round(part.query_start, 3),
        "query_end": round(part.query_end, 3),
    }


def segment_json(segment: Segment) -> Json:
    """A segment as plain data; times in seconds. ``track`` is there only where it is not the first track of sound."""
    return {
        "kind": segment.kind,
        "query_start": round(segment.query_start, 3),
        "query_end": round(segment.query_end, 3),
        "ref_start": round(segment.ref_start, 3),
        "ref_end": round(segment.ref_end, 3),
        "time_scale": round(segment.time_scale, 4),
        "disguise": _disguise(segment.disguise),
        "score": round(segment.score, 2),
        **({"track": segment.track + 1} if segment.track else {}),
    }


def _disguise(disguise: Disguise) -> Json:
    """``rotation`` is there only where the picture was turned."""
    return {
        "mirror": disguise.mirror,
        "crop": disguise.crop
        and [round(part, 3) + 0.0 for part in _upright(disguise, disguise.crop)],  # -0.0 is 0.0
        "pitch": round(disguise.pitch, 2),
        **({"rotation": disguise.rotation} if disguise.rotation else {}),
    }


def _upright(disguise: Disguise, crop: Crop) -> Crop:
    """A crop, which is found as the capture shows it, as parts of the original: turned and mirrored back."""
    left, top, width, height = crop
    for _ in range(disguise.rotation // 90):
        left, top, width, height = top, 1 - left - width, height, width
    return (1 - left - width if disguise.mirror else left, top, width, height)
