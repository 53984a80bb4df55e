"""Video packets -> small luma pictures, a few a second; and one large picture for people."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fingerprint.decoding.container import Axis, Source, Tolerant, check_size, too_long
from fingerprint.decoding.holes import Holes
from fingerprint.decoding.message import ALIVE, COUNT, FRAME, PICTURE, Message

FRAME_SIZE = 128
BATCH = 64  # pictures sent at once: 1 MiB
REORDER = 32  # packets looked at ahead: more than the 16 frames by which a codec may reorder
MEMORY = 1024  # slots whose first frame is remembered
APART = 2.0  # seconds between frames from which on it matters whether there were packets between them
LOST = 1.0  # seconds of packets in between that give no frame: a few there are before the first key frame
CODED = 24  # bytes from which on a packet holds a picture: of some codecs a few say that nothing has changed
WIDEST = 8.0  # times as wide as high, or as high as wide, that an enlarged picture is at most, whatever the file says


class Frames:
    """Keeps the first frame of each slot of 1 / rate seconds, and spares the decoder what nobody will see.

    A frame is needed when no other frame of its slot comes before it; time stamps tell that, a little
    ahead of decoding. The decoder may skip the others unless later frames refer to them.

    kept  frames given out so far
    end   media time of the last frame decoded, seconds
    holes between frames, where there are packets that gave none
    """

    def __init__(self, source: Source | Axis, stream: VideoStream, rate: float) -> None:
        self.kept = 0
        self.end = 0.0
        self.holes = Holes()
        self.decoder = Tolerant(stream)
        self.source, self.stream, self._rate = source, stream, rate
        self._clock = float(stream.time_base or 0)
        self._last_slot = -1
        self._first: dict[int, int] = {}  # slot -> the earliest time stamp seen in it
        self._coded: deque[int] = deque(maxlen=MEMORY)  # slots of packets that hold pictures
        self._reformatter = VideoReformatter()
        self._heads: list[bytes] = []
        self._luma: list[bytes] = []

    def read(self) -> Iterator[Message]:
        """All of the stream."""
        context = self.stream.codec_context
        # The loop filter costs a fifth of decoding, most of it in B frames. Spared there, it changes the
        # small picture by a tenth of a level; spared everywhere, by ten times that, as errors spread.
        context.options = {**context.options, "skip_loop_filter": "bidir"}
        spoken = time.monotonic()
        for packet, needed in self.marked():
            context.skip_frame = "DEFAULT" if needed else "NONREF"
            for frame in self.decoder.decode(packet):
                self.look(frame)
            if len(self._heads) >= BATCH or time.monotonic() - spoken > 1:
                yield self.batch() if self._heads else ALIVE
                spoken = time.monotonic()
        context.skip_frame = "DEFAULT"
        for frame in self.decoder.decode(None):
            self.look(frame)
        if self._heads:
            yield self.batch()

    def marked(self) -> Iterator[tuple[Packet[Any], bool]]:
        """Each packet, and whether its frame is the first of its slot."""
        waiting: deque[Packet[Any]] = deque()
        assert isinstance(self.source, Source)
        for packet in self.source.packets(self.stream):
            self._note(packet)
            waiting.append(packet)
            if len(waiting) > REORDER:
                yield self._judged(waiting.popleft())
        for packet in waiting:
            yield self._judged(packet)

    def _note(self, packet: Packet[Any]) -> None:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None and packet.size >= CODED and self.slot(stamp) not in self._coded:
            self._coded.append(self.slot(stamp))
        if packet.pts is None:
            return
        slot = self.slot(packet.pts)
        self._first[slot] = min(packet.pts, self._first.get(slot, packet.pts))
        if len(self._first) > MEMORY:
            for old in list(self._first)[: MEMORY // 2]:
                del self._first[old]

    def _judged(self, packet: Packet[Any]) -> tuple[Packet[Any], bool]:
        if packet.pts is None:
            return packet, True
        slot = self.slot(packet.pts)
        return packet, self._first.get(slot, packet.pts) == packet.pts

    def slot(self, pts: int) -> int:
        """The slot of a time stamp."""
        return self._slot(pts * self._clock - self.source.origin)

    def _slot(self, seconds: float) -> int:
        # A thousandth of a slot forgives time stamps that were rounded down to the container's clock.
        return int(seconds * self._rate + 1e-3)

    def look(self, frame: VideoFrame) -> None:
        """Keep the frame when it is the first of its slot."""
        check_size(frame.width, frame.height, self.source.bounds)  # not every header tells it
        if frame.pts is None:
            return
        seconds = frame.pts * self._clock - self.source.origin
        if seconds > self.source.bounds.max_duration:
            raise too_long(seconds, self.source.bounds)
        slot = self._slot(seconds)
        if seconds < -5e-4 or slot <= self._last_slot:
            return
        small = self._reformatter.reformat(
            frame, FRAME_SIZE, FRAME_SIZE, "gray", interpolation=Interpolation.AREA, threads=1
        )
        if seconds - self.end > APART:
            self._skip(seconds, slot)
        self._last_slot, self.end, self.kept = slot, seconds, self.kept + 1
        self._heads.append(FRAME.pack(max(0, round(seconds * 1000)), orientation(frame)))
        self._luma.append(packed(small, FRAME_SIZE))

    def _skip(self, seconds: float, slot: int) -> None:
        """Pictures may lie far apart, as in a show of slides; but not where packets in between gave none."""
        if sum(self._last_slot < coded < slot for coded in self._coded) >= LOST * self._rate:
            self.holes.add(self.end, seconds)

    @property
    def held(self) -> int:
        """Frames that are kept and were not given out."""
        return len(self._heads)

    def batch(self) -> Message:
        """The frames that are kept and were not given out."""
        payload = b"".join([COUNT.pack(len(self._heads)), *self._heads, *self._luma])
        self._heads.clear()
        self._luma.clear()
        return b"V", payload


class KeyFrames(Frames):
    """Keeps the first key frame of each slot, and has nothing else read or decoded."""

    def marked(self) -> Iterator[tuple[Packet[Any], bool]]:
        """The packets of these frames."""
        assert isinstance(self.source, Source)
        last, delay = -1, None
        # Passing packets over, the demuxer of MP4 gives a key frame the delay of another: all have that of the first.
        mistimed = "mp4" in self.source.container.format.name
        for packet in self.source.packets(self.stream, wanted=Discard.nonkey):
            if mistimed and packet.pts is not None and packet.dts is not None:
                delay = packet.pts - packet.dts if delay is None else delay
                packet.pts = packet.dts + delay
            slot = last + 1 if packet.pts is None else self.slot(packet.pts)
            if packet.is_keyframe and slot > last:
                last = slot
                yield packet, True


def picture(source: Source, stream: VideoStream, seconds: float, width: int) -> Iterator[Message]:
    """The RGB frame shown at a time, ``width`` wide when upright, with the right aspect."""
    clock = float(stream.time_base or 0)
    target = seconds + source.origin
    source.seek(stream, target)
    shown: VideoFrame | None = None
    for frame in _decoded(source, stream):
        if shown is not None and frame.pts is not None and frame.pts * clock > target + 1e-3:
            break
        shown = frame
    if shown is not None:
        check_size(shown.width, shown.height, source.bounds)
        yield _large(shown, float(stream.sample_aspect_ratio or 1), width)


def _decoded(source: Source, stream: VideoStream) -> Iterator[VideoFrame]:
    decoder = Tolerant(stream)
    for packet in source.packets(stream):
        yield from decoder.decode(packet)
    yield from decoder.decode(None)


def _large(frame: VideoFrame, pixel_aspect: float, width: int) -> Message:
    turn = orientation(frame)
    aspect = min(max(frame.width * pixel_aspect / frame.height, 1 / WIDEST), WIDEST)
    if turn & 1:
        columns, rows = max(1, round(width * aspect)), width
    else:
        columns, rows = width, max(1, round(width / aspect))
    rgb = VideoReformatter().reformat(
        frame, columns, rows, "rgb24", interpolation=Interpolation.AREA, threads=1
    )
    return b"I", PICTURE.pack(columns, rows, turn) + packed(rgb, 3 * columns)


def packed(frame: VideoFrame, row: int) -> bytes:
    """The first plane without the padding at the end of its rows of ``row`` bytes."""
    plane = frame.planes[0]
    data, stride = bytes(plane), plane.line_size
    if stride == row:
        return data
    return b"".join(data[start : start + row] for start in range(0, stride * frame.height, stride))


def orientation(frame: VideoFrame) -> int:
    """How to get it upright, as a sum: 1 swaps rows and columns, then 2 flips left-right and 4 top-bottom.

    From the display matrix, x' = a x + c y and y' = b x + d y, of which cameras use the eight without shear.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0
    a, b, _, c, d = struct.unpack_from("<5i", bytes(matrix))
    swapped = abs(b) > abs(a)
    across, down = (c, b) if swapped else (a, d)
    return int(swapped) + 2 * int(across < 0) + 4 * int(down < 0)
