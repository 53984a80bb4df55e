"""HLS playlists, DASH manifests and keys: what they say, and what hostile ones are refused for."""

import time
from datetime import UTC, datetime

import pytest

from service.streams import dash, hls
from service.streams.addresses import Addresses
from service.streams.aes import decipher, round_keys
from service.streams.errors import StreamError
from service.streams.fetch import Fetched, Fetcher, Record
from service.streams.listing import Choice, Part, preferred
from service.streams.piece import Clock, Piece
from service.streams.track import FASTEST, Track

AT = "http://public.test/live/list.m3u8"


def playlist(*lines: str) -> bytes:
    return "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:4", *lines]).encode()


def test_a_media_playlist() -> None:
    listing = hls.media(
        playlist(
            "#EXT-X-MEDIA-SEQUENCE:7",
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:05.000Z",
            "#EXTINF:4.0,title",
            "a.ts",
            "#EXTINF:3.5,",
            "../b.ts?x=1",
            "#EXT-X-DISCONTINUITY",
            "#EXT-X-GAP",
            "#EXTINF:4",
            "http://other.test/c.ts",
        ),
        AT,
    )
    assert [(e.order, e.part.url, e.seconds, e.missing) for e in listing.entries] == [
        (7, "http://public.test/live/a.ts", 4.0, False),
        (8, "http://public.test/b.ts?x=1", 3.5, False),
        (9, "http://other.test/c.ts", 4.0, True),
    ]
    a, b, c = listing.entries
    assert a.run == b.run != c.run
    assert a.date and b.date == a.date + 4
    assert listing.live and listing.reload == 2


