"""The page without a browser: who gets what, and what keeps a page from doing what others want."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from matching.engine import Engine
from service.jobs.work import keep_answer
from service.store import jobs
from service.streams.addresses import Addresses
from service.streams.fetch import Fetcher
from service.web.session import _ours
from service.web.shelf import Shelf
from tests.answers import answer
from tests.page import HOSTILE, SAMPLES, World, running
from tests.serving import serving

# What a page may not do: run or load what is not in a file of ours.
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
FORM = re.compile(r"<form[^>]*method=\"post\".*?</form>", re.DOTALL)
PLACES = ("/", "/review", "/answers", "/works", "/works/1", "/overlaps", "/streams", "/jobs", "/cases", "/search?q=river",
          "/admin", "/admin/audit")  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("data")) as found:
        yield found


def stranger(world: World) -> httpx.Client:
    """A browser, without its screen. Nothing is encrypted here, and to prepare for it would take long."""
    return httpx.Client(base_url=world.url, verify=False, trust_env=False)


@contextmanager
def visitor(world: World, role: str = "administrator") -> Iterator[httpx.Client]:
    """A browser in which somebody signed in."""
    with stranger(world) as browser:
        mark = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
        assert mark
        answer = browser.post("/sign-in", data={"csrf": mark[1], "key": world.keys[role], "next": "/answers"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/answers")
        yield browser


def token(browser: httpx.Client) -> str:
    found = re.search(r'data-csrf="([^"]+)"', browser.get("/answers").text)
    assert found
    return found[1]


def test_a_stranger_is_asked_to_sign_in(world: World) -> None:
    with stranger(world) as browser:
        for place in PLACES:
            answer = browser.get(place)
            assert (answer.status_code, answer.headers["location"][:15]) == (303, "/sign-in?next=/")


def test_every_page_forbids_what_is_not_in_our_files(world: World) -> None:
    with visitor(world) as browser:
        pages = [
            browser.get(place, headers={"Accept": "text/html"}) for place in (*PLACES, "/sign-in", "/nowhere")
        ]
    for page in pages:
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert not INLINE.search(page.text)


def test_every_form_holds_a_token(world: World) -> None:
    with visitor(world) as browser:
        forms = [form for place in (*PLACES, "/sign-in") for form in FORM.findall(browser.get(place).text)]
    assert len(forms) > len(PLACES)
    assert all(re.search(r'name="csrf" value="[^"]{16,}"', form) for form in forms)


def test_a_form_of_another_site_signs_nobody_in(world: World) -> None:
    with stranger(world) as browser:
        browser.get("/sign-in")
        answer = browser.post("/sign-in", data={"key": world.keys["holder"], "csrf": "guessed"})
        assert answer.status_code == 401
        assert "whorl_session" not in browser.cookies


def test_a_wrong_key_is_told(world: World) -> None:
    with stranger(world) as browser:
        mark = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
        assert mark
        answer = browser.post("/sign-in", data={"csrf": mark[1], "key": "whorl_x"})
    assert answer.status_code == 401
    assert "This key is not known" in answer.text


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("/cases", {"name": "A case"}),
        ("/admin/keys", {"label": "x", "org": "1", "role": "holder"}),
        ("/sign-out", {}),
    ],
)
def test_a_change_without_the_token_is_refused(world: World, place: str, fields: dict[str, str]) -> None:
    with visitor(world) as browser:
        assert browser.post(place, data=fields).status_code == 403
        assert browser.post(place, data=fields | {"csrf": "0" * 32}).status_code == 403
        assert browser.get("/cases").status_code == 200  # and still signed in
        assert "A case" not in browser.get("/cases").text


def test_signing_out_ends_the_session(world: World) -> None:
    with visitor(world) as browser, stranger(world) as thief:
        thief.cookies.set("whorl_session", browser.cookies["whorl_session"])
        assert thief.get("/answers").status_code == 200
        assert browser.post("/sign-out", data={"csrf": token(browser)}).headers["location"] == "/sign-in"
        assert thief.get("/answers").status_code == 303


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"],
)
def test_nobody_is_sent_elsewhere_after_signing_in(address: str) -> None:
    assert _ours(address) == "/"


def test_hostile_names_are_shown_and_do_nothing(world: World) -> None:
    with visitor(world, "investigator") as browser:
        for place in ("/answers", f"/answers/{world.answers[HOSTILE]}"):
            text = browser.get(place).text
            assert "<script>document" not in text
            assert "&lt;script&gt;document.title=" in text
            assert "\\u202egpj.exe\\x1b[31m" in text
            assert not set("\u202e\x1b") & set(text)


def test_media_are_served_in_parts(world: World) -> None:
    place = f"/media/answers/{world.answers['mirrored.mp4']}/capture"
    with visitor(world, "investigator") as browser:
        part = browser.get(place, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-type"] == "video/mp4"
    assert part.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in part.headers["content-security-policy"]


def test_pictures_are_drawn_by_the_sandbox(world: World) -> None:
    place = f"/media/answers/{world.answers['mirrored.mp4']}"
    ref = world.references["night-shift.mp4"]
    with visitor(world, "investigator") as browser:
        frame = browser.get(f"{place}/originals/{ref}/frame?at=5.3")
        sound = browser.get(f"{place}/capture/sound?start=0&seconds=3")
        beyond = browser.get(f"{place}/capture/frame?at=nan")
    assert frame.content[:3] == b"\xff\xd8\xff"
    assert sound.content[:4] == b"\x89PNG"
    assert beyond.status_code == 422


def test_media_are_for_those_who_see_the_answer(world: World) -> None:
    answer = world.answers["mirrored.mp4"]
    places = [f"/media/answers/{answer}/capture", f"/media/answers/{answer}/originals/{world.references['night-shift.mp4']}",
              f"/media/answers/{answer}/capture/frame?at=1", f"/answers/{answer}"]  # fmt: skip
    with visitor(world, "holder") as other:  # of another organisation
        assert [other.get(place).status_code for place in places] == [404] * 4
    with stranger(world) as nobody:
        assert [nobody.get(place).status_code for place in places] == [303] * 4


def test_originals_lie_in_a_folder_too_and_are_told_by_their_bytes(world: World, tmp_path: Path) -> None:
    other = "market-day.mp3"
    (tmp_path / "below").mkdir()
    reference = {"id": world.references[other]}
    shelf = Shelf(world.app)
    kept = shelf.original(reference)
    assert kept is not None
    world.app.state.settings.originals = str(tmp_path)
    moved = kept.rename(tmp_path / "moved")
    try:
        assert shelf.original(reference) is None
        (tmp_path / other).write_bytes(b"something else of this name")
        assert shelf.original(reference) is None
        shutil.copyfile(moved, tmp_path / "below" / other)
        assert shelf.original(reference) == tmp_path / "below" / other
    finally:
        moved.rename(kept)
        world.app.state.settings.originals = ""


def test_an_original_that_is_not_in_the_answer_is_not_served(world: World) -> None:
    place = f"/media/answers/{world.answers['mirrored.mp4']}/originals/{world.references['atoll.mkv']}"
    with visitor(world, "investigator") as browser:
        assert browser.get(place).status_code == 404


def test_roles_are_offered_what_they_may_do(world: World) -> None:
    for role, offered, not_offered in (
        ("investigator", "/cases", "/admin"),
        ("holder", "/works", "/cases"),
        ("reviewer", "/review", "/works"),
    ):
        with visitor(world, role) as browser:
            text = browser.get("/answers").text
            assert f'<a href="{offered}"' in text
            assert f'<a href="{not_offered}"' not in text
            assert browser.get(not_offered).status_code == 403


def test_an_answer_offers_to_be_examined_again_while_its_file_is_kept(world: World) -> None:
    name, capture = "telephone.opus", SAMPLES / "captures" / "telephone.opus"
    with world.client("investigator") as asks, visitor(world, "investigator") as browser:
        job = asks.post("/v1/matches", files={"file": (name, capture.read_bytes())}).json()
        first, held = answered(world, job, {1}), job["upload"]
        text = browser.get(f"/answers/{first}").text
        assert "originals were still being registered while it was examined" in text
        assert "before all was registered" in browser.get("/answers").text
        assert f'hx-post="/jobs/{job["id"]}/retry"' in text
        begun = browser.post(f"/jobs/{job['id']}/retry", headers={"x-csrf-token": token(browser)})
        assert (begun.status_code, "waiting" in begun.text) == (200, True)
        assert "being examined again" in browser.get(f"/answers/{first}").text
        last = answered(world, job, set())
        assert f'<a href="/answers/{last}">see the last answer</a>' in browser.get(f"/answers/{first}").text
        assert "compared with all that was registered then" in browser.get(f"/answers/{last}").text
        world.app.state.incoming.remove(held)
        text = browser.get(f"/answers/{last}").text
        assert "no longer kept here" in text and "Examine again" not in text


def answered(world: World, job: dict[str, Any], registering: set[int]) -> str:
    """Ends a job as a worker does, with an answer that knows of no match; the answer's id."""
    store = world.app.state.store
    with world.client("investigator") as asks:
        run = jobs.states(store, [job["id"]])[0].run
        begun = jobs.begin(store, job["id"], run)
        assert begun is not None
        begun = replace(begun, registering=frozenset(registering))
        with Engine(world.app.state.settings.data) as engine:
            assert keep_answer(store, engine, begun, answer(name=job["name"]))
        found: str = asks.get(f"/v1/jobs/{job['id']}").json()["match"]
    return found


