"""Where a stream of the service is, and what was told of it: in the database, both in one transaction.

What is written is told: no event is lost or told twice, whatever is killed when, and any machine can go on.
"""

import time

from evidence.answer import Json
from index.catalog import CatalogError
from service.store import leases
from service.store.leases import Lease
from service.store.store import Store
from service.streams.journal import State, plain, restored
from service.streams.levels import LEVELS


class Kept:
    """The journal of one stream."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store, self._lease = store, lease

    def state(self, url: str) -> State | None:
        """Where it was; of one that had ended, only which numbers come next."""
        place = leases.position(self._store, self._lease)
        if place is None:
            return None
        over = place.pop("over")
        found = restored(place)
        return State(0.0, time.time(), {}, 0.0, found.next, []) if over else found

    def untold(self, url: str) -> list[Json]:
        """None: what is written is told."""
        return []

    def write(self, url: str, state: State, events: list[Json], final: bool = False) -> None:
        """Raises CatalogError where events are told that are not this watcher's to tell any more."""
        keep = leases.finish if final else leases.advance
        done = keep(self._store, self._lease, plain(state) | {"over": final}, events)
        if not done and (events or final):
            raise CatalogError("this stream was stopped, or taken over by another watcher")

    def told(self, url: str, event: Json) -> None:
        """Keeps what is no work's."""
        if event["event"] == "note":
            words = [level.words for level in LEVELS]
            load = words.index(event["note"]["message"]) if event["note"]["code"] == "load" else None
            leases.note(self._store, self._lease, event, load)
