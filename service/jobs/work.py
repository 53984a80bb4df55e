"""What a job does: the part that reads hostile media, in a process of its own, and the part that keeps its result."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.answer import Json, answer_json, printable
from fingerprint.exchange import is_exchange, unpacked
from fingerprint.media import Limits, MediaError, start_decoder
from fingerprint.storage import StorageError
from matching.engine import WIDTH, Engine, Taken
from matching.segment import Answer
from service.examining import maker
from service.store import answers, jobs, works
from service.store.jobs import Begun
from service.store.store import Store
from service.terminal import say
from service.workers import Handler


@dataclass(frozen=True, slots=True)
class Opening:
    """What the process that reads media needs to begin."""

    data: Path
    limits: Limits


@dataclass(frozen=True, slots=True)
class Task:
    """What that process is to do: "match" or "register" the file at ``path``, which its owner calls ``name``."""

    kind: str
    path: Path
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Original:
    """What was taken of a file to be registered, and the matches that it holds itself."""

    taken: Taken
    matches: list[Json]


def reader(opening: Opening) -> Handler:
    """Reads media, in the process that calls this; everything that it needs is loaded before the first job."""
    start_decoder()
    engine = Engine(opening.data, opening.limits, note=say)
    engine.warm()

    def handle(job: Any, tell: Callable[[float], None]) -> Json | Original | None:
        task: Task | None = job
        if task is None:
            return None  # to see that it is ready
        return _answer(engine, task, tell) if task.kind == "match" else _original(engine, task, tell)

    return handle


def _original(engine: Engine, task: Task, tell: Callable[[float], None]) -> Original:
    """What registering needs. Raises MediaError."""
    if is_exchange(task.path):
        return _exchanged(engine, task)
    answer = engine.examine(task.path, lambda part: tell(part / 2), task.sha256, thorough=False)
    taken = engine.take(task.path, lambda part: tell((1 + part) / 2))
    return Original(taken, _json(engine, answer)["matches"])


def _exchanged(engine: Engine, task: Task) -> Original:
    """The same of a fingerprint. Its own digest names it: that of the file is only what its owner says."""
    try:
        made = unpacked(task.path.read_bytes())
        answer = engine.match(made)
        known = all(f.algorithm in engine.algorithms and f.width == WIDTH for f in made.references)
    except (StorageError, ValueError) as error:
        raise MediaError("bad-fingerprint", task.name, str(error)) from None
    if not known or not any(map(len, made.references)):
        raise MediaError("bad-fingerprint", task.name, f"holds no codes of {', '.join(engine.algorithms)}")
    taken = Taken(task.name, task.sha256, made.duration, tuple(f for f in made.references if len(f)))
    return Original(taken, _json(engine, answer)["matches"])


def _json(engine: Engine, answer: Answer) -> Json:
    return answer_json(answer, engine.catalog.work, maker(engine))


def _answer(engine: Engine, task: Task, tell: Callable[[float], None]) -> Json:
    """The answer under the file's own name: on the disk it has another."""
    answer = _json(engine, engine.examine(task.path, tell, task.sha256))
    name, stored = printable(task.name), task.path.name
    if answer["error"]:
        reason = answer["error"]["message"].removeprefix(f"{stored}: ").replace(stored, name)
        answer["error"] = answer["error"] | {"message": f"{name}: {reason}"}
    return answer | {"query": answer["query"] | {"name": name}}


Keep = Callable[[Store, Engine, Begun, Any], bool]


def keep_answer(store: Store, engine: Engine, begun: Begun, answer: Json) -> bool:
    """Ends a "match": with its answer, or with the reason why the file could not be examined."""
    if answer["error"]:
        return jobs.fail(store, begun, answer["error"]["code"], answer["error"]["message"])
    return jobs.finish(store, begun, lambda c, job: {"answer_id": answers.add(c, job, answer)})


def keep_reference(store: Store, engine: Engine, begun: Begun, original: Original) -> bool:
    """Ends a "register" with its reference. Raises CatalogError, Missing where the work is gone."""
    if not jobs.held(store, begun):
        return False
    about, org_id = begun.job.input, begun.job.org_id
    work, owner = works.details(store, org_id, about["work"])
    reference, _ = engine.store(original.taken, work.title, work.kind, owner, work.identifiers)
    works.own(store, org_id, reference.id, about["work"], about["name"], original.matches)
    return jobs.finish(store, begun, lambda _, __: {"ref_id": reference.id})


KEEPERS: dict[str, Keep] = {"match": keep_answer, "register": keep_reference}
