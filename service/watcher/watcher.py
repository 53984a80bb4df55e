"""The watcher: one process that takes streams, has them watched by a process a core, and lets go of them.

What is to be watched stands in the database: it is looked at again and again, and the processes are brought to do just that.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from evidence.answer import Json
from fingerprint.media import Limits
from index.catalog import CatalogError
from service.jobs import lease as files
from service.settings import Settings
from service.store import leases, lives
from service.store.leases import Lease
from service.store.store import Store
from service.streams.processes import Over, Processes
from service.streams.telling import failure
from service.terminal import say
from service.watcher import places
from service.watcher.hands import Given, opened
from service.workers import cores

TURN = 0.3  # seconds between two looks at what is wanted
BEAT = 2.0  # seconds between two beats
DEAD = 15.0  # seconds without a beat after which a watcher is taken for dead
AGAIN = 3.0  # seconds after which a stream is tried again that the database was in the way of
CLEAN = 60.0  # seconds between two looks at how much is kept


def signs(settings: Settings) -> Path:
    """The folder of the watchers' signs of life: on one machine they tell at once who has died."""
    return settings.data / "watchers"


class Watcher:
    """Watches streams until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = Store(settings.database_url)
        self._sign = files.Lease(signs(settings))
        given = Given(settings, Limits.from_environment())
        self._processes = Processes(opened, given, cores())
        self._begun: dict[str, Lease] = {}
        self._later: dict[str, float] = {}  # when what could not be begun is tried again
        self._beats: dict[
            str, tuple[int, float]
        ] = {}  # of each watcher its last one, and when that was first seen
        self._beaten = self._cleaned = float("-inf")
        self._stopping = threading.Event()
        # Who started it says so: it may have died before this line was reached.
        self._parent = int(os.environ.get("WHORL_PARENT") or os.getppid())

    @property
    def name(self) -> str:
        """What it is called in the database."""
        return self._sign.name

    def run(self) -> None:
        """Its life. SIGTERM ends it: where it is, is written, and others may go on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self._processes.ready()
        try:
            while not self._stopping.is_set() and os.getppid() == self._parent:
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        """Lets go of all that it has."""
        self._processes.close()
        try:
            leases.release(self._store, [self.name])
            self._sign.end()
        except CatalogError as error:  # others will take it for dead
            say(f"watcher: {error}")
        self._store.close()

    def turn(self) -> None:
        """One look at what is wanted, and at what happens."""
        try:
            self._look()
        except CatalogError as error:  # a locked or unreachable database: the next turn will do
            say(f"watcher: {error}")
        for over in self._processes.wait(TURN):
            self._over(over)

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._beaten + BEAT:
            self._beaten = now
            self._count(leases.beat(self._store, self.name), now)
        leases.take(self._store, self.name)
        self._do({f"{one.kind} {one.id} {one.turn}": one for one in leases.held(self._store, self.name)}, now)
        if now >= self._cleaned + CLEAN:
            self._cleaned = now
            self._clean()

    def _count(self, beats: dict[str, int], now: float) -> None:
        """Lets go of what dead watchers have."""
        for name, beat in beats.items():
            if self._beats.get(name, (-1, 0.0))[0] != beat:
                self._beats[name] = beat, now
        self._beats = {name: seen for name, seen in self._beats.items() if name in beats}
        silent = [name for name, (_, since) in self._beats.items() if now - since > DEAD]
        with files.dead(signs(self._settings)) as killed:
            leases.release(self._store, [*silent, *killed])

    def _do(self, wanted: dict[str, Lease], now: float) -> None:
        for name in self._begun.keys() - wanted.keys():
            self._processes.drop(name)
            del self._begun[name]
        for name, lease in wanted.items():
            if name not in self._begun and now >= self._later.get(name, 0.0):
                self._processes.add(name, lease)
                self._begun[name] = lease
        self._later = {name: at for name, at in self._later.items() if name in wanted}

    def _over(self, over: Over) -> None:
        lease = self._begun.get(over.name)
        if lease is None:
            return
        if over.code == "catalog":
            self._later[over.name] = time.monotonic() + AGAIN
        elif over.code is not None:
            try:
                self._fail(lease, failure(lease.url, over.code, over.message))
            except CatalogError as error:
                say(f"watcher: {error}")
        del self._begun[over.name]

    def _fail(self, lease: Lease, event: Json) -> None:
        """Takes down why it could not go on, where that was not told already."""
        if lease.kind == "stream":
            leases.finish(self._store, lease, None, [event])
        elif lives.held(self._store, lease) is not None:
            lives.finish(self._store, lease.id, None, event["error"])

    def _clean(self) -> None:
        data = self._settings.data
        for stream_id in leases.unknown(self._store, places.streams(data)):
            places.forget(data, stream_id)
        places.make_room(data, self._settings.evidence_total)


def main() -> None:
    """`python -m service.watcher.watcher`: settings come from the environment."""
    os.umask(0o077)  # what is kept of streams is evidence: nobody else on this machine is to read it
    from_environment: dict[str, Any] = {}
    try:
        Watcher(Settings(**from_environment)).run()
    except CatalogError as error:
        say(f"watcher: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
