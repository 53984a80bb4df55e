"""What is done to sound to hide a copy: pure functions of (samples, random generator).

Samples are (n,) float32, mono, at 16 kHz, in [-1, 1] before the change; after it they may leave that range.
None of it was chosen by looking at the codes.
"""

from collections.abc import Callable

import librosa
import numpy as np
import scipy.signal
from numpy.typing import NDArray

RATE = 16000

Sound = NDArray[np.float32]
Random = np.random.Generator
Change = Callable[[Sound, Random], Sound]


def mix(sound: Sound, other: Sound, decibels: float) -> Sound:
    """``sound + g * other`` with g such that sound is so many decibels above other."""
    power, other_power = np.mean(sound**2) + 1e-12, np.mean(other**2) + 1e-12
    return np.asarray(sound + other * np.sqrt(power / other_power) * 10 ** (-decibels / 20), np.float32)


def music(length: int, rng: Random) -> Sound:
    """A song of ``length`` samples that no catalog holds: chords of plucked tones and a beat."""
    beat = int(RATE * 60 / rng.uniform(80, 150))
    song = np.zeros(length + 4 * beat)
    time = np.arange(4 * beat) / RATE
    for begin in range(0, length, beat):
        root = 110 * 2 ** (rng.choice([0, 3, 5, 7, 10]) / 12)
        tones = root * 2 ** (rng.choice([0, 4, 7, 12, 16, 19], 3, replace=False) / 12)
        chord = sum(np.sin(2 * np.pi * k * tone * time) / k for tone in tones for k in (1, 2, 3, 5))
        drum = 1.5 * np.exp(-40 * time) * rng.standard_normal(len(time))
        song[begin : begin + len(time)] += np.exp(-3 * time) * chord + drum
    return np.asarray(song[:length], np.float32)


def pink(length: int, rng: Random) -> Sound:
    """Noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), length), np.float32)


def mixed(decibels: float) -> Change:
    """Music so many decibels below the work."""
    return lambda sound, rng: mix(sound, music(len(sound), rng), decibels)


def noisy(decibels: float) -> Change:
    """Pink noise so many decibels below the work."""
    return lambda sound, rng: mix(sound, pink(len(sound), rng), decibels)


def voices(length: int, rng: Random, speakers: int) -> Sound:
    """So many speakers at once, each a buzz shaped by resonances that wander as those of a mouth do."""
    spoken = np.zeros(length)
    time = np.arange(length) / RATE
    for _ in range(speakers):
        knots = max(2, int(length / RATE * 5))
        pitch_ = np.interp(time, np.linspace(0, time[-1], knots), rng.uniform(90, 230, knots))
        source = scipy.signal.sawtooth(2 * np.pi * np.cumsum(pitch_) / RATE) + 0.3 * rng.standard_normal(
            length
        )
        loud = np.interp(time, np.linspace(0, time[-1], 4 * knots), rng.uniform(0, 1, 4 * knots) ** 2)
        for centre in rng.uniform(300, 3000, 3):
            band = scipy.signal.butter(2, [0.85 * centre, 1.18 * centre], "band", fs=RATE, output="sos")
            spoken += loud * scipy.signal.sosfilt(band, source)
    return np.asarray(spoken, np.float32)


def talked_over(decibels: float, speakers: int) -> Change:
    """The voices of so many speakers, so many decibels below the work: one is speech, five are babble."""
    return lambda sound, rng: mix(sound, voices(len(sound), rng, speakers), decibels)


def drift(sound: Sound, _: Random) -> Sound:
    """A deck that warms up: from 2 % slower to 2 % faster, in even steps; it ends when the original does."""
    times = np.arange(len(sound))
    places = np.cumsum(np.linspace(0.98, 1.02, len(sound)))
    return np.asarray(np.interp(places - places[0], times, sound), np.float32)


def waver(sound: Sound, rng: Random) -> Sound:
    """A tape that runs unevenly: the pitch drifts by up to a sixth of a semitone either way, within seconds."""
    times = np.arange(len(sound))
    swing = 0.01 * np.sin(2 * np.pi * times / RATE / rng.uniform(2, 4) + rng.uniform(0, 6))
    places = np.cumsum(1 + swing - swing.mean())
    return np.asarray(np.interp(places - places[0], times, sound), np.float32)


def gaps(sound: Sound, rng: Random) -> Sound:
    """A tenth of a second is lost about every second."""
    sound = sound.copy()
    for begin in np.arange(rng.uniform(0.2, 0.8), len(sound) / RATE - 0.2, 1.0):
        sound[int(begin * RATE) : int((begin + 0.1) * RATE)] = 0
    return sound


def chained(*changes: Change) -> Change:
    """One change after the other."""

    def change(sound: Sound, rng: Random) -> Sound:
        for one in changes:
            sound = one(sound, rng)
        return sound

    return change


def room(sound: Sound, rng: Random) -> Sound:
    """Reverberation of 0.3 to 0.6 s, and noise 8 dB below; the direct sound keeps its place in time."""
    return mix(_reverberant(sound, rng.uniform(0.3, 0.6), 1.0, rng), pink(len(sound), rng), 8)


def _reverberant(sound: Sound, seconds: float, direct: float, rng: Random) -> Sound:
    """In a room whose echoes fall by 60 dB in so many seconds; ``direct`` is what is not echo, against all echoes."""
    length = int(RATE * seconds)
    response = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response[0] = direct * np.sqrt(np.sum(response**2))
    wet = scipy.signal.fftconvolve(sound, response)[: len(sound)]
    return np.asarray(wet / response[0], np.float32)


def room_microphone(sound: Sound, rng: Random) -> Sound:
    """From across a room of 0.8 s: more echo than sound, the microphone's own colour, noise 12 dB below."""
    far = equalise(8)(_reverberant(sound, 0.8, 0.6, rng), rng)
    return mix(far, pink(len(sound), rng), 12)


