"""The queue: says when to do a job, on DBOS in the same database (with SQLite in a file beside it).

The row of the table ``jobs`` is the truth; a workflow of DBOS, named after the row and its run, is its place in the queue.
The two may be in different files, so each is written by itself: first the row, then the workflow. What a kill in between
loses is put right by ``mend``, which any worker runs again and again.
"""

import logging
import os
import sqlite3
from contextlib import suppress
from typing import Any

# DBOS prints its own advertisement and every step it takes.
os.environ.setdefault("DBOS__LOG_LEVEL", "ERROR")

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, error

from service.settings import Settings
from service.store import jobs
from service.store.jobs import Job
from service.store.store import Store

APPLICATION = "whorl"
QUEUE = "jobs"
WORKFLOW = "job"
VERSION = "1"  # of what a workflow is: workers take those of their own version
SETTLED = 5.0  # seconds after which a job without a place in the queue has lost it
GONE = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

PRIORITIES = {"match": 10, "register": 100}  # lower first: an investigator's clip before a bulk registration


def system_url(settings: Settings) -> str:
    """Where DBOS keeps its tables."""
    if settings.database and not settings.database.startswith("sqlite"):
        return settings.database
    return f"sqlite:///{(settings.data / 'jobs.db').absolute()}"


def prepare(settings: Settings) -> None:
    """Makes DBOS's tables where there are none; many processes may do so at once."""
    url = system_url(settings)
    logging.getLogger("dbos").setLevel(logging.ERROR)
    if url.startswith("sqlite"):
        settings.data.mkdir(0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(settings.data / "jobs.db", timeout=30)
        # Readers and a writer side by side; the file remembers it.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    DBOS.migrate(url)


class Queue:
    """The end of the queue where jobs are put in. Safe to use from several threads."""

    def __init__(self, settings: Settings, store: Store) -> None:
        prepare(settings)
        self._store = store
        self._client = DBOSClient(
            system_database_url=system_url(settings),
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
        )

    def close(self) -> None:
        """Lets go of the database."""
        self._client.destroy()

    def put(self, job: Job) -> None:
        """Gives a queued job its place; once or more often is the same."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": place(job),
            "app_version": VERSION,
            "priority": job.priority,
        }
        self._client.enqueue(options, job.id, job.run)

    def drop(self, job: Job) -> None:
        """Takes a job out of the queue; a worker that is at it sees for itself that it was cancelled."""
        with suppress(error.DBOSException):
            self._client.cancel_workflow(place(job))

    def take_over(self, executors: list[str]) -> int:
        """Puts back what dead workers had in hand; returns how much that was."""
        taken = 0
        for executor in executors:
            for workflow in self._client.list_workflows(status="PENDING", executor_id=executor):
                self._client.resume_workflow(workflow.workflow_id, queue_name=QUEUE)
                taken += 1
        return taken

    def mend(self) -> int:
        """Gives every unfinished job a place that has none, or whose workflow ended without it; returns how many."""
        waiting = jobs.unfinished(self._store, SETTLED)
        states = self._states([place(job) for job in waiting])
        mended = 0
        for job in waiting:
            state = states.get(place(job))
            if state is None and job.state == "queued":
                self.put(job)
            elif state is None or state in GONE:
                anew = jobs.requeue(self._store, job)
                if anew is not None:
                    self.put(anew)
            else:
                continue
            mended += 1
        return mended

    def _states(self, places: list[str]) -> dict[str, str]:
        if not places:
            return {}
        found = self._client.list_workflows(workflow_ids=places, load_input=False, load_output=False)
        return {one.workflow_id: one.status for one in found}


def place(job: Job) -> str:
    """The name of a job's workflow."""
    return f"{job.id}-{job.run}"


def config(settings: Settings, executor: str) -> Any:
    """DBOS's configuration of a worker."""
    return {
        "name": APPLICATION,
        "system_database_url": system_url(settings),
        "executor_id": executor,
        "application_version": VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "ERROR",
        "console_log_level": "ERROR",
        "run_migrations": False,
    }
