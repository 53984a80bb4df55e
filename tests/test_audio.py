"""Audio codes: the same in blocks and at once, near for copies and far for others, weak in silence."""

from collections.abc import Iterator

import numpy as np
import pytest

from fingerprint import audio
from fingerprint.audio import BLOCK, HYPOTHESES, MARGIN, AudioExtractor
from fingerprint.fingerprint import PLAIN, Fingerprint
from fingerprint.media import SAMPLE_RATE, Clip


def music(seconds: float, seed: int) -> np.ndarray:
    """Chords and beats that change twice a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    step = (time * 2).astype(int)
    notes = 220 * 2 ** (rng.integers(0, 36, (3, step[-1] + 1)) / 12)
    sound = sum(np.sin(2 * np.pi * np.cumsum(voice[step]) / SAMPLE_RATE) for voice in notes)
    return np.asarray(0.1 * sound * (1.2 - time * 2 % 1), np.float32)


def clip(samples: np.ndarray) -> Clip:
    return Clip("test", len(samples) / SAMPLE_RATE, samples=samples.astype(np.float32))


class InChunks(Clip):
    """The same sound, in chunks of odd length."""

    def samples(self) -> Iterator[np.ndarray]:
        whole = next(super().samples())
        yield from np.split(whole, range(7777, len(whole), 7777))


def at(times: np.ndarray, query: Fingerprint) -> np.ndarray:
    return np.asarray(np.abs(query.times[None] - times[:, None]).argmin(1))


def test_a_code_is_stored_every_640_ms() -> None:
    fingerprint = AudioExtractor().reference(clip(music(10, 1)))
    np.testing.assert_allclose(np.diff(fingerprint.times), 0.64, atol=1e-6)
    assert fingerprint.width == 64


def test_a_long_reference_made_in_blocks_has_the_codes_of_one_made_at_once() -> None:
    sound = music(2.3 * BLOCK / SAMPLE_RATE, 2)
    whole = AudioExtractor().reference(clip(sound))
    parts = AudioExtractor().reference(InChunks("test", len(sound) / SAMPLE_RATE, samples=sound))
    np.testing.assert_allclose(np.diff(whole.times), 0.64, atol=1e-6)
    np.testing.assert_array_equal(whole.times, parts.times)
    np.testing.assert_array_equal(whole.codes, parts.codes)
    query = next(AudioExtractor().queries(clip(sound)))
    assert distance_to(query.fingerprint, whole).max() < 0.06


@pytest.mark.parametrize("samples", [BLOCK + MARGIN, 2 * BLOCK, 2 * BLOCK + MARGIN])
def test_the_end_is_there_however_much_of_it_is_left_for_the_last_block(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = music(samples / SAMPLE_RATE, 9)
    blocks = AudioExtractor().references(clip(sound))
    monkeypatch.setattr(audio, "BLOCK", 10 * samples)
    for made, whole in zip(blocks, AudioExtractor().references(clip(sound)), strict=True):
        np.testing.assert_array_equal(made.times, whole.times)
        np.testing.assert_array_equal(made.codes, whole.codes)


def distance_to(query: Fingerprint, reference: Fingerprint) -> np.ndarray:
    """Fraction of bits that differ between each stored code and the query's nearest in time."""
    rows = at(reference.times, query)
    return np.asarray(np.bitwise_count(query.codes[rows] ^ reference.codes).sum(1) / (8 * reference.width))


def test_a_noisy_copy_is_near_and_other_music_is_far() -> None:
    sound = music(12, 3)
    reference = AudioExtractor().reference(clip(sound))
    noise = 0.02 * np.random.default_rng(4).standard_normal(len(sound))
    copy = next(AudioExtractor().queries(clip(sound + noise)))
    other = next(AudioExtractor().queries(clip(music(12, 5))))
    assert distance_to(copy.fingerprint, reference).mean() < 0.25
    assert distance_to(other.fingerprint, reference).mean() > 0.4


def test_a_disguised_query_has_the_codes_of_the_original() -> None:
    sound = music(8, 6)
    reference = AudioExtractor().reference(clip(sound))
    faster = np.interp(np.arange(0, len(sound) - 1, 1.03), np.arange(len(sound)), sound)
    nearest = min(HYPOTHESES, key=lambda d: abs(d.time_scale - 1.03) + abs(d.pitch - 0.52))
    undone, plain = (AudioExtractor().query(clip(faster), disguise) for disguise in (nearest, PLAIN))

    def far(query: Fingerprint, scale: float) -> float:
        rows = at(reference.times / scale, query)
        return float(np.bitwise_count(query.codes[rows] ^ reference.codes).sum(1)[:-8].mean() / 512)

    assert far(undone.fingerprint, 1.03) < 0.15 < far(plain.fingerprint, 1.03)


def test_silence_is_weak_and_music_is_not() -> None:
    sound = np.concatenate([music(5, 7), np.zeros(5 * SAMPLE_RATE, np.float32)])
    fingerprint = AudioExtractor().reference(clip(sound))
    assert not fingerprint.weak[fingerprint.times < 4.3].any()
    assert fingerprint.weak[fingerprint.times > 5.8].all()


def test_disguises_reach_as_far_as_they_say_and_the_simple_ones_come_first() -> None:
    assert max(d.pitch for d in HYPOTHESES) >= 4 and max(d.time_scale for d in HYPOTHESES) >= 1.25
    assert min(d.pitch for d in HYPOTHESES) <= -4 and min(d.time_scale for d in HYPOTHESES) <= 0.8
    assert len(set(HYPOTHESES)) == len(HYPOTHESES) == sum(AudioExtractor.stages)
    both = [
        d.pitch != 0 and d.time_scale != 1 and abs(d.pitch - 12 * np.log2(d.time_scale)) > 0.3
        for d in HYPOTHESES
    ]
    assert both.index(True) == AudioExtractor.stages[0] and all(both[AudioExtractor.stages[0] :])


def test_a_pitch_between_two_that_are_tried_is_refined() -> None:
    wanted = HYPOTHESES[-1].pitch + 0.16
    refined = AudioExtractor().refined(
        clip(music(4, 8)), [HYPOTHESES[-1]], lambda query: -abs(query.disguise.pitch - wanted)
    )
    assert refined.disguise.pitch == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.4])
def test_a_sound_shorter_than_a_code_has_none(seconds: float) -> None:
    sound = clip(np.zeros(int(seconds * SAMPLE_RATE), np.float32))
    assert len(AudioExtractor().reference(sound)) == 0
    assert len(next(AudioExtractor().queries(sound)).fingerprint) == 0


def test_a_query_has_codes_up_to_its_ends_and_a_reference_only_whole_ones() -> None:
    sound = clip(music(2, 9))
    stored, asked = AudioExtractor().reference(sound), next(AudioExtractor().queries(sound)).fingerprint
    assert stored.times[0] > 0.6 and stored.times[-1] < 1.4
    assert asked.times[0] < 0.3 and asked.times[-1] > 1.7
