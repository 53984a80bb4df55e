"""References on the air in the service: recorded by a watcher, or pushed; registered at their end under their work."""

import hashlib
import time

from evidence.answer import Json
from fingerprint.media import MediaError
from fingerprint.storage import to_bytes
from index.catalog import Catalog, CatalogError
from index.live import LiveStore
from matching.engine import Engine
from service.store import lives, works
from service.store.errors import Missing
from service.store.leases import Lease
from service.store.lives import Live
from service.store.store import Store
from service.streams.errors import StreamError
from service.streams.recording import Recording
from service.streams.telling import failure
from service.streams.watching import Options

WRITTEN = (
    2.0  # seconds between two times that it is written how far a recording is, and asked whether it is to end
)


def begin(on_air: LiveStore, store: Store, org_id: int, about: Json) -> int:
    """Puts a reference on the air; its id, which is below zero. Raises Missing where its work was removed."""
    named, owner = works.details(store, org_id, about["work"])
    return on_air.begin(about["name"], named.title, named.kind, owner)


def conclude(catalog: Catalog, on_air: LiveStore, store: Store, row: Live, error: Json | None = None) -> None:
    """Registers what was on the air, if it is to be kept, and takes it off the air. Done again it does the same."""
    ref_id = None
    try:
        if row.keep and row.number is not None:
            ref_id = _registered(catalog, on_air, store, row)
    except Missing as removed:
        error = {"code": "removed", "message": f"{removed}: it was removed meanwhile"}
    except ValueError as unfit:
        error = {"code": "bad-fingerprint", "message": f"its codes cannot be registered: {unfit}"}
    lives.finish(store, row.id, ref_id, error)
    if row.number is not None:
        on_air.drop(-row.number, ref_id)


def _registered(catalog: Catalog, on_air: LiveStore, store: Store, row: Live) -> int | None:
    codes = on_air.fingerprints(-row.number)
    if not codes:
        return None
    name, work = row.about["name"], row.about["work"]
    named, owner = works.details(store, row.org_id, work)
    # Nobody has its bytes: what stands for them is what was made of them, and when.
    digest = hashlib.sha256(row.id.encode() + b"".join(map(to_bytes, codes))).hexdigest()
    seconds = max(one.duration for one in codes)
    about = (named.title, named.kind, owner, named.identifiers)
    reference = catalog.add(name, digest, seconds, codes, *about)
    works.own(store, row.org_id, reference.id, work, name)
    return reference.id


class Recorded(Recording):
    """A reference on the air that a watcher records."""

    def __init__(self, store: Store, engine: Engine, lease: Lease, options: Options) -> None:
        """Raises StreamError, CatalogError."""
        row = lives.held(store, lease)
        if row is None:
            raise CatalogError("this reference is another watcher's")
        self._held, self._engine, self._lease = store, engine, lease
        try:
            number = (
                -begin(engine.on_air(), store, row.org_id, row.about) if row.number is None else row.number
            )
        except Missing as error:
            raise StreamError("removed", row.about["name"], str(error)) from None
        lives.advance(store, lease, number, row.duration)
        try:
            super().__init__(lease.url, engine, options, -number)
        except StreamError as error:  # what came before is kept all the same
            conclude(engine.catalog, engine.on_air(), store, row, _told(lease, error))
            raise
        self._number, self._written = number, time.monotonic()

    def poll(self, seconds: float) -> list[Json]:
        """As of any recording; writes how far it is, and ends it when that is wanted."""
        events = super().poll(seconds)
        if not self.done and time.monotonic() - self._written >= WRITTEN:
            self._written = time.monotonic()
            row = lives.held(self._held, self._lease)
            ours = row is not None and lives.advance(self._held, self._lease, self._number, self.seconds)
            self.done = not ours or (row is not None and row.state == "ending")
        return events

    def close(self) -> None:
        """Stops; at its end it is registered, or forgotten."""
        super().close()
        row = lives.held(self._held, self._lease)
        if self.done and row is not None:
            error = _told(self._lease, self.error) if self.error is not None else None
            lives.advance(self._held, self._lease, self._number, self.seconds)
            conclude(self._engine.catalog, self._engine.on_air(), self._held, row, error)


def _told(lease: Lease, error: StreamError | MediaError) -> Json:
    told: Json = failure(lease.url, error.code, str(error))["error"]
    return told
