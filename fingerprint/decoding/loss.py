"""How much of a stream was left out, in seconds: little enough to hold nothing, or enough to hide a work."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from typing import Any

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

LEAST = 0.1  # seconds by which time stamps must leap to count: containers round them
UNTOLD = 1.0  # seconds that a packet stands for which tells no duration


class Loss:
    """Weighs packets in the order of decoding.

    A packet that cannot be decoded stands for its duration, and for at least as long as its bytes last at the rate of the
    others: of a megabyte of junk a demuxer makes one packet. Pictures are lost up to the next key frame. Where anything is
    lost, what time stamps leap over is too.
    """

    def __init__(self, stream: AudioStream | VideoStream) -> None:
        self._clock = float(stream.time_base or 0)
        self._good_bytes = self._bad_bytes = 0
        self._good_seconds = self._bad_seconds = self._leapt = 0.0
        self._due: float | None = None  # when the next packet should begin
        self._broken = False

    def weigh(self, packet: Packet[Any], good: bool) -> None:
        """One packet more, and whether it could be decoded."""
        seconds = (packet.duration or 0) * self._clock
        stamp = packet.pts if packet.dts is None else packet.dts
        if stamp is not None:
            begin = stamp * self._clock
            if self._due is not None and begin - self._due > LEAST:
                self._leapt += begin - self._due
            self._due = begin + seconds
        self._broken = not good or (self._broken and not packet.is_keyframe)
        if self._broken:
            self.lose(seconds or UNTOLD)
            self._bad_bytes += packet.size
        else:
            self._good_bytes += packet.size
            self._good_seconds += seconds

    def lose(self, seconds: float) -> None:
        """What was decoded and is of no use."""
        self._bad_seconds += seconds

    @property
    def seconds(self) -> float:
        """About how many were left out; infinity where nobody can tell."""
        if not self._bad_seconds:
            return 0.0
        if not self._good_bytes or not self._good_seconds:
            return float("inf")
        by_bytes = self._bad_bytes * self._good_seconds / self._good_bytes
        return max(self._bad_seconds, by_bytes) + self._leapt
