"""The wall of streams in a real browser: what is on, alarms as they come, and the history of a stream."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from evidence.answer import Json
from evidence.pictures import still
from service.store.events import keep
from service.store.tables import streams
from service.watcher import places
from tests.page import HOSTILE, MODES, PHONE, World, faults, running, segment, signed_in

LABEL = "<script>document.title='owned'</script>"  # what else would be hostile the API refuses
URL = "https://tv.example/live.m3u8"
BEGAN = datetime.now(UTC) - timedelta(minutes=10)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("data"), filled=False) as found:
        for name in ("night-shift.mp4", "the-river.mp4"):
            found.register(name)
        yield found


@pytest.fixture(autouse=True)
def bare(world: World) -> None:
    """No stream of another test."""
    with world.app.state.store.write() as connection:
        connection.execute(sa.delete(streams))


def watch(world: World, label: str = "", role: str = "investigator", **more: str) -> str:
    """A stream that waits to be watched, of Unit 4's or, as a holder's, of Prana-Film's; its id."""
    with world.client(role) as program:
        made = program.post("/v1/streams", json={"url": URL, "label": label, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def at(seconds: float) -> str:
    """So many seconds after watching began."""
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def happens(world: World, stream_id: str, *events: Json, **values: Any) -> None:
    """These events come, and the stream is in that state, as its watcher tells it."""
    given = {"state": "watching", "seen": at(500), "started": at(0), **values}
    with world.app.state.store.write() as connection:
        keep(connection, stream_id, list(events))
        changed = sa.update(streams).where(streams.c.id == stream_id)
        connection.execute(changed.values(**given, version=streams.c.version + 1))


def told(
    world: World,
    event: str,
    name: str,
    span: tuple[float, float],
    airing: int = 1,
    verdict: str = "match",
    **more: Any,
) -> Json:
    """An event of a work, as the engine tells it."""
    start, end = span
    seen = segment("video", start, 3.0, end - start, mirror=True)
    return {
        "event": event, "at": at(end), "stream": URL, "stream_time": end, "id": f"{airing}-{event}", "airing": airing,
        **world.match(name, seen, verdict=verdict), "segment": seen, **more,
    }  # fmt: skip


def on(event: Json) -> Json:
    """What a stream says of a work that is on."""
    left = ("event", "stream", "stream_time", "id", "segment")
    return {name: value for name, value in event.items() if name not in left} | {"since": event["at"]}


def alarm(world: World, stream_id: str, **more: Any) -> None:
    """A film begins that may not be shown there."""
    started = told(world, "started", "the-river.mp4", (20, 24), **more)
    happens(world, stream_id, started, showing=[on(started)])


def card(page: Page, label: str) -> Locator:
    return page.locator(".wall .stream").filter(has_text=label)


def boxes(page: Page, labels: list[str]) -> list[dict[str, float]]:
    """Where the cards lie at one instant: asked one after another, the page may move between."""
    asked = """(cards, labels) => labels.map(label =>
        cards.find(one => one.textContent.includes(label)).getBoundingClientRect().toJSON())"""
    found: list[dict[str, float]] = page.locator(".wall .stream").evaluate_all(asked, labels)
    return found


def full(world: World) -> str:
    """A wall on which all is to be seen; the id of a stream with a long history."""
    first = watch(world, "Channel one", place="pirate.example", territory="LV")
    earlier = told(world, "ended", "night-shift.mp4", (5, 15), 1)
    sure = told(world, "started", "the-river.mp4", (200, 204), 2, delay=12.34)
    note = {
        "event": "note",
        "at": at(100),
        "stream": URL,
        "stream_time": 100,
        "note": {"code": "lost", "message": HOSTILE},
    }
    happens(world, first, earlier, note, sure, showing=[on(sure)], load=2, stream_time=500.0)
    second = watch(world, "Channel two")
    unsure = told(world, "started", "night-shift.mp4", (20, 24), verdict="review")
    happens(world, second, unsure, showing=[on(unsure)])
    broken = {
        "event": "error",
        "at": at(9),
        "stream": URL,
        "stream_time": 9,
        "error": {"code": "gone", "message": "is gone"},
    }
    happens(world, watch(world, LABEL), broken, state="failed", error=broken["error"])
    happens(world, watch(world, "Channel four"), state="stopped")
    watch(world, "Channel five")
    return first


def test_the_wall_can_be_used_by_everybody(world: World, opened: Page) -> None:
    """On a light desk, then on a dark phone."""
    first = full(world)
    signed_in(opened, world, "administrator")
    for place in ("/streams", "/streams?show=all", f"/streams/{first}"):
        for size, colours in MODES:
            opened.set_viewport_size(size)
            opened.emulate_media(color_scheme=colours)
            opened.goto(world.url + place)
            assert (place, colours, faults(opened)) == (place, colours, [])


def test_the_wall_tells_what_is_on(world: World, opened: Page) -> None:
    full(world)
    signed_in(opened, world, "investigator")
    opened.get_by_role("link", name="Streams").click()
    one = card(opened, "Channel one")
    for words in (
        "watching",
        "Alarm",
        "the-river",
        "picture, mirrored",
        "last: night-shift, ",
        "12.3 s behind the original",
        "only key frames",
    ):
        expect(one).to_contain_text(words)
    expect(one.locator("[data-since]")).to_have_text(re.compile(r"for \d+:\d\d"))
    expect(one.locator("[data-seen]")).to_have_text(re.compile(r"\d+ (s )?ago|\d+:\d\d ago"))
    expect(card(opened, "Channel two")).to_contain_text("Perhaps a work is on")
    expect(card(opened, "owned")).to_contain_text("is gone")
    expect(card(opened, "Channel five")).to_contain_text("waiting")
    assert card(opened, "Channel four").count() == 0
    expect(opened.locator("#tally")).to_have_text("4 streams, 1 with an alarm")
    expect(opened.locator(".wall .stream").first).to_contain_text("Channel one")  # alarms first
    assert opened.title() == "(1) Streams · Whorl"


def test_an_alarm_comes_without_a_reload(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one")
    opened.add_init_script("window.heard = 0; AudioContext.prototype.createOscillator = function () { heard += 1; "
                           "return { connect: (to) => to, start() {}, stop() {} }; };")  # fmt: skip
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    opened.evaluate("window.same = true")
    expect(card(opened, "Channel one")).to_contain_text("waiting")
    happens(world, stream_id)
    expect(card(opened, "Channel one")).to_contain_text("Nothing registered is on.")
    alarm(world, stream_id)
    expect(opened.get_by_text("Alarm: Channel one: the-river")).to_be_visible()
    expect(card(opened, "Channel one").locator(".alarm")).to_be_visible()
    expect(opened.locator("#tally")).to_have_text("1 stream, 1 with an alarm")
    assert opened.evaluate("window.heard") == 0  # unless it is asked for
    happens(world, stream_id, told(world, "ended", "the-river.mp4", (20, 60)), showing=[])
    expect(opened.locator("#tally")).to_have_text("1 stream, no alarm")
    opened.get_by_label("Sound when an alarm begins").check()
    assert opened.evaluate("window.heard") == 1  # to hear what it is like
    alarm(world, stream_id, airing=2)
    expect(card(opened, "Channel one").locator(".alarm")).to_be_visible()
    opened.wait_for_function("() => window.heard === 2")
    assert opened.evaluate("window.same")


def test_what_nobody_has_seen_stays(world: World, opened: Page) -> None:
    """Whatever became of its stream, until somebody marks it; a colleague's wall is told of that."""
    ended, failed = watch(world, "Channel one"), watch(world, "Channel two")
    happens(world, ended, told(world, "ended", "the-river.mp4", (20, 31)), state="ended")
    happens(
        world, failed, told(world, "started", "night-shift.mp4", (20, 24), verdict="review"), state="failed"
    )
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    unseen = opened.locator("#unseen")
    expect(unseen.get_by_role("heading")).to_have_text("2 alarms not seen yet")
    expect(unseen.get_by_role("listitem").first).to_contain_text("night-shift on Channel two")
    expect(unseen.get_by_role("listitem").last).to_contain_text("(0:11.0)")
    unseen.get_by_role("button", name="Seen the-river on Channel one").click()
    expect(unseen.get_by_role("heading")).to_have_text("1 alarm not seen yet")
    with world.client("investigator") as program:
        (left,) = program.get("/v1/airings", params={"seen": False}).json()["items"]
        program.post("/v1/airings/seen", json={"ids": [left["id"]]}).raise_for_status()
    expect(unseen.get_by_role("heading")).to_have_count(0)
    alarm(world, watch(world, "Channel three"))
    expect(unseen.get_by_role("heading")).to_have_text("1 alarm not seen yet")
    unseen.get_by_role("button", name="All seen").click()
    expect(unseen.get_by_role("heading")).to_have_count(0)
    opened.reload()
    expect(unseen.get_by_role("heading")).to_have_count(0)


def test_a_licensed_work_is_no_alarm(world: World, opened: Page) -> None:
    with world.client("holder") as program:
        (work,) = program.get("/v1/works", params={"q": "The River"}).json()["items"]
        program.put(
            f"/v1/works/{work['id']}/licences", json={"items": [{"place": "tv.example"}]}
        ).raise_for_status()
    stream_id = watch(world, "Channel one", place="tv.example")
    alarm(world, stream_id)
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    expect(card(opened, "Channel one")).to_contain_text("licensed")
    expect(opened.locator("#unseen").get_by_role("heading")).to_have_count(0)
    expect(opened.locator("#tally")).to_have_text("1 stream, no alarm")
    with world.client("holder") as program:
        program.put(f"/v1/works/{work['id']}/licences", json={"items": []}).raise_for_status()


def test_a_holder_sees_on_a_works_page_when_it_was_on(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one", "holder")
    happens(world, stream_id, told(world, "ended", "the-river.mp4", (20, 31), delay=8.0))
    with world.client("holder") as program:
        (work,) = program.get("/v1/works", params={"q": "The River"}).json()["items"]
    signed_in(opened, world, "holder")
    opened.goto(f"{world.url}/works/{work['id']}")
    row = opened.locator(".happened tbody tr")
    for words in ("Channel one", "0:11.0", "8.0 s", "picture, mirrored"):
        expect(row).to_contain_text(words)
    row.get_by_role("link", name="Channel one").click()
    expect(opened.locator("tr:target")).to_contain_text("the-river")


def test_a_stream_is_added_stopped_and_watched_again(world: World, opened: Page) -> None:
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_text("No stream is watched.")).to_be_visible()
    opened.get_by_label("Address").fill(URL)
    opened.get_by_label("Name").fill("Channel one")
    opened.get_by_role("button", name="Watch", exact=True).click()
    expect(card(opened, "Channel one")).to_contain_text("waiting")
    opened.get_by_role("button", name="Stop Channel one").click()
    expect(card(opened, "Channel one")).to_contain_text("stopped")
    opened.get_by_role("button", name="Watch again Channel one").click()
    expect(card(opened, "Channel one")).to_contain_text("waiting")


def test_what_cannot_be_watched_is_said(world: World, opened: Page, troubles: list[str]) -> None:
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    opened.get_by_label("Address").fill("https://user:secret@tv.example/")
    opened.get_by_role("button", name="Watch", exact=True).click()
    expect(opened.get_by_text("holds a user name or password")).to_be_visible()
    assert all("422" in trouble for trouble in troubles)
    troubles.clear()


def test_what_others_add_and_remove_is_followed(world: World, opened: Page) -> None:
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_text("No stream is watched.")).to_be_visible()
    stream_id = watch(world, "Channel one")
    expect(card(opened, "Channel one")).to_be_visible()
    expect(opened.get_by_text("No stream is watched.")).to_be_hidden()
    happens(world, stream_id, state="failed", error={"code": "gone", "message": "is gone"})
    opened.reload()
    expect(card(opened, "Channel one")).to_contain_text("is gone")
    expect(opened.get_by_text("No stream is watched.")).to_have_count(0)
    with world.client("investigator") as program:
        program.delete(f"/v1/streams/{stream_id}").raise_for_status()
    expect(opened.locator(".wall .stream")).to_have_count(0)
    expect(opened.get_by_text("No stream is watched.")).to_be_visible()


def test_a_broken_line_is_told(world: World, opened: Page, troubles: list[str]) -> None:
    signed_in(opened, world, "investigator")
    opened.route("**/events/live", lambda route: route.abort("connectionreset"))
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_role("alert")).to_contain_text("what is shown may be old")
    assert all("ERR_CONNECTION_RESET" in trouble for trouble in troubles)
    troubles.clear()


def test_a_line_that_was_broken_is_mended(world: World, opened: Page, troubles: list[str]) -> None:
    stream_id, ill = watch(world, "Channel one"), {"on": True}
    loud = watch(world, "Channel two")
    signed_in(opened, world, "investigator")
    opened.route(
        "**/events/live", lambda route: route.fulfill(status=503) if ill["on"] else route.continue_()
    )
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_role("alert")).to_contain_text("what is shown may be old")
    with world.client("investigator") as program:
        program.delete(f"/v1/streams/{stream_id}").raise_for_status()
    alarm(world, loud)
    ill["on"] = False
    expect(opened.get_by_role("alert")).to_be_hidden()
    expect(opened.locator(".wall .stream")).to_have_count(1)
    expect(opened.get_by_text("Alarm: Channel two: the-river")).to_be_visible()
    assert all("503" in trouble for trouble in troubles)
    troubles.clear()