def test_files_of_the_page_are_kept_for_ever_under_the_name_of_their_content(world: World) -> None:
    with stranger(world) as browser:
        places = re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.get("/sign-in").text)
        answers = [browser.get(place) for place in places]
        assert browser.get("/static/x/..%2fpages.py").status_code == 404
    assert {answer.status_code for answer in answers} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


def test_a_licence_is_added_and_taken_back(world: World) -> None:
    with visitor(world, "holder") as browser:
        csrf = token(browser)
        given = {"csrf": csrf, "territory": "lv", "starts": "2026-05-01"}
        assert browser.post("/works/2/licences", data=given).status_code == 303
        assert "1 May 2026" in browser.get("/works/2").text
        assert browser.post("/works/2/licences/0/remove", data={"csrf": csrf}).status_code == 303
        assert "No licences." in browser.get("/works/2").text


def test_a_work_is_registered_on_the_page(world: World) -> None:
    about = {"title": "Nosferatu", "kind": "film", "identifier": "isrc:USRC17607839"}
    with visitor(world, "holder") as browser:
        place = browser.post("/works", data=about | {"csrf": token(browser)}).headers["location"]
        text = browser.get(place).text
        assert "isrc:USRC17607839" in text
        assert "No file of this work is registered." in text
        wrong = browser.post("/works", data=about | {"csrf": token(browser), "identifier": "isbn:123"})
        assert wrong.status_code == 422
        assert "isbn" in wrong.text


