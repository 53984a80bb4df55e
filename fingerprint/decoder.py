"""Packets -> sound at 8 kHz and small luma pictures, as messages for the parent.

Runs only inside the child process that ``fingerprint.worker`` makes for one file. It needs no NumPy, so that a child starts
in milliseconds.
"""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import json
import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fingerprint.container import Bounds, RefusedError, Source, raise_limits, too_long

SAMPLE_RATE = 8000
FRAME_SIZE = 128
CHUNK = 2 * 4 * SAMPLE_RATE  # bytes of sound sent at once: 4 s
BATCH = 64  # pictures sent at once: 1 MiB
REORDER = 32  # packets looked at ahead: more than the 16 frames by which a codec may reorder
GAP = 0.1  # seconds by which sound may miss its time stamp before it is put right
SLIP = 1.0  # seconds of repeated sound that are dropped; a longer step back is a clock that was set anew

Message = tuple[bytes, bytes]  # kind and payload, as fingerprint.sandbox reads them


def alive() -> Message:
    """Tells the parent that a long silence is work, not a hang."""
    return b"P", b""


def done(**facts: Any) -> Message:
    """The end of an answer."""
    return b"E", json.dumps(facts).encode()


class Decoder:
    """One file; every request reads it from its beginning."""

    def __init__(self, file: BinaryIO, bounds: Bounds) -> None:
        self._file, self._bounds = file, bounds
        self._source: Source | None = Source(file, bounds)
        self.duration = self._source.header_duration()
        if not self.duration:
            self.duration = self._source.measured_duration()
            self._source = None
        source = self._take()
        source.check(self.duration)
        self.facts = {
            "duration": self.duration,
            "kinds": [kind for kind in ("audio", "video") if getattr(source, kind) is not None],
        }
        self._source = source

    def _take(self) -> Source:
        """The source at its beginning: as opened for the probe, the first time."""
        source, self._source = self._source or Source(self._file, self._bounds), None
        return source

    def samples(self) -> Iterator[Message]:
        """Sound as s16 mono chunks at 8 kHz from media time 0."""
        source = self._take()
        assert source.audio is not None
        sound = _Sound(source)
        yield from sound.read(source.audio)
        yield _summary(source, sound.position / SAMPLE_RATE, sound.bad, sound.position)

    def frames(self, rate: float) -> Iterator[Message]:
        """The first frame at or after each k / rate, in batches of small luma pictures."""
        source = self._take()
        assert source.video is not None
        pictures = _Pictures(source, rate)
        yield from pictures.read(source.video)
        yield _summary(source, pictures.end, pictures.bad, pictures.kept)


def _summary(source: Source, end: float, bad: int, kept: int) -> Message:
    """The end of an answer, with what was wrong; nothing decoded at all is an error."""
    if kept == 0 and bad:
        raise RefusedError("corrupt", f"holds no packet that can be decoded ({bad} tried)")
    return done(end=end, bad=bad, broken_off=source.broken_off)


class _Sound:
    """Places decoded sound on the time axis: silence where none is, sound that would lie before its place dropped."""

    def __init__(self, source: Source) -> None:
        self.position = 0  # samples given out
        self.bad = 0
        self._source = source
        self._resampler: AudioResampler | None = None
        self._expected = 0.0  # media time at which the next frame continues the last, seconds
        self._shift = 0.0  # seconds added to time stamps after their clock was set anew
        self._drop = 0  # bytes still to drop
        self._ready = bytearray()

    def read(self, stream: AudioStream) -> Iterator[Message]:
        """All of the stream as messages."""
        decode = stream.codec_context.decode
        for packet in self._source.packets(stream):
            try:
                frames = decode(packet)
            except av.error.FFmpegError as error:
                raise_limits(error)
                self.bad += 1
                continue
            for frame in frames:
                yield from self._place(frame)
                self._push(frame)
            if len(self._ready) >= CHUNK:
                yield from self._give(CHUNK)
        for frame in _drained(decode):
            yield from self._place(frame)
            self._push(frame)
        self._flush()
        yield from self._give(1)

    def _place(self, frame: AudioFrame) -> Iterator[Message]:
        """Start anew where the frame does not continue the last one."""
        length = frame.samples / frame.sample_rate
        if frame.pts is None or frame.time_base is None:
            self._expected += length
            return
        start = float(frame.pts * frame.time_base) - self._source.origin + self._shift
        step = start - self._expected
        if abs(step) > GAP:
            if step < -SLIP and self._expected > 0 or step > self._source.bounds.max_duration:
                self._shift -= step
                start = self._expected
            else:
                self._flush()
                yield from self._fill(round(start * SAMPLE_RATE))
        self._expected = start + length

    def _fill(self, target: int) -> Iterator[Message]:
        """Silence up to sample ``target``; where that is past already, the next samples are dropped."""
        missing = 2 * (target - self.position) - len(self._ready)
        self._drop = max(0, -missing)
        while missing > 0:
            self._ready += bytes(min(missing, CHUNK))
            missing -= CHUNK
            yield from self._give(CHUNK)

    def _push(self, frame: AudioFrame) -> None:
        if self._resampler is None:
            self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
        try:
            resampled = self._resampler.resample(frame)
        except ValueError:  # the stream changed its rate or its channels
            self._flush()
            self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
            resampled = self._resampler.resample(frame)
        for part in resampled:
            self._append(part)

    def _append(self, part: AudioFrame) -> None:
        sound = bytes(part.planes[0])[: 2 * part.samples]
        if self._drop:
            dropped = min(self._drop, len(sound))
            self._drop -= dropped
            sound = sound[dropped:]
        self._ready += sound

    def _flush(self) -> None:
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._append(part)
            self._resampler = None

    def _give(self, at_least: int) -> Iterator[Message]:
        if len(self._ready) < at_least:
            return
        self.position += len(self._ready) // 2
        if self.position > self._source.bounds.max_duration * SAMPLE_RATE:
            raise too_long(self.position / SAMPLE_RATE, self._source.bounds)
        yield b"A", bytes(self._ready)
        self._ready.clear()


