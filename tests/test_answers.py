"""Answers that are read back: whatever a file holds, it is an answer in every field, or the field is named."""

import json
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evidence.timeline import Axis
from service.answers import FieldError, parsed
from service.cli import app
from tests.answers import answer, match

GOOD = answer(match(3)) | {"warnings": ["sound: 3 damaged packets were left out"]}


def spoilt(place: tuple[str | int, ...], value: Any) -> str:
    """A good answer with another value at a place."""
    told: Any = deepcopy(GOOD)
    inside = told
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return json.dumps(told)


def test_what_match_prints_is_read() -> None:
    for told in (GOOD, answer(), answer(error={"code": "empty", "message": "a: is empty"})):
        assert parsed(json.dumps(told)) == told
    nested = GOOD | {"matches": [match(3, also_in=[match(4)], repeats=match(3)["segments"], tied_with=["5"])]}
    assert parsed(json.dumps(nested)) == nested


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("query",), "x", "query is not an object"),
        (("query", "name"), ["a"], "query.name is not a text"),
        (("query", "duration"), float("nan"), "NaN is no number"),
        (("query", "duration"), float("inf"), "Infinity is no number"),
        (("query", "duration"), 10**400, "query.duration is not a number from 0 to 1e.08"),
        (("query", "kinds"), ["smell"], r"query.kinds\[0\] is not one of audio, video"),
        (("status",), "<b>", "status is not one of"),
        (("error",), "boom", "error is not an object"),
        (("engine",), {}, "engine.version is missing"),
        (("matches",), None, "matches is not a list"),
        (("matches", 0, "reference", "id"), [1], r"matches\[0\].reference.id is not a text"),
        (("matches", 0, "segments"), [], "is not a list of 1 or more"),
        (("matches", 0, "segments", 0, "query_end"), -1, "query_end is before query_start"),
        (("matches", 0, "segments", 0, "time_scale"), 0, "time_scale is not a number"),
        (("matches", 0, "segments", 0, "disguise", "crop"), [0, 0, 0, 1], "crop is not left, top"),
        (("matches", 0, "expected_false_matches"), True, "expected_false_matches is not a number"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(place: tuple[str | int, ...], value: Any, reason: str) -> None:
    with pytest.raises(FieldError, match=reason):
        parsed(spoilt(place, value))


def test_depth_is_bounded() -> None:
    nested = match(1)
    for _ in range(6):
        nested = match(1, also_in=[nested])
    for line in (json.dumps(answer(nested)), "[" * 100_000):
        with pytest.raises(FieldError, match="deep"):
            parsed(line)


@pytest.mark.parametrize("output", [(), ("--output", "page.html")])
def test_a_report_of_what_is_no_answer_is_wrong_usage(
    tmp_path: Path, data: Path, output: tuple[str, ...]
) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + spoilt(("query", "name"), 5))
    done = CliRunner().invoke(app, ["report", str(path), *output])
    said = " ".join(done.stderr.replace("│", " ").split())
    assert (done.exit_code, "line 2: query.name is not a text" in said) == (2, True)


@pytest.mark.parametrize("kept", [1, 200, -1])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path, data: Path, kept: int) -> None:
    path, line = tmp_path / "answers.jsonl", json.dumps(GOOD)
    path.write_text(f"{line}\n{line[:kept]}")
    done = CliRunner().invoke(app, ["report", str(path)])
    assert done.exit_code == 0 and "Work of 3" in done.stdout
    assert "line 2, the last, is cut off and left out" in done.stderr


@pytest.mark.parametrize("last", ['{"status": "no-match"}', '{"status": "no-match"} and more', "more"])
def test_a_last_line_that_is_whole_must_be_an_answer(tmp_path: Path, data: Path, last: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{last}")
    assert CliRunner().invoke(app, ["report", str(path)]).exit_code == 2


@pytest.mark.parametrize("text", ["", "\n", '{"status": "no-ma'])
def test_what_holds_no_answers_is_wrong_usage(tmp_path: Path, data: Path, text: str) -> None:
    (tmp_path / "answers.jsonl").write_text(text)
    assert CliRunner().invoke(app, ["report", str(tmp_path / "answers.jsonl")]).exit_code == 2


def test_many_answers_are_a_table_at_once(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text((json.dumps(GOOD) + "\n") * 20_000)
    begun = time.monotonic()
    done = CliRunner().invoke(app, ["report", str(path)])
    assert done.stdout.count("Work of 3") >= 20_000
    assert time.monotonic() - begun < 60


def test_ticks_are_few_however_long_the_axis() -> None:
    assert all(len(Axis(0.0, span).ticks) <= 7 for span in (1.0, 1e5, 1e8))
