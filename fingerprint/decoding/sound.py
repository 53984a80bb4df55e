"""Audio packets -> mono sound at 8 kHz on the time axis of the file."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from collections.abc import Iterable, Iterator

from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from fingerprint.decoding.channels import Channels
from fingerprint.decoding.container import Axis, Part, Source, Tolerant, too_long
from fingerprint.decoding.holes import Holes
from fingerprint.decoding.message import Message

SAMPLE_RATE = 8000
CHUNK = 2 * 4 * SAMPLE_RATE  # bytes sent at once: 4 s
GAP = 0.1  # seconds by which sound may miss its time stamp before it is put right
BATCH = 2.0  # seconds of sound that are resampled at once
LEAP = 900.0  # seconds of silence that are believed; a longer step forward is a wrong time stamp, and damage
SLIP = 1.0  # seconds of repeated sound that are dropped; a longer step back is a clock that was set anew


class Sound:
    """Places decoded sound of a file or a part: silence where none is, sound that would lie before its place dropped.

    position  samples given out so far
    leaps     wrong time stamps that were passed over
    holes     where it is silent because time stamps step forward
    """

    def __init__(self, source: Source | Part | Axis, stream: AudioStream, together: float = BATCH) -> None:
        """``together`` is in seconds of sound that are resampled at once."""
        self.position = self.leaps = 0
        self.holes = Holes()
        self._channels = Channels()
        self._together = together
        self.decoder = Tolerant(stream)
        self._source, self._stream = source, stream
        self._clock = float(stream.time_base or 0)
        self._held = (
            AudioFifo()
        )  # joins frames: a call of the resampler for each costs more than the resampling
        self._resampler: AudioResampler | None = None
        self._expected = 0.0  # media time at which the next frame continues the last, seconds
        self._shift = 0.0  # seconds added to time stamps since their clock was set anew
        self._drop = 0  # bytes still to drop
        self._ready = bytearray()

    def read(self) -> Iterator[Message]:
        """All of the stream."""
        assert not isinstance(self._source, Axis)
        for packet in self._source.packets(self._stream):
            for frame in self.decoder.decode(packet):
                yield from self.hear(frame)
            if len(self._ready) >= CHUNK:
                yield from self.give()
        for frame in self.decoder.decode(None):
            self._push(frame)
        yield from self.rest()

    def hear(self, frame: AudioFrame) -> Iterable[Message]:
        """One frame more; gives what comes before a gap."""
        # A call for each frame: a generator would cost more than all the rest of it.
        before = tuple(self._move(frame)) if self._misplaced(frame) else ()
        self._push(frame)
        return before

    def rest(self) -> Iterator[Message]:
        """All that is held back."""
        self._flush()
        yield from self.give()

    @property
    def held(self) -> float:
        """Seconds that can be given out."""
        return len(self._ready) / 2 / SAMPLE_RATE

    def _misplaced(self, frame: AudioFrame) -> bool:
        """Whether the frame's time stamp says that it does not continue the last one; counts its length."""
        expected, pts = self._expected, frame.pts
        self._expected = expected + frame.samples / frame.sample_rate
        return pts is not None and abs(self._place(pts) - expected) > GAP

    def _place(self, pts: int) -> float:
        return pts * self._clock - self._source.origin + self._shift

    def _move(self, frame: AudioFrame) -> Iterator[Message]:
        """Continue at the frame's time stamp, unless that shows a clock that was set anew."""
        length = frame.samples / frame.sample_rate
        start, expected = self._place(frame.pts or 0), self._expected - length
        leap = start - expected > LEAP
        if (start - expected < -SLIP and expected > 0) or leap or start > self._source.bounds.max_duration:
            self.leaps += leap
            self._shift += expected - start
            return
        self._flush()
        if start > expected > 0:  # sound may begin later than pictures
            self.holes.add(expected, start)
        yield from self._fill(round(start * SAMPLE_RATE))
        self._expected = start + length

    def _fill(self, target: int) -> Iterator[Message]:
        """Silence up to sample ``target``; where that is past already, what comes next is dropped."""
        missing = 2 * (target - self.position) - len(self._ready)
        self._drop = max(0, -missing)
        while missing > 0:
            self._ready += bytes(min(missing, CHUNK))
            missing -= CHUNK
            yield from self.give()

    def _push(self, frame: AudioFrame) -> None:
        frame.pts = None  # what it said of its place has been seen to
        try:
            self._held.write(frame)
        except ValueError:
            self._flush()  # the stream changed its rate or its channels
            self._held = AudioFifo()
            self._held.write(frame)
        if self._held.samples >= self._together * frame.sample_rate:
            self._resample()

    def _resample(self) -> None:
        joined = self._held.read() if self._held.samples else None
        if joined is not None:
            joined, sound = self._channels.settled(joined)
            if not sound:
                self.decoder.bad += 1
                self.decoder.loss.lose(joined.samples / joined.sample_rate)
            joined.pts = None
            self._resampler = self._resampler or AudioResampler("s16", "mono", SAMPLE_RATE)
            for part in self._resampler.resample(joined):
                self._append(part)

    def _append(self, part: AudioFrame) -> None:
        sound = bytes(part.planes[0])[: 2 * part.samples]
        self._ready += sound[self._drop :]
        self._drop = max(0, self._drop - len(sound))

    def _flush(self) -> None:
        """Bring out all that was pushed."""
        self._resample()
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._append(part)
            self._resampler = None

    def give(self) -> Iterator[Message]:
        """What is ready."""
        self.position += len(self._ready) // 2
        if self.position > self._source.bounds.max_duration * SAMPLE_RATE:
            raise too_long(self.position / SAMPLE_RATE, self._source.bounds)
        if self._ready:
            yield b"A", bytes(self._ready)
        self._ready.clear()
