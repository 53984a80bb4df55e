"""Resumable uploads, spoken by hand: what the tus protocol asks for, and what hostile senders get."""

import base64
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from service import incoming
from service.incoming import IncomingError, named
from tests.service import client, served

BYTES = os.urandom(300_000)
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data"), max_upload=1 << 20, quota=64 << 20) as started:
        yield started


@pytest.fixture(scope="module")
def sender(app: FastAPI) -> TestClient:
    return client(app, "investigator")


def begun(sender: TestClient, length: int = len(BYTES), name: str = "film.mp4") -> str:
    """The place of a new upload."""
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    made = sender.post(
        "/v1/uploads", headers={**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata}
    )
    assert made.status_code == 201, made.text
    return str(made.headers["Location"])


def sent(sender: TestClient, place: str, offset: int, data: bytes, **headers: str) -> Response:
    return sender.patch(place, content=data, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def offset(sender: TestClient, place: str) -> int:
    return int(sender.head(place, headers=TUS).headers["Upload-Offset"])


def kept(app: FastAPI, place: str) -> Path:
    path: Path = app.state.incoming.path(place.rsplit("/", 1)[-1])
    return path


def test_pieces_make_a_whole_whose_hash_is_known(app: FastAPI, sender: TestClient) -> None:
    place = begun(sender)
    for start in range(0, len(BYTES), 100_000):
        answer = sent(sender, place, start, BYTES[start : start + 100_000])
        assert (answer.status_code, answer.headers["Tus-Resumable"]) == (204, "1.0.0")
    state = sender.get(place).json()
    assert (state["received"], state["sha256"]) == (len(BYTES), hashlib.sha256(BYTES).hexdigest())
    assert kept(app, place).read_bytes() == BYTES


def test_the_hash_is_right_after_a_restart_in_the_middle(database: str, tmp_path: Path) -> None:
    with served(tmp_path, database=database) as app:
        place = begun(client(app))
        sent(client(app), place, 0, BYTES[:1234])
    with served(tmp_path, database=database) as app:
        assert offset(client(app), place) == 1234
        sent(client(app), place, 1234, BYTES[1234:])
        assert client(app).get(place).json()["sha256"] == hashlib.sha256(BYTES).hexdigest()


def test_what_was_never_acknowledged_is_overwritten(app: FastAPI, sender: TestClient) -> None:
    place = begun(sender)
    sent(sender, place, 0, BYTES[:1000])
    with kept(app, place).open("ab") as file:
        file.write(b"rubbish after a power cut")
    sent(sender, place, 1000, BYTES[1000:])
    assert kept(app, place).read_bytes() == BYTES


def test_a_piece_with_a_wrong_checksum_changes_nothing(sender: TestClient) -> None:
    place = begun(sender)
    right = base64.b64encode(hashlib.sha1(BYTES[:500], usedforsecurity=False).digest()).decode()
    wrong = sent(sender, place, 0, BYTES[1:501], **{"Upload-Checksum": f"sha1 {right}"})
    assert (wrong.status_code, offset(sender, place)) == (460, 0)
    assert sent(sender, place, 0, BYTES[:500], **{"Upload-Checksum": f"sha1 {right}"}).status_code == 204
    assert offset(sender, place) == 500
    assert sent(sender, place, 500, BYTES[500:]).status_code == 204
    assert sender.get(place).json()["sha256"] == hashlib.sha256(BYTES).hexdigest()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "lots"}, 400),
        ({"Upload-Length": str(2 << 20)}, 413),
        ({"Upload-Metadata": "filename %%%"}, 400),
        ({"Upload-Metadata": f"filename {base64.b64encode(b'a' * 65536).decode()}"}, 422),
        ({"Upload-Metadata": f"filename {base64.b64encode(bytes([120, 0, 121])).decode()}"}, 422),
    ],
)
def test_a_bad_beginning_is_refused_and_leaves_nothing(
    app: FastAPI, sender: TestClient, headers: dict[str, str], status: int
) -> None:
    before = sender.get("/v1/uploads", params={"limit": 200}).json()["items"]
    answer = sender.post("/v1/uploads", headers={**TUS, "Upload-Length": "10", **headers})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert sender.get("/v1/uploads", params={"limit": 200}).json()["items"] == before


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Upload-Offset": "7"}, b"x", 409),
        ({"Upload-Offset": "x"}, b"x", 400),
        ({"Content-Type": "text/plain"}, b"x", 415),
        ({"Upload-Checksum": "crc32 AAAA"}, b"x", 400),
        ({"Upload-Checksum": "sha1 AAAA"}, b"x", 400),
        ({}, b"longer than ten bytes", 413),
    ],
)
def test_a_bad_piece_is_refused_and_changes_nothing(
    sender: TestClient, headers: dict[str, str], data: bytes, status: int
) -> None:
    place = begun(sender, 10)
    answer = sender.patch(place, content=data, headers={**PIECE, "Upload-Offset": "0", **headers})
    assert answer.status_code == status, answer.text
    assert offset(sender, place) == 0


