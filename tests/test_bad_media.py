"""Hostile, broken and mistaken files: each is an error with name and reason, and harms nothing else."""

import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from fingerprint import sandbox
from fingerprint.media import (
    Limits,
    MediaError,
    MediaFile,
    open_media,
    picture,
    sha256,
    start_decoder,
)
from tests.render import film, sound_file

GENEROUS = Limits()


def refused(path: Path, limits: Limits = GENEROUS) -> MediaError:
    """The error of opening the file and reading all of it."""
    with pytest.raises(MediaError) as caught:
        read(path, limits)
    assert caught.value.name == path.name
    assert str(caught.value).startswith(f"{path.name}: ")
    return caught.value


def read(path: Path, limits: Limits = GENEROUS) -> tuple[int, int, tuple[str, ...]]:
    """Samples, frames at 5 a second, and warnings."""
    with open_media(path, limits) as media:
        samples = sum(len(chunk) for chunk in media.samples()) if "audio" in media.kinds else 0
        frames = sum(1 for _ in media.frames(5)) if "video" in media.kinds else 0
        return samples, frames, media.warnings


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.mp4").code == "not-found"
    with pytest.raises(MediaError, match="no such file"):
        sha256(tmp_path / "gone.mp4")


def test_an_empty_file(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "nothing.mp4", b""))
    assert (error.code, "0 bytes" in error.reason) == ("empty", True)


def test_text_is_not_media(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "notes.mp4", "Dear investigator, à bientôt.\n".encode() * 200))
    assert (error.code, error.reason) == ("not-media", "is text, not a media file")


def test_noise_is_not_media(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, 50_000, np.uint8).tobytes()
    assert refused(written(tmp_path / "noise.bin", noise)).code in {"not-media", "refused-format", "corrupt"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    error = refused(path)
    assert (error.code, "not a file" in error.reason) == ("unreadable", True)


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = written(tmp_path / "secret.mp4", b"x")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # to whom nothing is forbidden
        os.seteuid(65534)
    try:
        error = refused(path)
    finally:
        os.seteuid(user)
    assert (error.code, error.reason) == ("unreadable", "cannot be opened: Permission denied")


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "file", b"x") / "film.mp4")
    assert (error.code, error.reason) == ("unreadable", "cannot be opened: Not a directory")


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ts"])
@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n", "an HLS playlist"),
        ("\ufeff\n#EXTM3U\n#EXTINF:2,\n{}\n", "an HLS playlist"),
        ("ffconcat version 1.0\nfile {}\n", "an ffconcat script"),
        ("[playlist]\nFile1={}\n", "a playlist (PLS)"),
        ('<?xml version="1.0"?>\n<MPD><BaseURL>{}</BaseURL></MPD>\n', "a DASH manifest"),
        ("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n", "a session description (SDP)"),
    ],
)
def test_a_disguised_playlist_reads_no_other_file(tmp_path: Path, name: str, script: str, what: str) -> None:
    victim = film(tmp_path / "victim.ts")
    error = refused(written(tmp_path / name, script.format(victim).encode()))
    assert (error.code, what in error.reason) == ("refused-format", True)


@pytest.mark.parametrize(
    "script",
    [
        "# a comment first\nffconcat version 1.0\nfile {}\n",
        "\n\n;comment\n#EXTM3U\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
        "# concatf\nfile '{}'\n",
    ],
)
def test_a_list_that_was_not_recognised_reads_no_other_file_either(tmp_path: Path, script: str) -> None:
    victim = film(tmp_path / "victim.ts")
    path = written(tmp_path / "list.m3u8", script.format(victim).encode())
    assert refused(path).code in {"refused-format", "not-media"}


@pytest.mark.parametrize(
    "name", ["http:film.mp4", "-", "concat:a|b", "film %d.mp4", "subfile,,start,0,end,9,,:x", "ü\n.mp4"]
)
def test_a_file_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / "film.mp4").rename(tmp_path / name)
    assert read(path)[1] == 10


