"""Input as nobody should send it: each gets the right status, and nothing is left behind."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.answers import answer, keep, match, register
from tests.service import client, key_of, served

Routes = list[tuple[str, str, dict[str, Any]]]

JSON = {"Content-Type": "application/json"}
LONG = "x" * (64 << 10)
SCRIPT = "<script>alert(1)</script>"
HOSTILE_NAMES = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "a\u202egpj.exe",
    f"{SCRIPT}.mp4",
    "..",
    "C:\\x.mp4",
    "=1+1.mp4",
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("here") / "service", requests_a_minute=10**6) as started:
        yield started


@pytest.fixture(scope="module")
def admin(app: FastAPI) -> TestClient:
    return client(app)


def there(app: FastAPI, admin: TestClient) -> list[Any]:
    """Works, cases, licences, verdicts, uploads, jobs, keys, organisations, and the files of uploads."""
    works = [work["id"] for work in admin.get("/v1/works").json()["items"]]
    matches = [one["id"] for one in admin.get("/v1/matches").json()["items"]]
    paths = ["works", "cases", "uploads", "jobs", "orgs", *(f"works/{one}/licences" for one in works)]
    paths += [f"matches/{one}/verdicts" for one in matches]
    rows = [admin.get(f"/v1/{path}").json()["items"] for path in paths]
    keys = {one["id"] for one in admin.get("/v1/keys").json()["items"]}
    return [
        *rows,
        keys,
        {path.name for path in (app.state.settings.data / "uploads").rglob("*") if path.is_file()},
    ]


@contextmanager
def nothing_left(app: FastAPI, admin: TestClient) -> Iterator[None]:
    """Whatever is asked in between, afterwards there is what was there before."""
    before = there(app, admin)
    yield
    deadline = time.monotonic() + 10
    while there(app, admin) != before and time.monotonic() < deadline:
        time.sleep(0.05)  # a broken line is noticed a moment later
    assert there(app, admin) == before


@pytest.fixture(scope="module")
def routes(app: FastAPI) -> Routes:
    """A request of each route that takes text, with a place for it: the value "TEXT"."""
    work = client(app, "holder").post("/v1/works", json={"title": "Work"}).json()["id"]
    ref_id = register(app, work, 1)
    verdict = {"reference": str(ref_id), "verdict": "confirm", "note": "TEXT"}
    return [
        ("POST", "/v1/works", {"title": "TEXT"}),
        ("POST", "/v1/works", {"title": "x", "kind": "TEXT"}),
        ("POST", "/v1/works", {"title": "x", "identifiers": ["archive:TEXT"]}),
        ("PATCH", f"/v1/works/{work}", {"title": "TEXT"}),
        ("PUT", f"/v1/works/{work}/licences", {"items": [{"place": "TEXT"}]}),
        ("POST", "/v1/cases", {"name": "TEXT"}),
        ("POST", f"/v1/matches/{keep(app, answer(match(ref_id)))}/verdicts", verdict),
        ("POST", "/v1/matches", {"upload": "TEXT"}),
        ("POST", "/v1/references", {"upload": "TEXT", "work": work}),
        ("POST", "/v1/orgs", {"name": "TEXT"}),
        ("POST", "/v1/keys", {"label": "TEXT", "role": "holder"}),
    ]


@pytest.mark.parametrize(
    "text",
    [LONG, "a\0b", "a\u202eb", "a\x1bb", "\ud800"],
    ids=["64 kB", "NUL", "RTL", "ESC", "surrogate"],
)
def test_text_that_no_name_is_made_of_is_refused(
    app: FastAPI, admin: TestClient, routes: Routes, text: str
) -> None:
    with nothing_left(app, admin):
        for method, path, body in routes:
            said = (
                json.dumps(body).replace('"TEXT"', json.dumps(text)).replace("TEXT", json.dumps(text)[1:-1])
            )
            refused = admin.request(method, path, content=said, headers=JSON)
            assert refused.status_code in (404, 413, 422), (method, path, refused.text[:300])
            assert refused.headers["content-type"] == "application/problem+json"
            assert len(refused.content) < 10_000, path


def test_markup_is_text_and_nobody_takes_it_for_a_page(admin: TestClient) -> None:
    made = admin.post("/v1/works", json={"title": SCRIPT})
    assert made.status_code == 201 and made.json()["title"] == SCRIPT
    shown = admin.get(made.headers["Location"])
    assert shown.headers["content-type"] == "application/json"
    assert shown.headers["x-content-type-options"] == "nosniff"
    missing = admin.get(f"/v1/works/{SCRIPT}")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "image/png"]
)
def test_a_body_of_another_type_is_not_read(
    app: FastAPI, admin: TestClient, routes: Routes, kind: str
) -> None:
    with nothing_left(app, admin):
        for method, path, body in routes:
            refused = admin.request(method, path, content=json.dumps(body), headers={"Content-Type": kind})
            assert refused.status_code == 415, (method, path, refused.text)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 50_000, b"\xff\xfe", b"null", b'"x"', b'{"title": NaN}', b'{"title": "x", "title": 1}'],
    ids=["empty", "broken", "deep", "no UTF-8", "null", "string", "NaN", "twice"],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(
    app: FastAPI, admin: TestClient, routes: Routes, body: bytes
) -> None:
    with nothing_left(app, admin):
        for method, path, _ in routes:
            refused = admin.request(method, path, content=body, headers=JSON)
            assert refused.status_code in (400, 422), (method, path, refused.text)


def test_a_json_body_that_would_fill_the_memory_is_refused(app: FastAPI, admin: TestClient) -> None:
    def drops() -> Iterator[bytes]:
        yield b'{"title": "'
        for _ in range(40):
            yield b"x" * (64 << 10)

    with nothing_left(app, admin):
        for body in (b'{"title": "' + b"x" * (2 << 20) + b'"}', drops()):
            assert admin.post("/v1/works", content=body, headers=JSON).status_code == 413


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_file_name_is_a_name_and_no_path(app: FastAPI, admin: TestClient, name: str) -> None:
    taken = admin.post("/v1/matches", files={"file": (name, b"x" * 100)})
    assert taken.status_code == 202, taken.text
    upload = admin.get(f"/v1/uploads/{taken.json()['upload']}").json()
    assert "/" not in upload["name"] and "\\" not in upload["name"] and upload["name"] not in ("", ".", "..")
    data = app.state.settings.data
    assert upload["id"] in {path.name for path in (data / "uploads").rglob("*") if path.is_file()}
    assert not (data.parent / "etc").exists()


def form(name: bytes, content: bytes = b"x" * 100, end: bytes = b"\r\n--b--\r\n") -> bytes:
    """A form with one file."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
    return head + content + end


