"""A stream's events in pages: from the first or the last, all or those of some kinds."""

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from tests.hooks import of_work, watched
from tests.service import client, served


def told(who: TestClient, stream: str, **asked: Any) -> list[str]:
    """The names of the events of all pages, of two each."""
    names, after = [], None
    while True:
        params = {**asked, "limit": 2, **({"after": after} if after else {})}
        page = who.get(f"/v1/streams/{stream}/events", params=params).raise_for_status().json()
        names += [one["event"] for one in page["items"]]
        after = page["next"]
        if after is None:
            return names


def test_events_come_from_either_end_and_of_some_kinds(tmp_path: Path) -> None:
    note = {
        "event": "note",
        "at": "2026-01-02T03:04:05.678Z",
        "stream": "a",
        "note": {"code": "x", "message": "y"},
    }
    works = [of_work(name, 7, n) for n, name in enumerate(("started", "continues", "continues", "ended"))]
    with served(tmp_path) as app:
        who = client(app, "investigator")
        stream = watched(app, who, note, *works)["id"]
        all_of_it = ["note", "started", "continues", "continues", "ended"]
        assert told(who, stream) == all_of_it
        assert told(who, stream, newest=True) == all_of_it[::-1]
        assert told(who, stream, event=["started", "ended", "note"]) == ["note", "started", "ended"]
        assert told(who, stream, event="continues", newest=True) == ["continues", "continues"]
        assert who.get(f"/v1/streams/{stream}/events", params={"event": "other"}).status_code == 422
