"""Jobs: what was asked for and takes a while. Their states, their progress as it happens, cancel and retry."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from service.api.access import needs, store
from service.api.pages import Asked
from service.api.problem import Problem, not_found
from service.api.watching import Watch
from service.incoming import Incoming
from service.jobs.queue import Queue
from service.store import jobs
from service.store.caller import Caller
from service.store.jobs import OVER, Job, New
from service.store.paging import page_json
from service.store.store import Store

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Who = Annotated[Caller, needs("jobs")]
Held = Annotated[Store, Depends(store)]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["match", "register"]


class ErrorOut(BaseModel):
    """Why a job failed: ``code`` is for programs."""

    code: str
    message: str


class JobOut(BaseModel):
    """A job. ``progress`` is from 0 to 1; ``match`` or ``reference`` names the result, of what was done twice the last."""

    id: str
    kind: Kind
    state: State
    name: str
    priority: int
    progress: float
    attempts: int
    error: ErrorOut | None
    case: str | None
    upload: str | None
    match: str | None
    reference: str | None
    created: str
    started: str | None
    ended: str | None


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    items: list[JobOut]
    next: str | None


def shown(job: Job) -> JobOut:
    """A job as JSON."""
    row = dict(job._mapping)
    return JobOut(
        **{name: row[name] for name in JobOut.model_fields if name in row},
        name=row["input"].get("name", ""),
        case=row["case_id"],
        upload=row["upload_id"],
        match=row["answer_id"],
        reference=None if row["ref_id"] is None else str(row["ref_id"]),
    )


def queue(request: Request) -> Queue:
    """The queue of the app that was asked."""
    found: Queue = request.app.state.jobs
    return found


Jobs = Annotated[Queue, Depends(queue)]


def accepted(request: Request, who: Caller, new: New) -> JobOut:
    """A new job, in the queue. Raises a Problem."""
    state = request.app.state
    try:
        job = jobs.create(state.store, who, new, state.settings.jobs_at_once)
    except jobs.TooManyError as error:
        raise _too_many(error) from None
    except jobs.NoCaseError:
        raise not_found("case", new.case_id) from None
    state.jobs.put(job)
    return shown(job)


def _too_many(error: jobs.TooManyError) -> Problem:
    return Problem(429, "too-many-jobs", str(error), {"Retry-After": "60"})


def _found(held: Store, who: Caller, job_id: str) -> Job:
    job = jobs.find(held, who, job_id)
    if job is None:
        raise not_found("job", job_id)
    return job


@router.get("", response_model=JobPage)
def list_jobs(who: Who, held: Held, page: Asked, state: State | None = None, kind: Kind | None = None) -> Any:
    """Jobs, the last first."""
    rows = jobs.listed(held, who, state, kind, page)
    return page_json(rows, ["created", "id"], page, lambda row: shown(row).model_dump())


@router.get("/{job_id}")
def get_job(job_id: str, who: Who, held: Held) -> JobOut:
    """One job."""
    return shown(_found(held, who, job_id))


@router.post("/{job_id}/cancel")
def cancel_job(job_id: str, who: Who, held: Held, waiting: Jobs) -> JobOut:
    """Ends a job that is not over."""
    try:
        job = jobs.cancel(held, who, job_id)
    except jobs.StateError as error:
        raise Problem(409, "not-cancellable", str(error)) from None
    if job is None:
        raise not_found("job", job_id)
    waiting.drop(job)
    return shown(job)


@router.post("/{job_id}/retry")
def retry_job(request: Request, job_id: str, who: Who, held: Held, waiting: Jobs) -> JobOut:
    """Queues a failed or cancelled job again, or a match that is done: its new answer comes beside the one there is."""
    _check_kept(request, _found(held, who, job_id))
    try:
        job = jobs.retry(held, who, job_id, request.app.state.settings.jobs_at_once)
    except jobs.StateError as error:
        raise Problem(409, "not-retriable", str(error)) from None
    except jobs.TooManyError as error:
        raise _too_many(error) from None
    if job is None:
        raise not_found("job", job_id)
    waiting.put(job)
    return shown(job)


def _check_kept(request: Request, job: Job) -> None:
    """Raises a Problem where the file is gone."""
    files: Incoming = request.app.state.incoming
    if not files.path(job.upload_id).is_file():
        detail = f"the file of job {job.id} is no longer kept: hand it in again"
        raise Problem(409, "not-kept", detail)


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def job_events(
    request: Request,
    job_id: str,
    who: Who,
    held: Held,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """The job as it changes: events `progress`, then one `end`, each with the job; then there is nothing more (204)."""
    job = await asyncio.to_thread(_found, held, who, job_id)
    seen = (
        int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 10 else -1
    )
    if job.state in OVER and seen >= job.version:
        return Response(status_code=204)
    return EventSourceResponse(_events(Watch.of(request.app), job, seen), ping=15)


async def _events(watch: Watch, job: Any, seen: int) -> AsyncIterator[ServerSentEvent]:
    async with watch.changes(job) as changes:
        async for now in changes:
            if now.version > seen:
                over = now.state in OVER
                yield ServerSentEvent(
                    shown(now).model_dump_json(), event="end" if over else "progress", id=str(now.version)
                )
                seen = now.version
            if now.state in OVER:
                return
