"""Frames of sound joined before they are mixed: without channels that would cancel others, without what is no number."""

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
MEMORY = 0.8  # of what was known of the channels that counts at the next batch: some ten seconds in all


class Polarity:
    """Which channels are turned upside down: they would cancel the others in the mix, and no player mixes.

    ``correlation = 2 <a, b> / (<a, a> + <b, b>)`` of each channel with the leading one, over the last ten seconds.
    It leads until another is four times as strong: each change turns all of the sound over.
    """

    def __init__(self) -> None:
        self._leader = 0
        self._products: NDArray[np.float64] | None = None

    def signs(self, sound: NDArray[Any]) -> NDArray[np.int8]:
        """1 or -1 for each channel of the next stretch (channels, samples)."""
        seen = sound[:, ::SPARSE].astype(np.float64)
        if sound.dtype.kind == "u":
            seen -= 128
        products, known = seen @ seen.T, self._products
        if known is not None and known.shape == products.shape:
            products += MEMORY * known
        else:
            self._leader = 0
        self._products = products
        powers = products.diagonal()
        if powers.max() > 4 * powers[self._leader]:
            self._leader = int(np.argmax(powers))
        correlation = 2 * products[self._leader] / np.maximum(powers + powers[self._leader], 1e-30)
        return np.where(correlation < OPPOSED, -1, 1).astype(np.int8)


class Batch:
    """Frames of one form, to be joined: a call of the resampler for each costs more than the resampling.

    samples  of each channel, so far
    """

    def __init__(self, frame: AudioFrame) -> None:
        self.samples = 0
        self._format, self._rate = frame.format, frame.sample_rate
        self._names = self._format.name, frame.layout.name
        self._channels = frame.layout.nb_channels
        self._layout = frame.layout.name if self._channels <= MOST else "stereo"
        self._type = np.dtype(TYPES[self._format.name.removesuffix("p")])
        self._planes = [bytearray() for _ in frame.planes]
        self._width = self._type.itemsize * (1 if self._format.is_planar else self._channels)

    def fits(self, frame: AudioFrame) -> bool:
        """Whether the frame has the form of those before."""
        return frame.sample_rate == self._rate and (frame.format.name, frame.layout.name) == self._names

    def add(self, frame: AudioFrame) -> bool:
        """Append the frame's samples, without the padding of its planes; silence where they are no sound, and False."""
        size = frame.samples * self._width
        planes = [memoryview(plane)[:size] for plane in frame.planes]
        sound = all(map(self._is_sound, planes))
        for joined, plane in zip(self._planes, planes, strict=True):
            joined += plane if sound else bytes(size)
        self.samples += frame.samples
        return sound

    def _is_sound(self, plane: memoryview) -> bool:
        if self._type.kind != "f" or not len(plane):
            return True
        return bool(np.abs(np.frombuffer(plane, self._type)).max() < LOUDEST)  # False of what is no number

    def joined(self, polarity: Polarity) -> AudioFrame:
        """All of it as one frame, ready to be mixed."""
        planes = [bytes(plane) for plane in self._planes]
        if self._channels > 1:
            planes = self._settled(planes, polarity)
        frame = AudioFrame(self._format.name, self._layout, self.samples, align=1)  # type: ignore[arg-type]  # any layout's name
        frame.sample_rate = self._rate
        for plane, joined in zip(frame.planes, planes, strict=True):
            plane.update(joined)
        return frame

    def _settled(self, planes: list[bytes], polarity: Polarity) -> list[bytes]:
        """The planes with as many channels as can be mixed, all the same way up."""
        held = np.stack([np.frombuffer(plane, self._type) for plane in planes])
        sound = held if self._format.is_planar else held.reshape(-1, self._channels).T
        if self._channels > MOST:
            sound = sound[:2]
        signs = polarity.signs(sound)
        if self._channels <= MOST and (signs > 0).all():
            return planes
        turned = sound.copy()
        # Of integers the complement: the lowest has no negative.
        turned[signs < 0] = -turned[signs < 0] if self._type.kind == "f" else ~turned[signs < 0]
        return [row.tobytes() for row in turned] if self._format.is_planar else [turned.T.tobytes()]
