"""Music and speech-like sound: pure functions of a seed that give (n,) samples at RATE, from -1 to 1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 32000
Sound = NDArray[np.float64]
Instrument = Callable[[float, float], Sound]  # (frequency in Hz, seconds) -> a note

MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10)}

# The first three formants (Hz) of ten vowels, after Peterson and Barney, JASA 24 (1952).
VOWELS = (
    (270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410), (730, 1090, 2440),
    (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """What makes a song: beats a minute, tonic in MIDI notes, mode, chords by bar, beats a bar, players."""

    tempo: float
    tonic: int
    mode: str
    chords: tuple[int, ...]
    beats: int
    lead: Instrument
    comp: Instrument
    drums: bool


def clock(seconds: float) -> Sound:
    """The time of every sample of a note, in seconds."""
    return np.arange(int(seconds * RATE)) / RATE


def hertz(midi: float) -> float:
    """``440 * 2 ** ((midi - 69) / 12)``."""
    return float(440 * 2 ** ((midi - 69) / 12))


def _envelope(t: Sound, attack: float, release: float) -> Sound:
    return np.asarray(np.clip(t / attack, 0, 1) * np.clip((t[-1] - t) / release, 0, 1))


def pluck(frequency: float, seconds: float) -> Sound:
    """A plucked string: partials that are slightly sharp and die the sooner the higher they are."""
    t = clock(seconds + 0.4)
    partials = np.arange(1, min(14, int(RATE / 2.2 / frequency)) + 1)[:, None]
    waves = np.sin(2 * np.pi * frequency * partials * (1 + 2e-4 * partials**2) * t)
    return np.asarray(
        (waves * np.exp(-t * (1.2 + 0.7 * partials)) / partials**0.8).sum(0) * _envelope(t, 0.003, 0.05)
    )


def bell(frequency: float, seconds: float) -> Sound:
    """A struck bell: frequency modulation at an inharmonic ratio (Chowning, 1973)."""
    t = clock(seconds + 0.8)
    depth = 3.5 * np.exp(-t * 4)
    return np.sin(2 * np.pi * frequency * t + depth * np.sin(2 * np.pi * 2.76 * frequency * t)) * np.exp(
        -t * 2.5
    )


def reed(frequency: float, seconds: float) -> Sound:
    """A reed: odd partials with vibrato that sets in late."""
    t = clock(seconds)
    phase = 2 * np.pi * frequency * t + 4 * np.clip(t - 0.15, 0, 0.3) * np.sin(2 * np.pi * 5.3 * t)
    return np.asarray(sum(np.sin(k * phase) / k**1.3 for k in (1, 2, 3, 5, 7))) * _envelope(t, 0.04, 0.06)


def strings(frequency: float, seconds: float) -> Sound:
    """A section of strings: three detuned saws, dull at the top."""
    t = clock(seconds)
    waves = [
        np.sin(2 * np.pi * frequency * k * d * t) / k**1.4 for d in (0.996, 1, 1.005) for k in range(1, 10)
    ]
    return np.asarray(sum(waves)) * _envelope(t, 0.12, 0.1) / 3


def _add(track: Sound, note: Sound, start: float, gain: float) -> None:
    begin = int(start * RATE)
    note = note[: max(0, len(track) - begin)]
    track[begin : begin + len(note)] += gain * note


def _melody(rng: np.random.Generator, degree: int, beats: int) -> list[tuple[float, float, int]]:
    """A bar of melody as (beat, beats, degree of the scale): it walks, and leaps now and then."""
    notes, at, here = [], 0.0, degree + int(rng.choice([0, 2, 4, 7]))
    while at < beats:
        length = float(rng.choice([0.5, 0.5, 1, 1, 1.5, 2]))
        if rng.random() > 0.12:
            notes.append((at, min(length, beats - at), here))
        here = int(np.clip(here + rng.choice([-4, -2, -1, -1, 1, 1, 2, 3]), degree - 3, degree + 9))
        at += length
    return notes


def _drum_bar(rng: np.random.Generator, track: Sound, start: float, beat: float, beats: int) -> None:
    t = clock(0.25)
    kick = np.sin(2 * np.pi * (45 * t + 9 * (1 - np.exp(-t * 25)))) * np.exp(-t * 14)
    noise = rng.normal(size=len(t))
    snare = (0.6 * noise + np.sin(2 * np.pi * 190 * t)) * np.exp(-t * 22)
    hat = np.diff(noise, append=0) * np.exp(-t * 60)
    for half in range(2 * beats):
        at = start + half * beat / 2 + float(rng.normal(0, 0.004))
        _add(track, hat, max(at, 0), 0.10 + 0.1 * rng.random())
        if half % 4 == 0 or rng.random() < 0.15:
            _add(track, kick, max(at, 0), 0.8)
        if half % 4 == 2 or rng.random() < 0.06:
            _add(track, snare, max(at, 0), 0.35)


def song(seed: int, style: Style, seconds: float) -> Sound:
    """A song that never repeats itself exactly: chords, bass, a melody that wanders, perhaps drums."""
    rng = np.random.default_rng(seed)
    track = np.zeros(int(seconds * RATE))
    scale, beat = MODES[style.mode], 60 / style.tempo

    def pitch(degree: int, octave: int) -> float:
        return hertz(style.tonic + 12 * (octave + degree // 7) + scale[degree % 7])

    for bar in range(int(seconds / (beat * style.beats)) + 1):
        start, degree = bar * beat * style.beats, style.chords[bar % len(style.chords)]
        for step in (0, 2, 4, int(rng.choice([6, 7, 8]))):
            late = float(rng.uniform(0, 0.05))
            _add(track, style.comp(pitch(degree + step, 0), beat * style.beats), start + late, 0.13)
        for half in (0, style.beats // 2):
            _add(
                track, pluck(pitch(degree + int(rng.choice([0, 0, 4])), -1), beat), start + half * beat, 0.45
            )
        for at, length, note in _melody(rng, degree, style.beats):
            _add(
                track, style.lead(pitch(note, 1), length * beat), start + at * beat, 0.28 + 0.1 * rng.random()
            )
        if style.drums and bar % 8 != 7:
            _drum_bar(rng, track, start, beat, style.beats)
    return level(reverb(rng, track))


def reverb(rng: np.random.Generator, track: Sound, seconds: float = 0.5, wet: float = 0.12) -> Sound:
    """The track in a room: convolved with decaying noise, by FFT."""
    t = clock(seconds)
    room = rng.normal(size=len(t)) * np.exp(-t * 9)
    size = 1 << (len(track) + len(room)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(track, size) * np.fft.rfft(room, size))[: len(track)]
    return np.asarray(track + wet * echo / np.abs(echo).max() * np.abs(track).max())


def level(track: Sound, peak: float = 0.8) -> Sound:
    """The track with its loudest sample at ``peak``, and an eighth of a second of fade at both ends."""
    return np.asarray(
        track / np.abs(track).max() * peak * _envelope(np.arange(len(track)) / RATE, 0.12, 0.12)
    )


def speech(seed: int, seconds: float, voice: float) -> Sound:
    """Speech-like sound around ``voice`` Hz: gliding vowels with falling pitch, consonants, pauses."""
    rng = np.random.default_rng(seed)
    track, at = np.zeros(int(seconds * RATE)), 0.1
    while at < seconds - 0.6:
        syllables = int(rng.integers(4, 13))
        accents = voice * (
            1 + 0.25 * np.exp(-np.arange(syllables + 1) / 5) + rng.normal(0, 0.06, syllables + 1)
        )
        for number in range(syllables):
            length = float(rng.uniform(0.11, 0.28)) * (1.5 if number == syllables - 1 else 1)
            if rng.random() < 0.75:
                _add(track, _consonant(rng), at, 0.35)
                at += float(rng.uniform(0.04, 0.1))
            _add(
                track,
                _syllable(rng, accents[number], accents[number + 1], length),
                at,
                float(rng.uniform(0.6, 1)),
            )
            at += length
        at += float(rng.uniform(0.25, 0.7))
    return level(reverb(rng, track, 0.25, 0.05))


def _syllable(rng: np.random.Generator, start: float, end: float, seconds: float) -> Sound:
    """A vowel gliding into another: harmonics of the voice, each as loud as the formants let it be."""
    t = clock(seconds)
    glide = (t / t[-1])[None, :]
    frequency = start + (end - start) * glide[0]
    harmonics = np.arange(1, int(5200 / max(start, end)))[:, None]
    first, second = (np.array(VOWELS[i], dtype=float) for i in rng.integers(0, len(VOWELS), 2))
    gain = np.zeros((len(harmonics), len(t)))
    for a, b, width, weight in zip(first, second, (80, 110, 160), (1, 0.6, 0.3), strict=True):
        centre = a + (b - a) * glide
        gain += weight / (1 + ((harmonics * frequency - centre) / width) ** 2)
    phase = 2 * np.pi * np.cumsum(frequency * (1 + 0.008 * rng.normal())) / RATE
    return np.asarray((np.sin(harmonics * phase) * gain).sum(0) * _envelope(t, 0.025, 0.04))


def _consonant(rng: np.random.Generator) -> Sound:
    """A burst of noise around a random place of articulation."""
    n = int(rng.uniform(0.03, 0.11) * RATE)
    spectrum = np.fft.rfft(rng.normal(size=n))
    place = np.fft.rfftfreq(n, 1 / RATE)
    spectrum *= np.exp(-(((place - rng.uniform(1200, 6500)) / rng.uniform(500, 1800)) ** 2))
    burst = np.fft.irfft(spectrum, n)
    return np.asarray(burst / np.abs(burst).max() * _envelope(np.arange(n) / RATE, 0.01, 0.02))


def weather(seed: int, seconds: float) -> Sound:
    """Wind over a field: noise whose colour and strength drift."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.normal(size=n)) / (1 + np.fft.rfftfreq(n, 1 / RATE) / 180)
    gusts = np.interp(
        np.arange(n), np.linspace(0, n, int(seconds) + 2), rng.uniform(0.3, 1, int(seconds) + 2)
    )
    return level(np.fft.irfft(spectrum, n) * gusts)
