"""Opening a media file: which formats are let in, which streams are read, how long it lasts.

It opens nothing: the file arrives as an open descriptor, and the decoder library never learns its name.
"""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from fingerprint.decoding.loss import Loss

# Demuxers of real media. None of them opens a second file or reads a list of files.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,dts,"
    "truehd,loas,amr,amrnb,amrwb,ape,wv,tta,asf,rm,mxf,nut,gxf,dv,ivf,obu,h264,hevc,m4v,vc1,gif"
)
# Formats whose header does not tell the duration, so that it is found by reading every packet.
UNTIMED = frozenset(
    [
        "mp3",
        "aac",
        "ac3",
        "eac3",
        "dts",
        "truehd",
        "loas",
        "amr",
        "amrnb",
        "amrwb",
        "h264",
        "hevc",
        "m4v",
        "mpegvideo",
        "vc1",
        "obu",
        "gif",
    ]
)
NO_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
SPARE = 32 << 20  # bytes that decoding a packet needs at most, pictures apart


class RefusedError(Exception):
    """The file cannot be read: ``code`` and the reason, in words that follow the file's name."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the parent allows: pixels of a picture and seconds of media."""

    max_pixels: int
    max_duration: float


class File:
    """An open descriptor, read at a position of its own: children and sources of one file share the descriptor's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._position = 0

    def again(self) -> File:
        """The same file at its start."""
        return File(self._descriptor)

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end."""
        try:
            data = os.pread(self._descriptor, size, self._position)
        except OSError as error:
            raise RefusedError("unreadable", f"cannot be read: {error.strerror}") from None
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to ``offset`` from the start, from here or from the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position


class Pipe:
    """An open descriptor whose bytes come once, when they come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def again(self) -> Pipe:
        """The same: it has no other start."""
        return self

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; none at the end."""
        return os.read(self._descriptor, size)


@dataclass(slots=True)
class Axis:
    """The time axis of an endless stream, whose clock may be set anew at any time.

    origin  seconds on the container's clock that are media time 0, now
    """

    bounds: Bounds
    origin: float = 0.0


class Source:
    """An open file and its chosen streams.

    tracks        how many streams of sound can be decoded
    audio, video  the chosen streams, or None: the best picture, and of the sounds that of a number, best first
    origin        seconds on the container's clock that are media time 0
    broken_off    whether reading ended in an error
    """

    def __init__(
        self, file: File | Pipe, bounds: Bounds, track: int = 0, options: dict[str, str] | None = None
    ) -> None:
        """``options`` are further ones of the demuxer's."""
        self.bounds = bounds
        self.container = _open(file.again(), bounds.max_pixels, options or {})
        sounds = _sounds(self.container)
        self.tracks = len(sounds)
        self.audio = sounds[track] if sounds else None
        self.video = _best_video(self.container)
        if self.audio is None and self.video is None:
            raise RefusedError("no-streams", "holds neither sound nor moving pictures that can be decoded")
        self.origin = (self.container.start_time or 0) / av.time_base
        self.broken_off = False

    def packets(
        self, *streams: AudioStream | VideoStream, wanted: Discard = Discard.default
    ) -> Iterator[Packet[Any]]:
        """Packets of these streams; where the file breaks off they end, and ``broken_off`` is set.

        What is not ``wanted`` is passed over without being read, where the format knows it beforehand.
        """
        for stream in self.container.streams:
            stream.discard = wanted if stream in streams else Discard.all
        while True:
            try:
                for packet in self.container.demux(*streams):
                    if packet.size:
                        yield packet
                return
            except IndexError:  # a packet of a stream that the beginning did not tell of
                continue
            except av.error.FFmpegError as error:
                _raise_limits(error)
                self.broken_off = True
                return

    def seek(self, stream: AudioStream | VideoStream, seconds: float) -> None:
        """Go to the last key frame before a time on the container's clock; stay where it is if it cannot."""
        stream.codec_context.flush_buffers()
        with suppress(av.error.FFmpegError):
            self.container.seek(int(seconds / float(stream.time_base or 1)), stream=stream)

    def header_duration(self) -> float:
        """Seconds that the header tells, or 0 where the format has none to trust."""
        if self.container.format.name in UNTIMED:
            return 0.0
        return max(0.0, (self.container.duration or 0) / av.time_base)

    def measured_duration(self) -> float:
        """Seconds from the origin to the end of the last packet, found by reading all and decoding none."""
        end = 0.0
        streams = [stream for stream in (self.audio, self.video) if stream is not None]
        clocks = {stream.index: float(stream.time_base or 0) for stream in streams}
        for packet in self.packets(*streams):
            clock = clocks[packet.stream_index]
            start = end if packet.pts is None else packet.pts * clock - self.origin
            end = max(end, start + (packet.duration or 0) * clock)
        return end

    def check(self, duration: float) -> None:
        """Raise ``RefusedError`` when the media is longer or larger than allowed."""
        if duration > self.bounds.max_duration:
            raise too_long(duration, self.bounds)
        if self.video is not None:
            check_size(self.video.codec_context.width, self.video.codec_context.height, self.bounds)


