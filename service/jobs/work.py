"""What a job does: the part that reads hostile media, in a process of its own, and the part that keeps its result."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.answer import Json, answer_json, printable
from fingerprint.media import Limits, MediaError, start_decoder
from matching.engine import Engine, Taken
from service.examining import maker
from service.store import answers, jobs
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


def reader(opening: Opening) -> Handler:
    """Reads media, in the process that calls this; everything that it needs is loaded before the first job."""
    start_decoder()
    engine = Engine(opening.data, opening.limits, note=say)
    engine.warm()

    def handle(job: Any, tell: Callable[[float], None]) -> Json | Taken | None:
        task: Task | None = job
        if task is None:
            return None  # to see that it is ready
        if task.kind == "match":
            return _answer(engine, task, tell)
        try:
            return engine.take(task.path, tell)
        except MediaError as error:
            raise MediaError(error.code, task.name, error.reason) from None

    return handle


def _answer(engine: Engine, task: Task, tell: Callable[[float], None]) -> Json:
    """The answer under the file's own name: on the disk it has another."""
    answer = answer_json(engine.examine(task.path, tell, task.sha256), engine.catalog.work, maker(engine))
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


def keep_reference(store: Store, engine: Engine, begun: Begun, taken: Taken) -> bool:
    """Ends a "register" with its reference. Raises CatalogError."""
    about = begun.job.input
    pairs = frozenset((scheme, value) for scheme, value in about.get("identifiers", ()))
    named = Taken(about["name"], taken.sha256, taken.duration, taken.fingerprints)
    reference, _ = engine.store(
        named,
        about.get("title") or Path(about["name"]).stem,
        about.get("kind", ""),
        about.get("owner", ""),
        pairs,
    )
    return jobs.finish(store, begun, lambda _, __: {"ref_id": reference.id})


KEEPERS: dict[str, Keep] = {"match": keep_answer, "register": keep_reference}
