"""What happens to sound between a master and a capture, for training pairs: pure functions of (samples, random generator).

Samples are float32, mono, at the sample rate of the codes. Ranges are broad and continuous on purpose: the codes must hold
under what nobody listed here.
"""

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fingerprint.spectrum import SAMPLE_RATE

Array = NDArray[np.float32]
Random = np.random.Generator


def reverberate(sound: Array, rng: Random) -> Array:
    """A room: exponentially decaying noise after a direct sound of random strength."""
    length = int(SAMPLE_RATE * rng.uniform(0.05, 0.7))
    tail = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
    tail[0] = rng.uniform(0.6, 3) * np.sqrt(np.sum(tail**2))
    return np.asarray(scipy.signal.fftconvolve(sound, tail)[: len(sound)], np.float32)


def equalise(sound: Array, rng: Random) -> Array:
    """Gains of up to 12 dB either way, smooth over frequency."""
    spectrum = np.fft.rfft(sound)
    gains = np.interp(np.linspace(0, 1, len(spectrum)), np.linspace(0, 1, 8), rng.uniform(-12, 12, 8))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (gains / 20), len(sound)), np.float32)


def band_limit(sound: Array, rng: Random) -> Array:
    """What a telephone, a small loudspeaker or a codec at a low rate leaves of the spectrum."""
    low, high = rng.uniform(80, 500), rng.uniform(1800, 3700)
    sos = scipy.signal.butter(int(rng.integers(2, 6)), [low, high], "band", fs=SAMPLE_RATE, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, sound), np.float32)


def coloured_noise(length: int, rng: Random) -> Array:
    """Noise from white to brown, half of the time swelling and fading."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    noise = np.fft.irfft(spectrum / (np.arange(len(spectrum)) + 20) ** rng.uniform(0, 1), length)
    if rng.random() < 0.5:
        knots = max(2, length // SAMPLE_RATE)
        noise *= np.interp(np.arange(length), np.linspace(0, length, knots), rng.uniform(0.2, 1, knots))
    return np.asarray(noise, np.float32)


def add_at(sound: Array, other: Array, ratio: float) -> Array:
    """``sound + g * other`` with g such that sound is ``ratio`` dB above other."""
    power, other_power = float(np.mean(sound**2)), float(np.mean(other**2)) + 1e-12
    return np.asarray(sound + other * np.sqrt(power / other_power) * 10 ** (-ratio / 20), np.float32)


def overdrive(sound: Array, rng: Random) -> Array:
    """Soft clipping, as of a limiter or a loudspeaker turned up."""
    return np.asarray(np.tanh(sound / (np.abs(sound).max() + 1e-9) * rng.uniform(1, 6)), np.float32)


def compress(sound: Array, rng: Random) -> Array:
    """Automatic gain control: the level over some 50 ms to 1 s is evened out."""
    width = int(SAMPLE_RATE * rng.uniform(0.05, 1.0))
    level = np.sqrt(scipy.signal.fftconvolve(sound**2, np.ones(width) / width, mode="same").clip(1e-10))
    return np.asarray(sound / level ** rng.uniform(0.2, 0.9), np.float32)


def disguise(sound: Array, other: Array, rng: Random) -> Array:
    """A random capture of ``sound``, with ``other`` (as long) as what else may be heard."""
    for step, probability in ((compress, 0.2), (reverberate, 0.6), (equalise, 0.6), (band_limit, 0.35)):
        if rng.random() < probability:
            sound = step(sound, rng)
    masker = other if rng.random() < 0.5 else coloured_noise(len(sound), rng)
    sound = add_at(sound, masker, rng.uniform(-4, 16))
    return overdrive(sound, rng) if rng.random() < 0.3 else sound