def test_who_is_no_longer_signed_in_is_sent_to_sign_in(
    world: World, opened: Page, troubles: list[str]
) -> None:
    signed_in(opened, world, "investigator")
    opened.route("**/events/live", lambda route: route.fulfill(status=401))
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_role("alert")).to_be_visible()
    opened.context.clear_cookies()
    expect(opened.get_by_label("API key")).to_be_visible()
    assert all("401" in trouble for trouble in troubles)
    troubles.clear()


def test_pictures_come_and_are_renewed(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one")
    happens(world, stream_id)
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    expect(card(opened, "Channel one")).to_contain_text("no picture")
    place = places.thumbnail(world.app.state.settings.data, stream_id)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(still(np.full((144, 256), 99, np.uint8)))
    for address in ("/streams", f"/streams/{stream_id}"):
        if address != "/streams":
            opened.goto(world.url + address)
        picture = opened.locator(".stream img")
        expect(picture).to_have_js_property("naturalWidth", 256)
        first = picture.get_attribute("src")
        expect(picture).not_to_have_attribute("src", first or "")


def test_evidence_is_given_out(world: World, opened: Page) -> None:
    stream_id = full(world)
    folder = places.evidence(world.app.state.settings.data, stream_id) / "0" / "match-1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{stream_id}")
    for name in ("Download the evidence", "evidence of night-shift"):
        with opened.expect_download() as waiting:
            opened.get_by_role("link", name=name).click()
        with ZipFile(waiting.value.path()) as kept:
            assert kept.namelist() == ["match-1/manifest.json"]


