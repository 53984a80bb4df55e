"""What people read of answers: rows in the order of the capture, reasons without a second name, remarks that fit."""

import pytest

from evidence.answer import Json
from evidence.remarks import remarks
from evidence.words import counted
from service.terminal import answer_rows, show_remarks
from tests.answers import answer, match


def at(begin: float, found: Json) -> Json:
    """The match, with its segments from ``begin`` on."""
    return found | {
        "segments": [s | {"query_start": begin, "query_end": begin + 5} for s in found["segments"]]
    }


def test_rows_are_in_the_order_of_the_capture() -> None:
    rows = answer_rows(answer(at(20.0, match(1)), at(0.0, match(2)), at(10.0, match(3))))
    assert [row[4].split(" ")[0] for row in rows] == ["0:00.0", "0:10.0", "0:20.0"]


def test_a_reason_does_not_say_the_name_again() -> None:
    failed = answer() | {"error": {"code": "empty", "message": "clip.mp4: is empty"}}
    failed["query"] = failed["query"] | {"name": "a/clip.mp4"}
    assert answer_rows(failed)[0][:3] == ("a/clip.mp4", "error", "is empty")


def test_under_a_scan_s_table_it_is_said_of_each_file_where_its_sound_is_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    replaced = [{"kind": "audio", "query_start": 0.0, "query_end": 4.0}]
    show_remarks("drive/clip.mp4", answer(match(1, replaced=replaced)))
    assert "drive/clip.mp4, Work of 1 (#1): 0:00.0 to 0:04.0: picture only" in capsys.readouterr().out


@pytest.mark.parametrize(("number", "words"), [(0, "0 works"), (1, "1 work"), (2, "2 works")])
def test_one_is_no_plural(number: int, words: str) -> None:
    assert counted(number, "work") == words


def test_an_original_that_has_sound_only_is_not_said_to_lack_a_picture() -> None:
    found = match(1)
    found["segments"] = [segment | {"kind": "audio"} for segment in found["segments"]]
    whole = answer(found)
    whole["query"] = whole["query"] | {"kinds": ["audio", "video"]}
    assert "missing or black" in remarks(found, whole)[0]
    known = found | {"reference": found["reference"] | {"kinds": ["audio"]}}
    assert remarks(known, whole) == ["sound only: the original has no picture"]
