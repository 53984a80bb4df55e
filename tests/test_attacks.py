"""Attacks, judged on marked signals: what an attack says of itself must be true of what it makes."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.attacks import ATTACKS, AUDIO, VIDEO
from benchmarks.audio_attacks import RATE, Sound, gaps, phone, pitch, room
from benchmarks.copies import disguised
from benchmarks.video_attacks import Picture, inset, letterbox, mirror, upright

SECONDS = 6
CLICKS = (1.0, 3.0, 5.0)


def seeded() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def clicks() -> Sound:
    """Loud bursts at CLICKS over a faint tone."""
    time = np.arange(SECONDS * RATE) / RATE
    sound = 0.002 * np.sin(2 * np.pi * 440 * time)
    for click in CLICKS:
        since = time - click
        sound += (since >= 0) * (since < 0.05) * np.sin(2 * np.pi * 1000 * since)
    return np.asarray(sound, np.float32)


def loudest(sound: Sound, around: float) -> float:
    """The second at which the loudest 50 ms within half a second of ``around`` are."""
    begin = round((around - 0.5) * RATE)
    power = np.convolve(sound[begin : begin + RATE] ** 2, np.ones(RATE // 20), "valid")
    return (begin + int(power.argmax())) / RATE


def clock(place: int) -> Picture:
    """A dark picture with a bright bar whose place across tells the frame, in the upper left quarter."""
    picture = np.full((96, 200, 3), 40, np.uint8)
    picture[10:40, 4 + place : 12 + place] = 250
    return picture


def frames() -> Iterator[tuple[float, Picture]]:
    """Two seconds, 25 frames a second."""
    return ((k / 25, clock(k)) for k in range(50))


@pytest.mark.parametrize("name", AUDIO)
def test_an_attack_on_sound_is_a_pure_function_of_its_seed(name: str, clicks: Sound) -> None:
    change = AUDIO[name].change
    before = clicks.copy()
    once = change(clicks, seeded())
    assert np.array_equal(once, change(clicks, seeded()))
    assert np.array_equal(clicks, before)
    assert once.dtype == np.float32 and np.isfinite(once).all() and once.std() > 0


# These drown the clicks, smear them, or take some away.
DROWNED = {
    "audio-music-0-dB", "audio-music-minus-4-dB", "audio-speech-0-dB", "audio-speech-minus-4-dB",
    "audio-pink-minus-5-dB", "audio-babble-0-dB", "audio-babble-minus-5-dB", "audio-gaps", "audio-limiter",
    "audio-am-radio", "audio-speed-am-radio", "audio-babble-phone", "audio-equaliser-limiter", "audio-phone-microphone",
    "audio-speech-limiter-12-kbit", "audio-tempo-pitch-pink",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in AUDIO if name not in DROWNED])
def test_a_click_is_where_the_time_scale_says(name: str, clicks: Sound) -> None:
    attack = AUDIO[name]
    copy = attack.change(clicks, seeded())
    assert len(copy) / RATE == pytest.approx(SECONDS / attack.time_scale, abs=0.01)
    for click in CLICKS:
        assert loudest(copy, click / attack.time_scale) == pytest.approx(click / attack.time_scale, abs=0.09)


def test_mixing_in_keeps_the_ratio(clicks: Sound) -> None:
    added = AUDIO["audio-music-minus-4-dB"].change(clicks, seeded()) - clicks
    assert 10 * np.log10(np.mean(clicks**2) / np.mean(added**2)) == pytest.approx(-4, abs=0.05)


def peak_frequency(sound: Sound) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound))


def test_pitch_rises_by_the_semitone_it_says() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    assert peak_frequency(pitch(1)(tone, seeded())) == pytest.approx(1000 * 2 ** (1 / 12), rel=0.002)


def test_a_telephone_carries_no_bass() -> None:
    time = np.arange(RATE) / RATE
    bass, voice = (np.sin(2 * np.pi * f * time).astype(np.float32) for f in (80, 1000))
    assert phone(bass, seeded()).std() < 0.01 < 0.6 < phone(voice, seeded()).std()


def test_a_room_goes_on_after_the_sound(clicks: Sound) -> None:
    def after(sound: Sound) -> float:
        return float(np.std(sound[round(1.06 * RATE) : round(1.15 * RATE)]))

    assert after(room(clicks, seeded())) > 5 * after(clicks)


@pytest.mark.parametrize("name", VIDEO)
def test_an_attack_on_pictures_is_a_pure_function_of_its_seed(name: str) -> None:
    attack, other = VIDEO[name], list(frames())
    copies = [list(disguised(list(frames()), attack, seed=3)) for _ in range(2)]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(*copies, strict=True))
    assert {picture.shape for _, picture in copies[0]} == {copies[0][0][1].shape}
    assert copies[0][0][1].dtype == np.uint8
    assert all(np.array_equal(picture, clock(k)) for k, (_, picture) in enumerate(other))


@pytest.mark.parametrize("name", VIDEO)
def test_a_frame_is_shown_when_the_time_scale_says(name: str) -> None:
    attack = VIDEO[name]
    wanted = {round(k / 25 / attack.time_scale, 6) for k in range(50)}
    shown = [time for time, _ in disguised(list(frames()), attack, seed=3)]
    assert {round(time, 6) for time in shown} <= wanted
    assert shown == sorted(shown)
    assert len(shown) == (20 if attack.rate == 10 else 50)


def brightest(picture: Picture) -> float:
    """Where across the bright bar is, from 0 to 1."""
    columns = picture[: picture.shape[0] // 2].astype(float).sum(axis=(0, 2))
    return float((columns.argmax() + 0.5) / picture.shape[1])


# These put the bar elsewhere, or brighter things beside it.
ELSEWHERE = {
    "video-picture-in-picture", "video-logo-caption", "video-inset-50", "video-inset-40", "video-player",
    "video-quarter-turn", "video-stickers", "video-crop-30-off-centre", "video-crop-40-off-centre", "video-upright",
    "video-mirror-crop-caption", "video-crop-20-off-centre", "video-upright-cut", "video-banners", "video-emoji",
    "video-letterbox-emoji", "video-inset-mirror-small", "video-rotate-gamma-banners", "video-stretched-speed-caption",
    "video-crop-colour",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in VIDEO if name not in ELSEWHERE])
def test_the_bar_is_on_the_side_that_the_mirror_says(name: str) -> None:
    attack = VIDEO[name]
    copy = next(disguised([(0.0, clock(30))], attack, seed=3))[1]
    place = brightest(clock(30))
    assert brightest(copy) == pytest.approx(1 - place if attack.mirror else place, abs=0.12)


def test_mirroring_twice_changes_nothing() -> None:
    once = mirror(clock(5), 0.0, seeded())
    assert np.array_equal(mirror(once, 0.0, seeded()), clock(5))


def test_a_letterbox_keeps_the_whole_picture_between_its_bars() -> None:
    boxed = letterbox(clock(5), 0.0, seeded())
    assert np.array_equal(boxed[16:-16], clock(5))
    assert not boxed[:16].any() and not boxed[-16:].any()


def test_gaps_are_silent_and_the_rest_is_kept() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(4 * RATE) / RATE).astype(np.float32)
    holed = gaps(tone, seeded())
    lost = (holed == 0) & (np.abs(tone) > 0.1)
    assert 0.05 < lost.mean() < 0.15 and np.array_equal(holed[holed != 0], tone[holed != 0])


def test_an_inset_shows_the_whole_picture_small() -> None:
    white = np.full((96, 200, 3), 255, np.uint8)
    shown = inset(0.5)(white, 0.0, seeded())
    assert (shown == 255).all(axis=2).sum() == pytest.approx(48 * 100, rel=0.05)


def test_an_upright_frame_holds_the_whole_picture() -> None:
    tall = upright(clock(30), 0.0, seeded())
    top = (tall.shape[0] - 96) // 2
    assert tall.shape[0] > tall.shape[1] and np.array_equal(tall[top : top + 96], clock(30))


def test_the_registry_knows_what_must_be_measured() -> None:
    required = [name for name, attack in ATTACKS.items() if attack.required]
    assert len(required) == 17 and len(ATTACKS) >= 99
    assert all(name.startswith(f"{attack.kind}-") for name, attack in ATTACKS.items())