@pytest.mark.parametrize("opened", [{"viewport": PHONE}], indirect=True)
def test_a_phone_shows_whole_rows(world: World, opened: Page) -> None:
    """One below the other: nothing is behind the right edge, where nobody looks for it."""
    stream_id = full(world)
    folder = places.evidence(world.app.state.settings.data, stream_id) / "0" / "match-1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{stream_id}")
    row = opened.locator(".happened tbody tr").filter(has_text="night-shift")
    for cell in (*row.locator("td").all(), row.get_by_role("link")):
        box = cell.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    for words in ("0:10.0", "match", "picture, mirrored", "1 in 1 trillion", "evidence"):
        expect(row).to_contain_text(words)


def test_alarms_come_first_and_what_failed_is_no_tile(world: World, opened: Page) -> None:
    quiet, loud, broken = (watch(world, name) for name in ("Quiet", "Loud", "Broken"))
    happens(world, broken, state="failed", error={"code": "gone", "message": "is gone"})
    happens(world, quiet)
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams")
    alarm(world, loud)
    expect(card(opened, "Loud").locator(".alarm")).to_have_text("Alarm: not licensed here")
    first, second, last = boxes(opened, ["Loud", "Quiet", "Broken"])
    assert first["x"] < second["x"] < first["x"] + 2 * first["width"] < 520
    assert last["y"] > max(one["y"] + one["height"] for one in (first, second)) - 1
    assert last["height"] < 100


