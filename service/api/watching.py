"""Who waits for changes of jobs: one look into the table for all of them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from fastapi import FastAPI

from service.store import jobs
from service.store.jobs import Job
from service.store.store import Store

EVERY = 0.2  # seconds between two looks


class Watch:
    """Tells listeners of their jobs' changes; a slow listener misses states in between, never the last one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._boxes: dict[str, list[asyncio.Queue[Job]]] = {}
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, app: FastAPI) -> Self:
        """That of an app."""
        if not hasattr(app.state, "watch"):
            app.state.watch = cls(app.state.store)
        found: Self = app.state.watch
        return found

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[AsyncIterator[Job]]:
        """The job as it is, then whenever it changes."""
        box: asyncio.Queue[Job] = asyncio.Queue(1)
        box.put_nowait(job)
        self._boxes.setdefault(job.id, []).append(box)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield _each(box)
        finally:
            self._boxes[job.id].remove(box)
            if not self._boxes[job.id]:
                del self._boxes[job.id]

    async def _look(self) -> None:
        versions: dict[str, int] = {}
        while self._boxes:
            for job in await asyncio.to_thread(jobs.states, self._store, list(self._boxes)):
                if versions.get(job.id) != job.version:
                    versions[job.id] = job.version
                    for box in self._boxes.get(job.id, ()):
                        _put(box, job)
            await asyncio.sleep(EVERY)


def _put(box: asyncio.Queue[Job], job: Job) -> None:
    """The newest state takes the place of one that was not yet fetched."""
    if box.full():
        box.get_nowait()
    box.put_nowait(job)


async def _each(box: asyncio.Queue[Job]) -> AsyncIterator[Job]:
    while True:
        yield await box.get()
