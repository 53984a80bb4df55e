"""What is told of works that are on: each piece of news once."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fingerprint.clip import SAMPLE_RATE, Frame
from fingerprint.fingerprint import PLAIN
from fingerprint.media import Limits
from matching.airing import Airings, Change
from matching.engine import Engine
from matching.lane import WINDOW, Tracked


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path, Limits()) as made:
        yield made


def tracked(
    airings: Airings, kind: str, start: float, end: float, offset: float = 0.0, ref_id: int = 1
) -> Tracked:
    """A work that a lane has found."""
    found = Tracked(ref_id, kind, PLAIN, 1.0, offset, start, end, 1e-9, 60.0, end)
    airings._lane(kind).tracked.append(found)
    return found


def told(changes: list[Change]) -> list[tuple[str, int]]:
    return [(change.what, change.number) for change in changes]


def test_sound_and_pictures_found_together_are_one_piece_of_news(engine: Engine) -> None:
    airings = Airings(engine)
    tracked(airings, "audio", 1, 4)
    tracked(airings, "video", 1, 4)
    (started,) = airings.changes(4.0)
    assert (started.what, [segment.kind for segment in started.segments]) == ("started", ["audio", "video"])
    assert told(airings.changes(13.0)) == []
    assert told(airings.changes(14.0)) == [("continues", 1)]


def test_pictures_found_later_are_news(engine: Engine) -> None:
    airings = Airings(engine)
    tracked(airings, "audio", 1, 4)
    assert told(airings.changes(4.0)) == [("started", 1)]
    tracked(airings, "video", 1, 5)
    assert told(airings.changes(5.0)) == [("continues", 1)]


def test_the_end_is_told_alone(engine: Engine) -> None:
    airings = Airings(engine)
    sound = tracked(airings, "audio", 1, 4)
    assert told(airings.changes(4.0)) == [("started", 1)]
    tracked(airings, "video", 1, 5).ended = sound.ended = True
    (ended,) = airings.changes(14.0)
    assert (ended.what, len(ended.segments)) == ("ended", 2)
    assert not airings.on


def test_one_that_is_over_at_once_starts_and_ends(engine: Engine) -> None:
    airings = Airings(engine)
    tracked(airings, "audio", 1, 4).ended = True
    assert told(airings.changes(4.0)) == [("started", 1), ("ended", 1)]


def test_an_end_is_told_when_all_was_looked_at_up_to_it(engine: Engine) -> None:
    airings = Airings(engine)
    airings.hear(0.0, np.zeros(12 * SAMPLE_RATE, np.float32))
    airings.see([Frame(8.0, np.zeros((128, 128), np.uint8))])
    sound = tracked(airings, "audio", 1, 10)
    assert told(airings.changes(12.0)) == [("started", 1)]
    sound.ended = True
    assert told(airings.changes(12.0)) == []  # pictures may tell that it goes on
    airings.see([Frame(10.5, np.zeros((128, 128), np.uint8))])
    assert told(airings.changes(12.0)) == [("ended", 1)]


def test_what_is_on_ends_when_nothing_is_registered_any_more(engine: Engine) -> None:
    airings = Airings(engine)
    airings.hear(0.0, np.zeros(12 * SAMPLE_RATE, np.float32))
    tracked(airings, "audio", 1, 10)
    assert told(airings.changes(12.0)) == [("started", 1), ("ended", 1)]


def test_an_end_does_not_wait_for_pictures_that_no_longer_come(engine: Engine) -> None:
    airings = Airings(engine)
    airings.see([Frame(8.0, np.zeros((128, 128), np.uint8))])
    tracked(airings, "audio", 1, 10).ended = True
    assert told(airings.changes(12.0)) == [("started", 1)]
    assert told(airings.changes(8.5 + WINDOW)) == [("ended", 1)]


def test_one_that_goes_back_ends_and_starts(engine: Engine) -> None:
    airings = Airings(engine)
    tracked(airings, "audio", 1, 20)
    assert told(airings.changes(20.0)) == [("started", 1)]
    tracked(airings, "audio", 20, 24, offset=-20.0)
    assert told(airings.changes(24.0)) == [("ended", 1), ("started", 2)]


def test_when_it_was_aired_is_known_when_it_is_on_the_air_no_longer(engine: Engine) -> None:
    store = engine.on_air()
    ref_id = store.begin("a", "A", "", "")
    store.add(ref_id, [], 10.0, 1000.0)
    airings = Airings(engine)
    found = tracked(airings, "audio", 1, 4, ref_id=ref_id)
    (started,) = airings.changes(4.0)
    store.add(ref_id, [], 12.0, 1001.0)
    assert airings.changes(5.0) == []
    store.drop(ref_id)
    again = Airings(engine, airings.next)
    again.restore(json.loads(json.dumps(airings.state())))
    found.ended = True
    (ended,), (ended_again,) = airings.changes(6.0), again.finish(6.0)
    assert (started.what, started.airtime) == ("started", 1000.0)
    assert (ended.what, ended.airtime) == ("ended", 1001.0)
    assert (ended_again.what, ended_again.airtime) == ("ended", 1001.0)


def test_what_is_registered_meanwhile_goes_on(engine: Engine) -> None:
    store = engine.on_air()
    ref_id = store.begin("a", "A", "", "")
    store.add(ref_id, [], 10.0, 1000.0)
    airings = Airings(engine)
    tracked(airings, "audio", 1, 4, ref_id=ref_id)
    assert told(airings.changes(4.0)) == [("started", 1)]
    tracked(airings, "video", 1, 4, ref_id=ref_id)
    store.drop(ref_id, 7)
    (change,) = airings.changes(5.0)
    assert (change.what, change.number, change.ref_id, change.airtime) == ("continues", 1, 7, 1000.0)
    assert {part["ref_id"] for airing in airings.state() for part in airing["parts"]} == {7}
    assert told(airings.finish(6.0)) == [("ended", 1)]
