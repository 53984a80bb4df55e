"""An endless medium is decoded as it comes, on a time axis that only ever goes on."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from fingerprint.feed import Feed, Heard, Holds, Jump, Said, Seen
from fingerprint.media import Limits, MediaError
from tests.render import brightness, film, sound_file

WRAP = 2**33  # of a transport stream's time stamps


def transport(source: Path, shift: float = 0.0, drop: tuple[float, float] = (0.0, 0.0)) -> bytes:
    """The same as MPEG-TS, its time stamps later by ``shift`` seconds, without what lies in ``drop``."""
    path = source.with_suffix(f".{shift}.ts")
    with av.open(str(source)) as read, av.open(str(path), "w", format="mpegts") as written:
        streams = {s.index: written.add_stream_from_template(s) for s in read.streams}
        for packet in read.demux():
            if packet.dts is None or packet.pts is None:
                continue
            seconds = float(packet.pts * packet.time_base)
            if drop[0] <= seconds < drop[1]:
                continue
            moved = round(shift / packet.time_base)
            packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
            packet.stream = streams[packet.stream_index]
            written.mux(packet)
    return path.read_bytes()


@contextmanager
def fed(*data: bytes, mode: str = "all", whole: bytes = b"") -> Iterator[Feed]:
    feed = Feed("stream", Limits(), 8.0, mode, whole)

    def write() -> None:
        try:
            for piece in data:
                for i in range(0, len(piece), 50_000):
                    feed.write(piece[i : i + 50_000])
        except MediaError:
            return
        feed.finish()

    threading.Thread(target=write, daemon=True).start()
    try:
        yield feed
    finally:
        feed.close()


def told(*data: bytes, mode: str = "all", whole: bytes = b"") -> list[Said]:
    with fed(*data, mode=mode, whole=whole) as feed:
        return list(feed.read())


def sound(said: list[Said]) -> float:
    """Seconds of sound, which must be without gaps."""
    heard = [s for s in said if isinstance(s, Heard)]
    starts = np.cumsum([0, *(len(h.samples) for h in heard)]) / 8000
    assert np.allclose([h.start for h in heard], starts[:-1])
    return float(starts[-1])


def pictures(said: list[Said]) -> list[tuple[float, float]]:
    """Time of each picture, and the time that it shows."""
    return [(f.time, brightness(f.luma)) for s in said if isinstance(s, Seen) for f in s.frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("feed") / "clip.mp4", 3.0)


def test_sound_and_pictures_come_as_they_are_fed(clip: Path) -> None:
    said = told(transport(clip))
    first = next(s for s in said if isinstance(s, Holds))
    assert first.kinds == {"audio", "video"}
    assert sound(said) == pytest.approx(3.0, abs=0.15)
    shown = pictures(said)
    assert len(shown) == pytest.approx(24, abs=1)
    assert max(abs(time - of) for time, of in shown) < 0.15


def test_only_sound_or_key_frames_where_there_is_no_time(clip: Path) -> None:
    data = transport(clip)
    assert pictures(told(data, mode="sound")) == []
    assert 1 <= len(pictures(told(data, mode="key"))) <= 3


def test_what_is_dropped_is_a_gap(clip: Path) -> None:
    said = told(transport(clip, drop=(1.0, 2.0)))
    assert sound(said) == pytest.approx(3.0, abs=0.15)
    assert all(abs(time - of) < 0.15 for time, of in pictures(said) if time < 1.0)
    assert not [time for time, _ in pictures(said) if 1.1 < time < 1.9]


@pytest.mark.parametrize("shift", [-1000.0, 5000.0, 50_000.0])
def test_a_clock_that_is_set_anew_changes_nothing(clip: Path, shift: float) -> None:
    said = told(transport(clip, 20_000.0), transport(clip, 20_000.0 + shift))
    assert any(isinstance(s, Jump) for s in said)
    assert sound(said) == pytest.approx(6.0, abs=0.4)
    shown = pictures(said)
    assert len(shown) == pytest.approx(48, abs=3)
    assert all(abs(time % 3.0 - of) < 0.3 for time, of in shown if 3.3 < time < 5.8)


def test_a_clock_that_wraps_around_changes_nothing(clip: Path) -> None:
    """33 bits of 1 / 90,000 s are 26.5 hours: the stamps of the second half begin at 0 again."""
    said = told(transport(clip, WRAP / 90_000 - 1.5))
    assert sound(said) == pytest.approx(3.0, abs=0.3)
    assert len(pictures(said)) == pytest.approx(24, abs=2)
    assert all(abs(time - of) < 0.3 for time, of in pictures(said))


def test_a_change_of_size_in_midstream(tmp_path: Path) -> None:
    small, large = film(tmp_path / "a.mp4", 2.0), film(tmp_path / "b.mp4", 2.0, size=(320, 240))
    shown = pictures(told(transport(small), transport(large, 2.0)))
    assert len(shown) == pytest.approx(32, abs=3)


def test_radio(tmp_path: Path) -> None:
    song = sound_file(tmp_path / "a.mp3", "libmp3lame", 3.0).read_bytes()
    said = told(song[1000:])  # from the middle of a frame on
    assert sound(said) == pytest.approx(3.0, abs=0.3)


def test_a_file_with_its_index_at_its_end(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", 2.0).read_bytes()
    assert whole.find(b"moov") > whole.find(b"mdat")
    assert sound(told(whole=whole)) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100_000, b"hello world " * 9000, b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n"]
)
def test_garbage_is_an_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        told(data)


def test_garbage_in_the_middle_is_passed_over(clip: Path) -> None:
    data = transport(clip)
    noise = np.random.default_rng(1).bytes(188 * 200)
    said = told(data, noise, transport(clip, 3.0))
    assert sound(said) == pytest.approx(6.0, abs=0.5)


def test_a_feed_that_is_closed_lets_its_writer_go(clip: Path) -> None:
    with fed(transport(clip) * 50) as feed:
        next(feed.read())
    with pytest.raises(MediaError):
        list(feed.read())