@pytest.mark.parametrize(
    ("body", "status"),
    [(form(b"a\0b.mp4"), 422), (form(b"a\x1b[2J.mp4"), 422), (form(LONG.encode()), 400), (form(b"x" * 300), 422),
     (form(b"a.mp4", end=b""), 400), (form(b"a.mp4", end=b"\r\n--b"), 400), (b"", 422), (b"--b--\r\n", 422),
     (form(b"a.mp4", end=b"\r\n") + form(b"b.mp4"), 422), (b"x" * 1000, 400)],
    ids=["NUL", "ESC", "64 kB", "300 characters", "no end", "half an end", "empty", "no part", "two files", "no form"],
)  # fmt: skip
def test_a_form_that_cannot_be_meant_leaves_nothing(
    app: FastAPI, admin: TestClient, body: bytes, status: int
) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    with nothing_left(app, admin):
        for path in ("/v1/matches", "/v1/references"):
            refused = admin.post(path, content=body, headers=kind)
            assert refused.status_code == status, refused.text


@pytest.mark.parametrize(
    "about",
    [
        {"territory": "UK"},
        {"at": "soon"},
        {"case": "0" * 32},
        {"place": "a\u202eb"},
        {"priority": "0"},
        {"unknown": "x"},
    ],
    ids=str,
)
def test_a_file_with_wrong_details_leaves_nothing(
    app: FastAPI, admin: TestClient, about: dict[str, str]
) -> None:
    with nothing_left(app, admin):
        refused = admin.post("/v1/matches", files={"file": ("a.mp4", b"x" * 100)}, data=about)
        assert refused.status_code in (404, 422), refused.text


@pytest.mark.parametrize("work", ["77", "x", "a\0b"])
def test_an_original_of_no_work_leaves_nothing(app: FastAPI, admin: TestClient, work: str) -> None:
    with nothing_left(app, admin):
        refused = admin.post("/v1/references", files={"file": ("a.mp4", b"x" * 100)}, data={"work": work})
        assert refused.status_code in (404, 422), refused.text


@pytest.mark.parametrize(
    "path", ["/v1/works/%00", "/v1/jobs/%00", "/v1/matches/a%00b", "/v1/cases/%00", "/%00"]
)
def test_a_path_with_a_nul_leads_nowhere(admin: TestClient, path: str) -> None:
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/works?q=%00", "/v1/jobs?after=%00~1", "/v1/matches?case=%00", "/v1/cases?q=%00"]
)
def test_a_query_with_a_nul_is_refused(admin: TestClient, path: str) -> None:
    assert admin.get(path).status_code == 422


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    """The service on a port of its own, for what no honest client sends."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def sent(port: int, head: str, body: bytes) -> bytes:
    """The first bytes of the answer to what is sent, after which nothing more comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        return line.recv(1000)


@pytest.mark.parametrize("length", ["1000000", "10", "-1", "9" * 30, "x", "1, 2"])
def test_a_lying_length_leaves_nothing(app: FastAPI, admin: TestClient, port: int, length: str) -> None:
    key = key_of(app)
    head = f"POST /v1/matches HTTP/1.1\nHost: x\nAuthorization: Bearer {key}\nContent-Length: {length}\n"
    with nothing_left(app, admin):
        answered = sent(port, head + "Content-Type: multipart/form-data; boundary=b", form(b"a.mp4"))
        assert not answered or answered.split(b" ")[1] in (b"400", b"413", b"422"), answered
