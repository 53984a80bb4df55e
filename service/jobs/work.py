"""What a job does: the part that reads hostile media, in a process of its own, and the part that keeps its result."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evidence.answer import Json, answer_json, printable
from fingerprint.exchange import is_exchange, unpacked
from fingerprint.extractor import WIDTHS
from fingerprint.media import Limits, MediaError, start_decoder
from fingerprint.storage import StorageError
from matching.engine import Engine
from matching.segment import Answer, Failure, QueryInfo
from matching.taken import Taken
from service.examining import told
from service.store import answers, jobs, works
from service.store.errors import Missing
from service.store.jobs import Begun
from service.store.paging import reading
from service.store.store import Store
from service.store.works import Details
from service.terminal import say
from service.workers import Handler


@dataclass(frozen=True, slots=True)
class Opening:
    """What the process that reads media needs to begin."""

    data: Path
    limits: Limits
    database: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What that process is to do: "match" or "register" the file at ``path``, which its owner calls ``name``."""

    kind: str
    path: Path
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a file is registered with: its fingerprints, and its matches with what is registered already."""

    taken: Taken
    matches: list[Json]


def reader(opening: Opening) -> Handler:
    """Reads media, in the process that calls this; everything that it needs is loaded before the first job."""
    start_decoder()
    engine = Engine(opening.data, opening.limits, note=say, database=opening.database)
    engine.warm()

    def handle(job: Any, tell: Callable[[float], None]) -> Json | Registration | None:
        task: Task | None = job
        if task is None:
            return None  # to see that it is ready
        if task.kind == "match":
            return _answer(engine, task, tell)
        try:
            return _registration(engine, task, tell)
        except MediaError as error:
            raise MediaError(error.code, task.name, error.reason) from None

    return handle


def _registration(engine: Engine, task: Task, tell: Callable[[float], None]) -> Registration:
    """The file's fingerprints, and what it shares with what is registered: a glance tells whether that is worth a look.

    That is looked for as it is: two owners seldom hand in each other's works disguised, and a film would take an hour.
    """
    if is_exchange(task.path):
        return _exchanged(engine, task)
    taken = engine.take(task.path, lambda part: tell(part / 2))
    if not taken.fingerprints or not engine.glance(task.path).calls:
        return Registration(taken, [])
    answer = engine.examine(task.path, lambda part: tell((1 + part) / 2), task.sha256, thorough=False)
    return Registration(taken, answer_json(answer, engine.catalog.work, {})["matches"])


def _exchanged(engine: Engine, task: Task) -> Registration:
    """The same of a fingerprint. Its own digest names it: that of the file is only what its owner says."""
    try:
        made = unpacked(task.path.read_bytes())
        answer = engine.match(made)
    except (StorageError, ValueError) as error:
        raise MediaError("bad-fingerprint", task.name, str(error)) from None
    for f in made.references:
        if WIDTHS.get(f.algorithm) != f.width:
            reason = f"{f.width} bytes of {f.algorithm} are not among {', '.join(WIDTHS)}"
            raise MediaError("bad-fingerprint", task.name, reason)
    if not any(f.algorithm in engine.algorithms for f in made.references):
        raise MediaError("bad-fingerprint", task.name, f"holds no codes of {', '.join(engine.algorithms)}")
    taken = Taken(task.name, task.sha256, made.duration, made.references)
    return Registration(taken, answer_json(answer, engine.catalog.work, {})["matches"])


def _answer(engine: Engine, task: Task, tell: Callable[[float], None]) -> Json:
    """The answer under the file's own name: on the disk it has another."""
    answer = told(engine, engine.examine(task.path, tell, task.sha256))
    name, stored = printable(task.name), task.path.name
    if answer["error"]:
        reason = answer["error"]["message"].removeprefix(f"{stored}: ").replace(stored, name)
        answer["error"] = answer["error"] | {"message": f"{name}: {reason}"}
    return answer | {"query": answer["query"] | {"name": name}}


Keep = Callable[[Store, Engine, Begun, Any], bool]


def keep_answer(store: Store, engine: Engine, begun: Begun, answer: Json) -> bool:
    """Ends a "match" with its answer, which is kept also where it says why the file could not be examined."""
    keep = partial(_kept, begun, answer)
    if answer["error"]:
        return jobs.fail(store, begun, answer["error"]["code"], answer["error"]["message"], keep)
    return jobs.finish(store, begun, keep)


def _kept(begun: Begun, answer: Json, connection: Any, job: Any) -> Json:
    missed = jobs.registering_meanwhile(reading(connection), begun)
    return {"answer_id": answers.add(connection, job, answer, missed)}


def keep_failure(store: Store, engine: Engine, begun: Begun, code: str, message: str) -> bool:
    """Ends a job whose file could not be read to the end."""
    if begun.job.kind != "match":
        return jobs.fail(store, begun, code, message)
    asked = begun.job.input
    query = QueryInfo(asked["name"], asked["sha256"], 0.0, ())
    unexamined = Answer(query, (), Failure(code, message), (), 0.0)
    return keep_answer(store, engine, begun, told(engine, unexamined))


def keep_reference(store: Store, engine: Engine, begun: Begun, made: Registration) -> bool:
    """Ends a "register" with its reference, which is the organisation's from then on. Raises CatalogError."""
    about, org_id = begun.job.input, begun.job.org_id
    try:
        work_id = about["work"] or _work_of(store, org_id, about)
        named, owner = works.details(store, org_id, work_id)
        taken = replace(made.taken, name=about["name"])
        reference, _ = engine.store(taken, named.title, named.kind, owner, named.identifiers)
        works.own(store, org_id, reference.id, work_id, about["name"], made.matches)
    except Missing as error:
        return jobs.fail(store, begun, "removed", f"{error}: it was removed meanwhile")
    return jobs.finish(store, begun, lambda _, __: {"ref_id": reference.id})


def _work_of(store: Store, org_id: int, about: Json) -> str:
    """The organisation's work of that title and kind, which is made if need be."""
    pairs = frozenset(
        (scheme, value) for scheme, _, value in (one.partition(":") for one in about["identifiers"])
    )
    details = Details(about["title"] or Path(about["name"]).stem, about["kind"], pairs)
    return works.find_or_create(store, org_id, [details])[0][0]


KEEPERS: dict[str, Keep] = {"match": keep_answer, "register": keep_reference}