def png(width: int, height: int) -> bytes:
    """A black picture, written without ever holding it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj()
    rows = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(height)) + packer.flush()
    head = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_huge_picture(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "bomb.png", png(40_000, 40_000)))
    assert (error.code, "40000 x 40000" in error.reason) == ("too-large", True)


@pytest.mark.parametrize(
    "head",
    [
        png(16, 16),
        b"\xff\xd8\xff\xe0\0\x10" + bytes(14) + b"\xff\xda\0\x08" + bytes(99),
        b"\0\0\0\x18ftypheic" + bytes(99),
    ],
)
def test_a_still_picture_has_no_time(tmp_path: Path, head: bytes) -> None:
    error = refused(written(tmp_path / "photo.mp4", head))
    assert (error.code, "no time axis" in error.reason) == ("still-picture", True)


def test_pictures_larger_than_allowed(tmp_path: Path) -> None:
    error = refused(film(tmp_path / "film.mp4"), Limits(max_pixels=64 * 48 - 1))
    assert (error.code, "64 x 48" in error.reason) == ("too-large", True)
    assert read(tmp_path / "film.mp4", Limits(max_pixels=64 * 64))[1] == 10


def test_media_longer_than_allowed(tmp_path: Path) -> None:
    error = refused(film(tmp_path / "film.mp4"), Limits(max_duration=1.5))
    assert (error.code, "1.5 s are allowed" in error.reason) == ("too-long", True)


def test_a_header_that_lies_about_the_duration(tmp_path: Path) -> None:
    """The film says 1 s and holds 3: what is there counts, and the limit with it."""
    path = film(tmp_path / "film.mkv", 3)
    data = path.read_bytes()
    place = data.index(b"\x44\x89\x88") + 3  # the element Duration: a float64 of milliseconds
    path.write_bytes(data[:place] + struct.pack(">d", 1000.0) + data[place + 8 :])
    with open_media(path) as media:
        assert media.duration == 1
        assert len(list(media.frames(5))) == 15
        assert media.duration > 2.5
    assert refused(path, Limits(max_duration=2)).code == "too-long"


def test_an_mp4_without_its_index(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4").read_bytes()
    error = refused(written(tmp_path / "cut.mp4", data[: data.index(b"moov") - 4]))
    assert (error.code, "moov" in error.reason) == ("truncated", True)


def with_index_first(path: Path) -> bytes:
    """A film of 4 s whose index comes before its media."""
    return film(path, 4, movflags="faststart").read_bytes()


def test_a_film_cut_in_the_middle_gives_what_is_there(tmp_path: Path) -> None:
    data = with_index_first(tmp_path / "film.mp4")
    start = data.index(b"mdat")
    samples, frames, warnings = read(written(tmp_path / "cut.mp4", data[: start + (len(data) - start) // 3]))
    assert 4000 < samples < 24000
    assert 0 < frames < 18
    assert any("end at" in warning for warning in warnings)


def test_a_film_of_which_only_the_header_is_left(tmp_path: Path) -> None:
    data = with_index_first(tmp_path / "film.mp4")
    error = refused(written(tmp_path / "cut.mp4", data[: data.index(b"mdat") + 4]))
    assert error.code in {"truncated", "corrupt"}


def test_damage_in_the_middle_is_left_out_and_counted(tmp_path: Path) -> None:
    data = bytearray(with_index_first(tmp_path / "film.mp4"))
    start = data.index(b"mdat") + 4
    third = (len(data) - start) // 3
    data[start + third : start + 2 * third] = b"\xff" * third
    samples, frames, warnings = read(written(tmp_path / "scratched.mp4", bytes(data)))
    assert samples > 8000
    assert frames > 5
    assert any("damaged packets were left out" in warning for warning in warnings)


def test_a_film_damaged_all_over(tmp_path: Path) -> None:
    data = bytearray(with_index_first(tmp_path / "film.mp4"))
    start = data.index(b"mdat") + 4
    data[start:] = b"\xff" * (len(data) - start)
    assert refused(written(tmp_path / "ruin.mp4", bytes(data))).code == "corrupt"


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_never_hangs_or_escapes(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = np.frombuffer(film(tmp_path / "film.mkv", 1).read_bytes(), np.uint8).copy()
    places = rng.integers(0, len(data), len(data) // 50)
    data[places] = rng.integers(0, 256, len(places), np.uint8)
    path = written(tmp_path / "fuzz.mkv", data.tobytes())
    try:
        samples, frames, _ = read(path)
        assert samples or frames
    except MediaError as error:
        assert error.name == "fuzz.mkv"


def test_a_sound_of_50_ms_is_50_ms(tmp_path: Path) -> None:
    assert read(sound_file(tmp_path / "tick.wav", "pcm_s16le", 0.05, 8000, form="s16"))[0] == 400


def only_child(media: MediaFile) -> int:
    return media._children[-1].pid


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_of_the_decoder_is_an_error_of_that_file_alone(tmp_path: Path, how: signal.Signals) -> None:
    path = film(tmp_path / "film.mp4")
    with open_media(path) as other, open_media(path) as media:
        os.kill(only_child(media), how)
        with pytest.raises(MediaError, match=rf"film\.mp4: crashed the decoder \({how.name}\)") as caught:
            next(media.samples())
        assert caught.value.code == "decoder-crashed"
        assert len(list(other.frames(5))) == 10
        assert len(list(media.frames(5))) == 10, "a new child serves what follows"
    assert read(path)[1] == 10


def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    with open_media(path) as media:
        process = sandbox._server._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(MediaError, match="run it again") as caught, open_media(path):
            pass
        assert caught.value.code == "decoder-crashed"
        assert len(list(media.frames(5))) == 10, "a file already open is served to its end"
    assert read(path)[1] == 10


def test_a_hang_is_noticed(tmp_path: Path) -> None:
    with open_media(film(tmp_path / "film.mp4"), Limits(silence=0.3)) as media:
        os.kill(only_child(media), signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(MediaError, match="no sign") as caught:
            next(media.samples())
        assert caught.value.code == "timeout"
        assert 0.2 < time.monotonic() - began < 3


@pytest.mark.parametrize("mebibytes", [2, 10, 30])
def test_too_little_memory(tmp_path: Path, mebibytes: int) -> None:
    path = film(tmp_path / "large.mp4", 1, size=(1920, 1080))
    error = refused(path, Limits(memory=mebibytes << 20))
    assert (error.code, error.reason) == ("limit", f"needs more memory than {mebibytes} MiB")
    assert read(path)[1] == 5


def long_silence(path: Path) -> Path:
    """Four hours at 48 kHz in a file without contents: a hole after the header."""
    head = sound_file(path, "pcm_s16le", 0.1, 48000, form="s16").read_bytes()[:-9600]
    size = 4 * 3600 * 48000 * 2
    path.write_bytes(head[:-4] + struct.pack("<I", size))
    os.truncate(path, len(head) + size)
    return path


def test_too_little_cpu_time(tmp_path: Path) -> None:
    path = long_silence(tmp_path / "long.wav")
    error = refused(path, Limits(cpu_seconds=0.01, cpu_per_second=1e-6))
    assert (error.code, "CPU time" in error.reason) == ("limit", True)


CHILD_LIMITS = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
from fingerprint.decoding import worker
from fingerprint.media import Limits
from dataclasses import asdict
worker._limit(asdict(Limits()))
for attempt in ("open(sys.argv[2], 'rb')", "__import__('socket').socket()", "os.pipe()"):
    try:
        eval(attempt)
    except OSError as error:
        print(error.strerror)
print(resource.getrlimit(resource.RLIMIT_FSIZE)[0], resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


def test_a_child_can_open_and_write_nothing(tmp_path: Path) -> None:
    victim = written(tmp_path / "victim", b"secret")
    root = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", CHILD_LIMITS, root, str(victim)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert answer.splitlines() == ["Too many open files"] * 3 + ["0 0"]


INTERRUPTED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fingerprint import sandbox
from fingerprint.media import open_media
with open_media(Path(sys.argv[2])) as media:
    next(media.frames(5))
    print(sandbox._server._process.pid, *(child.pid for child in media._children), flush=True)
    signal.raise_signal(signal.{})
    signal.pause()
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_an_interrupted_program_leaves_no_process(tmp_path: Path, how: str) -> None:
    path = film(tmp_path / "film.mp4")
    command = [sys.executable, "-c", INTERRUPTED.format(how), str(Path(__file__).parents[1]), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == -signal.Signals[how]
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) >= 2
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(with_index_first(tmp_path / "film.mp4"))
    capfd.readouterr()
    data[-len(data) // 3 :] = b"\xff" * (len(data) // 3)
    read(written(tmp_path / "scratched.mp4", bytes(data)))
    assert capfd.readouterr() == ("", "")


def test_a_picture_of_what_has_none(tmp_path: Path) -> None:
    path = sound_file(tmp_path / "tone.wav", "pcm_s16le", form="s16")
    with pytest.raises(MediaError, match=r"tone\.wav: has no moving pictures"):
        picture(path, 0, 64)


def test_the_server_may_be_started_twice() -> None:
    start_decoder()
    first = sandbox._server._process
    start_decoder()
    assert sandbox._server._process is first


def test_a_child_that_talks_nonsense_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_media(film(tmp_path / "film.mp4")) as media:
        monkeypatch.setattr(sandbox, "LARGEST", 1000)
        with pytest.raises(MediaError, match="nonsense") as caught:
            next(media.samples())
        assert caught.value.code == "decoder-crashed"