def test_a_bar_tells_what_was_on(world: World, opened: Page) -> None:
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{full(world)}")
    bar = opened.locator(".airings a").first
    bar.hover()
    expect(opened.locator("[data-tells]")).to_contain_text("night-shift: ")
    expect(opened.locator("[data-tells]")).to_contain_text("(0:10.0), match, mirrored")
    opened.locator(".airings a").nth(1).focus()
    expect(opened.locator("[data-tells]")).to_contain_text("to now UTC")
    expect(opened.locator("[data-tells]")).to_contain_text("12.3 s behind the original")
    opened.keyboard.press("Enter")
    expect(opened.locator("tr:target")).to_contain_text("the-river")
    assert opened.locator("rect.note").count() == 1


@pytest.mark.parametrize("opened", [{"viewport": PHONE, "has_touch": True}], indirect=True)
def test_a_tap_near_a_bar_tells(world: World, opened: Page) -> None:
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{full(world)}")
    opened.locator(".airings").first.scroll_into_view_if_needed()
    lane = opened.locator(".airings").first.bounding_box()
    assert lane is not None
    opened.touchscreen.tap(lane["x"] + 0.6 * lane["width"], lane["y"] + lane["height"] / 2)
    expect(opened.locator("[data-tells]")).to_contain_text("night-shift: ")


