"""An endless stream -> its sound and pictures on one time axis, as they come.

Clocks of streams are set anew, wrap around after 26.5 hours (33 bits at 90 kHz) and jump; media time only ever goes on.
"""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from av.packet import Packet

from fingerprint.decoding.container import Axis, Bounds, File, Pipe, Source
from fingerprint.decoding.frames import Frames
from fingerprint.decoding.message import Message, end, told
from fingerprint.decoding.sound import Sound

BACK, AHEAD = 1.0, 10.0  # seconds that a time stamp may be off the last; beyond, the clock was set anew
TOGETHER = 0.24  # seconds of sound that are given out together
BATCH = 4  # pictures that are
LOCATED = 0.25  # seconds of media after which it is told again at which byte they lie
REMEMBERED = 3  # settings of the clock: streams that are set anew do not change over at the same packet
# A live stream is not searched for long for what it holds: what comes later is missed, and that is seen and put right.
PROBED = {"probesize": str(4 << 20), "analyzeduration": "3000000"}


class Clock:
    """Where time stamps lie on the time axis.

    reached  seconds of media so far
    """

    def __init__(self, origin: float) -> None:
        self._last: dict[int, float] = {}  # by stream: one may run far ahead of another, or pause
        self.origins = [origin]

    @property
    def reached(self) -> float:
        """Seconds of media so far."""
        return max(self._last.values(), default=0.0)

    def take(self, stream: int, stamp: float) -> float:
        """The origin that a time stamp of a stream counts from: a new one where none that is known makes sense of it."""
        last = self._last.get(stream, 0.0)
        for origin in self.origins:
            if last - BACK <= stamp - origin <= self.reached + AHEAD:
                break
        else:
            origin = stamp - self.reached
            self.origins = [origin, *self.origins[: REMEMBERED - 1]]
        self._last[stream] = max(last, stamp - origin)
        return origin


class Live:
    """What can be read once, from now on.

    mode     "all", "key" for key frames and sound, "sound" for sound alone
    reached  seconds of media so far
    """

    def __init__(self, file: File | Pipe, max_pixels: int, rate: float, mode: str) -> None:
        bounds = Bounds(max_pixels, float("inf"))
        self._source = source = Source(file, bounds, options=PROBED)
        source.check(0.0)
        self.mode = mode
        self._clock = Clock(source.origin)
        self._axis = Axis(replace(bounds), source.origin)
        self._sound = Sound(self._axis, source.audio, TOGETHER) if source.audio is not None else None
        self._pictures = Frames(self._axis, source.video, rate) if source.video is not None else None
        self._waits = False  # for a key frame
        self._offset = -1, 0.0  # the last byte that was told of, and its second

    @property
    def reached(self) -> float:
        """Seconds of media so far."""
        return self._clock.reached

    def read(self) -> Iterator[Message]:
        """All of it, to its end."""
        source = self._source
        kinds = [kind for kind in ("audio", "video") if getattr(source, kind) is not None]
        yield told(b"F", kinds=kinds, origin=source.origin)
        for packet in source.packets(*(s for s in (source.audio, source.video) if s is not None)):
            yield from self._placed(packet)
            if source.audio is not None and packet.stream_index == source.audio.index:
                yield from self._heard(packet)
            else:
                yield from self._seen(packet)
        yield from self._rest()
        bad = sum(part.decoder.bad for part in (self._sound, self._pictures) if part is not None)
        yield end(end=self.reached, bad=bad)

    def _placed(self, packet: Packet[Any]) -> Iterator[Message]:
        """Sets the axis to the clock that the packet counts by."""
        if packet.pts is None or packet.time_base is None:
            return
        before, reached = self._clock.origins[0], self.reached
        self._axis.origin = self._clock.take(packet.stream_index, float(packet.pts * packet.time_base))
        if self._clock.origins[0] != before:
            yield told(b"J", at=self.reached, by=self._clock.origins[0] - before)
        yield from self._located(packet.pos, reached)

    def _located(self, byte: int | None, reached: float) -> Iterator[Message]:
        """Where a packet lies, now and then; before it lies what is up to ``reached`` (s)."""
        last, second = self._offset
        if byte is not None and byte > last and self.reached >= second + LOCATED:
            self._offset = byte, self.reached
            yield told(b"B", byte=byte, end=reached, begin=self.reached)

    def _heard(self, packet: Packet[Any]) -> Iterator[Message]:
        assert self._sound is not None
        for frame in self._sound.decoder.decode(packet):
            yield from self._sound.hear(frame)
        if self._sound.held >= TOGETHER:
            yield from self._sound.give()

    def _seen(self, packet: Packet[Any]) -> Iterator[Message]:
        assert self._pictures is not None
        key = bool(packet.is_keyframe)
        if self.mode == "sound" or (not key and (self.mode == "key" or self._waits)):
            self._waits = True  # the pictures that this one would have led to cannot be decoded
            return
        self._waits = self._waits and not key
        for frame in self._pictures.decoder.decode(packet):
            self._pictures.look(frame)
        if self._pictures.held >= BATCH:
            yield self._pictures.batch()

    def _rest(self) -> Iterator[Message]:
        if self._pictures is not None:
            for frame in self._pictures.decoder.decode(None):
                self._pictures.look(frame)
            if self._pictures.held:
                yield self._pictures.batch()
        if self._sound is not None:
            for frame in self._sound.decoder.decode(None):
                yield from self._sound.hear(frame)
            yield from self._sound.rest()
