"""Every kind of media comes out as 8 kHz sound and small upright pictures on one time axis."""

import hashlib
import os
import tracemalloc
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from fingerprint.media import (
    Clip,
    Frame,
    Limits,
    Media,
    MediaError,
    MediaFile,
    open_media,
    picture,
    sha256,
    windows,
)
from tests.render import Writer, brightness, film, moving, sound_file, steps, tone


def sound_of(media: Media) -> NDArray[np.float32]:
    return np.concatenate(list(media.samples()))


def pitch(samples: NDArray[np.float32]) -> float:
    """Hertz of the loudest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 8000 / len(samples)


def loud(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize(
    ("name", "codec", "rate", "form"),
    [
        ("tone.wav", "pcm_s16le", 44100, {"form": "s16"}),
        ("odd-rate.wav", "pcm_f32le", 11025, {"form": "flt", "layout": "stereo"}),
        ("bytes.wav", "pcm_u8", 8000, {"form": "u8"}),
        ("tone.mp3", "libmp3lame", 44100, {}),
        ("fine.flac", "flac", 96000, {"form": "s16"}),
        ("tone.opus", "libopus", 48000, {"form": "flt"}),
        ("tone.m4a", "aac", 22050, {}),
        ("no-header.aac", "aac", 48000, {"layout": "5.1"}),
    ],
)
def test_sound_of_every_format(
    tmp_path: Path, name: str, codec: str, rate: int, form: dict[str, str]
) -> None:
    with open_media(sound_file(tmp_path / name, codec, 2.0, rate, **form)) as media:
        samples = sound_of(media)
        assert media.kinds == {"audio"}
        assert media.duration == pytest.approx(2.0, abs=0.06)
        assert len(samples) == pytest.approx(16000, abs=400)
        assert pitch(samples) == pytest.approx(440, abs=2)
        assert loud(samples[1000:15000]) == pytest.approx(0.354, abs=0.03)  # 0.5 / sqrt(2)
        assert media.warnings == ()


@pytest.mark.parametrize(
    ("name", "video", "audio", "form"),
    [
        ("film.mp4", "libx264", "aac", "yuv420p"),
        ("ten-bit.mkv", "libx264", "libopus", "yuv420p10le"),
        ("gray.mkv", "ffv1", "libopus", "gray"),
        ("full-colour.mkv", "ffv1", "libopus", "yuv444p"),
        ("film.webm", "libvpx-vp9", "libopus", "yuv420p"),
        ("broadcast.ts", "libx264", "aac", "yuv420p"),
        ("old.avi", "mpeg4", "libmp3lame", "yuv420p"),
    ],
)
def test_films_of_every_format(tmp_path: Path, name: str, video: str, audio: str, form: str) -> None:
    with open_media(film(tmp_path / name, 2.0, video, audio, form=form)) as media:
        frames = list(media.frames(5))
        assert media.kinds == {"audio", "video"}
        assert media.duration == pytest.approx(2.0, abs=0.06)
        assert [frame.time for frame in frames] == pytest.approx([i / 5 for i in range(10)], abs=0.045)
        assert [brightness(frame.luma) for frame in frames] == pytest.approx(
            [i / 5 for i in range(10)], abs=0.06
        )
        assert all(frame.luma.shape == (128, 128) and frame.luma.dtype == np.uint8 for frame in frames)
        assert pitch(sound_of(media)) == pytest.approx(440, abs=2)


def test_a_late_start_keeps_its_place(tmp_path: Path) -> None:
    with Writer(tmp_path / "late.mkv") as writer:
        pictures, sound = writer.picture_stream("libx264"), writer.sound_stream("flac", 48000, form="s16")
        writer.pictures(pictures, moving(steps(3)))
        writer.sound(sound, tone(1.5, rate=48000), start=1.5)
        writer.finish(pictures, sound)
    with open_media(tmp_path / "late.mkv") as media:
        samples = sound_of(media)
        assert loud(samples[:11950]) == 0
        assert loud(samples[12050:]) == pytest.approx(0.354, abs=0.01)
        assert len(samples) == pytest.approx(24000, abs=200)


def test_pictures_that_start_late(tmp_path: Path) -> None:
    with Writer(tmp_path / "late.mkv") as writer:
        sound, pictures = writer.sound_stream("flac", 48000, form="s16"), writer.picture_stream("libx264")
        writer.sound(sound, tone(2, rate=48000))
        writer.pictures(pictures, moving([t for t in steps(2) if t >= 1]))
        writer.finish(sound, pictures)
    with open_media(tmp_path / "late.mkv") as media:
        frames = list(media.frames(2))
        assert [frame.time for frame in frames] == [1.0, 1.52]
        assert [brightness(frame.luma) for frame in frames] == pytest.approx([1.0, 1.52], abs=0.05)


def test_a_gap_is_silence(tmp_path: Path) -> None:
    with Writer(tmp_path / "gap.mkv") as writer:
        sound = writer.sound_stream("pcm_s16le", 8000, form="s16")
        writer.sound(sound, tone(1, 440))
        writer.sound(sound, tone(1, 880), start=3)
        writer.finish(sound)
    with open_media(tmp_path / "gap.mkv") as media:
        samples = sound_of(media)
    assert len(samples) == pytest.approx(32000, abs=8)
    assert pitch(samples[:8000]) == pytest.approx(440, abs=2)
    assert loud(samples[8100:23900]) == 0
    assert pitch(samples[24000:]) == pytest.approx(880, abs=2)


def test_a_clock_set_back_continues(tmp_path: Path) -> None:
    first, second = (sound_file(tmp_path / f"{i}.ts", "mp2", 2.0, form="s16") for i in range(2))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with open_media(joined) as media:
        samples = sound_of(media)
        assert len(samples) == pytest.approx(32000, abs=1000)
        assert media.duration >= len(samples) / 8000


def test_variable_frame_rate(tmp_path: Path) -> None:
    times = [0, 0.04, 0.08, 0.5, 0.9, 0.93, 1.7, 1.72, 2.4]
    with Writer(tmp_path / "vfr.mkv") as writer:
        stream = writer.picture_stream("libx264")
        writer.pictures(stream, moving(times))
        writer.finish(stream)
    with open_media(tmp_path / "vfr.mkv") as media:
        assert [frame.time for frame in media.frames(2)] == [0, 0.5, 1.7, 2.4]
        assert [frame.time for frame in media.frames(100)] == times


@pytest.mark.parametrize("rate", [1.0, 3.0, 4.0, 9.0])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_skipping_loses_no_frame(tmp_path: Path, codec: str, rate: float) -> None:
    """The slow and obvious way: decode all, then keep the first at or after each k / rate."""
    path = tmp_path / "film.mkv"
    with Writer(path) as writer:
        options = {"bf": "3", "x265-params": "log-level=none"} if codec != "mpeg4" else {"bf": "2"}
        stream = writer.picture_stream(codec)
        stream.codec_context.options = options
        writer.pictures(stream, moving(steps(4)))
        writer.finish(stream)
    with open_media(path) as media:
        every = Clip("every", media.duration, frames=list(media.frames(1000)))
        kept, expected = list(media.frames(rate)), list(every.frames(rate))
    assert len(every_times := [frame.time for frame in every.frames(1000)]) == 100, every_times
    assert [frame.time for frame in kept] == [frame.time for frame in expected]
    for frame, other in zip(kept, expected, strict=True):
        assert np.abs(frame.luma.astype(int) - other.luma).max() <= 4


def quadrants(*levels: int) -> NDArray[np.uint8]:
    """A wide picture: top left, top right, bottom left, bottom right."""
    grid = np.array(levels, np.uint8).reshape(2, 2)
    return np.repeat(np.kron(grid, np.ones((24, 32), np.uint8))[:, :, None], 3, axis=2)


def corners(luma: NDArray[np.uint8]) -> list[int]:
    height, width = luma.shape[:2]
    rows, columns = (height // 4, height * 3 // 4), (width // 4, width * 3 // 4)
    return [round(int(luma[row, column]) / 50) * 50 for row in rows for column in columns]


@pytest.mark.parametrize(
    ("degrees", "mirror", "shown"),
    [
        (0, False, [0, 50, 150, 250]),
        (90, False, [50, 250, 0, 150]),
        (-90, False, [150, 0, 250, 50]),
        (180, False, [250, 150, 50, 0]),
        (0, True, [50, 0, 250, 150]),
    ],
)
def test_phone_video_is_upright(tmp_path: Path, degrees: float, mirror: bool, shown: list[int]) -> None:
    path = tmp_path / "phone.mp4"
    with Writer(path) as writer:
        stream = writer.picture_stream("libx264")
        stream.set_display_rotation(degrees, hflip=mirror)
        writer.pictures(stream, [(t, quadrants(0, 50, 150, 250)) for t in steps(1)])
        writer.finish(stream)
    with open_media(path) as media:
        assert corners(next(media.frames(4)).luma) == shown
    large = picture(path, 0.5, 96)
    assert large.shape == ((128, 96, 3) if abs(degrees) == 90 else (72, 96, 3))
    assert corners(large[:, :, 1]) == shown


def test_a_picture_at_a_time(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", 4)
    assert picture(path, 0.0, 64).shape == (48, 64, 3)
    for seconds in (0.0, 1.0, 2.5, 3.9):
        assert brightness(picture(path, seconds, 32)) == pytest.approx(seconds, abs=0.09)
    assert brightness(picture(path, 99, 32)) == pytest.approx(3.96, abs=0.09)


def test_a_duration_that_no_header_tells(tmp_path: Path) -> None:
    with Writer(tmp_path / "live.mkv", live="1") as writer:
        pictures, sound = writer.picture_stream("libx264"), writer.sound_stream("aac")
        writer.pictures(pictures, moving(steps(2)))
        writer.sound(sound, tone(2, rate=48000))
        writer.finish(pictures, sound)
    with open_media(tmp_path / "live.mkv") as media:
        assert media.duration == pytest.approx(2.0, abs=0.1)
        assert len(list(media.frames(5))) == 10


def test_cover_art_is_no_film(tmp_path: Path) -> None:
    with Writer(tmp_path / "song.mp3") as writer:
        sound = writer.sound_stream("libmp3lame", 44100)
        cover = writer.picture_stream("png", form="rgb24")
        cover.disposition = Disposition.attached_pic
        writer.pictures(cover, moving([1]))
        writer.sound(sound, tone(2, rate=44100))
        writer.finish(cover, sound)
    with open_media(tmp_path / "song.mp3") as media:
        assert media.kinds == {"audio"}
        assert media.duration == pytest.approx(2.0, abs=0.06)


def two_tracks(path: Path, default: int) -> Path:
    with Writer(path) as writer:
        low, high = (writer.sound_stream("flac", 8000, layout, "s16") for layout in ("stereo", "mono"))
        (low, high)[default].disposition = Disposition.default
        (low, high)[1 - default].disposition = Disposition(0)
        writer.sound(low, tone(1, 440))
        writer.sound(high, tone(1, 880))
        writer.finish(low, high)
    return path


@pytest.mark.parametrize(("default", "hertz"), [(0, 440), (1, 880)])
def test_of_several_tracks_the_default_is_heard(tmp_path: Path, default: int, hertz: float) -> None:
    with open_media(two_tracks(tmp_path / "dub.mkv", default)) as media:
        assert pitch(sound_of(media)) == pytest.approx(hertz, abs=2)


def test_requests_may_interleave_and_stop_midway(tmp_path: Path) -> None:
    with open_media(film(tmp_path / "film.mp4", 3)) as media:
        next(media.frames(5))
        times = [frame.time for frame, _ in zip(media.frames(1), media.samples(), strict=False)]
        assert times == [0]
        pairs = list(zip(media.frames(5), media.frames(25), strict=False))
        assert [round(b.time - a.time, 2) for a, b in pairs][:3] == [0, -0.16, -0.32]
        assert len(list(media.frames(5))) == 15


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_no_process_outlives_the_block(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_media(film(tmp_path / "film.mp4")) as media:
        next(media.samples())
        pids = children(media)
        frames = media.frames(5)
        next(frames)
        pids += children(media)
        raise KeyboardInterrupt
    assert pids
    assert not any(alive(pid) for pid in pids)


def children(media: MediaFile) -> list[int]:
    return [child.pid for child in media._children]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * 1200))
    tracemalloc.start()
    with open_media(tmp_path / "long.wav") as media:
        assert sum(len(chunk) for chunk in media.samples()) == 8000 * 1200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def ramp(seconds: float) -> Clip:
    """Sound whose every sample is its own number, and pictures at 10 a second."""
    frames = [Frame(t, np.full((128, 128), round(10 * t), np.uint8)) for t in steps(seconds, 10)]
    return Clip("ramp", seconds, np.arange(round(8000 * seconds), dtype=np.float32), frames)


@pytest.mark.parametrize(
    ("seconds", "overlap", "stretches"),
    [
        (2, 0, [(0, 2), (2, 2), (4, 1)]),
        (2, 1, [(0, 2), (1, 2), (2, 2), (3, 2)]),
        (2, 0.5, [(0, 2), (1.5, 2), (3, 2)]),
        (5, 1, [(0, 5)]),
        (9, 1, [(0, 5)]),
    ],
)
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_windows(kind: str, seconds: float, overlap: float, stretches: list[tuple[float, float]]) -> None:
    found = list(windows(ramp(5), kind, seconds, 10, overlap))
    assert [(start, clip.duration) for start, clip in found] == stretches
    for start, clip in found:
        assert clip.kinds == {kind}
        if kind == "audio":
            assert sound_of(clip)[0] == 8000 * start
            assert len(sound_of(clip)) == 8000 * clip.duration
        else:
            frames = list(clip.frames(10))
            assert frames[0].luma[0, 0] == 10 * start
            assert frames[0].time == pytest.approx(0)
            assert len(frames) == round(10 * clip.duration)


def test_windows_of_a_file_join_to_the_whole(tmp_path: Path) -> None:
    with open_media(film(tmp_path / "film.mp4", 3)) as media:
        whole = sound_of(media)
        parts = [sound_of(clip) for _, clip in windows(media, "audio", 0.7)]
        assert np.array_equal(np.concatenate(parts), whole)
        starts = [start for start, _ in windows(media, "video", 0.7, 5)]
        assert [round(b - a, 3) for a, b in pairwise(starts)] == [0.7] * 4


def test_an_overlap_must_fit() -> None:
    with pytest.raises(ValueError, match=r"overlap of 3 s does not fit into windows of 2 s"):
        next(windows(ramp(5), "audio", 2, overlap=3))


def test_asking_for_what_is_not_there(tmp_path: Path) -> None:
    with open_media(sound_file(tmp_path / "tone.wav", "pcm_s16le", form="s16")) as media:
        with pytest.raises(MediaError, match=r"tone\.wav: has no moving pictures"):
            next(media.frames(4))
        with pytest.raises(MediaError, match=r"has no moving pictures"):
            media.picture(0, 64)
    with pytest.raises(MediaError, match="silent: has no sound"):
        next(Clip("silent", 1.0).samples())


def test_sha256_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"whorl" * 100_000)
    assert sha256(tmp_path / "a.bin") == hashlib.sha256(b"whorl" * 100_000).hexdigest()


def test_limits_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHORL_MAX_PIXELS", "1000000")
    monkeypatch.setenv("WHORL_MAX_DURATION", "90.5")
    assert Limits.from_environment() == Limits(max_pixels=1_000_000, max_duration=90.5)


@pytest.mark.parametrize("text", ["much", "-1", "0", "inf", "nan", "1.5"])
def test_a_bad_limit_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WHORL_MAX_PIXELS", text)
    with pytest.raises(ValueError, match=rf"WHORL_MAX_PIXELS='{text}' is not a positive whole number"):
        Limits.from_environment()
