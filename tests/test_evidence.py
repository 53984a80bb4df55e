"""Every report names what was found, where, how sure; and no name in it can act."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame

from evidence import pictures
from evidence.answer import Json, answer_json
from evidence.html_report import page, scan_page
from evidence.pictures import along, frame_times
from evidence.report import REPORTS, Sources
from evidence.timeline import axes
from evidence.words import clock, disguise, harmless
from fingerprint.decoding import frames
from fingerprint.decoding.message import PICTURE
from fingerprint.fingerprint import Crop, Disguise
from fingerprint.media import sha256
from index.catalog import Reference, Work
from matching.segment import Answer, Failure, Match, QueryInfo, Segment

ENGINE = {"version": "0.1.0", "algorithms": ["audio/1", "video/1"], "references": 31}
REFERENCE = Reference(7, 3, "film.mkv", "ab" * 32, 5400.0, datetime(2026, 1, 1, tzinfo=UTC))
WORK = Work(3, "A Film", "film", "A Studio", frozenset())
MIRRORED = Segment("video", 0.5, 10.0, 61.2, 71.08, Disguise(mirror=True, time_scale=1.04), 83.14159)
FOUND = Answer(
    QueryInfo("clip.mp4", "cd" * 32, 12.0, ("audio", "video")),
    (Match(REFERENCE, (MIRRORED,), 3.5e-12, "match"),),
    None,
    (),
    0.4123,
)


def plain(answer: Answer, work: Work = WORK) -> Json:
    return json.loads(json.dumps(answer_json(answer, lambda _: work, ENGINE)))  # type: ignore[no-any-return]


def nowhere(_: Json) -> None:
    return None


@pytest.mark.parametrize(
    ("mirror", "rotation", "seen", "told"),
    [
        (False, 0, (0.2, 0.1, 0.5, 0.6), [0.2, 0.1, 0.5, 0.6]),
        (True, 0, (0.2, 0.1, 0.5, 0.6), [0.3, 0.1, 0.5, 0.6]),
        (
            False,
            90,
            (0.5, 0.0, 0.5, 0.4),
            [0.0, 0.0, 0.4, 0.5],
        ),  # turned clockwise, what was left on top is right on top
        (False, 180, (0.0, 0.0, 0.5, 0.4), [0.5, 0.6, 0.5, 0.4]),
        (True, 270, (0.0, 0.6, 0.5, 0.4), [0.6, 0.0, 0.4, 0.5]),
        (True, 0, (-0.5, -1.0, 2.0, 3.0), [-0.5, -1.0, 2.0, 3.0]),
    ],
)
def test_a_crop_is_told_as_parts_of_the_original_however_it_was_turned(
    mirror: bool, rotation: int, seen: Crop, told: list[float]
) -> None:
    hidden = Disguise(mirror=mirror, rotation=rotation, crop=seen)
    shown = replace(FOUND, matches=(Match(REFERENCE, (replace(MIRRORED, disguise=hidden),), 1e-9, "match"),))
    crop = plain(shown)["matches"][0]["segments"][0]["disguise"]["crop"]
    assert crop == pytest.approx(told)
    left, top, width, height = told
    corner = np.zeros((100, 100), np.uint8)
    corner[
        max(round(100 * top), 0) : round(100 * (top + height)),
        max(round(100 * left), 0) : round(100 * (left + width)),
    ] = 255
    capture = np.rot90(corner[:, ::-1] if mirror else corner, -rotation // 90)
    rows, columns = np.nonzero(capture)
    assert (columns.min(), rows.min()) == tuple(max(round(100 * edge), 0) for edge in seen[:2])


def test_an_answer_is_the_object_that_the_design_fixes() -> None:
    assert plain(FOUND) == {
        "query": {"name": "clip.mp4", "sha256": "cd" * 32, "duration": 12.0, "kinds": ["audio", "video"]},
        "status": "match",
        "error": None,
        "elapsed": 0.412,
        "matches": [
            {
                "reference": {
                    "id": "7",
                    "name": "film.mkv",
                    "title": "A Film",
                    "owner": "A Studio",
                    "sha256": "ab" * 32,
                },
                "verdict": "match",
                "expected_false_matches": 3.5e-12,
                "segments": [
                    {
                        "kind": "video",
                        "query_start": 0.5,
                        "query_end": 10.0,
                        "ref_start": 61.2,
                        "ref_end": 71.08,
                        "time_scale": 1.04,
                        "disguise": {"mirror": True, "crop": None, "pitch": 0.0},
                        "score": 83.14,
                    }
                ],
            }
        ],
        "engine": ENGINE,
    }


def test_a_page_of_a_scan_without_findings_names_no_engine() -> None:
    text = scan_page([], [("file", 1)], [], nowhere)
    assert re.search(r"Made on [-\d]+ [:\d]+ UTC\. Pictures", text)


def test_a_page_says_once_what_examined_and_with_how_much_it_compared() -> None:
    failed = plain(replace(FOUND, matches=(), error=Failure("truncated", "clip.mp4: ends too early")))
    del failed["engine"]["references"]
    text = page([plain(FOUND), failed], nowhere)
    assert text.count("Whorl 0.1.0") == text.count("compared with 31 registered files") == 1


def test_a_page_tells_which_side_could_not_be_drawn() -> None:
    answer = plain(FOUND)
    text = page([answer], nowhere)
    sides = f"the capture ({answer['query']['name']}) and the original ({answer['matches'][0]['reference']['name']})"
    assert f"Not drawn, for no file of the same bytes was at hand: {sides}" in text


def test_a_crop_that_begins_at_the_edge_begins_at_nothing_negative() -> None:
    cropped = replace(MIRRORED, disguise=Disguise(crop=(-1e-9, 0.1, 0.9, 0.9)))
    answer = plain(replace(FOUND, matches=(replace(FOUND.matches[0], segments=(cropped,)),)))
    assert str(answer["matches"][0]["segments"][0]["disguise"]["crop"]) == "[0.0, 0.1, 0.9, 0.9]"


def test_an_error_is_never_no_match() -> None:
    failed = plain(replace(FOUND, matches=(), error=Failure("not-media", "clip.mp4: holds no media")))
    assert failed["status"] == "error"
    assert failed["error"] == {"code": "not-media", "message": "clip.mp4: holds no media"}
    assert plain(replace(FOUND, matches=()))["status"] == "no-match"


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_a_report_names_files_times_verdict_and_certainty(report: object) -> None:
    assert callable(report)
    text = report([plain(FOUND)], nowhere)
    for part in ("clip.mp4", "film.mkv", "A Film", "0:00.5", "0:10.0", "1:01.2", "1:11.1"):
        assert part in text
    assert "verdict: match" in text
    assert "3.5e-12" in text
    assert "mirrored, 1.04x speed" in text
    assert f"sha256 {FOUND.query.sha256}" in text and f"sha256 {REFERENCE.sha256}" in text
    assert re.search(r"Made on 20\d\d-\d\d-\d\d \d\d:\d\d UTC from answers of Whorl 0.1.0", text)
    assert "compared with 31 registered files" in text
    assert "How to check this" in text


def test_answers_that_do_not_say_what_file_was_registered_are_shown_without_its_digest_and_pictures(
    samples: Path,
) -> None:
    answer = plain(FOUND)
    del answer["matches"][0]["reference"]["sha256"]
    assert REFERENCE.sha256 not in REPORTS["html"]([answer], Sources([samples]))


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_a_report_tells_strangers_from_failures(report: object) -> None:
    assert callable(report)
    stranger = plain(replace(FOUND, matches=()))
    failed = plain(replace(FOUND, matches=(), error=Failure("truncated", "clip.mp4: ends too early")))
    assert "Nothing registered was found" in report([stranger], nowhere)
    assert "How to check this" not in report([stranger], nowhere)
    assert "ends too early" in report([failed], nowhere)
    assert "Nothing registered" not in report([failed], nowhere)


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_a_report_escapes_what_others_named(report: object) -> None:
    assert callable(report)
    evil = "<script>alert(1)</script>\u202egpj.{{7*7}}\x1b[31m\n"
    query = replace(FOUND.query, name=evil)
    failed = replace(FOUND, query=query, matches=(), error=Failure("not-media", evil))
    text = report(
        [plain(replace(FOUND, query=query), replace(WORK, title=evil, owner=evil)), plain(failed)],
        nowhere,
    )
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "{{7*7}}" in text  # as text: templates see it no more


def test_pictures_come_from_the_very_files_alone(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "clip.mp4").write_bytes(b"other bytes")
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "clip.mp4").touch()
    (tmp_path / "below" / "clip.mp4").write_bytes(b"the bytes")
    digest = sha256(tmp_path / "below" / "clip.mp4")
    find = Sources([tmp_path])
    assert find({"name": "clip.mp4", "sha256": digest}) == tmp_path / "below" / "clip.mp4"
    assert find({"name": "clip.mp4", "sha256": "00" * 32}) is None
    assert find({"name": "clip.mp4", "id": "7"}) is None


def test_a_page_shows_frames_side_by_side_and_sound(samples: Path) -> None:
    capture, original = samples / "captures" / "mirrored.mp4", samples / "originals" / "night-shift.mp4"
    query = QueryInfo(capture.name, sha256(capture), 14.0, ("audio", "video"))
    reference = replace(REFERENCE, name=original.name, sha256=sha256(original))
    segments = (
        Segment("video", 0.0, 14.0, 3.0, 17.0, Disguise(mirror=True), 50.0),
        Segment("audio", 0.0, 14.0, 3.0, 17.0, Disguise(), 50.0),
    )
    answer = replace(FOUND, query=query, matches=(Match(reference, segments, 1e-9, "match"),))
    text = REPORTS["html"]([plain(answer)], Sources([samples]))
    assert f"night-shift.mp4 · sha256 {reference.sha256}" in text
    assert text.count("data:image/jpeg") == 6
    assert text.count("data:image/png") == 2
    assert "mirrored, as captured" in text


@pytest.mark.parametrize("aspect", [1 / 400, 400.0, -1.0])
def test_pixels_far_from_square_are_drawn_within_reason(aspect: float) -> None:
    _, payload = frames._large(VideoFrame(64, 48, "rgb24"), aspect, 300)
    width, height, _ = PICTURE.unpack_from(payload)
    assert (width, max(height / width, width / height)) == (300, pytest.approx(8, abs=0.2))


def test_a_picture_that_cannot_be_drawn_is_told_of_its_segment(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tall = np.zeros((70_000, 1, 3), np.uint8)  # higher than a JPEG can be
    monkeypatch.setattr(pictures, "picture", lambda *_: tall)
    text = REPORTS["html"]([plain(FOUND)], lambda _: samples / "captures" / "mirrored.mp4")
    assert "mirrored.mp4: gives a picture of 1 x 70000" in text


def test_both_lanes_have_one_scale_and_hold_all_segments() -> None:
    top, bottom = axes(12.0, plain(FOUND)["matches"][0]["segments"])
    assert top.span == bottom.span == 12.0
    assert top.x(6.0) == 500.0
    assert 0 <= bottom.x(61.2) < bottom.x(71.08) <= 1000
    assert bottom.ticks == [62.0, 64.0, 66.0, 68.0, 70.0, 72.0]


def test_frames_are_taken_along_the_line() -> None:
    segment = plain(FOUND)["matches"][0]["segments"][0]
    assert along(segment, 0.5) == 61.2
    assert along(segment, 10.0) == pytest.approx(71.08)
    assert frame_times(segment, 1) == [5.25]


def test_times_and_disguises_in_words() -> None:
    assert clock(61.24) == "1:01.2"
    assert clock(3725.0) == "1:02:05.0"
    segment = plain(FOUND)["matches"][0]["segments"][0]
    assert disguise(segment) == "mirrored, 1.04x speed"
    assert disguise(
        segment | {"time_scale": 1.0, "disguise": {"mirror": False, "crop": None, "pitch": -1.0}}
    ) == ("pitch -1.0 semitones")
    assert harmless("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