def speed(scale: float) -> Change:
    """Played so much faster: pitch and tempo rise together."""

    def change(sound: Sound, _: Random) -> Sound:
        played = librosa.resample(sound, orig_sr=RATE, target_sr=RATE / scale, res_type="soxr_hq")
        return np.asarray(played, np.float32)

    return change


def tempo(scale: float) -> Change:
    """Played so much faster at the same pitch."""
    return lambda sound, _: np.asarray(librosa.effects.time_stretch(sound, rate=scale), np.float32)


def pitch(semitones: float) -> Change:
    """Higher by so many semitones at the same tempo."""
    return lambda sound, _: np.asarray(
        librosa.effects.pitch_shift(sound, sr=RATE, n_steps=semitones), np.float32
    )


def phone(sound: Sound, _: Random) -> Sound:
    """300 to 3400 Hz, as a telephone carries."""
    sos = scipy.signal.butter(5, [300, 3400], "band", fs=RATE, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, sound), np.float32)


def phone_microphone(sound: Sound, rng: Random) -> Sound:
    """Held to a loudspeaker and sent as a call: the telephone's band, its level control, 8 bits of mu-law."""
    level = limit(phone(sound + 0.02 * np.std(sound) * rng.standard_normal(len(sound)), rng), rng)
    loud = np.clip(level / (np.abs(level).max() + 1e-9), -1, 1)
    bent = np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log(256)
    steps = np.round(bent * 127) / 127
    return np.asarray(np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255, np.float32)


def limit(sound: Sound, _: Random) -> Sound:
    """A limiter that leaves no loud and no soft: the level of each 50 ms is made the same, by up to 30 dB."""
    power = scipy.signal.filtfilt([0.002], [1, -0.998], sound.astype(np.float64) ** 2, padlen=0)
    level = np.sqrt(np.maximum(power, 1e-12))
    return np.asarray(np.clip(0.3 * sound / np.maximum(level, level.max() / 30), -0.9, 0.9), np.float32)


def am_radio(sound: Sound, rng: Random) -> Sound:
    """Medium wave by night: 100 to 4500 Hz, fading, overmodulated at its peaks, with hiss and crackle."""
    sos = scipy.signal.butter(4, [100, 4500], "band", fs=RATE, output="sos")
    carried = scipy.signal.sosfilt(sos, sound)
    carried = np.tanh(1.5 * carried / (np.quantile(np.abs(carried), 0.98) + 1e-9))
    time = np.arange(len(sound)) / RATE
    fading = 0.65 + 0.35 * np.sin(2 * np.pi * time / rng.uniform(2, 5) + rng.uniform(0, 6))
    crackle = rng.standard_normal(len(sound)) * (rng.random(len(sound)) < 0.001) * 2.0
    noise = 0.08 * rng.standard_normal(len(sound)) + crackle
    return np.asarray(0.5 * (carried * fading + scipy.signal.sosfilt(sos, noise)), np.float32)


def clip(sound: Sound, _: Random) -> Sound:
    """Turned up until a fifth of the samples is cut off."""
    level = float(np.quantile(np.abs(sound), 0.8)) + 1e-9
    return np.asarray(np.clip(sound / level, -1, 1) * 0.9, np.float32)


def equalise(decibels: float) -> Change:
    """Up to so many decibels up or down, smooth over the octaves."""

    def change(sound: Sound, rng: Random) -> Sound:
        frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
        knots = np.geomspace(60, 8000, 8)
        gains = rng.uniform(-decibels, decibels, len(knots))
        spectrum = np.fft.rfft(sound) * 10 ** (np.interp(np.log(frequencies + 1), np.log(knots), gains) / 20)
        return np.asarray(np.fft.irfft(spectrum, len(sound)), np.float32)

    return change


def plain(sound: Sound, _: Random) -> Sound:
    """Nothing is done."""
    return sound
