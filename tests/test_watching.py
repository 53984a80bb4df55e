"""A stream is watched: works that start, continue and end, in every kind of stream, over whatever befalls it."""

import hashlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence.answer import Json
from fingerprint.feed import Feed
from fingerprint.fingerprint import PLAIN
from fingerprint.media import Limits
from matching.airing import Airings
from matching.engine import Engine
from matching.lane import Tracked
from service.streams.capture import Room
from service.streams.decoding import Channel
from service.streams.errors import StreamError
from service.streams.fetch import Allowance
from service.streams.group import Load
from service.streams.journal import StreamJournal
from service.streams.supervisor import together
from service.streams.watching import Options, Watch, watch
from tests.ciphers import encipher
from tests.serving import Answer, Request, Server, answer, ranged, redirect
from tests.streaming import Fast, OnAir, Programme, Segments, excerpt, nothing, playlist, segmented, written

SONG, FILM = "market-day.mp3", "the-river.mp4"
ALLOWED = Options(allowed=["127.0.0.1"], hunting=False)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("data"), Limits()) as made:
        for name in (SONG, FILM, "harbour-lights.m4a"):
            made.register(samples / "originals" / name)
        yield made


@pytest.fixture(scope="module")
def radio(samples: Path) -> Programme:
    """12 s of nothing, 12 s of a song from its 10th second on, 10 s of nothing."""
    return nothing(12) + excerpt(samples / "originals" / SONG, 10, 12) + nothing(10, seed=2)


