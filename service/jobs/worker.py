"""A worker: one process that takes jobs from the queue, one at a time, and a child of it that reads the media.

Whatever a file does to the child (crash it, hang it, fill its memory), the job alone fails. Whatever becomes of the worker,
another one takes its job over.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbos import DBOS

from fingerprint.media import Limits
from index.catalog import CatalogError
from matching.engine import Engine
from service.incoming import Incoming
from service.jobs.lease import Lease, dead
from service.jobs.queue import QUEUE, WORKFLOW, Queue, config
from service.jobs.work import KEEPERS, Opening, Task, keep_failure, reader
from service.settings import Settings
from service.store import jobs
from service.store.jobs import ATTEMPTS, Begun
from service.store.store import Store
from service.terminal import say
from service.workers import Done, WorkerError, Workers, patience

POLL = 0.1  # seconds between two looks into the queue
TURN = 0.25  # seconds between two looks at a job that is being done
SWEEP = 2.0  # seconds between two looks for what dead workers left
CLEAN = 600.0  # seconds between two looks for abandoned uploads
LEAVE = 5.0  # seconds that a job may take to end when the worker is told to


def leases(settings: Settings) -> Path:
    """The folder of the workers' leases."""
    return settings.data / "workers"


class Hands:
    """The child process that reads media: warm, one job at a time, and made anew when a job must be stopped."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self._opening, self._silence = Opening(settings.data, limits, settings.database), patience(limits)
        self._workers = self._made()
        self._lock = (
            threading.Lock()
        )  # what is taken over from a dead worker may come beside a job of the queue's

    def _made(self) -> Workers:
        return Workers(1, reader, self._opening, self._silence)

    def warm(self) -> None:
        """Has the child load what it needs. Raises WorkerError."""
        self._workers.give(None)
        while not self._workers.wait(TURN):
            pass

    def do(self, task: Task, going_on: Callable[[float], bool]) -> Done | None:
        """Has a task done; ``going_on(part)`` is asked now and then, and None returned as soon as it says no."""
        with self._lock:
            if not going_on(0.0):
                return None
            self._workers.give(task)
            while True:
                for done in self._workers.wait(TURN):
                    return done
                if not going_on(*self._workers.parts):
                    self.stop()
                    return None

    def stop(self) -> None:
        """Ends the child at once."""
        self._workers.__exit__(None, None, None)
        self._workers = self._made()


class Worker:
    """Does jobs until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = Store(settings.database_url)
        self._queue = Queue(settings, self._store)
        self._limits = Limits.from_environment()
        self._engine = Engine(settings.data, self._limits, note=say, database=settings.database)
        self._incoming = Incoming(settings, self._store)
        self._hands = Hands(settings, self._limits)
        self._stopping = threading.Event()
        self._leave_at = float("inf")
        # Who started it says so: it may have died before this line was reached.
        self._parent = int(os.environ.get("WHORL_PARENT") or os.getppid())

    def run(self) -> None:
        """The worker's life. SIGTERM ends it when its job is done, or soon after: then the job goes back into the queue."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        lease = Lease(leases(self._settings))
        self._hands.warm()
        DBOS(config=config(self._settings, lease.name))
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(self._workflow())
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE, worker_concurrency=1, polling_interval_sec=POLL, on_conflict="always_update"
        )
        self._sweep_until_told()
        DBOS.destroy(workflow_completion_timeout_sec=int(LEAVE))
        lease.end()
        self._hands.stop()
        self._queue.close()
        self._engine.close()
        self._store.close()

    def _workflow(self) -> Callable[[str, int], None]:
        """``job`` as a plain function: DBOS writes notes on what it is given, and a method takes none."""

        def job(job_id: str, run: int) -> None:
            self.job(job_id, run)

        return job

    def _told_to_stop(self, *_: object) -> None:
        self._leave_at = time.monotonic() + LEAVE / 2
        self._stopping.set()

    def _sweep_until_told(self) -> None:
        cleaned = -CLEAN
        while not self._stopping.wait(SWEEP):
            if os.getppid() != self._parent:
                self._told_to_stop()  # whoever started it has died, and will start others
                return
            try:
                with dead(leases(self._settings)) as names:
                    self._queue.take_over(names)
                self._queue.mend()
                if time.monotonic() - cleaned >= CLEAN:
                    cleaned = time.monotonic()
                    self._incoming.sweep()
            except Exception as error:  # a locked or unreachable database: the next turn will do
                say(f"worker: {type(error).__name__}: {error}")

    def job(self, job_id: str, run: int) -> None:
        """One job, from its place in the queue to its end."""
        begun = jobs.begin(self._store, job_id, run)
        if begun is None:
            return
        row = begun.job
        if begun.poison:
            reason = (
                f"{row.input['name']}: {ATTEMPTS} workers died while they were at it: it is not tried again"
            )
            keep_failure(self._store, self._engine, begun, "poison", reason)
            return
        task = Task(row.kind, self._incoming.path(row.upload_id), row.input["name"], row.input["sha256"])
        done = self._hands.do(task, lambda part: self._goes_on(begun, part))
        if done is None:
            if self._stopping.is_set():
                self._give_back(begun)
        elif done.failure:
            code, reason = done.failure
            keep_failure(self._store, self._engine, begun, code, f"{row.input['name']}: {reason}")
        else:
            self._keep(begun, done.result)

    def _give_back(self, begun: Begun) -> None:
        queued = jobs.give_back(self._store, begun)
        if queued is not None:
            self._queue.put(queued)

    def _keep(self, begun: Begun, result: Any) -> None:
        try:
            KEEPERS[begun.job.kind](self._store, self._engine, begun, result)
        except CatalogError as error:
            jobs.fail(self._store, begun, "catalog", str(error))

    def _goes_on(self, begun: Begun, part: float) -> bool:
        """Whether a job is still to be done; takes down how far it is."""
        if time.monotonic() > self._leave_at:
            return False
        if abs(part - begun.job.progress) < 0.01:
            return jobs.held(self._store, begun)
        return jobs.advance(self._store, begun, part)


def main() -> None:
    """`python -m service.jobs.worker`: settings come from the environment."""
    from_environment: dict[str, Any] = {}
    try:
        Worker(Settings(**from_environment)).run()
    except (CatalogError, WorkerError) as error:
        say(f"worker: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
