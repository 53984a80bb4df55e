"""Jobs: the truth that users see. A queue only says when to do one; what became of it is written here, once.

A worker that begins a job holds a fence, (run, attempt): whatever it writes later counts only while the row still has it.
So a worker that was taken for dead, or whose job was cancelled meanwhile, changes nothing.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.store.caller import Caller
from service.store.paging import Page, Read, paged, reading
from service.store.store import Store, now
from service.store.tables import cases, jobs

Job = sa.Row  # of the table ``jobs``
Json = dict[str, Any]

UNFINISHED = ("queued", "running")
OVER = ("done", "failed", "cancelled")
ATTEMPTS = 5  # of a run: a job under which so many workers died is given up


class TooManyError(Exception):
    """An organisation has too many unfinished jobs."""


class NoCaseError(Exception):
    """There is no such case, or it is another's."""


class StateError(Exception):
    """A job in this state cannot be cancelled or tried again."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A job that a worker holds.

    registering  organisations of which originals were waiting to be registered when it began
    """

    job: Job
    registering: frozenset[int] = frozenset()

    @property
    def poison(self) -> bool:
        """Whether too many workers died under it: it must not be tried again, and its end be told."""
        return bool(self.job.attempts > ATTEMPTS)

    @property
    def held(self) -> sa.ColumnElement[bool]:
        """The condition that the row is still this worker's."""
        return sa.and_(
            jobs.c.id == self.job.id,
            jobs.c.state == "running",
            jobs.c.run == self.job.run,
            jobs.c.attempts == self.job.attempts,
        )


@dataclass(frozen=True, slots=True)
class New:
    """What a job is made of. ``priority``: lower first."""

    kind: str
    priority: int
    input: Json
    upload_id: str | None = None
    case_id: str | None = None


def create(store: Store, who: Caller, new: New, most: int) -> Job:
    """A queued job; an organisation has at most ``most`` unfinished ones. Raises TooManyError, NoCaseError."""
    row = {
        "id": secrets.token_hex(16), "org_id": who.org_id, "actor": who.name, "kind": new.kind, "state": "queued",
        "priority": new.priority, "progress": 0.0, "run": 0, "attempts": 0, "version": 0, "input": new.input,
        "case_id": new.case_id, "upload_id": new.upload_id, "created": now(),
    }  # fmt: skip
    with store.write() as connection:
        if new.case_id is not None:
            own = sa.select(cases.c.id).where(cases.c.id == new.case_id, who.sees(cases))
            if connection.scalar(own) is None:
                raise NoCaseError(f"no case {new.case_id}")
        _check_room(connection, who.org_id, most)
        connection.execute(sa.insert(jobs).values(**row))
        return connection.execute(sa.select(jobs).where(jobs.c.id == row["id"])).one()


def _check_room(connection: sa.Connection, org_id: int, most: int) -> None:
    unfinished = sa.select(sa.func.count()).where(jobs.c.org_id == org_id, jobs.c.state.not_in(OVER))
    if (connection.scalar(unfinished) or 0) >= most:
        raise TooManyError(f"{most} jobs are unfinished: wait for some, or cancel them")


def find(store: Store, who: Caller, job_id: str) -> Job | None:
    """The job of this id, if the caller may see it."""
    return store.row(sa.select(jobs).where(jobs.c.id == job_id, who.sees(jobs)))


def listed(store: Store, who: Caller, state: str | None, kind: str | None, page: Page) -> list[Job]:
    """A page of the caller's jobs and one more, if there is one, the last first. Raises Unfit."""
    query = sa.select(jobs).where(who.sees(jobs))
    for column, wanted in ((jobs.c.state, state), (jobs.c.kind, kind)):
        query = query.where(column == wanted) if wanted is not None else query
    return paged(store.rows, query, [jobs.c.created, jobs.c.id], page, last_first=True)


def states(store: Store, ids: list[str]) -> list[Job]:
    """The jobs of these ids."""
    return store.rows(sa.select(jobs).where(jobs.c.id.in_(ids)))


def begin(store: Store, job_id: str, run: int) -> Begun | None:
    """Takes a job in hand; None where there is nothing to do: it is over, or was queued anew since."""
    with store.write() as connection:
        job = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
        if job is None or job.state in OVER or job.run != run:
            return None
        values = {"state": "running", "attempts": job.attempts + 1, "started": job.started or now()}
        _set(connection, jobs.c.id == job_id, **values, progress=0.0)
        begun = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
        return Begun(begun, frozenset(registering(reading(connection))))


def registering(read: Read) -> set[int]:
    """Organisations of which originals are not registered yet: what is examined now is not compared with those."""
    return _registering(read, jobs.c.state.in_(UNFINISHED))


def registering_meanwhile(read: Read, begun: Begun) -> set[int]:
    """The same of a job that is about to end: of when it began, and of what was handed in since."""
    return _registering(read, jobs.c.created >= begun.job.started) | begun.registering


