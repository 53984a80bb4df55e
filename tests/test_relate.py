"""Each second of a capture is told once: what is shared, repeated, tied, dubbed or out of step, drawn as segments."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from evidence.answer import Json, answer_json
from evidence.remarks import remarks
from evidence.report import REPORTS
from fingerprint.fingerprint import Disguise
from index.catalog import Reference, Work
from matching.join import Placed
from matching.relate import Filled, matches, outside
from matching.segment import Answer, Match, QueryInfo, Segment

TITLES = {1: "Episode 1", 2: "Episode 2", 3: "Episode 3", 4: "Score"}
ENGINE = {"version": "0", "algorithms": ["audio/1", "video/2"]}


def part(
    ref_id: int, kind: str, query: tuple[float, float], at: float, expected: float = 1e-9, scale: float = 1.0
) -> Placed:
    """Seconds of the capture that are those of a work from ``at`` on."""
    first, last = query
    disguise, evidence = Disguise(time_scale=scale), -np.log(expected)
    segment = Segment(kind, first, last, at, at + scale * (last - first), disguise, 50.0)
    return Placed(ref_id, segment, expected, evidence)


def reference(ref_id: int) -> Reference:
    return Reference(
        ref_id, ref_id, f"{ref_id}.mkv", f"{ref_id:064}", 3600.0, datetime(2026, 1, 1, tzinfo=UTC)
    )


def always(kind: str, ref_id: int | None, first: float, last: float) -> bool:
    return True


def related(*parts: Placed, filled: Filled = always) -> tuple[Match, ...]:
    return matches(parts, reference, filled)


def told(found: tuple[Match, ...]) -> Json:
    """The answer as JSON, of a film of 60 s with sound."""
    answer = Answer(QueryInfo("clip.mp4", "ab" * 32, 60.0, ("audio", "video")), found, None, (), 1.0)
    return answer_json(
        answer, lambda work_id: Work(work_id, TITLES[work_id], "", "A Studio", frozenset()), ENGINE
    )


def words(*parts: Placed, filled: Filled = always) -> list[str]:
    answer = told(related(*parts, filled=filled))
    return [remark for match in answer["matches"] for remark in remarks(match, answer)]


def both(ref_id: int, query: tuple[float, float], at: float, expected: float = 1e-9) -> list[Placed]:
    return [part(ref_id, kind, query, at, expected) for kind in ("audio", "video")]


def test_of_a_plain_copy_there_is_nothing_to_remark() -> None:
    (match,) = related(*both(1, (0, 30), 100))
    assert (match.replaced, match.repeats, match.also_in, match.tied_with) == ((), (), (), ())
    assert words(*both(1, (0, 30), 100)) == []


def test_a_dub_is_picture_only() -> None:
    assert words(part(1, "video", (0, 30), 100)) == [
        "0:00.0 to 0:30.0: picture only, the sound was not recognised as this work's (dubbed or replaced)"
    ]


def test_a_scene_that_is_dubbed_is_told_by_its_seconds() -> None:
    film = [
        part(1, "video", (0, 40), 100),
        part(1, "audio", (0, 14), 100),
        part(1, "audio", (30, 40), 130),
    ]
    (match,) = related(*film)
    assert [(r.kind, r.query_start, r.query_end) for r in match.replaced] == [("audio", 14, 30)]


def test_a_borrowed_score_is_sound_only() -> None:
    assert words(part(4, "audio", (0, 30), 5)) == [
        "0:00.0 to 0:30.0: sound only, the picture was not recognised as this work's (borrowed or replaced)"
    ]


def test_picture_and_sound_of_two_works_name_each_other() -> None:
    picture, sound = words(part(1, "video", (0, 30), 100), part(2, "audio", (0, 30), 5))
    assert picture.endswith("(dubbed or replaced): it is that of Episode 2 (#2)")
    assert sound.endswith("(borrowed or replaced): it is that of Episode 1 (#1)")


@pytest.mark.parametrize("missing", [None, 1], ids=["in the capture", "in the original"])
def test_where_there_is_no_sound_nothing_was_dubbed(missing: int | None) -> None:
    def filled(kind: str, ref_id: int | None, first: float, last: float) -> bool:
        return not (kind == "audio" and ref_id == missing)

    assert words(part(1, "video", (0, 30), 100), filled=filled) == [
        "picture only: the sound is missing or silent, here or in the original, or unsure at another place of it"
    ]


@pytest.mark.parametrize(
    ("late", "remark"),
    [
        (0.7, "0:00.0 to 0:30.0: sound runs 0.7 s behind the picture"),
        (-5.0, "0:00.0 to 0:30.0: sound runs 5.0 s ahead of the picture"),
        (60.0, "0:00.0 to 0:30.0: sound runs 60.0 s behind the picture"),
    ],
)
def test_sound_that_is_out_of_step_is_told_by_how_much(late: float, remark: str) -> None:
    assert words(part(1, "video", (0, 30), 100), part(1, "audio", (0, 30), 100 - late)) == [remark]


def test_the_spacing_of_pictures_is_not_out_of_step() -> None:
    assert words(part(1, "video", (0, 30), 100), part(1, "audio", (0, 30), 99.8)) == []


def test_an_episode_explains_the_theme_that_it_shares() -> None:
    theme = [piece for ref_id in (1, 3) for piece in both(ref_id, (0, 20), 0, 1e-12)]
    (match,) = related(*theme, *both(2, (0.1, 50), 0.1))
    assert match.reference.id == 2 and match.tied_with == ()
    assert [other.reference.id for other in match.also_in] == [1, 3]
    assert words(*theme, *both(2, (0.1, 50), 0.1)) == [
        "0:00.0 to 0:20.0 also in Episode 1 (#1): shared material",
        "0:00.0 to 0:20.0 also in Episode 3 (#3): shared material",
    ]


def test_a_theme_alone_names_all_works_that_share_it() -> None:
    found = related(*(piece for ref_id in (1, 2, 3) for piece in both(ref_id, (0, 20), 0)))
    assert [(m.reference.id, m.tied_with) for m in found] == [(1, (2, 3)), (2, (1, 3)), (3, (1, 2))]
    first = remarks(told(found)["matches"][0], told(found))
    assert first == [
        "fits the same seconds as well: Episode 2 (#2), Episode 3 (#3); the capture does not tell them apart"
    ]


def test_of_works_that_share_a_theme_no_stream_was_replaced_where_a_tied_one_has_it() -> None:
    found = related(*both(1, (0, 20), 0), part(2, "audio", (0, 20), 0))
    assert [match.replaced for match in found] == [(), ()]


def test_works_one_after_the_other_are_matches_of_their_own() -> None:
    found = related(*both(1, (0, 20), 0), *both(2, (20, 60), 30))
    assert [(m.reference.id, m.also_in, m.tied_with) for m in found] == [(1, (), ()), (2, (), ())]


def test_a_doubtful_longer_match_does_not_hide_a_sure_one() -> None:
    sure, doubtful = both(1, (0, 20), 0), both(2, (0, 50), 0, expected=0.02)
    assert [match.reference.id for match in related(*sure, *doubtful)] == [1, 2]


def test_a_loop_is_told_where_else_it_is() -> None:
    loops = [part(1, "audio", (0, 8), at) for at in (10, 18, 26)]
    (match,) = related(*loops)
    assert [s.ref_start for s in match.segments] == [10]
    assert [s.ref_start for s in match.repeats] == [18, 26]
    assert (
        "0:00.0 to 0:08.0: this sound is repeated in the work, it fits as well at 0:18.0 and 0:26.0 of the original"
        in words(*loops)
    )


def test_of_a_loop_the_turn_with_the_most_evidence_is_told_and_the_others_are_repeats() -> None:
    surer = part(1, "audio", (0, 10), 8, 1e-12)
    likelier = replace(part(1, "audio", (0, 10), 16, 1e-9), evidence=surer.evidence + 1)
    (match,) = related(surer, likelier)
    assert ([s.ref_start for s in match.segments], [s.ref_start for s in match.repeats]) == ([16], [8])
    assert match.expected_false_matches == 1e-12
    (match,) = related(surer, replace(likelier, expected=0.02))  # alone it would not be a match
    assert [s.ref_start for s in match.segments] == [8]


def test_a_place_for_a_few_seconds_takes_none_from_a_surer_one_for_all() -> None:
    whole = part(1, "video", (0, 60), 0, 1e-12)
    few = replace(part(1, "video", (20, 23), 500, 9e-3), evidence=whole.evidence + 1)
    (match,) = related(few, whole)
    assert [(s.query_start, s.query_end, s.ref_start) for s in match.segments] == [(0, 60, 0)]
    assert [s.ref_start for s in match.repeats] == [500]


def test_two_lines_of_one_work_share_the_seconds_of_the_capture() -> None:
    (match,) = related(part(1, "audio", (0, 32), 10), part(1, "audio", (16, 48), 10.0, 1e-8))
    assert [(s.query_start, s.query_end, s.ref_start) for s in match.segments] == [(0, 32, 10), (32, 48, 26)]


def test_every_report_says_it() -> None:
    answer = told(related(part(1, "video", (0, 30), 100), part(2, "audio", (0, 30), 5)))
    for report in REPORTS.values():
        assert "it is that of Episode 2 (#2)" in report([answer], lambda _: None)


def test_json_has_what_relates_matches_only_where_there_is_any() -> None:
    plain = told(related(*both(1, (0, 30), 100)))["matches"][0]
    assert set(plain) == {"reference", "verdict", "expected_false_matches", "segments"}
    theme = [*both(1, (0, 20), 0), *both(2, (0, 50), 0)]
    (shared,) = told(related(*theme))["matches"]
    assert [other["reference"]["title"] for other in shared["also_in"]] == ["Episode 1"]
    assert set(shared["also_in"][0]) == set(plain)
    tied = told(related(*both(1, (0, 20), 0), *both(2, (0, 20), 0)))["matches"]
    assert [match["tied_with"] for match in tied] == [["2"], ["1"]]
    (dub,) = told(related(part(1, "video", (0, 30), 100)))["matches"]
    assert dub["replaced"] == [{"kind": "audio", "query_start": 0, "query_end": 30}]


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(2, 3), (2.5, 4)], [(0, 2), (4, 10)]),
        ([(8, 20), (-5, 1)], [(1, 8)]),
        ([(12, 20)], [(0, 10)]),
    ],
)
def test_what_others_leave_of_a_span(
    others: list[tuple[float, float]], left: list[tuple[float, float]]
) -> None:
    assert outside((0, 10), others) == left


def test_a_weak_picture_elsewhere_does_not_contradict_a_sure_sound() -> None:
    (match,) = related(
        part(1, "audio", (0, 15), 20, 1e-20),
        part(1, "video", (7, 14), 33, 3e-3),
        part(1, "video", (0, 14), 20, 9e-3),
    )
    assert [(s.kind, s.ref_start) for s in match.segments] == [("audio", 20), ("video", 20)]
    assert match.repeats == () and match.replaced == ()


def test_a_weak_picture_where_the_sound_is_told_stays_though_the_sound_loops() -> None:
    sound = part(1, "audio", (0, 5), 20, 1e-20), part(1, "audio", (0, 5), 50, 1e-19)
    (match,) = related(*sound, part(1, "video", (0, 5), 20, 3e-3))
    assert [(s.kind, s.ref_start) for s in match.segments] == [("audio", 20), ("video", 20)]
    assert [(s.kind, s.ref_start) for s in match.repeats] == [("audio", 50)]


def test_an_agreement_of_a_moment_saves_no_picture_that_contradicts_the_rest() -> None:
    sound = part(1, "audio", (0, 30), 20, 1e-20), part(1, "audio", (29.9, 60), 79.9, 1e-20)
    (match,) = related(*sound, part(1, "video", (0, 30.2), 50, 3e-3))
    assert {s.kind for s in match.segments} == {"audio"}


def test_what_is_of_the_work_but_untold_was_not_replaced() -> None:
    (match,) = related(part(1, "audio", (0, 20), 12, 1e-20), part(1, "video", (0, 20), 10.6, 2e-2))
    assert [s.kind for s in match.segments] == ["audio"] and match.replaced == ()


def test_a_damaged_capture_is_told_as_such_and_as_nothing_more() -> None:
    found = related(*both(1, (0, 20), 10), part(1, "audio", (20, 40), 35))
    answer = Answer(
        QueryInfo("c.mp4", "", 40.0, ("audio", "video")), found, None, ("9 packets left out",), 1.0
    )
    line = answer_json(answer, lambda _: Work(1, "Film", "", "", frozenset()), ENGINE)
    assert line["warnings"] == ["9 packets left out"]
    assert not any("ahead" in remark or "behind" in remark for remark in remarks(line["matches"][0], line))
    assert "9 packets left out" in REPORTS["html"]([line], lambda _: None)