class Still(Clock):
    """A clock that goes on when it is waited for, and at no other time."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.0)


class Instant(Fetcher):
    """Whatever is asked for is there at once."""

    def get(self, url: str, most: int, extent: tuple[int, int] | None = None) -> Fetched:
        return fetched(url, b"x")


def fetched(url: str, body: bytes) -> Fetched:
    now = datetime.now(UTC)
    return Fetched(url, body, Record(url, url, (), 200, (), now, now))


@pytest.mark.parametrize(("segments", "pause"), [(5, 0.5), (20_000, 4.0), (50_000, 10.0)])
def test_the_longer_a_live_list_is_the_less_often_it_is_read(segments: int, pause: float) -> None:
    body = playlist(*["#EXTINF:0.01", "a"] * segments).replace(b"DURATION:4", b"DURATION:0")
    clock = Still()
    track = Track("main", Instant(Addresses()), lambda: (hls.media(body, AT), fetched(AT, body)), None, 0.0)
    assert len([item for item in track.poll(clock) if isinstance(item, Piece)]) == 2
    assert track.due - clock.seconds == pytest.approx(pause)


def test_segments_that_last_no_time_take_some() -> None:
    body = playlist(*["#EXTINF:0", "a"] * 100, "#EXT-X-ENDLIST")
    clock = Still()
    track = Track("main", Instant(Addresses()), lambda: (hls.media(body, AT), fetched(AT, body)), None, 0.0)
    assert len([item for item in track.poll(clock) if isinstance(item, Piece)]) == 100
    assert clock.seconds == pytest.approx(100 * FASTEST)


def test_byte_ranges_follow_each_other() -> None:
    listing = hls.media(
        playlist(
            '#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"',
            "#EXT-X-BYTERANGE:50@100",
            "#EXTINF:2",
            "all.mp4",
            "#EXT-X-BYTERANGE:60",
            "#EXTINF:2",
            "all.mp4",
            "#EXT-X-ENDLIST",
        ),
        AT,
    )
    assert [e.part.extent for e in listing.entries] == [(100, 50), (150, 60)]
    assert listing.entries[0].head == Part("http://public.test/live/all.mp4", (0, 100))
    assert not listing.live


def test_a_segment_without_an_iv_has_its_number() -> None:
    lines = ('#EXT-X-KEY:METHOD=AES-128,URI="k,1.key"', "#EXTINF:2", "a.ts")
    own = ('#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x0A', "#EXTINF:2", "b.ts", "#EXT-X-KEY:METHOD=NONE")
    last = ("#EXTINF:2", "c.ts")
    found = [
        e.cipher for e in hls.media(playlist("#EXT-X-MEDIA-SEQUENCE:258", *lines, *own, *last), AT).entries
    ]
    assert found[0] and found[0].url == "http://public.test/live/k,1.key"
    assert [c and c.iv.hex().lstrip("0") for c in found] == ["102", "a", None]


def test_a_master_playlist_and_its_sound() -> None:
    text = playlist(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",NAME="en",DEFAULT=YES,URI="en.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",NAME="fr",URI="fr.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO="s",CODECS="avc1.64,mp4a.40.2"',
        "high.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,AUDIO="s"',
        "low.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2",AUDIO="s"',
        "sound.m3u8",
    )
    found = hls.master(text, AT)
    assert found and found.chosen == "http://public.test/live/low.m3u8"
    assert found.sound == "http://public.test/live/en.m3u8"
    assert hls.master(playlist("#EXTINF:1", "a.ts"), AT) is None


@pytest.mark.parametrize(
    ("heights", "chosen"),
    [([240, 360, 1080], 360), ([1080, 720], 720), ([240, 144], 240), ([0, 0], 0)],
)
def test_the_cheapest_version_that_is_good_enough(heights: list[int], chosen: int) -> None:
    offers = [Choice(f"{h} {i}", 1000 * h + i, h, frozenset(["video"])) for i, h in enumerate(heights)]
    assert preferred(offers).height == chosen


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["#EXTINF:-1", "a.ts"], "bad-playlist"),
        (["#EXTINF:1e9", "a.ts"], "bad-playlist"),
        (["#EXTINF:nan", "a.ts"], "bad-playlist"),
        (["a.ts"], "bad-playlist"),
        (["#EXT-X-BYTERANGE:x", "#EXTINF:1", "a.ts"], "bad-playlist"),
        (["#EXT-X-KEY:METHOD=SAMPLE-AES,URI=skd://x"], "encrypted"),
        (['#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="com.widevine"'], "encrypted"),
        (['#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x' + "f" * 40, "#EXTINF:1", "a.ts"], "bad-playlist"),
        (["#EXT-X-MAP:BYTERANGE=1"], "bad-playlist"),
        (["#EXT-X-DEFINE:NAME=a,VALUE=b"], "unsupported"),
        (["x"] * (hls.LINES + 1), "bad-playlist"),
        (["#EXTINF:0.01", "a.ts"] * (hls.SEGMENTS + 1), "bad-playlist"),
    ],
)
def test_what_a_playlist_may_not_say(lines: list[str], code: str) -> None:
    with pytest.raises(StreamError) as raised:
        hls.media(playlist(*lines), AT)
    assert raised.value.code == code


@pytest.mark.parametrize("text", [b"", b"hello", b"#EXTM3U", b"#EXTM3U\n\xff\xfe"])
def test_what_is_no_playlist(text: bytes) -> None:
    with pytest.raises(StreamError):
        hls.media(text, AT)


def test_reading_attributes_takes_time_in_proportion() -> None:
    begun = time.monotonic()
    for text in ('A="' * 200_000, "A" * 600_000, ',A="' * 200_000, ',A="' + ",A=" * 200_000, "," * 600_000):
        hls.attributes(text)
    assert time.monotonic() - begun < 2


MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{type}" availabilityStartTime="1970-01-01T00:16:40Z"
 minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT10S" {more}>
<BaseURL>media/</BaseURL><Period id="p" {period}>
<AdaptationSet mimeType="video/mp4">{video}
 <Representation id="hi" bandwidth="900" height="1080"/><Representation id="lo" bandwidth="200" height="360"/>
</AdaptationSet>
<AdaptationSet contentType="audio">{audio}<Representation id="a" bandwidth="64"/></AdaptationSet>
</Period></MPD>"""
NUMBERED = """<SegmentTemplate media="$RepresentationID$-$Number%05d$.m4s" initialization="$RepresentationID$.mp4"
 timescale="10" duration="20" startNumber="3"/>"""
TIMED = """<SegmentTemplate media="a-$Time$.m4s" timescale="10000000" presentationTimeOffset="17000000000000000">
<SegmentTimeline>
<S t="17000000000000000" d="20000000" r="1"/><S d="10000000" r="-1"/></SegmentTimeline></SegmentTemplate>"""


def manifest(
    kind: str = "dynamic",
    more: str = "",
    period: str = 'start="PT0S"',
    video: str = NUMBERED,
    audio: str = TIMED,
) -> dash.Manifest:
    text = MPD.format(type=kind, more=more, period=period, video=video, audio=audio)
    return dash.Manifest(text.encode(), "http://public.test/live/x.mpd")