def _registering(read: Read, condition: sa.ColumnElement[bool]) -> set[int]:
    found = read(sa.select(jobs.c.org_id).where(jobs.c.kind == "register", condition).distinct())
    return {row.org_id for row in found}


def advance(store: Store, begun: Begun, progress: float) -> bool:
    """Takes down how far a job is; False where it is no longer this worker's: it should stop."""
    with store.write() as connection:
        return _set(connection, begun.held, progress=min(max(progress, 0.0), 1.0))


def held(store: Store, begun: Begun) -> bool:
    """Whether a job is still this worker's."""
    return store.row(sa.select(jobs.c.id).where(begun.held)) is not None


def finish(store: Store, begun: Begun, keep: Callable[[sa.Connection, Job], Json]) -> bool:
    """Ends a job well, with the columns that ``keep`` gives, in the same transaction; False, and nothing is kept, where
    it is no longer this worker's.
    """
    with store.write() as connection:
        job = connection.execute(sa.select(jobs).where(begun.held)).one_or_none()
        if job is None:
            return False
        _end(connection, begun.held, "done", progress=1.0, **keep(connection, job))
        return True


def fail(
    store: Store,
    begun: Begun,
    code: str,
    message: str,
    keep: Callable[[sa.Connection, Job], Json] | None = None,
) -> bool:
    """Ends a job with an error, and what ``keep`` gives, as ``finish`` does; False where it is no longer this worker's."""
    with store.write() as connection:
        job = connection.execute(sa.select(jobs).where(begun.held)).one_or_none()
        if job is None:
            return False
        more = keep(connection, job) if keep is not None else {}
        _end(connection, begun.held, "failed", error={"code": code, "message": message}, **more)
        return True


def give_back(store: Store, begun: Begun) -> Job | None:
    """Queues a job again that a worker must leave because it is shut down; the attempt does not count.

    None where it is no longer this worker's.
    """
    with store.write() as connection:
        job = begun.job
        if not _set(connection, begun.held, state="queued", attempts=job.attempts - 1, run=job.run + 1):
            return None
        return connection.execute(sa.select(jobs).where(jobs.c.id == job.id)).one()


def cancel(store: Store, who: Caller, job_id: str) -> Job | None:
    """Ends a job that is not over; None if the caller sees none. Raises StateError."""
    with store.write() as connection:
        seen = sa.and_(jobs.c.id == job_id, who.sees(jobs))
        job = connection.execute(sa.select(jobs).where(seen)).one_or_none()
        if job is not None and job.state in OVER:
            raise StateError(f"job {job_id} is {job.state}: only a queued or running one can be cancelled")
        if job is not None:
            _end(connection, seen, "cancelled")
        return connection.execute(sa.select(jobs).where(seen)).one_or_none()


def retry(store: Store, who: Caller, job_id: str, most: int) -> Job | None:
    """Queues a failed or cancelled job again, or a match that is done; None if the caller sees none.

    The answer that there was stays as it is; the job names the new one once that is there. Raises StateError, TooManyError.
    """
    with store.write() as connection:
        seen = sa.and_(jobs.c.id == job_id, who.sees(jobs))
        job = connection.execute(sa.select(jobs).where(seen)).one_or_none()
        if job is not None and not _can_be_done_again(job):
            allowed = "a failed or cancelled one, or a match that is done, can be tried again"
            raise StateError(f"job {job_id}, a {job.kind}, is {job.state}: only {allowed}")
        if job is not None:
            _check_room(connection, job.org_id, most)
            _set(connection, seen, **_anew(job), progress=0.0, error=None, started=None, ended=None)
        return connection.execute(sa.select(jobs).where(seen)).one_or_none()


def _can_be_done_again(job: Job) -> bool:
    """What was registered stays registered; what was looked for may have been registered since."""
    return job.state in ("failed", "cancelled") or (job.state == "done" and job.kind == "match")


def _anew(job: Job) -> Json:
    return {"state": "queued", "run": job.run + 1, "attempts": 0}


def unfinished(store: Store, seconds: float) -> list[Job]:
    """Jobs that are not over and were made at least so many seconds ago."""
    before = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return store.rows(sa.select(jobs).where(jobs.c.state.not_in(OVER), jobs.c.created < before))


def requeue(store: Store, job: Job) -> Job | None:
    """Queues a job anew whose place in the queue was lost; attempts go on. None where it is over meanwhile."""
    with store.write() as connection:
        same = sa.and_(jobs.c.id == job.id, jobs.c.run == job.run, jobs.c.state.not_in(OVER))
        if not _set(connection, same, state="queued", run=job.run + 1):
            return None
        return connection.execute(sa.select(jobs).where(jobs.c.id == job.id)).one()


def _set(connection: sa.Connection, condition: sa.ColumnElement[bool], **values: Any) -> bool:
    changed = connection.execute(
        sa.update(jobs).where(condition).values(**values, version=jobs.c.version + 1)
    )
    return changed.rowcount == 1


def _end(connection: sa.Connection, condition: sa.ColumnElement[bool], state: str, **values: Any) -> bool:
    return _set(connection, condition, state=state, ended=now(), **values)