@pytest.fixture(scope="module")
def sound(radio: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(radio, tmp_path_factory.mktemp("radio"))


@pytest.fixture(scope="module")
def television(samples: Path) -> Programme:
    return nothing(6, True) + excerpt(samples / "originals" / FILM, 4, 12, True) + nothing(8, True, 2)


@pytest.fixture(scope="module")
def film(television: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(television, tmp_path_factory.mktemp("film"), "fmp4")


def told(url: str, engine: Engine, options: Options = ALLOWED, clock: Any = None) -> list[Json]:
    return list(watch(url, engine, options, clock or Fast(10)))


def shown(events: list[Json]) -> list[tuple[str, str]]:
    """What happened, but for that something continues, and notes."""
    return [(e["event"], e["reference"]["name"]) for e in events if e["event"] in ("started", "ended")] + [
        ("error", e["error"]["code"]) for e in events if e["event"] == "error"
    ]


def assert_one(events: list[Json], name: str, start: float, end: float, ref_start: float) -> None:
    """One work, from ``start`` to ``end`` of the stream."""
    assert shown(events) == [("started", name), ("ended", name)], events
    last = next(e for e in events if e["event"] == "ended")
    assert last["verdict"] == "match"
    for segment in last["segments"]:
        assert segment["query_start"] == pytest.approx(start, abs=1)
        assert segment["query_end"] == pytest.approx(end, abs=1)
        assert segment["ref_start"] == pytest.approx(ref_start + segment["query_start"] - start, abs=0.3)


def test_hls_with_transport_streams(server: Server, engine: Engine, sound: Segments) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    events = told(server.url("/a.m3u8"), engine)
    assert_one(events, SONG, 12, 24, 10)
    first = next(e for e in events if e["event"] == "started")
    assert first["stream_time"] - 12 < 5
    assert first["segment"]["kind"] == "audio"
    assert first["reference"]["title"] == "market-day"
    assert first["expected_false_matches"] < 1e-2


def test_hls_with_fragments_and_pictures(server: Server, engine: Engine, film: Segments) -> None:
    lines = ['#EXT-X-MAP:URI="head.mp4"', *film.entries()]
    server.pages |= film.pages() | {"/a.m3u8": playlist(lines)}
    events = told(server.url("/a.m3u8"), engine)
    assert_one(events, FILM, 6, 18, 4)
    kinds = {s["kind"] for e in events if e["event"] == "ended" for s in e["segments"]}
    assert kinds == {"audio", "video"}


def test_hls_from_a_master_with_keys_ranges_and_a_discontinuity(
    server: Server, engine: Engine, sound: Segments
) -> None:
    """The last part is enciphered, lies in one resource, and counts its time from elsewhere."""
    half = len(sound.data) - 5
    first = sound.entries(0, half)
    secret = [encipher(data, KEY, i.to_bytes(16, "big")) for i, data in enumerate(sound.data[half:], half)]
    ranges: list[str] = []
    for i, data in enumerate(secret, half):
        ranges += [f"#EXTINF:{sound.lengths[i]:.3f},", f"#EXT-X-BYTERANGE:{len(data)}", "all.bin"]
    lines = [*first, "#EXT-X-DISCONTINUITY", '#EXT-X-KEY:METHOD=AES-128,URI="/key"', *ranges]
    everything = b"".join(secret)
    server.pages |= sound.pages() | {
        "/master.m3u8": answer(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\n/a.m3u8\n"),
        "/a.m3u8": playlist(lines),
        "/all.bin": lambda request: ranged(everything, request),
        "/key": answer(KEY),
    }
    assert_one(told(server.url("/master.m3u8"), engine), SONG, 12, 24, 10)


KEY = bytes(range(16))


def test_dash(server: Server, engine: Engine, television: Programme, tmp_path: Path) -> None:
    written(television, tmp_path / "a.mpd", form="dash", seg_duration="2")
    for path in tmp_path.iterdir():
        server.pages[f"/{path.name}"] = answer(path.read_bytes())
    events = told(server.url("/a.mpd"), engine)
    assert_one(events, FILM, 6, 18, 4)
    assert {s["kind"] for e in events if e["event"] == "ended" for s in e["segments"]} == {"audio", "video"}


def test_a_track_that_is_decoded_late_is_waited_for(
    server: Server, engine: Engine, television: Programme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Channel._read

    def late(channel: Channel, *given: Any) -> None:
        time.sleep(1.5 if channel.name == "audio" else 0)
        read(channel, *given)

    monkeypatch.setattr(Channel, "_read", late)
    test_dash(server, engine, television, tmp_path)


def test_radio_with_titles(server: Server, engine: Engine, radio: Programme, tmp_path: Path) -> None:
    song = written(radio, tmp_path / "a.mp3").read_bytes()
    every = 4000
    titled = b"".join(
        song[i : i + every] + b"\x02" + b"StreamTitle='x';".ljust(32, b"\0")
        for i in range(0, len(song), every)
    )

    def icy(request: Request) -> Answer:
        assert request.headers["icy-metadata"] == "1"
        return b"ICY 200 OK\r\nicy-metaint:4000\r\nContent-Type: audio/mpeg\r\n\r\n" + titled

    server.pages |= {"/listen": icy, "/radio.pls": answer(b"[playlist]\nFile1=/listen\nTitle1=x\n")}
    events = told(server.url("/radio.pls"), engine, clock=Once(10))
    assert_one(events[:-1], SONG, 12, 24, 10)
    assert events[-1]["error"]["code"] == "gone"


class Once(Fast):
    """A clock on which a radio that closes is not listened to again."""

    def wait(self, seconds: float) -> None:
        raise StreamError("gone", "radio", "is gone")


def test_a_file_over_http_with_its_index_at_its_end(
    server: Server, engine: Engine, radio: Programme, tmp_path: Path
) -> None:
    server.pages["/a.mp4"] = answer(written(radio, tmp_path / "a.mp4").read_bytes())
    assert_one(told(server.url("/a.mp4"), engine), SONG, 12, 24, 10)


def test_a_pipe(engine: Engine, sound: Segments) -> None:
    taken, given = os.pipe()

    def write() -> None:
        with os.fdopen(given, "wb") as pipe:
            pipe.write(b"".join(sound.data))

    threading.Thread(target=write, daemon=True).start()
    assert_one(told("-", engine, replace(ALLOWED, pipe=taken)), SONG, 12, 24, 10)
    os.close(taken)


def test_datagrams(engine: Engine, sound: Segments) -> None:
    """MPEG-TS in RTP, to an address that the operator allowed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, stop = b"".join(sound.data), threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for number, i in enumerate(range(0, len(data), 7 * 188)):
                head = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, 0, 0)
                out.sendto(head + data[i : i + 7 * 188], ("127.0.0.1", port))
                if stop.wait(0.004):
                    return

    with_patience = replace(ALLOWED, allowance=Allowance(patience=8.0))
    timer = threading.Timer(0.5, send)
    timer.start()
    events = told(f"rtp://127.0.0.1:{port}", engine, with_patience, Fast(10))
    stop.set()
    assert shown(events)[:2] == [("started", SONG), ("ended", SONG)]
    assert shown(events)[2:] == [("error", "stalled")]
    assert shown(told(f"udp://127.0.0.1:{port}", engine, Options())) == [("error", "refused-address")]


def test_a_live_list_slides_and_ends(server: Server, engine: Engine, sound: Segments) -> None:
    clock = Fast(6)
    on_air = OnAir(sound, clock, shown=3, delay=-3.0)
    server.pages |= sound.pages() | {"/live.m3u8": on_air.page}
    events = told(server.url("/live.m3u8"), engine, clock=clock)
    assert shown(events) == [("started", SONG), ("ended", SONG)]
    last = events[-1]["segment"]
    assert last["query_end"] - last["query_start"] == pytest.approx(12, abs=1)


def test_what_is_lost_on_the_way_is_a_gap(server: Server, engine: Engine, sound: Segments) -> None:
    """A segment that is not there, one that is cut off, and one of noise: the work is followed over all that."""
    lines = sound.entries()
    server.pages |= sound.pages() | {"/a.m3u8": playlist(lines)}
    server.pages["/8.ts"] = answer(b"", 404)
    server.pages["/2.ts"] = answer(os.urandom(20_000))
    server.pages["/14.ts"] = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + sound.data[14][:5000]
    events = told(server.url("/a.m3u8"), engine)
    assert_one(events, SONG, 12, 24, 10)
    assert sum(e["event"] == "note" and e["note"]["code"] == "lost" for e in events) == 2


def test_a_clock_that_is_set_anew_and_wraps(
    server: Server, engine: Engine, radio: Programme, tmp_path: Path
) -> None:
    """33 bits end 15 s after the beginning, in the middle of the song."""
    wrapping = segmented(radio, tmp_path, start=2**33 / 90_000 - 15)
    server.pages |= wrapping.pages() | {"/a.m3u8": playlist(wrapping.entries())}
    assert_one(told(server.url("/a.m3u8"), engine), SONG, 12, 24, 10)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (answer(b"hello, this is a page"), "not-media"),
        (answer(os.urandom(100_000)), "not-media"),
        (answer(b"", 404), "gone"),
        (redirect("http://169.254.169.254/latest"), "refused-address"),
        (answer(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n"), "refused-scheme"),
        (answer(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://10.0.0.1/a.ts\n"), "refused-address"),
        (
            answer(
                b'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="http://[::1]/k"\n#EXTINF:2,\n/0.ts\n'
            ),
            "refused-address",
        ),
        (
            answer(
                b'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="http://10.0.0.1/"\n#EXTINF:2,\n/0.ts\n'
            ),
            "refused-address",
        ),
        (answer(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://192.168.0.1/a.m3u8\n"), "refused-address"),
        (answer(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/a\n"), "bad-playlist"),
        (answer(b"<?xml version='1.0'?><!DOCTYPE MPD><MPD/>"), "bad-manifest"),
    ],
)
def test_a_hostile_stream_is_an_error_with_a_reason(
    server: Server, engine: Engine, sound: Segments, page: bytes, code: str
) -> None:
    server.pages |= sound.pages() | {"/a": page}
    events = [e for e in told(server.url("/a"), engine) if e["event"] != "note"]
    assert shown(events) == [("error", code)]
    assert events[-1]["error"]["message"]


@pytest.mark.parametrize("url", ["rtmp://public.test/live", "rtsp://public.test/a", "srt://public.test"])
def test_what_would_connect_by_itself_is_not_read(engine: Engine, url: str) -> None:
    assert shown(told(url, engine)) == [("error", "unsupported")]


def test_a_watch_goes_on_after_it_was_stopped(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    """Wherever it is stopped: no event is lost, and none is told twice."""
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    url = server.url("/a.m3u8")
    for stop in (1, 2, 3):
        journal = StreamJournal(tmp_path / f"{stop}.db", engine.catalog.uuid)
        options = replace(ALLOWED, journal=journal)
        before: list[Json] = []
        for event in watch(url, engine, options, Fast(10)):
            before.append(event)
            if len(before) == stop:
                break
        after = list(watch(url, engine, options, Fast(10)))
        # What was told when the first was stopped may be told again, under the same id.
        whole = list({e["id"]: e for e in (*before, *after) if "id" in e}.values())
        assert_one(whole, SONG, 12, 24, 10)
        assert journal.state(url) is None
        assert journal.untold(url) == []
        journal.close()


def test_what_was_followed_before_a_restart_may_lie_ahead(engine: Engine) -> None:
    """Less of the stream is looked at again than was known of it: disguises are not sought in less than nothing."""
    airings, ref_id = Airings(engine), engine.catalog.references()[0].id
    part = Tracked(ref_id, "audio", PLAIN, 1.0, 0.0, 5.0, 9.0, 1e-9, 60.0, 9.0)
    airings.restore([{"number": 1, "ref_id": ref_id, "told": 9.0, "parts": [asdict(part)]}])
    airings.hear(0.0, np.random.default_rng(1).standard_normal(4 * 8000).astype(np.float32) * 0.1)
    assert airings.changes(4.0) == []
    assert airings.on


def test_a_stream_whose_server_hangs_is_dropped_at_once(server: Server, engine: Engine) -> None:
    """The thread that waits for the server is left behind: others that share the process do not wait for it."""
    asked, answered = threading.Event(), threading.Event()

    def hanging(request: Request) -> Answer:
        asked.set()
        answered.wait(20)
        return answer(b"")

    server.pages["/a.m3u8"] = hanging
    watched = Watch(server.url("/a.m3u8"), engine, ALLOWED)
    watched.start()
    assert asked.wait(20)
    watched.close()
    fetching = watched._intake._thread
    assert fetching.is_alive()
    answered.set()
    fetching.join(20)
    assert not fetching.is_alive()


def test_what_comes_after_the_end_is_not_decoded(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def late(request: Request) -> Answer:
        asked.set()
        answered.wait(20)
        return answer(sound.data[0])

    server.pages |= {"/0.ts": late, "/a.m3u8": playlist(sound.entries(0, 1))}
    watched = Watch(server.url("/a.m3u8"), engine, replace(ALLOWED, output=tmp_path))
    watched.start()
    assert asked.wait(20)
    watched.close()
    answered.set()
    watched._intake._thread.join(20)
    assert watched._intake.marks == []
    assert [feed._child.closed for feed in feeds(watched)] == [True]


def feeds(watched: Watch) -> list[Feed]:
    """The decoders that a stream has."""
    channels = watched._intake._decoding._channels.values()
    return [channel._feed for channel in channels if channel._feed is not None]


def test_what_was_written_and_not_told_is_told_after_a_kill(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    journal = StreamJournal(tmp_path / "a.db", engine.catalog.uuid)
    watched = Watch(server.url("/a.m3u8"), engine, replace(ALLOWED, journal=journal), Fast(10))
    watched.start()
    while not (lost := watched.poll(1.0)):
        pass  # nobody is told of it: this process is killed
    watched._clock.stop()
    again = told(server.url("/a.m3u8"), engine, replace(ALLOWED, journal=journal))
    assert again[0] == lost[0]
    assert_one(again, SONG, 12, 24, 10)
    watched.close()
    journal.close()


def test_what_carried_a_match_is_kept(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    told(server.url("/a.m3u8"), engine, replace(ALLOWED, output=tmp_path))
    (manifest,) = tmp_path.glob("*/match-1/manifest.json")
    made = json.loads(manifest.read_text())
    assert made["complete"]
    assert made["events"][-1]["event"] == "ended"
    begun, ended = (
        f([s[n] for s in made["segments"]]) for f, n in ((min, "stream_start"), (max, "stream_end"))
    )
    assert begun <= 12 and ended >= 24
    assert len(made["segments"]) < len(sound.data)
    for kept in (*made["segments"], *made["lists"]):
        data = (manifest.parent / kept["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == kept["sha256"]
        assert kept["http"]["addresses"] == ["127.0.0.1"]
        assert kept["http"]["answered"] >= kept["http"]["asked"]
    assert sound.data[8] in [(manifest.parent / s["file"]).read_bytes() for s in made["segments"]]


def test_evidence_goes_on_after_a_stop(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    """Nothing that was kept is lost or written over, and the segments are all there, once."""
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    journal = StreamJournal(tmp_path / "a.db", engine.catalog.uuid)
    options = replace(ALLOWED, output=tmp_path / "kept", journal=journal)
    for event in watch(server.url("/a.m3u8"), engine, options, Fast(10)):
        if event["event"] == "started":
            break
    (manifest,) = tmp_path.glob("kept/*/match-1/manifest.json")
    first = json.loads(manifest.read_text())
    (manifest.parent / "000099.ts").write_bytes(b"written just before a kill")
    told(server.url("/a.m3u8"), engine, options)
    made = json.loads(manifest.read_text())
    assert [e["event"] for e in made["events"] if e["event"] != "continues"] == ["started", "ended"]
    assert made["segments"][: len(first["segments"])] == first["segments"]
    orders = [s["order"] for s in made["segments"]]
    assert orders == list(range(orders[0], orders[-1] + 1))
    for kept in made["segments"]:
        assert hashlib.sha256((manifest.parent / kept["file"]).read_bytes()).hexdigest() == kept["sha256"]
    assert {p.name for p in manifest.parent.iterdir()} == {
        "manifest.json",
        *(k["file"] for k in (*made["segments"], *made["lists"])),
    }
    journal.close()


def test_evidence_that_cannot_be_kept_ends_no_watching(
    server: Server, engine: Engine, sound: Segments, tmp_path: Path
) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    watched = Watch(server.url("/a.m3u8"), engine, replace(ALLOWED, output=tmp_path), Fast(10))
    (folder,) = tmp_path.iterdir()
    (folder / "match-1").write_text("in the way")
    watched.start()
    events: list[Json] = []
    while not watched.done:
        events += watched.poll(1.0)
    watched.close()
    assert_one(events, SONG, 12, 24, 10)
    assert [e["note"]["code"] for e in events if e["event"] == "note"] == ["evidence"]


def test_evidence_keeps_to_its_room(server: Server, engine: Engine, sound: Segments, tmp_path: Path) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    room = Room(match=30_000)
    told(server.url("/a.m3u8"), engine, replace(ALLOWED, output=tmp_path, room=room))
    (manifest,) = tmp_path.glob("*/match-1/manifest.json")
    made = json.loads(manifest.read_text())
    assert not made["complete"]
    assert sum(s["size"] for s in (*made["segments"], *made["lists"])) <= 30_000


def test_load_is_shed_openly_and_taken_up_again() -> None:
    load, levels = Load(), list[int]()
    for second in range(30):
        levels.append(load.level(0.9 if second < 8 else 0.0, float(second)))
    assert max(levels) == 3 and levels[1] == 0
    assert levels[-1] == 2


def test_one_broken_stream_disturbs_no_other(server: Server, engine: Engine, sound: Segments) -> None:
    server.pages |= sound.pages() | {
        "/a.m3u8": playlist(sound.entries()),
        "/noise": answer(os.urandom(90_000)),
    }
    events: list[Json] = []
    urls = [server.url("/a.m3u8"), server.url("/noise"), "http://10.0.0.1/", server.url("/nothing")]
    assert together(urls, lambda url: Watch(url, engine, ALLOWED), events.append)
    good = [e for e in events if e["stream"] == urls[0]]
    assert_one(good, SONG, 12, 24, 10)
    assert {e["error"]["code"] for e in events if e["event"] == "error"} == {
        "not-media",
        "refused-address",
        "gone",
    }
