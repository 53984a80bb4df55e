"""What carried a match is kept of streams of every kind, at the right seconds, and what is missing is said."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evidence.answer import Json
from fingerprint.feed import Heard, Offset
from fingerprint.media import Limits
from matching.engine import Engine
from service.streams.capture import Room
from service.streams.decoding import QUEUED, Decoding
from service.streams.piece import Piece
from service.streams.spans import Spans
from service.streams.watching import Options, watch
from tests.serving import Answer, Request, Server, Writer, answer
from tests.streaming import Fast, Programme, Segments, excerpt, nothing, playlist, segmented, written

ALLOWED = Options(allowed=["127.0.0.1"], hunting=False)
SPEED = 10.0
SECONDS = 40.0  # of the programme
FIRST, SECOND = (4.0, 14.0), (24.0, 36.0)  # when each work is on


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("data"), Limits()) as made:
        for name in ("market-day.mp3", "harbour-lights.m4a"):
            made.register(samples / "originals" / name)
        yield made


@pytest.fixture(scope="module")
def programme(samples: Path) -> Programme:
    song, other = samples / "originals" / "market-day.mp3", samples / "originals" / "harbour-lights.m4a"
    return (
        nothing(4) + excerpt(song, 10, 10) + nothing(10, seed=2) + excerpt(other, 5, 12) + nothing(4, seed=3)
    )


@pytest.fixture(scope="module")
def sound(programme: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(programme, tmp_path_factory.mktemp("sound"))


@dataclass(frozen=True)
class Kept:
    """What was kept of one match: its manifest, and the bytes of its segments, in order."""

    manifest: Json
    data: bytes

    @property
    def span(self) -> tuple[float, float]:
        """Seconds of the stream that the segments say they are."""
        segments = self.manifest["segments"]
        return min(s["stream_start"] for s in segments), max(s["stream_end"] for s in segments)


def kept(url: str, engine: Engine, folder: Path, options: Options = ALLOWED) -> list[Kept]:
    """What is kept of each match of a stream that is watched to its end."""
    list(watch(url, engine, replace(options, output=folder), Fast(SPEED)))
    return [_read(path) for path in sorted(folder.glob("*/match-*/manifest.json"))]


def _read(path: Path) -> Kept:
    made = json.loads(path.read_text())
    return Kept(made, b"".join((path.parent / s["file"]).read_bytes() for s in made["segments"]))


def dripping(data: bytes, kind: bytes = b"audio/mpeg", pieces: int = 40) -> Callable[[Request], Answer]:
    """A page that takes as long to come as it lasts."""
    size = -(-len(data) // pieces)

    def write(send: Writer) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: %s\r\n\r\n" % (len(data), kind))
        for start in range(0, len(data), size):
            send(data[start : start + size])
            time.sleep(SECONDS / pieces / SPEED)

    return lambda request: write


def assert_holds(one: Kept, on: tuple[float, float], whole: bytes) -> None:
    """All of a work's seconds are there, as they were fetched, and the manifest says so."""
    begin, end = one.span
    assert one.manifest["complete"]
    assert begin <= on[0] + 0.5 and end >= on[1] - 0.5
    assert one.data in whole
    # The bytes of the seconds that were on are among those kept, at a constant rate.
    first = whole.index(one.data)
    rate = len(whole) / SECONDS
    assert first <= (on[0] + 0.5) * rate and first + len(one.data) >= (on[1] - 0.5) * rate


def test_a_file_that_comes_at_once(
    server: Server, engine: Engine, programme: Programme, tmp_path: Path
) -> None:
    """It is one piece, which carried every match."""
    whole = written(programme, tmp_path / "a.mp3").read_bytes()
    server.pages["/a.mp3"] = answer(whole)
    first, second = kept(server.url("/a.mp3"), engine, tmp_path / "kept")
    for one, on in ((first, FIRST), (second, SECOND)):
        assert_holds(one, on, whole)
        assert one.span == pytest.approx((0.0, SECONDS), abs=0.5)


@pytest.mark.parametrize("name", ["a.mp3", "a.aac", "a.ts", "a.mkv"])
def test_a_stream_without_a_list_is_kept_from_before_each_work_to_after_it(
    server: Server, engine: Engine, programme: Programme, tmp_path: Path, name: str
) -> None:
    whole = written(programme, tmp_path / name).read_bytes()
    server.pages[f"/{name}"] = dripping(whole)
    first, second = kept(server.url(f"/{name}"), engine, tmp_path / "kept")
    assert_holds(first, FIRST, whole)
    assert_holds(second, SECOND, whole)
    assert first.span[0] < 1 and first.span[1] < SECOND[0]
    assert FIRST[1] < second.span[0]