def test_strangers_see_no_upload_of_others(app: FastAPI, sender: TestClient) -> None:
    place, stranger = begun(sender), client(app, "investigator", "another unit")
    assert stranger.head(place, headers=TUS).status_code == 404
    assert sent(stranger, place, 0, b"x").status_code == 404
    assert stranger.delete(place, headers=TUS).status_code == 404
    assert stranger.get(place).status_code == 404
    assert place not in stranger.get("/v1/uploads").text


def test_an_upload_that_is_ended_leaves_nothing(app: FastAPI, sender: TestClient) -> None:
    place = begun(sender)
    sent(sender, place, 0, BYTES[:10])
    assert sender.delete(place, headers=TUS).status_code == 204
    assert sender.head(place, headers=TUS).status_code == 404
    assert not kept(app, place).exists()


def test_what_nobody_goes_on_with_is_removed(tmp_path: Path) -> None:
    with served(tmp_path, kept=0) as app:
        place = begun(client(app))
        stray = app.state.incoming.path("ab" * 16)
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"no row knows it")
        assert app.state.incoming.sweep() == 2
        assert not kept(app, place).exists() and not stray.exists()
        assert client(app).head(place, headers=TUS).status_code == 404


def test_a_disk_that_fills_loses_nothing_that_was_acknowledged(
    app: FastAPI, sender: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = begun(sender)
    sent(sender, place, 0, BYTES[:1000])

    def full(self: Any, data: bytes, safe: bool = True) -> None:
        raise incoming._disk(OSError(errno.ENOSPC, "No space left on device"))

    with monkeypatch.context() as patched:
        patched.setattr(incoming.Writing, "write", full)
        assert sent(sender, place, 1000, BYTES[1000:2000]).status_code == 507
    assert offset(sender, place) == 1000
    assert sent(sender, place, 1000, BYTES[1000:]).status_code == 204
    assert kept(app, place).read_bytes() == BYTES


def test_an_organisation_has_a_quota_and_a_disk_keeps_some_space(tmp_path: Path) -> None:
    with served(tmp_path / "a", quota=1000) as app:
        begun(client(app), 900)
        refused = client(app).post("/v1/uploads", headers={**TUS, "Upload-Length": "200"})
        assert (refused.status_code, refused.json()["code"]) == (413, "quota")
    with served(tmp_path / "b", spare=1 << 60) as app:
        assert client(app).post("/v1/uploads", headers={**TUS, "Upload-Length": "1"}).status_code == 507


def test_a_server_says_what_it_speaks(sender: TestClient) -> None:
    about = sender.options("/v1/uploads").headers
    assert about["Tus-Version"] == "1.0.0"
    assert set(about["Tus-Extension"].split(",")) == {"creation", "checksum", "termination", "expiration"}
    place = begun(sender)
    overridden = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert sender.post(place, content=b"abc", headers=overridden).headers["Upload-Offset"] == "3"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\films\\a.mp4", "a.mp4"),
        ("..", "unnamed"),
        ("<script>.mp4", "<script>.mp4"),
    ],
)
def test_a_name_is_only_a_name(given: str, name: str) -> None:
    assert named(given) == name


@pytest.mark.parametrize("given", ["a\0b", "a\nb", "x" * 256, "\ud800"])
def test_what_cannot_be_a_name_is_refused(given: str) -> None:
    with pytest.raises(IncomingError):
        named(given)


def form(file: bytes, name: str = "a.mp3", end: bytes = b"--B--\r\n", field: str = "file") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + file + b"\r\n" + end


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (form(b"abc", end=b""), "multipart/form-data; boundary=B", 400),
        (form(b"abc", field="other"), "multipart/form-data; boundary=B", 422),
        (form(b"abc", name="a" * 300), "multipart/form-data; boundary=B", 422),
        (form(b"abc", end=form(b"second")), "multipart/form-data; boundary=B", 422),
        (b"--B--\r\n", "multipart/form-data; boundary=B", 422),
        (b"no form at all", "multipart/form-data; boundary=B", 400),
        (form(b"abc"), "multipart/form-data", 400),
        (form(b"x" * (1 << 20)), "multipart/form-data; boundary=B", 413),
        (b"[1]", "application/json", 422),
        (b'{"upload": 7}', "application/json", 422),
        (b'{"upload": "7"}', "application/json", 404),
        (b"abc", "video/mp4", 415),
    ],
)
def test_a_bad_form_is_refused_and_leaves_nothing(
    app: FastAPI, sender: TestClient, body: bytes, kind: str, status: int
) -> None:
    before = sender.get("/v1/uploads", params={"limit": 200}).json()["items"]
    answer = sender.post("/v1/matches", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert sender.get("/v1/uploads", params={"limit": 200}).json()["items"] == before
