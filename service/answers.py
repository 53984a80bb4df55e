"""Answers that are read back from a file: whoever wrote it, what follows may rely on every field."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from evidence.answer import Json

LONGEST = 1e8  # seconds of any time: three years
DEEPEST = 4  # matches inside of matches
FASTEST = 100.0  # times the original's speed

Check = Callable[[Any, str], None]


class FieldError(ValueError):
    """A field that no answer has so: its name, and what it should be."""


def parsed(line: str) -> Json:
    """The answer in a line that `whorl match --json` printed. Raises FieldError, ValueError for what is no JSON."""
    try:
        answer = json.loads(line, parse_constant=_no_number)
        _ANSWER(answer, "")
    except RecursionError:
        raise FieldError("it is too deep") from None
    return dict(answer)


def _no_number(text: str) -> None:
    raise FieldError(f"{text} is no number")


def _wrong(field: str, wanted: str) -> FieldError:
    return FieldError(f"{field or 'the line'} is not {wanted}")


def _text(value: Any, field: str) -> None:
    if not isinstance(value, str):
        raise _wrong(field, "a text")


def _flag(value: Any, field: str) -> None:
    if not isinstance(value, bool):
        raise _wrong(field, "true or false")


def _number(low: float, high: float) -> Check:
    def check(value: Any, field: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _wrong(field, f"a number from {low:g} to {high:g}")

    return check


def _one_of(*words: str) -> Check:
    def check(value: Any, field: str) -> None:
        if value not in words:
            raise _wrong(field, f"one of {', '.join(words)}")

    return check


def _list(each: Check, least: int = 0) -> Check:
    def check(value: Any, field: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise _wrong(field, f"a list of {least} or more" if least else "a list")
        for i, one in enumerate(value):
            each(one, f"{field}[{i}]")

    return check


def _or_null(check: Check) -> Check:
    return lambda value, field: None if value is None else check(value, field)


def _object(fields: Mapping[str, Check], may: Mapping[str, Check] | None = None) -> Check:
    """Has all the ``fields``, and those of ``may`` that it has are right; whatever else it has is nobody's concern."""

    def check(value: Any, field: str) -> None:
        if not isinstance(value, dict):
            raise _wrong(field, "an object")
        for name, each in [*fields.items(), *(may or {}).items()]:
            place = f"{field}.{name}" if field else name
            if name in value:
                each(value[name], place)
            elif name in fields:
                raise FieldError(f"{place} is missing")

    return check


def _ordered(check: Check, *pairs: tuple[str, str]) -> Check:
    def checked(value: Any, field: str) -> None:
        check(value, field)
        for first, last in pairs:
            if value[last] < value[first]:
                raise FieldError(f"{field}.{last} is before {first}")

    return checked


def _crop(value: Any, field: str) -> None:
    _list(_number(-100, 100), least=4)(value, field)
    if len(value) != 4 or min(value[2:]) <= 0:
        raise _wrong(field, "left, top, width and height")


def _track(value: Any, field: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1000:
        raise _wrong(field, "the number of a track")


_SECOND = _number(-LONGEST, LONGEST)
_KIND = _one_of("audio", "video")
_ANY = _number(-1e12, 1e12)
_DISGUISE = _object(
    {"mirror": _flag, "crop": _or_null(_crop), "pitch": _number(-100, 100)}, {"rotation": _number(-360, 360)}
)
_SEGMENT = _ordered(
    _object(
        {
            "kind": _KIND, "query_start": _SECOND, "query_end": _SECOND, "ref_start": _SECOND, "ref_end": _SECOND,
            "time_scale": _number(1 / FASTEST, FASTEST), "disguise": _DISGUISE, "score": _ANY,
        },
        {"track": _track},
    ),
    ("query_start", "query_end"),
    ("ref_start", "ref_end"),
)  # fmt: skip
_REPLACED = _ordered(
    _object({"kind": _KIND, "query_start": _SECOND, "query_end": _SECOND}), ("query_start", "query_end")
)
_REFERENCE = _object(dict.fromkeys(("id", "name", "title", "owner"), _text), {"sha256": _text})


def _match(depth: int) -> Check:
    further = _list(_match(depth - 1)) if depth else _list(_wrong_depth)
    return _object(
        {
            "reference": _REFERENCE, "verdict": _one_of("match", "review", "no-match"),
            "expected_false_matches": _number(0, 1e300), "segments": _list(_SEGMENT, least=1),
        },
        {"replaced": _list(_REPLACED), "repeats": _list(_SEGMENT), "also_in": further, "tied_with": _list(_text)},
    )  # fmt: skip


def _wrong_depth(_: Any, field: str) -> None:
    raise FieldError(f"{field} is deeper than {DEEPEST} matches in each other")


_ANSWER = _object(
    {
        "query": _object(
            {"name": _text, "sha256": _text, "duration": _number(0, LONGEST), "kinds": _list(_KIND)}
        ),
        "status": _one_of("match", "review", "no-match", "error"),
        "error": _or_null(_object({"code": _text, "message": _text})),
        "matches": _list(_match(DEEPEST)),
        "engine": _object({"version": _text, "algorithms": _list(_text)}, {"references": _number(0, 1e12)}),
    },
    {"warnings": _list(_text), "elapsed": _ANY, "path": _text},
)
