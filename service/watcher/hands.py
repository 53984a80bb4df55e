"""What a process of the watcher works with: its engine, its connection to the database, and members made of leases."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evidence.answer import Json
from evidence.pictures import still
from fingerprint.media import Limits
from matching.engine import Engine
from service.settings import Settings
from service.store.leases import Lease
from service.store.store import Store
from service.streams.capture import Room
from service.streams.group import Member
from service.streams.processes import Begin
from service.streams.watching import Options, Watch
from service.terminal import say
from service.watcher.kept import Kept
from service.watcher.live import Recorded
from service.watcher.places import evidence, thumbnail

DRAWN = 3.0  # seconds between two thumbnails of a stream


@dataclass(frozen=True, slots=True)
class Given:
    """What a process needs to begin."""

    settings: Settings
    limits: Limits


@contextmanager
def opened(given: Given) -> Iterator[Begin]:
    """What makes members of leases. Raises CatalogError."""
    settings = given.settings
    store = Store(settings.database_url)
    try:
        with Engine(settings.data, given.limits, note=say, database=settings.database_url) as engine:
            yield lambda lease: _member(given, store, engine, lease)
    finally:
        store.close()


def _member(given: Given, store: Store, engine: Engine, lease: Lease) -> Member:
    settings = given.settings
    if lease.kind == "live":
        options = Options(allowed=settings.allowed_hosts, limits=given.limits)
        return Recorded(store, engine, lease, options)
    options = Options(
        allowed=settings.allowed_hosts,
        limits=given.limits,
        output=evidence(settings.data, lease.id) if settings.evidence_total else None,
        journal=Kept(store, lease),
        room=Room(match=settings.evidence_match),
    )
    return Shown(lease.url, engine, options, thumbnail(settings.data, lease.id))


class Shown(Watch):
    """A stream that is watched and of which the last picture can be seen."""

    def __init__(self, url: str, engine: Engine, options: Options, place: Path) -> None:
        super().__init__(url, engine, options)
        self._place, self._drawn = place, 0.0

    def poll(self, seconds: float) -> list[Json]:
        """As of any stream; a picture is drawn now and then."""
        events = super().poll(seconds)
        if self.picture is not None and time.monotonic() - self._drawn >= DRAWN:
            self._drawn = time.monotonic()
            self._draw(still(self.picture.luma))
            self.picture = None
        return events

    def _draw(self, image: bytes) -> None:
        partial = self._place.with_suffix(".partial")
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(image)
            partial.replace(self._place)
        except OSError as error:
            say(f"{self._place}: no thumbnail is kept: {error.strerror}")
