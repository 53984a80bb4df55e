"""What can be asked of one file: its facts, its sound, its small pictures, one large picture."""

from collections.abc import Iterator

from fingerprint.decoding import frames
from fingerprint.decoding.container import Bounds, File, Part, Source, Tolerant
from fingerprint.decoding.holes import Holes
from fingerprint.decoding.message import Message, end
from fingerprint.decoding.sound import SAMPLE_RATE, Sound


class Decoder:
    """One file; every request reads it from its beginning.

    duration  seconds
    """

    def __init__(self, file: File, bounds: Bounds) -> None:
        self._file, self._bounds = file, bounds
        self._source: Source | None = Source(file, bounds)
        self.duration = self._source.header_duration()
        if not self.duration:
            self.duration = self._source.measured_duration()
            self._source = Source(file, bounds)
        self._source.check(self.duration)
        self._parted: dict[int, Source] = {}
        self._tracks = self._source.tracks
        self._kinds = [kind for kind in ("audio", "video") if getattr(self._source, kind) is not None]

    def _take(self, track: int = 0) -> Source:
        """The source at its beginning, with this sound: as opened for the facts, the first time."""
        if track:
            return Source(self._file, self._bounds, track)
        source, self._source = self._source or Source(self._file, self._bounds), None
        return source

    def facts(self) -> Iterator[Message]:
        """Duration, kinds, and the number of sound tracks."""
        yield end(duration=self.duration, kinds=self._kinds, tracks=self._tracks)

    def samples(self, track: int) -> Iterator[Message]:
        """Sound as s16 mono chunks at 8 kHz from media time 0."""
        source = self._take(track)
        assert source.audio is not None
        sound = Sound(source, source.audio)
        yield from sound.read()
        yield _summary(
            source, sound.decoder, sound.position / SAMPLE_RATE, sound.position, sound.holes, sound.leaps
        )

    def frames(self, rate: float) -> Iterator[Message]:
        """The first frame at or after each k / rate, in batches of small luma pictures."""
        source = self._take()
        assert source.video is not None
        pictures = frames.Frames(source, source.video, rate)
        yield from pictures.read()
        yield _summary(source, pictures.decoder, pictures.end, pictures.kept, pictures.holes)

    def key_frames(self, rate: float) -> Iterator[Message]:
        """The first key frame at or after each k / rate, as ``frames`` gives them."""
        source = self._take()
        assert source.video is not None
        pictures = frames.KeyFrames(source, source.video, rate)
        yield from pictures.read()
        yield _summary(source, pictures.decoder, pictures.end, pictures.kept, pictures.holes)

    def part(self, start: float, seconds: float, track: int) -> Iterator[Message]:
        """Sound from ``start`` on for about so many seconds, as ``samples`` gives it."""
        # Opening anew for each part would cost more than the parts.
        source = self._parted[track] = self._parted.get(track) or self._take(track)
        assert source.audio is not None
        sound = Sound(Part(source, start, seconds), source.audio)
        yield from sound.read()
        yield _summary(
            source, sound.decoder, start + sound.position / SAMPLE_RATE, sound.position, sound.holes
        )

    def picture(self, seconds: float, width: int) -> Iterator[Message]:
        """The RGB frame shown at a time."""
        source = self._take()
        assert source.video is not None
        yield from frames.picture(source, source.video, seconds, width)
        yield end()


def _summary(
    source: Source, decoder: Tolerant, seconds: float, kept: int, holes: Holes, leaps: int = 0
) -> Message:
    """The end of an answer, with what was damaged."""
    return end(
        end=seconds,
        kept=kept,
        bad=decoder.bad,
        lost=decoder.loss.seconds,
        broken_off=source.broken_off,
        leaps=leaps,
        holes=holes.told(),
    )
