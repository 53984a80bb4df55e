"""The benchmark counts a disguise as told where it is the one that a copy was given, and nothing else."""

import numpy as np
import pytest

from benchmarks.attacks import ATTACKS
from benchmarks.corpus import Title
from benchmarks.disguises import DONE, EACH, chosen, report, told
from benchmarks.metrics import Span
from benchmarks.outcomes import Claim, Outcome
from benchmarks.truth import Truth
from benchmarks.video_attacks import quarter_turn
from fingerprint.boxes import shown
from fingerprint.fingerprint import PLAIN, Disguise
from fingerprint.picture import SIZE

FILM = Title("video/film.mp4", "video", "source", 60.0)


def copy(group: str, scale: float = 1.0) -> Truth:
    return Truth(f"{group}.mp4", group[:5], group, 10.0, FILM.file, 0.0, 10.0, 20.0, 20.0 + 10 * scale, scale)


def claimed(disguise: Disguise) -> Claim:
    return Claim(frozenset({FILM}), "match", 5.0, Span(0, 10, 20, 20 + 10 * disguise.time_scale), disguise)


@pytest.mark.parametrize(
    ("group", "scale", "found", "expected"),
    [
        ("video-speed-up-5", 1.05, Disguise(time_scale=1.04), {"speed": True, "nothing else": True}),
        ("video-speed-up-5", 1.05, PLAIN, {"speed": False, "nothing else": True}),
        (
            "video-mirror-speed",
            1.1,
            Disguise(mirror=True),
            {"speed": False, "mirroring": True, "nothing else": True},
        ),
        (
            "audio-speed-up-4",
            1.04,
            Disguise(pitch=0.7, time_scale=1.04),
            {"speed": True, "pitch": True, "nothing else": True},
        ),
        (
            "audio-tempo-up-7",
            1.07,
            Disguise(pitch=1.2, time_scale=1.07),
            {"speed": True, "nothing else": False},
        ),
        ("audio-pitch-down-2", 1.0, Disguise(pitch=-1.5), {"pitch": False, "nothing else": True}),
        ("video-crop-20", 1.0, Disguise(crop=(0.1, 0.1, 0.8, 0.75)), {"framing": True, "nothing else": True}),
        ("video-crop-20", 1.0, Disguise(time_scale=1.2), {"framing": False, "nothing else": False}),
        (
            "video-inset-50",
            1.0,
            Disguise(crop=(-0.3, -0.4, 1.9, 2.1)),
            {"framing": True, "nothing else": True},
        ),
        ("video-quarter-turn", 1.0, Disguise(rotation=90), {"turning": False, "nothing else": True}),
        ("video-none", 1.0, PLAIN, {"nothing else": True}),
        ("video-none", 1.0, Disguise(mirror=True), {"nothing else": False}),
    ],
)
def test_what_is_told_of_a_copy_is_right_or_wrong(
    group: str, scale: float, found: Disguise, expected: dict[str, bool]
) -> None:
    assert told(claimed(found), copy(group, scale)) == expected


def test_turning_back_what_is_done_undoes_the_attack() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
    turned = quarter_turn(picture, 0.0, np.random.default_rng(1))
    undone = shown([turned], Disguise(rotation=DONE["video-quarter-turn"].rotation))
    assert np.array_equal(undone[0], picture)


def test_of_each_attack_some_copies_are_examined() -> None:
    truths = [copy("video-mirror")] * 20 + [copy("video-blur")] * 3
    assert chosen(truths) == [copy("video-mirror")] * EACH
    assert set(DONE) < set(ATTACKS)


def test_only_copies_that_are_matched_in_their_place_count() -> None:
    truth = copy("video-mirror")
    found = [
        Outcome((truth,), (claimed(Disguise(mirror=True)),), "", 1.0),
        Outcome((truth,), (claimed(PLAIN),), "", 1.0),
        Outcome((truth,), (), "", 1.0),
    ]
    made = report(found)
    figure, _ = made["required"]
    assert figure["name"] == "video, mirroring told right, 10 s"
    assert (figure["measured"], figure["reached"]) == ("50.0% (1 of 2)", False)
    assert made["attacks"] == [
        {"attack": "video-mirror", "told": "mirroring", "length": 10.0, "right": 1, "copies": 2},
        {"attack": "video-mirror", "told": "nothing else", "length": 10.0, "right": 2, "copies": 2},
    ]
    assert [row["told"] for row in made["told_wrongly"]] == ["none found"]