def test_a_live_manifest_lists_what_is_there_by_now() -> None:
    listing = manifest().listing("video", 1000 + 30.5)
    assert [e.part.url.rpartition("/")[2] for e in listing.entries][-2:] == ["lo-00016.m4s", "lo-00017.m4s"]
    assert len(listing.entries) == 6
    assert listing.entries[-1].part.url == "http://public.test/live/media/lo-00017.m4s"
    assert listing.entries[-1].head == Part("http://public.test/live/media/lo.mp4")
    assert listing.entries[-1].order == 28_000 and listing.entries[-1].date == 1028.0
    assert listing.live


def test_a_timeline_counts_exactly() -> None:
    found = manifest("static", period='duration="PT7S"').listing("audio", 0)
    assert [e.part.url.rpartition("-")[2] for e in found.entries] == [
        "17000000000000000.m4s",
        "17000000020000000.m4s",
        "17000000040000000.m4s",
        "17000000050000000.m4s",
        "17000000060000000.m4s",
    ]
    assert [e.order for e in found.entries] == [0, 2000, 4000, 5000, 6000]
    assert not found.live


def test_a_static_template_is_listed_whole() -> None:
    entries = (
        manifest("static", more='mediaPresentationDuration="PT1M1S"', period="").listing("video", 0).entries
    )
    assert len(entries) == 31


def test_a_list_and_a_single_file() -> None:
    listed = """<SegmentList duration="5"><Initialization sourceURL="i" range="0-99"/>
    <SegmentURL media="1" mediaRange="100-199"/><SegmentURL media="2"/></SegmentList>"""
    entries = manifest("static", video=listed, audio="<BaseURL>a.mp4</BaseURL>").listing("video", 0).entries
    assert [(e.part.url.rpartition("/")[2], e.part.extent) for e in entries] == [
        ("1", (100, 100)),
        ("2", None),
    ]
    assert entries[0].head and entries[0].head.extent == (0, 100)
    single = manifest("static", audio="<BaseURL>a.mp4</BaseURL>").listing("audio", 0).entries
    assert [e.part.url for e in single] == ["http://public.test/live/media/a.mp4"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'<!DOCTYPE MPD [<!ENTITY a SYSTEM "file:///etc/passwd">]><MPD>&a;</MPD>', "bad-manifest"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE MPD []><MPD/>'.encode("utf-16"), "bad-manifest"),
        (b"<MPD>" * 100, "bad-manifest"),
        (b"<MPD/>" * 2, "bad-manifest"),
        (b"<MPD>" + b"<x/>" * 200_001 + b"</MPD>", "bad-manifest"),
        (b"<html/>", "bad-manifest"),
        (b"", "bad-manifest"),
    ],
)
def test_what_is_no_manifest(text: bytes, code: str) -> None:
    with pytest.raises(StreamError) as raised:
        dash.Manifest(text, AT)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("video", "code"),
    [
        ("<ContentProtection/>" + NUMBERED, "encrypted"),
        (NUMBERED.replace('duration="20"', ""), "bad-manifest"),
        (NUMBERED.replace("media=", "x="), "bad-manifest"),
        (NUMBERED.replace("$Number", "$Number" + "y" * 5000), "bad-manifest"),
    ],
)
def test_what_a_manifest_may_not_say(video: str, code: str) -> None:
    with pytest.raises(StreamError) as raised:
        manifest(video=video).listing("video", 1100)
    assert raised.value.code == code


def test_a_bomb_of_segments_is_defused() -> None:
    endless = """<SegmentTemplate media="$Time$"><SegmentTimeline><S t="0" d="1" r="999999999999"/>
    </SegmentTimeline></SegmentTemplate>"""
    with pytest.raises(StreamError, match="more than"):
        manifest(video=endless).listing("video", 1100)
    with pytest.raises(StreamError, match="how long"):
        manifest("static", period="").listing("video", 0)


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT1H2M3.5S", 3723.5), ("P1D", 86400), ("x", None), ("", None)]
)
def test_durations(text: str, seconds: float | None) -> None:
    assert dash.duration(text) == seconds


def test_aes_is_that_of_the_standards() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert round_keys(key)[10].tobytes().hex() == "d014f9a8c9ee2589e13f0cc8b6630ca6"  # FIPS 197, A.1
    # SP 800-38A, F.2.1, with a block of padding that was enciphered by openssl
    cipher = bytes.fromhex(
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
        "8cb82807230e1321d3fae00d18cc2012"
    )
    plain = decipher(cipher, key, bytes(range(16)))
    assert plain.hex().startswith("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    assert len(plain) == 64


@pytest.mark.parametrize("data", [b"", b"x" * 15, b"x" * 32])
def test_what_does_not_decipher(data: bytes) -> None:
    with pytest.raises(ValueError, match="is"):
        decipher(data, bytes(16), bytes(16))
