"""The rows of a scan's table, on an answer as `whorl match --json` prints it."""

from dataclasses import replace

from evidence.answer import Json
from evidence.findings import COLUMNS, Finding, amounts, rows
from evidence.html_report import scan_page
from matching.segment import Replaced
from tests.test_evidence import FOUND, nowhere, plain


def row_of(answer: Json) -> dict[str, str]:
    (row,) = rows(Finding(answer | {"path": "drive/clip.mp4"}, thorough=True))
    return row


def test_a_row_says_what_is_where() -> None:
    row = row_of(plain(FOUND))
    assert tuple(row) == COLUMNS
    assert (row["path"], row["title"], row["verdict"]) == ("drive/clip.mp4", "A Film", "match")
    assert (row["query_start"], row["ref_start"], row["replaced"]) == ("0.500", "61.200", "")


def test_a_row_says_in_which_seconds_the_sound_is_another() -> None:
    dubbed = replace(FOUND.matches[0], replaced=(Replaced("audio", 0.0, 4.0), Replaced("audio", 6.5, 10.0)))
    answer = plain(replace(FOUND, matches=(dubbed,)))
    row = row_of(answer)
    assert row["replaced"] == "audio 0.000 to 4.000; audio 6.500 to 10.000"
    (amount,) = amounts(answer)
    assert amount["replaced"] == ["sound"]
    finding = Finding(answer | {"path": "drive/clip.mp4"}, thorough=True)
    assert "sound replaced" in scan_page([finding], [("file", 1)], [], nowhere)
