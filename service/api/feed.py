"""Who listens to streams: one look into the tables for all listeners together; each then reads what is theirs to know.

A listener that is slow misses nothing: it reads on where it was. Who may no longer listen is told nothing more.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Self

from fastapi import Depends, FastAPI, Header, Query, Request
from sse_starlette import ServerSentEvent

from index.database import CatalogError
from service.api.access import identify
from service.api.problem import Problem
from service.api.stream_schemas import Event, Stream, shown
from service.store import events, streams
from service.store.accounts import Refused
from service.store.caller import Caller
from service.store.paging import LARGEST_ID
from service.store.store import Store

EVERY = 0.2  # seconds between two looks
MOST = 200  # events, or streams, that are read at once

log = logging.getLogger("whorl.feed")


class Feed:
    """Tells listeners that something has changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._seen: tuple[object, ...] = ()
        self._turn, self._listeners = 0, 0
        self._woken = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, app: FastAPI) -> Self:
        """That of an app."""
        if not hasattr(app.state, "feed"):
            app.state.feed = cls(app.state.store)
        found: Self = app.state.feed
        return found

    @asynccontextmanager
    async def turns(self) -> AsyncIterator[AsyncIterator[None]]:
        """Comes round at once, then whenever something has changed."""
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield self._turns()
        finally:
            self._listeners -= 1

    async def _turns(self) -> AsyncIterator[None]:
        while True:
            seen = self._turn
            yield
            async with self._woken:
                await self._woken.wait_for(lambda seen=seen: self._turn != seen)  # type: ignore[misc]  # a default

    async def _look(self) -> None:
        while self._listeners:
            try:
                found = await asyncio.to_thread(streams.mark, self.store)
            except CatalogError:
                log.exception("streams cannot be looked at")
                found = self._seen
            if found != self._seen:
                self._seen = found
                async with self._woken:
                    self._turn += 1
                    self._woken.notify_all()
            await asyncio.sleep(EVERY)


def _after(
    after: Annotated[int | None, Query(ge=0, le=LARGEST_ID, description="Events after this one.")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> int | None:
    """The event after which a listener goes on; None from now on."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 10:
        return int(last_event_id)
    return after


After = Annotated[int | None, Depends(_after)]


async def events_of(
    feed: Feed, request: Request, after: int | None, stream_id: str
) -> AsyncIterator[ServerSentEvent]:
    """The events of a stream, until it is removed."""
    at = await _begin(feed, after)
    async with feed.turns() as turns:
        async for _ in turns:
            who = await _allowed(feed, request)
            if who is None or stream_id not in await asyncio.to_thread(streams.versions, feed.store, who):
                return
            async for event in _events(feed, who, at, stream_id):
                at = event["sequence"]
                yield _sent(event)


async def all_changes(feed: Feed, request: Request, after: int | None) -> AsyncIterator[ServerSentEvent]:
    """All streams of the caller, and their changes and events."""
    at, known = await _begin(feed, after), dict[str, int]()
    async with feed.turns() as turns:
        async for _ in turns:
            who = await _allowed(feed, request)
            if who is None:
                return
            now = await asyncio.to_thread(streams.versions, feed.store, who)
            async for event in _events(feed, who, at):
                at = event["sequence"]
                yield _sent(event)
            changed = [name for name, version in now.items() if known.get(name) != version]
            for first in range(0, len(changed), MOST):
                part = changed[first : first + MOST]
                for stream in await asyncio.to_thread(streams.some, feed.store, who, part):
                    yield ServerSentEvent(
                        Stream.model_validate(shown(stream)).model_dump_json(), event="stream"
                    )
            for name in known.keys() - now.keys():
                yield ServerSentEvent(json.dumps({"id": name}), event="removed")
            known = now


async def _begin(feed: Feed, after: int | None) -> int:
    last = await asyncio.to_thread(events.last, feed.store)
    return last if after is None else min(after, last)


async def _allowed(feed: Feed, request: Request) -> Caller | None:
    """Who listens, if they still may: a key may have been revoked since."""
    try:
        who = await asyncio.to_thread(identify, request, feed.store)
    except (Refused, Problem):
        return None
    return who if "streams" in who.scopes else None


async def _events(
    feed: Feed, who: Caller, at: int, stream_id: str | None = None
) -> AsyncIterator[dict[str, Any]]:
    while some := await asyncio.to_thread(events.after, feed.store, who, at, stream_id, MOST):
        for event in some:
            at = event["sequence"]
            yield event


def _sent(event: dict[str, Any]) -> ServerSentEvent:
    body = Event.model_validate(event).model_dump_json(exclude_unset=True)
    return ServerSentEvent(body, event=event["event"], id=str(event["sequence"]))
