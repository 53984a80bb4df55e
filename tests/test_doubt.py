"""What may well come from elsewhere is for a person to judge."""

import pytest

from fingerprint.fingerprint import PLAIN, Disguise
from matching.doubt import DOUBTFUL, SAME, SAME_BENT, STANDS, UNDENIED, doubted, doubtful
from matching.found import Found
from matching.verify import Stretch

ANEW = 0.62
FASTER = 1.05
UP = 0.845  # semitones that playing faster by 5 % raises the pitch


def found(
    time_scale: float,
    similarity: float,
    disguise: Disguise = PLAIN,
    seconds: float = 3.0,
    distinct: float = 9.0,
) -> Found:
    ends = (False, False)
    one = Stretch(1, time_scale, 0.0, 0.0, seconds, 30.0, 30.0, similarity, ends, ends, distinct)
    return Found(one, disguise, 0, 30.0)


def test_the_same_words_spoken_again_are_in_doubt() -> None:
    assert doubtful(found(0.96, similarity=0.55), ANEW)


def test_peaks_say_whether_it_is_this_recording() -> None:
    assert not doubtful(found(1.0, similarity=0.55), ANEW, factor=SAME)
    assert doubtful(found(1.0, similarity=0.55), ANEW, factor=1.0), "the same words at the same pace"
    assert not doubtful(found(1.0, similarity=0.75), ANEW, factor=1.0), "too like it for that"
    assert doubtful(found(1.0, similarity=1.0, distinct=1.0), ANEW, factor=SAME), (
        "a card is one whoever shows it"
    )


@pytest.mark.parametrize(
    "bent", [found(0.96, similarity=0.55), found(1.0, similarity=0.55, disguise=Disguise(pitch=-1.0))]
)
def test_of_what_keeps_another_tempo_or_pitch_more_peaks_must_be_in_place(bent: Found) -> None:
    assert doubtful(bent, ANEW, factor=SAME)
    assert not doubtful(bent, ANEW, factor=SAME_BENT)


def test_what_keeps_the_pace_for_long_was_not_read_anew() -> None:
    assert not doubtful(found(1.0, similarity=0.4, seconds=6.0), ANEW, factor=UNDENIED)
    assert doubtful(found(1.0, similarity=0.4, seconds=6.0), ANEW, factor=1.1 * UNDENIED), "its peaks deny it"
    assert doubtful(found(1.01, similarity=0.4, seconds=6.0), ANEW, factor=UNDENIED), "not the same pace"
    assert doubtful(found(1.0, similarity=0.4, seconds=3.0), ANEW, factor=UNDENIED), "not for long"


def test_what_is_played_faster_in_noise_is_no_other_reading() -> None:
    faster = found(FASTER, similarity=0.4, disguise=Disguise(pitch=UP, time_scale=FASTER))
    assert not doubtful(faster, ANEW, factor=SAME)


@pytest.mark.parametrize("factor, expected", [(None, 1e-3), (SAME, 1e-3), (1.0, DOUBTFUL)])
def test_what_peaks_deny_is_for_review_however_little_chance_gives(
    factor: float | None, expected: float
) -> None:
    assert doubted(1e-3, found(1.0, similarity=0.55), ANEW, factor) == pytest.approx(expected)


@pytest.mark.parametrize(
    "copy",
    [
        found(1.0, similarity=0.3),  # drowned in noise
        found(0.96, similarity=0.75),  # its tempo changed, and nothing else
        found(
            FASTER, similarity=0.4, disguise=Disguise(pitch=UP, time_scale=FASTER)
        ),  # played faster, in noise
        found(1.0, similarity=0.4, disguise=Disguise(pitch=2.0)),  # another key, in noise
        found(1.01, similarity=0.4, seconds=3.0),  # too short to tell its tempo so exactly
    ],
)
def test_a_copy_is_not(copy: Found) -> None:
    assert not doubtful(copy, ANEW)


def test_what_stands_still_is_in_doubt_however_exact() -> None:
    assert doubtful(found(1.0, similarity=1.0, distinct=1.0), ANEW)
    assert not doubtful(found(1.0, similarity=1.0, distinct=STANDS), ANEW)