class Part:
    """A stretch of a source's sound, on a time axis of its own: only its packets are decoded.

    origin  seconds on the container's clock that are time 0
    """

    def __init__(self, source: Source, start: float, seconds: float) -> None:
        self.bounds, self.origin = source.bounds, source.origin + start
        self._source, self._seconds = source, seconds

    def packets(self, stream: AudioStream) -> Iterator[Packet[Any]]:
        """The packets of the stretch; those without a time are taken where the reading begins."""
        clock = float(stream.time_base or 0)
        self._source.seek(stream, self.origin)
        first = self.origin
        for packet in self._source.packets(stream):
            start = first if packet.pts is None else packet.pts * clock
            first = start + (packet.duration or 0) * clock
            if start >= self.origin + self._seconds:
                return
            if first > self.origin:
                yield packet


class Tolerant:
    """A stream's decoder that leaves out packets which cannot be decoded.

    tried  packets given to it
    bad    packets left out
    loss   how much they are
    """

    def __init__(self, stream: AudioStream | VideoStream) -> None:
        if not stream.codec_context.is_open:
            # One core a file: the files themselves are decoded side by side.
            stream.codec_context.thread_count = 1
        self.tried = self.bad = 0
        self.loss = Loss(stream)
        pixels = stream.codec_context.width * stream.codec_context.height if stream.type == "video" else 0
        self._spare = SPARE + 4 * pixels
        self._decode: Any = stream.codec_context.decode

    def decode(self, packet: Packet[Any] | None) -> list[Any]:
        """Frames of a packet; of ``None``, those still held at the end. Raises ``MemoryError``."""
        self.tried += packet is not None
        try:
            frames: list[Any] = self._decode(packet)
        except av.error.FFmpegError as error:
            _raise_limits(error)
            _find_room(self._spare)
            self._weigh(packet, good=False)
            return []
        self._weigh(packet, good=True)
        return frames

    def _weigh(self, packet: Packet[Any] | None, good: bool) -> None:
        if packet is not None:
            self.bad += not good
            self.loss.weigh(packet, good)


def check_size(width: int, height: int, bounds: Bounds) -> None:
    """Raise ``RefusedError`` when pictures are larger than allowed."""
    if width * height > bounds.max_pixels:
        raise RefusedError(
            "too-large", f"has pictures of {width} x {height}, more than {bounds.max_pixels} pixels"
        )


def too_long(seconds: float, bounds: Bounds) -> RefusedError:
    """The error of media that lasts longer than allowed."""
    return RefusedError("too-long", f"lasts {seconds:.1f} s or more; {bounds.max_duration:g} s are allowed")


def _raise_limits(error: av.error.FFmpegError) -> None:
    """An error of the decoder that means "no memory" is the child's limit, never a fault of one packet."""
    if error.errno == errno.ENOMEM:
        raise MemoryError from error


def _find_room(size: int) -> None:
    """Raise ``MemoryError`` when ``size`` bytes are not to be had: some decoders call that damage."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        raise MemoryError from None


def _open(file: File | Pipe, max_pixels: int, more: dict[str, str]) -> InputContainer:
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_pixels": str(max_pixels)}
    try:
        return av.open(file, "r", options=options | more, metadata_errors="replace", buffer_size=1 << 17)
    except av.error.FFmpegError as error:
        _raise_limits(error)
        if error.errno == errno.EINVAL:  # what the library answers when the format is not on the list
            raise RefusedError("refused-format", "is in a format that is not read here") from error
        raise RefusedError("not-media", f"is not readable as media ({error.strerror})") from error


def _decodable(stream: AudioStream | VideoStream) -> bool:
    return stream.codec_context is not None and stream.codec_context.codec.is_decoder


def _sounds(container: InputContainer) -> list[AudioStream]:
    """The streams of sound: the one marked as default, then those with most channels, then in their order."""
    streams = [s for s in container.streams.audio if _decodable(s)]
    return sorted(streams, key=lambda s: (not s.disposition & Disposition.default, -s.channels, s.index))


def _best_video(container: InputContainer) -> VideoStream | None:
    """The default stream, else the largest, else the first; cover art is no moving picture."""
    streams = [s for s in container.streams.video if _decodable(s) and not s.disposition & NO_PICTURES]
    return max(
        streams,
        key=lambda s: (
            bool(s.disposition & Disposition.default),
            s.codec_context.width * s.codec_context.height,
            -s.index,
        ),
        default=None,
    )