def _drained(decode: Any) -> list[Any]:
    """What the decoder still holds at the end."""
    try:
        return list(decode(None))
    except av.error.FFmpegError as error:
        raise_limits(error)
        return []


class _Pictures:
    """Keeps the first frame of each slot of 1 / rate seconds, and spares the decoder what nobody will see.

    A frame is needed when no other frame of its slot comes before it; that is known from the time stamps of the packets,
    a little ahead of decoding. The decoder may skip the others unless later frames refer to them.
    """

    def __init__(self, source: Source, rate: float) -> None:
        self.bad = 0
        self.kept = 0
        self.end = 0.0  # media time of the last frame seen, seconds
        self._source, self._rate = source, rate
        self._last_slot = -1
        self._reformatter = VideoReformatter()
        self._heads: list[bytes] = []
        self._luma: list[bytes] = []

    def read(self, stream: VideoStream) -> Iterator[Message]:
        """All of the stream as messages."""
        context = stream.codec_context
        context.thread_count = 1
        context.options = {
            "skip_loop_filter": "all",
            "threads": "1",
            "max_pixels": str(self._source.bounds.max_pixels),
        }
        spoken = time.monotonic()
        for packet, needed in self._marked(self._source.packets(stream)):
            context.skip_frame = "DEFAULT" if needed else "NONREF"
            try:
                frames = context.decode(packet)
            except av.error.FFmpegError as error:
                raise_limits(error)
                self.bad += 1
                continue
            for frame in frames:
                self._look(frame)
            if len(self._heads) >= BATCH:
                yield from self._give()
                spoken = time.monotonic()
            elif time.monotonic() - spoken > 1:
                yield alive()
                spoken = time.monotonic()
        for frame in _drained(context.decode):
            self._look(frame)
        yield from self._give()

    def _marked(self, packets: Iterator[Packet[Any]]) -> Iterator[tuple[Packet[Any], bool]]:
        """Each packet, and whether its frame is the first of its slot."""
        waiting: deque[tuple[Packet[Any], int]] = deque()
        first: dict[int, int] = {}
        for packet in packets:
            slot = -1
            if packet.pts is not None:
                slot = self._slot(float(packet.pts * packet.time_base) - self._source.origin)
                first[slot] = min(packet.pts, first.get(slot, packet.pts))
            waiting.append((packet, slot))
            if len(waiting) > REORDER:
                yield self._mark(*waiting.popleft(), first)
        for packet, slot in waiting:
            yield self._mark(packet, slot, first)

    def _mark(self, packet: Packet[Any], slot: int, first: dict[int, int]) -> tuple[Packet[Any], bool]:
        if len(first) > 4 * REORDER:
            for old in sorted(first)[: 2 * REORDER]:
                del first[old]
        return packet, packet.pts is None or first.get(slot, packet.pts) == packet.pts

    def _slot(self, seconds: float) -> int:
        # A thousandth of a slot forgives time stamps that were rounded down to the container's clock.
        return int(seconds * self._rate + 1e-3)

    def _look(self, frame: VideoFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        seconds = float(frame.pts * frame.time_base) - self._source.origin
        if seconds > self._source.bounds.max_duration:
            raise too_long(seconds, self._source.bounds)
        slot = self._slot(seconds)
        if seconds < -5e-4 or slot <= self._last_slot:
            return
        small = self._reformatter.reformat(
            frame, FRAME_SIZE, FRAME_SIZE, "gray", interpolation=Interpolation.AREA, threads=1
        )
        self._last_slot, self.end = slot, seconds
        self._heads.append(struct.pack("<iB", max(0, round(seconds * 1000)), orientation(frame)))
        self._luma.append(packed(small, FRAME_SIZE))
        self.kept += 1

    def _give(self) -> Iterator[Message]:
        if self._heads:
            yield b"V", struct.pack("<I", len(self._heads)) + b"".join(self._heads) + b"".join(self._luma)
        self._heads.clear()
        self._luma.clear()


def packed(frame: VideoFrame, row: int) -> bytes:
    """The first plane without the padding at the end of its rows of ``row`` bytes."""
    plane = frame.planes[0]
    data = bytes(plane)
    if plane.line_size == row:
        return data
    return b"".join(
        data[start : start + row] for start in range(0, plane.line_size * frame.height, plane.line_size)
    )


def orientation(frame: VideoFrame) -> int:
    """How to put the picture upright: 1 swap rows and columns, then 2 flip left-right, then 4 flip top-bottom (a sum).

    From the display matrix, x' = a x + c y, y' = b x + d y, of which cameras use the eight without shear.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0
    a, b, _, c, d = struct.unpack_from("<5i", bytes(matrix))
    if abs(b) > abs(a):
        return 1 + 2 * (c < 0) + 4 * (b < 0)
    return 2 * (a < 0) + 4 * (d < 0)
