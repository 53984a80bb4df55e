"""The page for tests: the service on a real port, with samples in it, and a real browser."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from fingerprint.media import sha256
from index.catalog import Catalog
from service.api.app import create_app
from service.settings import Settings
from service.store.accounts import org_named
from service.store.store import now
from service.store.tables import uploads
from service.store.works import details, own
from tests.answers import answer, keep
from tests.service import ORG, key_of
from tests.test_catalog import random_fingerprint

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--autoplay-policy=no-user-gesture-required"]  # fmt: skip
UNIT = "Unit 4"
DESK, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
MODES: tuple[tuple[ViewportSize, Literal["light", "dark"]], ...] = ((DESK, "light"), (PHONE, "dark"))
HOSTILE = "<script>document.title='owned'</script>\u202egpj.exe\x1b[31m"
DISGUISE = {"mirror": False, "crop": None, "pitch": 0.0}


class World:
    """The service at ``url``, and what is in it: ids of answers and references by the name of their file."""

    def __init__(self, app: FastAPI, url: str) -> None:
        self.app, self.url = app, url
        self.references: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.keys = {role: key_of(app, role, UNIT) for role in ("investigator", "reviewer", "administrator")}
        self.keys["holder"] = key_of(app, "holder", ORG)

    def client(self, role: str) -> httpx.Client:
        """A program with a key of this role."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.keys[role]}"})

    def register(self, name: str) -> None:
        """A work of Prana-Film's with this file of the samples, which was uploaded."""
        path, store = SAMPLES / "originals" / name, self.app.state.store
        with self.client("holder") as holder:
            work = holder.post(
                "/v1/works", json={"title": path.stem.replace("-", " ").title(), "kind": "film"}
            )
        about, owner = details(store, org_named(store, ORG), work.json()["id"])
        catalog = Catalog(self.app.state.settings.database_url)
        made = [random_fingerprint(len(self.references) + 1)]
        found = (about.title, about.kind, owner, about.identifiers)
        reference = catalog.add(name, sha256(path), 30.0, made, *found)
        catalog.close()
        own(store, org_named(store, ORG), reference.id, work.json()["id"], name, ())
        self.references[name] = str(reference.id)
        self.upload(path, ORG)

    def upload(self, path: Path, org: str) -> None:
        """A finished upload of this file."""
        made = {
            "id": secrets.token_hex(16),
            "org_id": org_named(self.app.state.store, org),
            "actor": "a test",
        }
        size = path.stat().st_size
        whole = {"length": size, "received": size, "sha256": sha256(path), "created": now(), "touched": now()}
        with self.app.state.store.write() as connection:
            connection.execute(sa.insert(uploads).values(**made, name=path.name, **whole))
        place = self.app.state.incoming.path(made["id"])
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)

    def capture(self, name: str, duration: float, *matches: dict[str, Any], called: str = "") -> None:
        """An answer to a file of the samples, which Unit 4 uploaded."""
        path = SAMPLES / "captures" / name
        self.upload(path, UNIT)
        kinds = ["audio", "video"] if path.suffix == ".mp4" else ["audio"]
        query = {"name": called or name, "sha256": sha256(path), "duration": duration, "kinds": kinds}
        self.answers[called or name] = keep(
            self.app, answer(*matches) | {"query": query}, UNIT, place="pirate.example"
        )

    def match(self, original: str, *segments: dict[str, Any], verdict: str = "match") -> dict[str, Any]:
        """A match of a registered file."""
        named = {
            "id": self.references[original],
            "name": original,
            "title": Path(original).stem,
            "owner": ORG,
        }
        certain = 1e-12 if verdict == "match" else 1e-2
        return {
            "reference": named,
            "verdict": verdict,
            "expected_false_matches": certain,
            "segments": list(segments),
        }


def segment(
    kind: str, query: float, ref: float, seconds: float, scale: float = 1.0, **disguise: Any
) -> dict[str, Any]:
    """Seconds of a capture that are seconds of an original."""
    span = {
        "query_start": query,
        "query_end": query + seconds,
        "ref_start": ref,
        "ref_end": ref + scale * seconds,
    }
    return {"kind": kind, **span, "time_scale": scale, "disguise": DISGUISE | disguise, "score": 50.0}


def fill(world: World) -> None:
    """Works and answers as an investigator meets them."""
    for name in ("night-shift.mp4", "the-river.mp4", "atoll.mkv", "market-day.mp3"):
        world.register(name)
    both = (segment("audio", 0, 3, 14), segment("video", 0, 3, 14, mirror=True))
    world.capture("unknown-song.mp3", 10.0, called=HOSTILE)
    faster = (segment("video", 0, 9, 12.5, 1.04), segment("audio", 0, 9, 12.5, 1.04))
    world.capture("sped-up-4-percent.mp4", 12.5, world.match("the-river.mp4", *faster))
    world.capture(
        "noisy.m4a", 14.0, world.match("market-day.mp3", segment("audio", 0, 20, 14), verdict="review")
    )
    world.capture("mirrored.mp4", 14.0, world.match("night-shift.mp4", *both, verdict="review"))
    first, second = segment("video", 0, 19, 9), segment("video", 9, 1, 10)
    world.capture(
        "two-films.mp4", 19.0, world.match("the-river.mp4", first), world.match("atoll.mkv", second)
    )


@contextmanager
def running(data: Path, filled: bool = True, **settings: Any) -> Iterator[World]:
    """The service on a free port."""
    app = create_app(Settings(**{"data": data, "requests_a_minute": 10**6, **settings}))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        world = World(app, f"http://127.0.0.1:{port}")
        if filled:
            fill(world)
        yield world
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser. Where there is none its tests skip; under CI they fail."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        words = "no Chromium: on Debian, apt install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    expect.set_options(timeout=15_000)  # a machine may do much else
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def signed_in(page: Page, world: World, role: str) -> Page:
    """The page after its visitor signed in with a key."""
    page.goto(f"{world.url}/sign-in")
    page.get_by_label("API key").fill(world.keys[role])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def faults(page: Page) -> list[Any]:
    """What axe finds wrong with a page, and whether it is wider than the window."""
    found = Axe().run(page).response["violations"]
    told: list[Any] = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*told, *(["wider than the window"] if wide else [])]


@contextmanager
def window(browser: Browser, troubles: list[str], how: dict[str, Any]) -> Iterator[Page]:
    """A new browser window; what its console complains of is added to ``troubles``."""
    context = browser.new_context(**{"viewport": DESK, "color_scheme": "light", **how})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    context.close()
