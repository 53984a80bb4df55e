"""Members in processes: they come and go, and one that kills its process is given up without harm to the others."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from evidence.answer import Json
from index.catalog import CatalogError
from service.streams import processes
from service.streams.errors import StreamError
from service.streams.processes import Begin, Over, Processes

PATIENCE = 120.0


class Counting:
    """A member that counts; what it was given says what befalls it."""

    error: Exception | None = None
    done, live, crowd = False, False, 0.0

    def __init__(self, what: str) -> None:
        if what == "refused":
            raise StreamError("refused-address", "http://a/", "leads nowhere")
        if what == "unfit":
            raise ValueError("a fault of ours")
        self._what, self._count = what, 0

    def start(self) -> None: ...

    def poll(self, seconds: float) -> list[Json]:
        time.sleep(0.01)
        self._count += 1
        if self._what == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._what == "faulty":
            raise ZeroDivisionError("a fault of ours")
        self.done = self._what == "short" and self._count == 3
        return [{"event": "note", "count": self._count, "pid": os.getpid()}]

    def told(self, event: Json) -> None:
        if self._what == "unwritten":
            raise CatalogError("the database does not answer")

    def shed(self, level: int, share: float) -> None: ...

    def close(self) -> None: ...


@contextmanager
def opened(given: Any) -> Iterator[Begin]:
    if given == "closed":
        raise CatalogError("there is no catalog")
    yield Counting


class Crowd:
    """Processes, what their members said, and which are over."""

    def __init__(self, given: str = "", count: int = 1) -> None:
        self.said: list[tuple[str, Json]] = []
        self.over: dict[str, Over] = {}
        self.processes = Processes(opened, given, count, lambda name, event: self.said.append((name, event)))

    def until(self, *names: str) -> None:
        """Waits until these are over."""
        deadline = time.monotonic() + PATIENCE
        while not set(names) <= self.over.keys():
            assert time.monotonic() < deadline, self.over
            self.over |= {one.name: one for one in self.processes.wait(0.2)}

    def goes_on(self, name: str) -> bool:
        """Whether it says something from now on."""
        before, deadline = len(self.said), time.monotonic() + PATIENCE
        while name not in {who for who, _ in self.said[before:]}:
            assert time.monotonic() < deadline
            self.over |= {one.name: one for one in self.processes.wait(0.2)}
        return name not in self.over


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    made = Crowd()
    yield made
    made.processes.close()


def test_members_come_and_go_while_others_go_on(crowd: Crowd) -> None:
    for name in ("long", "short", "refused", "unfit", "faulty", "unwritten"):
        crowd.processes.add(name, name)
    crowd.until("short", "refused", "unfit", "faulty", "unwritten")
    assert {name: over.code for name, over in crowd.over.items()} == {
        "short": None,
        "refused": "refused-address",
        "unfit": "crashed",
        "faulty": "crashed",
        "unwritten": "catalog",
    }
    assert [event["count"] for name, event in crowd.said if name == "short"] == [1, 2, 3]
    assert crowd.goes_on("long")
    crowd.processes.drop("long")
    assert len(crowd.processes) == 0
    crowd.processes.add("later", "long")
    assert crowd.goes_on("later")
    assert len(crowd.processes.pids) == 1


def test_one_that_kills_its_process_is_found_and_given_up(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "DEATHS", 5)
    for name in ("a", "b", "c", "deadly", "d", "e"):
        crowd.processes.add(name, name)
    crowd.until("deadly")
    assert (crowd.over["deadly"].code, len(crowd.over)) == ("crashed", 1)
    assert all(crowd.goes_on(name) for name in "abcde")
    assert "deadly" not in crowd.processes


def test_one_that_hangs_is_started_again(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SILENT", 5.0)
    crowd.processes.add("a", "long")
    assert crowd.goes_on("a")
    (hanging,) = crowd.processes.pids
    os.kill(hanging, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while hanging in crowd.processes.pids:
        assert time.monotonic() < deadline
        list(crowd.processes.wait(0.2))
    assert crowd.goes_on("a")
    assert crowd.over == {}


def test_who_stood_still_itself_takes_nobody_for_hanging(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.processes.add("a", "long")
    assert crowd.goes_on("a")
    before = crowd.processes.pids
    monkeypatch.setattr(crowd.processes, "_looked", time.monotonic() - 10 * processes.SILENT)
    list(crowd.processes.wait(0.0))
    assert crowd.processes.pids == before


def test_much_is_said_both_ways_at_once(crowd: Crowd) -> None:
    """More than the pipes hold: neither side waits for the other one to read."""
    names = [f"{number} {'x' * 20_000}" for number in range(60)]
    for name in names:
        crowd.processes.add(name, "long")
    assert crowd.goes_on(names[-1])
    for name in names[:-1]:
        crowd.processes.drop(name)
    assert crowd.goes_on(names[-1])


def test_a_catalog_that_cannot_be_opened_is_a_matter_of_trying_again() -> None:
    crowd = Crowd("closed")
    crowd.processes.add("a", "long")
    crowd.until("a")
    crowd.processes.close()
    assert (crowd.over["a"].code, crowd.over["a"].message) == ("catalog", "there is no catalog")