def test_the_history_grows_while_it_is_looked_at(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one")
    happens(world, stream_id)
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{stream_id}")
    expect(opened.get_by_text("Nothing has happened yet.")).to_be_visible()
    alarm(world, stream_id)
    expect(opened.locator(".airings a")).to_have_count(1)
    expect(opened.locator(".stream .alarm")).to_be_visible()
    happens(world, stream_id, told(world, "ended", "the-river.mp4", (20, 60)), showing=[])
    expect(opened.locator(".stream .alarm")).to_have_count(0)
    expect(opened.locator(".happened tbody tr")).to_have_count(1)  # one for all that is told of a time
    expect(opened.locator(".happened tbody tr")).to_contain_text("0:40.0")


def test_a_long_history_has_pages(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one")
    many = [told(world, "ended", "the-river.mp4", (n, n + 1), n) for n in range(1, 205)]
    happens(
        world,
        stream_id,
        *many,
        *(told(world, "continues", "the-river.mp4", (n, n + 1), n) for n in range(1, 205)),
    )
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{stream_id}")
    expect(opened.locator(".happened tbody tr")).to_have_count(200)
    opened.get_by_role("link", name="Older ones").click()
    expect(opened.locator(".happened tbody tr")).to_have_count(4)


def test_a_stream_is_removed_when_that_is_confirmed(world: World, opened: Page) -> None:
    stream_id = watch(world, "Channel one")
    signed_in(opened, world, "investigator")
    opened.goto(f"{world.url}/streams/{stream_id}")
    opened.once("dialog", lambda dialog: dialog.accept())
    opened.get_by_role("button", name="Remove").click()
    expect(opened.get_by_text("No stream is watched.")).to_be_visible()


def test_a_hostile_label_runs_nothing(world: World, opened: Page) -> None:
    stream_id = watch(world, LABEL)
    happens(
        world,
        stream_id,
        {"event": "note", "at": at(1), "stream": URL, "note": {"code": "x", "message": HOSTILE}},
    )
    signed_in(opened, world, "investigator")
    for place in ("/streams", f"/streams/{stream_id}"):
        opened.goto(world.url + place)
        expect(opened.get_by_text("<script>document.title='owned'</script>").first).to_be_visible()
        assert "owned" not in opened.title().split("<")[0]


def test_a_reviewer_has_no_wall(world: World, opened: Page, troubles: list[str]) -> None:
    signed_in(opened, world, "reviewer")
    assert opened.get_by_role("link", name="Streams").count() == 0
    opened.goto(f"{world.url}/streams")
    expect(opened.get_by_role("heading", name="Not allowed")).to_be_visible()
    assert all("403" in trouble for trouble in troubles)
    troubles.clear()
