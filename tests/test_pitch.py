"""The pitch that is told is the one that fits best, also of what was found before it was sought."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.audio_attacks import RATE, music, pitch
from fingerprint.audio import AudioExtractor
from fingerprint.clip import Clip
from fingerprint.fingerprint import PLAIN, Disguise
from index.exact import ExactIndex
from matching.decoys import decoys
from matching.found import Found
from matching.pitch import as_played, tuned
from matching.search import Search
from matching.verify import Stretch

SECONDS = 12.0
SONG = 0.2 * music(int(SECONDS * RATE), np.random.default_rng(5))


def heard(semitones: float) -> Clip:
    return Clip("capture.wav", SECONDS, samples=pitch(semitones)(SONG, np.random.default_rng(6)))


def search() -> Search:
    extractor = AudioExtractor()
    registered = extractor.reference(heard(0.0))
    return Search(
        extractor, ExactIndex("audio/3", 64), lambda _: registered, decoys("audio/3"), exactness=0.0
    )


def found(similarity: float) -> Found:
    inside = False, False
    line = Stretch(1, 1.0, 0.0, 0.5, SECONDS - 0.5, 9.0, 9.0, similarity, inside, inside, 9.0)
    return Found(line, PLAIN, 0, 9.0)


@pytest.mark.parametrize("semitones", [-1.0, -0.5, 0.35, 0.5, 1.0])
def test_a_pitch_of_up_to_a_semitone_is_told(semitones: float) -> None:
    assert tuned(search(), heard(semitones), found(0.6)).disguise.pitch == pytest.approx(semitones, abs=0.1)


def test_what_keeps_its_pitch_is_told_so() -> None:
    assert tuned(search(), heard(0.0), found(0.6)).disguise == PLAIN


def test_where_it_is_nearly_the_same_none_is_sought() -> None:
    assert tuned(search(), heard(0.5), found(0.95)).disguise == PLAIN


@pytest.mark.parametrize(
    ("time_scale", "told", "expected"),
    [
        (1.04, 0.5, 0.679),
        (0.96, -0.5, -0.707),
        (1.25, 4.0, 3.863),
        (1.04, 0.0, 0.0),
        (1.1, -1.0, -1.0),
        (1.01, 0.3, 0.3),
    ],
)
def test_what_is_played_faster_has_the_pitch_that_this_makes(
    time_scale: float, told: float, expected: float
) -> None:
    faster = found(0.6)
    faster = replace(
        faster, stretch=replace(faster.stretch, time_scale=time_scale), disguise=Disguise(pitch=told)
    )
    assert as_played(faster).disguise.pitch == pytest.approx(expected, abs=1e-3)
