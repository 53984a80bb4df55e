"""Channels of sound before they are mixed: none that would cancel the others, and nothing that is no number."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
LOUDEST = 1e4  # times full scale, from which on a sample is no sound; nor is one that is no number
MOST = 8  # channels that the mixer knows; of more the first two are taken
SPARSE = 8  # of so many samples one is looked at to compare channels
OPPOSED = -0.5  # correlation under which one channel is the other turned upside down
MEMORY = 10.0  # seconds of sound that tell which way up a channel is


class Channels:
    """Turns channels the right way up: what is upside down cancels others in the mix, and no player mixes.

    ``correlation = 2 <a, b> / (<a, a> + <b, b>)`` of each channel with the leading one, over the last MEMORY seconds.
    It leads until another is four times as strong: each change turns all of the sound over.
    """

    def __init__(self) -> None:
        self._leader = 0
        self._products: NDArray[np.float64] | None = None

    def settled(self, frame: AudioFrame) -> tuple[AudioFrame, bool]:
        """The frame, ready to be mixed; and whether all of it was sound."""
        kind = np.dtype(TYPES[frame.format.name.removesuffix("p")])
        count = frame.layout.nb_channels
        if count == 1 and kind.kind != "f":
            return frame, True
        held = _samples(frame, kind)
        sound = held if count <= MOST else held[:2]
        whole = kind.kind != "f" or _is_sound(sound)
        if not whole:
            sound = np.where(np.abs(sound) < LOUDEST, sound, kind.type(0))
        elif count == 1:
            return frame, True
        signs = self._signs(sound, frame.samples / frame.sample_rate)
        if count <= MOST and whole and (signs > 0).all():
            return frame, True
        return _framed(_turned(sound, signs), frame, frame.layout.name if count <= MOST else "stereo"), whole

    def _signs(self, sound: NDArray[Any], seconds: float) -> NDArray[np.int8]:
        """1 or -1 for each channel of the next stretch (channels, samples)."""
        seen = sound[:, ::SPARSE].astype(np.float64)
        if sound.dtype.kind == "u":
            seen -= 128
        products, known = seen @ seen.T, self._products
        if known is not None and known.shape == products.shape:
            products += np.exp(-seconds / MEMORY) * known
        else:
            self._leader = 0
        self._products = products
        powers = products.diagonal()
        if powers.max() > 4 * powers[self._leader]:
            self._leader = int(np.argmax(powers))
        correlation = 2 * products[self._leader] / np.maximum(powers + powers[self._leader], 1e-30)
        return np.where(correlation < OPPOSED, -1, 1).astype(np.int8)


def _is_sound(samples: NDArray[Any]) -> bool:
    """Whether all are numbers, and none too loud to be sound: of what is no number no comparison is true."""
    return samples.size == 0 or bool(samples.min() > -LOUDEST and samples.max() < LOUDEST)


def _samples(frame: AudioFrame, kind: np.dtype[Any]) -> NDArray[Any]:
    """The samples of each channel (channels, samples), without the padding of planes."""
    count = 1 if frame.format.is_planar else frame.layout.nb_channels
    size = frame.samples * count * kind.itemsize
    each = [np.frombuffer(memoryview(plane)[:size], kind) for plane in frame.planes]
    planes = np.stack(each) if len(each) > 1 else each[0][None]
    return planes if frame.format.is_planar else planes.reshape(-1, count).T


def _turned(sound: NDArray[Any], signs: NDArray[np.int8]) -> NDArray[Any]:
    turned = sound.copy()
    upside_down = turned[signs < 0]
    # Of integers the complement: the lowest has no negative.
    turned[signs < 0] = -upside_down if sound.dtype.kind == "f" else ~upside_down
    return turned


def _framed(sound: NDArray[Any], like: AudioFrame, layout: Any) -> AudioFrame:
    """Samples (channels, samples) as a frame of the format and rate of another."""
    frame = AudioFrame(like.format.name, layout, sound.shape[1], align=1)
    frame.sample_rate = like.sample_rate
    rows = list(sound) if like.format.is_planar else [sound.T]
    for plane, row in zip(frame.planes, rows, strict=True):
        plane.update(row.tobytes())
    return frame
