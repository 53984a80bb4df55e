"""Fingerprints that leave the house: they come back the same, answer as their file does, and hostile bytes are refused."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from fingerprint.exchange import MEDIA_TYPE, Exchange, packed, unpacked
from fingerprint.fingerprint import Fingerprint, Query, pack
from fingerprint.media import Limits, MediaError
from fingerprint.storage import StorageError
from matching.engine import Engine
from service.cli import app as commands
from service.fingerprinting import fingerprinted
from service.jobs.work import Opening, Task, reader
from tests.service import client, served
from tests.working import SAMPLES, register

RNG = np.random.default_rng(5)


def made(n: int = 40, algorithm: str = "audio/3", width: int = 64) -> Exchange:
    """An exchange of n random codes."""
    reliability = RNG.normal(size=(n, 8 * width)).astype(np.float32)
    codes = Fingerprint(algorithm, n / 10, np.arange(n) / 10, pack(reliability), np.zeros(n, np.bool_))
    return Exchange("a.wav", "0" * 64, n / 10, (codes,), ((0.0, Query(codes, reliability)),))


def test_what_goes_out_comes_back() -> None:
    one = made()
    back = unpacked(packed(one))
    assert (back.name, back.sha256, back.duration) == (one.name, one.sha256, one.duration)
    np.testing.assert_array_equal(back.references[0].codes, one.references[0].codes)
    sent, got = one.queries[0][1], back.queries[0][1]
    np.testing.assert_array_equal(got.fingerprint.codes, sent.fingerprint.codes)
    np.testing.assert_allclose(got.reliability, np.clip(sent.reliability, -4, 4), atol=1 / 32)


@pytest.mark.parametrize("place", [0, 9, 11, 20, 200, -1])
def test_a_changed_byte_is_seen(place: int) -> None:
    data = bytearray(packed(made()))
    data[place] ^= 1
    with pytest.raises(StorageError):
        unpacked(bytes(data))


@pytest.mark.parametrize("size", [0, 5, 30, 100, 5000])
def test_a_piece_of_it_is_refused(size: int) -> None:
    with pytest.raises(StorageError):
        unpacked(packed(made())[:size])


def test_whatever_a_liar_writes_is_refused_and_never_crashes() -> None:
    import fingerprint.exchange as exchange

    whole = packed(made())
    for _ in range(300):
        data = bytearray(whole[: -exchange._DIGEST])
        for place in RNG.integers(8, len(data) if RNG.random() < 0.5 else 400, 3):
            data[place] = RNG.integers(256)
        signed = bytes(data) + exchange._digest(bytes(data))  # anybody can compute the checksum
        try:
            unpacked(signed)
        except StorageError:
            continue


def test_two_references_of_one_algorithm_are_refused() -> None:
    one = made()
    with pytest.raises(StorageError, match="two references of one algorithm"):
        unpacked(packed(replace(one, references=one.references * 2)))


def test_more_codes_than_a_second_can_hold_are_refused() -> None:
    """So few bytes that quotas do not hear of them would fill an index; of those at one moment all are compared with all."""
    one = made(400)
    at_once = np.sort(np.r_[np.arange(389) / 10, np.full(11, 7.0)])
    for times in (np.zeros(400), at_once):
        crowded = replace(one.references[0], times=times)
        with pytest.raises(
            StorageError, match=r"a reference with more than 10 codes of audio/3 in the second from"
        ):
            unpacked(packed(replace(one, references=(crowded,))))
    start, query = one.queries[0]
    crowded = replace(query.fingerprint, times=np.arange(400) / 40)
    with pytest.raises(
        StorageError, match=r"a query with more than 32 codes of audio/3 in the second from 0\.0 s"
    ):
        unpacked(packed(replace(one, queries=((start, replace(query, fingerprint=crowded)),))))


def test_a_query_that_is_longer_than_what_is_looked_at_together_is_refused() -> None:
    """All its codes would be compared with each other's in one go."""
    with pytest.raises(StorageError, match=r"a query of 62 s: parts of 61 s at most"):
        unpacked(packed(made(620)))


def test_a_query_whose_pictures_end_long_before_it_does_is_taken() -> None:
    one = made()
    start, query = one.queries[0]
    long = replace(query, fingerprint=replace(query.fingerprint, duration=240.0))
    assert len(unpacked(packed(replace(one, duration=240.0, queries=((start, long),)))).queries) == 1


def test_a_number_beyond_all_bounds_is_refused() -> None:
    import fingerprint.exchange as exchange

    head = b'{"name": "x", "sha256": "' + b"0" * 64 + b'", "parts": [], "duration": 1' + b"0" * 400 + b"}"
    whole = exchange._HEADER.pack(exchange.MAGIC, exchange.VERSION, len(head)) + head
    with pytest.raises(StorageError, match="does not hold together"):
        unpacked(whole + exchange._digest(whole))


