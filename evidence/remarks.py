"""How a match's picture and sound go together, and what else its seconds are in, in sentences."""

from collections.abc import Iterable, Sequence

from evidence.answer import Json
from evidence.words import clock
from matching.relate import ASTRAY

MOST = 0.5  # of some seconds, from which another work is named as what is heard or seen there

Span = tuple[float, float]
STREAMS = {"audio": "sound", "video": "picture"}


def remarks(match: Json, answer: Json) -> list[str]:
    """Sentences about a match of an answer; none about a plain copy of picture and sound together."""
    return [
        *_replaced(match, answer),
        *_alone(match, answer),
        # Where packets are missing, nobody can tell how far sound and picture were apart.
        *([] if answer.get("warnings") else _apart(match)),
        *_repeats(match),
        *_tied(match, answer),
        *_also_in(match),
    ]


def named(match: Json) -> str:
    """The title and the id, for titles are not unique."""
    return f"{match['reference']['title']} (#{match['reference']['id']})"


def _replaced(match: Json, answer: Json) -> list[str]:
    return [_other_stream(part, match, answer) for part in match.get("replaced", ())]


def _other_stream(part: Json, match: Json, answer: Json) -> str:
    """What stands beside the work's stream, and which registered work that is of, if one."""
    span = (part["query_start"], part["query_end"])
    if part["kind"] == "audio":
        text = "picture only, the sound was not recognised as this work's (dubbed or replaced)"
    else:
        text = "sound only, the picture was not recognised as this work's (borrowed or replaced)"
    origins = [
        named(other)
        for other in answer["matches"]
        if other is not match and _shared(span, _spans(other["segments"], part["kind"])) >= MOST
    ]
    return f"{_interval(span)}: {text}{': it is that of ' if origins else ''}{' or '.join(origins)}"


def _alone(match: Json, answer: Json) -> list[str]:
    """Where a stream of the capture has nothing to be compared with, is silent or black itself, or is not surely of another
    place of the work.

    The kinds of the original's streams are known only where its catalog is at hand.
    """
    kinds = {segment["kind"] for segment in match["segments"]}
    if match.get("replaced") or len(kinds) != 1 or len(answer["query"]["kinds"]) < 2:
        return []
    (kind,) = kinds
    other = "sound" if kind == "video" else "picture"
    if match["reference"].get("kinds") == [kind]:
        return [f"{STREAMS[kind]} only: the original has no {other}"]
    if answer.get("warnings"):
        return [f"{STREAMS[kind]} only: the capture is damaged, its {other} may be the work's or not"]
    empty = "silent" if other == "sound" else "black"
    return [
        f"{STREAMS[kind]} only: the {other} is missing or {empty}, here or in the original, or unsure at another place of it"
    ]


def _apart(match: Json) -> list[str]:
    """Such as "sound runs 0.7 s behind the picture", for each such pair of segments."""
    found: dict[str, None] = {}
    for sound in (s for s in match["segments"] if s["kind"] == "audio"):
        for picture in (s for s in match["segments"] if s["kind"] == "video"):
            first = max(sound["query_start"], picture["query_start"])
            last = min(sound["query_end"], picture["query_end"])
            if last <= first:
                continue
            middle = (first + last) / 2
            behind = (_along(picture, middle) - _along(sound, middle)) / picture["time_scale"]
            if abs(behind) >= ASTRAY:
                side = "behind" if behind > 0 else "ahead of"
                found[f"{_interval((first, last))}: sound runs {abs(behind):.1f} s {side} the picture"] = None
    return list(found)


def _along(segment: Json, seconds: float) -> float:
    return float(segment["ref_start"] + (seconds - segment["query_start"]) * segment["time_scale"])


def _repeats(match: Json) -> list[str]:
    """One sentence for each stretch of the capture that is in several places of the work."""
    places: dict[tuple[str, str], list[str]] = {}
    for segment in match.get("repeats", ()):
        span = _interval((segment["query_start"], segment["query_end"]))
        places.setdefault((span, segment["kind"]), []).append(clock(segment["ref_start"]))
    return [
        f"{span}: this {STREAMS[kind]} is repeated in the work, it fits as well at {' and '.join(starts)} of the original"
        for (span, kind), starts in places.items()
    ]


def _tied(match: Json, answer: Json) -> list[str]:
    tied = [
        named(other) for other in answer["matches"] if other["reference"]["id"] in match.get("tied_with", ())
    ]
    return (
        [f"fits the same seconds as well: {', '.join(tied)}; the capture does not tell them apart"]
        if tied
        else []
    )


def _also_in(match: Json) -> list[str]:
    return [
        f"{', '.join(map(_interval, _merged(_spans(other['segments'], *STREAMS))))} also in {named(other)}: shared material"
        for other in match.get("also_in", ())
    ]


def _interval(span: Span) -> str:
    return f"{clock(span[0])} to {clock(span[1])}"


def _spans(segments: Iterable[Json], *kinds: str) -> list[Span]:
    return [(s["query_start"], s["query_end"]) for s in segments if s["kind"] in kinds]


def _shared(span: Span, others: Sequence[Span]) -> float:
    """The part of the span that the others cover, in [0, 1]."""
    covered = sum(max(0.0, min(span[1], b) - max(span[0], a)) for a, b in _merged(others))
    return covered / max(span[1] - span[0], 1e-9)


def _merged(spans: Iterable[Span], gap: float = 1.0) -> list[Span]:
    """The spans in order, those that meet or nearly so made one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