def test_a_person_is_added_and_shut_out(world: World) -> None:
    about = {"name": "Ilze", "email": "ilze@unit4.example", "org": "1", "role": "reviewer"}
    with visitor(world) as browser:
        csrf = token(browser)
        assert browser.post("/admin/people", data=about | {"csrf": csrf}).status_code == 303
        place = re.search(r"/admin/people/\d+", browser.get("/admin").text)
        assert place
        assert browser.post(place[0], data={"csrf": csrf, "active": "no"}).status_code == 303
        assert "may not sign in" in browser.get("/admin").text


def test_a_provider_is_offered_where_there_is_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with stranger(world) as browser:
        assert "/v1/login/oidc" not in browser.get("/sign-in").text
        monkeypatch.setattr(world.app.state.settings, "oidc_issuer", "https://id.example")
        assert "/v1/login/oidc?next=/works" in browser.get("/sign-in?next=/works").text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.mp4", "http://[::1]/x.mp4", "http://2130706433/", "file:///etc/passwd", "x"]
)
def test_nothing_is_fetched_from_inside_the_network(world: World, url: str) -> None:
    with visitor(world, "investigator") as browser:
        sent = {"csrf": (csrf := token(browser)), "url": url}
        answer = browser.post(
            "/from-address", data=sent, headers={"X-CSRF-Token": csrf, "HX-Request": "true"}
        )
    assert answer.status_code == 422
    assert "127.0.0.1, " not in answer.text


def test_what_breaks_off_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.app.state, "fetcher", Fetcher(Addresses(["127.0.0.1"])))
    with serving() as pirate, visitor(world, "investigator") as browser:
        pirate.pages["/x.mp4"] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"
        sent = {"csrf": (csrf := token(browser)), "url": pirate.url("/x.mp4")}
        before = browser.get("/v1/uploads").json()
        answer = browser.post(
            "/from-address", data=sent, headers={"X-CSRF-Token": csrf, "HX-Request": "true"}
        )
        assert answer.status_code == 422
        assert browser.get("/v1/uploads").json() == before


def test_a_case_is_opened_renamed_and_closed(world: World) -> None:
    with visitor(world, "investigator") as browser:
        csrf = token(browser)
        place = browser.post("/cases", data={"csrf": csrf, "name": "Riga market"}).headers["location"]
        browser.post(place, data={"csrf": csrf, "name": "Riga harbour"})
        browser.post(place, data={"csrf": csrf, "closed": "yes"})
        text = browser.get(place).text
    assert "Riga harbour" in text
    assert "Open it again" in text


def test_a_first_visit_says_what_to_do(tmp_path: Path) -> None:
    told = {
        "/": "Hand in a capture", "/answers": "Hand in a capture", "/review": "Nothing waits for you",
        "/works": "Whorl finds only what is registered", "/jobs": "A job begins when", "/cases": "Open one above",
    }  # fmt: skip
    with running(tmp_path, filled=False) as empty, visitor(empty) as browser:
        assert [place for place, words in told.items() if words not in browser.get(place).text] == []