def test_what_unfolds_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    two = packed(replace(made(), references=made().references + made(400, "video/3", 32).references))
    monkeypatch.setattr("fingerprint.exchange.LARGEST", 400 * 60)  # either alone would do
    with pytest.raises(StorageError, match="unfolds to 22800 bytes: at most"):
        unpacked(two)


@pytest.mark.parametrize("algorithm, width", [("audio-peaks/3", 7), ("audio-peaks/2", 16)])
def test_what_confirms_codes_is_registered_only_as_this_version_makes_it(
    tmp_path: Path, algorithm: str, width: int
) -> None:
    (codes,), (confirming,) = made().references, made(40, algorithm, width).references
    file = tmp_path / "a.whorl"
    file.write_bytes(packed(Exchange("a.wav", "0" * 64, 4.0, (codes, confirming))))
    handle = reader(Opening(tmp_path / "data", Limits()))
    with pytest.raises(MediaError, match=f"{width} bytes of {algorithm} are not among .*audio-peaks/3"):
        handle(Task("register", file, "a.whorl", "0" * 64), lambda _: None)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("service")) as started:
        register(started, "the-witness.opus", "harbour-lights.m4a", "night-shift.mp4")
        yield started


@pytest.mark.parametrize("name", ["cut-32kbit.mp3", "low-bitrate.mp4", "unknown-wind.m4a"])
def test_a_fingerprint_is_answered_as_its_file_is_where_no_disguise_is_undone(
    app: FastAPI, tmp_path: Path, name: str
) -> None:
    capture, settings = SAMPLES / "captures" / name, app.state.settings
    with Engine(settings.data, database=settings.database_url) as engine:
        expected = [(str(m.reference.id), m.verdict) for m in engine.examine(capture, thorough=False).matches]
    body = packed(fingerprinted(capture, True, Limits()))
    answer = client(app, "investigator").post(
        "/v1/matches/fingerprint?place=x.org", content=body, headers={"Content-Type": MEDIA_TYPE}
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [(m["reference"]["id"], m["verdict"]) for m in found["matches"]] == expected
    assert (found["searched"], found["query"]["name"]) == ("plain", name)


def test_a_fingerprint_too_short_to_be_found_is_an_error_and_no_miss(app: FastAPI) -> None:
    who, headers = client(app, "investigator"), {"Content-Type": MEDIA_TYPE}
    short = who.post("/v1/matches/fingerprint", content=packed(made(8)), headers=headers).json()
    assert (short["status"], short["error"]["code"]) == ("error", "too-short")
    longer = who.post("/v1/matches/fingerprint", content=packed(made(40)), headers=headers).json()
    assert (longer["status"], longer["error"]) == ("no-match", None)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", MEDIA_TYPE, 422),
        (b"WhorlEx\n" + b"\xff" * 1000, MEDIA_TYPE, 422),
        (packed(made())[:-1], MEDIA_TYPE, 422),
        (packed(made(algorithm="audio/9")), MEDIA_TYPE, 422),
        (packed(made(width=8)), MEDIA_TYPE, 422),
        (packed(Exchange("a", "0" * 64, 1.0)), MEDIA_TYPE, 422),
        (packed(made()), "application/octet-stream", 415),
    ],
)
def test_what_is_no_fingerprint_is_refused(app: FastAPI, body: bytes, kind: str, status: int) -> None:
    asks = client(app, "investigator")
    answer = asks.post("/v1/matches/fingerprint", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "clip.whorl"
    done = CliRunner().invoke(
        commands, ["fingerprint", str(SAMPLES / "captures" / "telephone.opus"), "--query", "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    back = unpacked(out.read_bytes())
    assert (back.name, len(back.queries)) == ("telephone.opus", 1)
    assert [made.algorithm for made in back.references] == ["audio/3", "audio-peaks/3"]
    data = ["--data", str(tmp_path / "data")]
    song = SAMPLES / "originals" / "harbour-lights.m4a"
    assert CliRunner().invoke(commands, [*data, "register", str(song)]).exit_code == 0
    matched = CliRunner().invoke(commands, [*data, "match", "--json", str(out)])
    assert matched.exit_code == 1
    said = json.loads(matched.stdout)["error"]["message"]
    assert "is a fingerprint" in said and "POST /v1/matches/fingerprint" in said
    missing = CliRunner().invoke(commands, ["fingerprint", str(tmp_path / "none.mp3")])
    assert missing.exit_code == 1
    assert json.dumps(back.name)


def test_nothing_is_written_beside_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive, here = tmp_path / "drive", tmp_path / "here"
    drive.mkdir()
    here.mkdir()
    shutil.copy(SAMPLES / "captures" / "telephone.opus", drive)
    monkeypatch.chdir(here)
    done = CliRunner().invoke(commands, ["fingerprint", str(drive / "telephone.opus")])
    assert (done.exit_code, done.stdout) == (0, "telephone.opus.whorl\n")
    assert [path.name for path in drive.iterdir()] == ["telephone.opus"]
    assert unpacked((here / "telephone.opus.whorl").read_bytes()).name == "telephone.opus"