@pytest.mark.parametrize("length", [True, False])
def test_a_file_with_its_index_at_its_end_is_kept_whole_with_each_work(
    server: Server, engine: Engine, programme: Programme, tmp_path: Path, length: bool
) -> None:
    """Also where its server does not say how long it is."""
    whole = written(programme, tmp_path / "a.mp4").read_bytes()
    server.pages["/a.mp4"] = answer(whole) if length else b"HTTP/1.1 200 OK\r\n\r\n" + whole
    found = kept(server.url("/a.mp4"), engine, tmp_path / "kept")
    assert len(found) == 2
    for one in found:
        assert one.manifest["complete"]
        assert one.data == whole
        assert one.span == pytest.approx((0.0, SECONDS), abs=0.5)


def test_a_whole_file_is_decoded_to_its_end_however_long_that_takes(
    programme: Programme, tmp_path: Path
) -> None:
    """More is decoded than may wait, and who examines it takes longer than a decoder may be silent."""
    decoding = Decoding(Limits(silence=0.5))
    whole = Piece("main", written(programme, tmp_path / "a.mp4").read_bytes(), 0.0, True, whole=True)

    def feed() -> None:
        decoding.take(whole)
        decoding.finish()
        decoding.give(None)

    threading.Thread(target=feed, daemon=True).start()
    time.sleep(1.5)
    came = list(iter(lambda: decoding.get(20.0), None))
    heard = [one for one in came if isinstance(one, Heard)]
    assert len(heard) > QUEUED and len(heard) == len(came)
    assert heard[-1].start + len(heard[-1].samples) / 8000 == pytest.approx(SECONDS, abs=0.5)


def test_lengths_that_a_list_makes_up_change_nothing(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    lying = replace(sound, lengths=[0.2] * len(sound.lengths))
    server.pages |= sound.pages() | {"/a.m3u8": playlist(lying.entries())}
    first, second = kept(server.url("/a.m3u8"), engine, tmp_path)
    for one, on in ((first, FIRST), (second, SECOND)):
        assert one.manifest["complete"]
        assert one.span[0] <= on[0] and one.span[1] >= on[1]
        orders = [s["order"] for s in one.manifest["segments"]]
        begin = sum(sound.lengths[: orders[0]])
        assert one.span[0] == pytest.approx(begin, abs=0.5)


def test_a_segment_that_was_lost_is_missing_in_the_evidence(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries()), "/4.ts": answer(b"", 404)}
    first, second = kept(server.url("/a.m3u8"), engine, tmp_path)
    assert not first.manifest["complete"]
    assert second.manifest["complete"]


def test_what_no_longer_waited_when_a_work_was_found_is_missing(
    server: Server, engine: Engine, programme: Programme, tmp_path: Path
) -> None:
    whole = written(programme, tmp_path / "a.mp3").read_bytes()
    server.pages["/a.mp3"] = dripping(whole)
    narrow = replace(ALLOWED, room=Room(waiting=5000))
    for one in kept(server.url("/a.mp3"), engine, tmp_path / "kept", narrow):
        assert not one.manifest["complete"]


def spans(*told: tuple[int, float, float]) -> Spans:
    """Offsets as they were told: byte, end of what lies before it, begin of what follows."""
    made = Spans()
    for byte, end, begin in told:
        made.tell(Offset(byte, end, begin))
    return made


TOLD: Sequence[tuple[int, float, float]] = ((0, 0.0, 0.0), (100, 1.0, 1.0), (200, 2.0, 5.0), (300, 6.0, 6.0))


def test_seconds_of_bytes() -> None:
    """From 2 to 5 s nothing came."""
    of = spans(*TOLD)
    assert of.find(0, 100) == (0.0, 1.0)
    assert of.find(50, 150) == (0.0, 2.0)
    assert of.find(100, 200) == (1.0, 2.0)
    assert of.find(200, 300) == (5.0, 6.0)
    assert of.find(250, 350) == (5.0, None)  # its end is not decoded
    assert of.find(300, 400) is None
    assert of.reached == 6.0


def test_offsets_that_are_forgotten_change_no_later_answer() -> None:
    of, all_of = spans(*TOLD), spans(*TOLD)
    of.forget(200)
    for first, last in ((200, 300), (210, 260), (250, 400), (300, 400)):
        assert of.find(first, last) == all_of.find(first, last)
