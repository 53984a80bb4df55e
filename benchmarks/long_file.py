"""A file of hours, in seconds: a rendered minute is encoded once and its packets are repeated."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Stream

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.corpus import seeded
from benchmarks.files import write_mp4
from benchmarks.renders import loop, screen_recording, shots
from benchmarks.video_attacks import Picture

HOURS = 3
MINUTE = 938 * 1024 / RATE  # seconds: whole frames of AAC


def long_file(cache: Path) -> Path:
    """Three hours of sound and pictures, the same minute over and over: the costs do not hang on it."""
    path = cache / f"{HOURS}-hours.mp4"
    if not path.exists():
        rng = seeded("long")
        repeated(path, shots(screen_recording(rng), MINUTE), loop(MINUTE, rng), HOURS * 60)
    return path


def repeated(path: Path, pictures: Iterable[tuple[float, Picture]], sound: Sound, times: int) -> None:
    """Sound and pictures as MP4, the same over and over; encoded once, the packets repeated."""
    once = path.with_suffix(".once.mp4")
    write_mp4(once, pictures, 23)
    with av.open(once) as source, av.open(path.with_suffix(".part"), "w", format="mp4") as container:
        video = container.add_stream_from_template(source.streams.video[0])
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        shown = [Timed(packet) for packet in source.demux(video=0) if packet.dts is not None]
        heard = [Timed(packet) for packet in encoded(audio, sound)]
        for turn in range(times):
            for packet in [*shown, *heard]:
                stream = video if packet.base == shown[0].base else audio
                container.mux(packet.later(stream, Fraction(turn * len(sound), RATE)))
    once.unlink()
    path.with_suffix(".part").replace(path)


class Timed:
    """A packet with its times, which are changed each time it is written."""

    def __init__(self, packet: "av.Packet[Any]") -> None:
        assert packet.pts is not None and packet.dts is not None and packet.time_base is not None
        self.packet, self.base = packet, packet.time_base
        self.pts, self.dts = packet.pts, packet.dts

    def later(self, stream: Stream, seconds: Fraction) -> "av.Packet[Any]":
        """The packet, shown so many seconds later, in a stream of another file."""
        shift = round(seconds / self.base)
        self.packet.stream, self.packet.time_base = stream, self.base
        self.packet.pts, self.packet.dts = self.pts + shift, self.dts + shift
        return self.packet


def encoded(stream: av.AudioStream, sound: Sound) -> "list[av.Packet[Any]]":
    """The packets of whole AAC frames, which hold 1024 samples each."""
    frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    packets: list[av.Packet[Any]] = []
    fifo = av.AudioFifo()
    fifo.write(frame)
    for piece in fifo.read_many(1024):
        packets += stream.encode(piece)
    return [packet for packet in packets if packet.pts is not None and packet.pts >= 0]
