"""What the workers of a scan do: say what a file is, and examine what is media."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evidence.answer import Json, answer_json, printable
from fingerprint.extractor import WIDTHS
from fingerprint.media import Limits, MediaError, content, digests
from fingerprint.sniff import named
from matching.engine import Engine
from matching.segment import Answer, QueryInfo
from service.journal import Examined, Identity
from service.opening import open_engine
from service.terminal import say
from service.walk import Entry
from service.workers import Handler


@dataclass(frozen=True, slots=True)
class Identify:
    """The job of telling what a file is, with these hashes of it if it is media."""

    entry: Entry
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examine:
    """The job of examining a file: where ``thorough`` in full, else where a glance finds a lead."""

    entry: Entry
    sha256: str
    thorough: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """What a worker needs to begin: the data directory and the limits."""

    data: Path
    limits: Limits


def examiner(opening: Opening) -> Handler:
    """Does both jobs, in the process that calls this."""
    engine = open_engine(opening.data, opening.limits)

    def handle(job: Any, tell: Callable[[float], None]) -> Identity | Examined:
        if isinstance(job, Identify):
            return identified(job, tell)
        return examined(engine, job, tell)

    return handle


def maker() -> Json:
    """What examined, as answers tell it: the codes that are searched for, and what confirms what they find."""
    return {"version": version("whorl"), "algorithms": list(WIDTHS)}


def told(engine: Engine, answer: Answer) -> Json:
    """The answer as programs read it, with what examined it and how many registered files it was compared with, if any."""
    compared = {} if answer.error else {"references": engine.catalog.state()[0]}
    return answer_json(answer, engine.catalog.work, maker() | compared)


def for_people(answer: Json, path: Path, engine: Engine) -> Json:
    """The answer with the path, for files of one name in two folders are told apart, and the kinds of originals' streams."""
    matches = [match | {"reference": _with_kinds(match["reference"], engine)} for match in answer["matches"]]
    return answer | {"query": answer["query"] | {"name": printable(str(path))}, "matches": matches}


def _with_kinds(reference: Json, engine: Engine) -> Json:
    held = engine.catalog.algorithms(int(reference["id"]))
    kinds = [kind for kind, extractor in engine.extractors().items() if extractor.algorithm in held]
    return reference | {"kinds": kinds}


def identified(job: Identify, tell: Callable[[float], None]) -> Identity:
    """What a file is. Raises MediaError."""
    path = job.entry.path
    # What is named as media and is empty has lost what it held; other empty files are nothing.
    kind = content(path) if job.entry.size or named(path) else "other"
    return Identity(kind, digests(path, ("sha256", *job.algorithms), tell) if kind == "media" else {})


def examined(engine: Engine, job: Examine, tell: Callable[[float], None]) -> Examined:
    """The answer to a file."""
    path = job.entry.path
    glanced = None if job.thorough else _glanced(engine, job, tell)
    answer = glanced or engine.examine(path, tell, job.sha256)
    state = path.stat()
    if (state.st_size, state.st_mtime_ns) != (job.entry.size, job.entry.modified):
        raise MediaError("changed", path.name, "was changed while the scan went on; scan it again")
    for warning in answer.warnings:
        say(f"{path}: {warning}")
    return Examined(told(engine, answer), thorough=glanced is None)


def _glanced(engine: Engine, job: Examine, tell: Callable[[float], None]) -> Answer | None:
    """The answer of a glance; None where a full examination must give it."""
    begun = time.monotonic()
    try:
        look = engine.glance(job.entry.path, tell)
    except MediaError:
        return None  # the examination will tell what is the matter, and may find more
    if look.calls:
        return None
    query = QueryInfo(job.entry.path.name, job.sha256, look.duration, look.kinds)
    return Answer(query, (), None, (), time.monotonic() - begun)


def renamed(examined: Examined, entry: Entry) -> Examined:
    """The answer to the same bytes under another name, with the ``path``."""
    name, path = printable(entry.path.name), printable(str(entry.path))
    answer, error = examined.answer, examined.answer["error"]
    if error:
        reason = error["message"].removeprefix(answer["query"]["name"] + ": ")
        error = error | {"message": f"{name}: {reason}"}
    query = answer["query"] | {"name": name}
    return replace(examined, answer=answer | {"query": query, "error": error, "path": path})
