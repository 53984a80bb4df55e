"""A seized drive: every file is looked at, media are hashed once and examined once, and a kill costs seconds."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evidence.answer import Json
from fingerprint.media import Limits, MediaError
from matching.engine import Engine
from matching.segment import Answer, Failure, QueryInfo
from service.examining import Examine, Identify, maker, renamed, told
from service.journal import Examined, Identity, Journal
from service.known import KnownFiles
from service.walk import Entry
from service.workers import Done, Workers

TURN = 0.5  # seconds between two looks at the workers


@dataclass(frozen=True, slots=True)
class Result:
    """What a file holds: the object of `whorl match` with the file's ``path``.

    thorough  whether it was examined in full
    copy_of   the first file of the same bytes, where it is not this one
    """

    answer: Json
    path: Path
    thorough: bool
    copy_of: Path | None = None


@dataclass(slots=True)
class Tally:
    """How far a scan has come. Numbers of files, but for ``bytes``.

    examined  files that have an answer; of the same bytes one, and none that gave an error
    copies    other files of the bytes of one of these
    status    files of each status; archives, which are not opened, are counted apart
    """

    files: int = 0
    bytes: int = 0
    examined: int = 0
    full: int = 0
    copies: int = 0
    known: int = 0
    pictures: int = 0
    lists: int = 0
    archives: int = 0
    others: int = 0
    links: int = 0
    status: dict[str, int] = field(
        default_factory=lambda: {"match": 0, "review": 0, "no-match": 0, "error": 0}
    )


def state(engine: Engine) -> str:
    """Names what answers depend on: the registered files and the engine's version."""
    held = sorted((r.id, r.sha256) for r in engine.catalog.references())
    return hashlib.sha256(json.dumps([held, maker()]).encode()).hexdigest()


class Scan:
    """One run over a drive."""

    def __init__(
        self,
        workers: Workers,
        journal: Journal,
        known: KnownFiles,
        thorough: bool,
        engine: Engine,
        emit: Callable[[Result], None],
    ) -> None:
        """``emit`` is told each result as soon as it is there."""
        self.tally = Tally()
        self._workers, self._journal, self._known, self._emit = workers, journal, known, emit
        self._thorough, self._engine = thorough, engine
        self._ready: deque[Examine] = deque()
        self._waiting: dict[str, list[Entry]] = {}  # files of bytes that are being examined
        self._first: dict[str, Path] = {}

    def run(self, entries: Iterator[Entry], look: Callable[[Tally], None]) -> None:
        """Goes through all files; ``look`` is called again and again."""
        while True:
            while self._workers.free and (job := self._next(entries)):
                self._workers.give(job)
                look(self.tally)
            if not self._workers.jobs:
                return
            for done in self._workers.wait(TURN):
                self._took(done)
            look(self.tally)

    def _next(self, entries: Iterator[Entry]) -> Examine | Identify | None:
        """The next thing to do. Files that are hashed go first, so that few wait."""
        if self._ready:
            return self._ready.popleft()
        return next((job for entry in entries if (job := self._begun(entry))), None)

    def _begun(self, entry: Entry) -> Examine | Identify | None:
        """What is to be done first about a file, if anything."""
        if entry.passed:
            self.tally.links += 1
            return None
        self.tally.files += 1
        if entry.problem is not None:
            self._refuse(entry, entry.problem)
            return None
        identity = self._journal.identity(entry, self._known.algorithms)
        if identity is None:
            return Identify(entry, self._known.algorithms)
        return self._placed(entry, identity)

    def _placed(self, entry: Entry, identity: Identity) -> Examine | None:
        """The job of examining a file, unless it is nothing to examine or its bytes are, or are being, examined."""
        self.tally.pictures += identity.kind == "picture"
        self.tally.lists += identity.kind == "list"
        self.tally.others += identity.kind == "other"
        if identity.kind != "media":
            self.tally.bytes += entry.size
            return None
        sha256 = identity.digests["sha256"]
        if self._known.holds(identity.digests):
            self.tally.known += 1
            self.tally.bytes += entry.size
            return None
        if sha256 in self._waiting:
            self._waiting[sha256].append(entry)
            return None
        examined = self._journal.answer(sha256, self._thorough)
        if examined is not None:
            self._settle(entry, sha256, examined)
            return None
        self._waiting[sha256] = [entry]
        return Examine(entry, sha256, self._thorough)

    def _took(self, done: Done) -> None:
        job = done.job
        if isinstance(job, Examine):
            self._examined(
                job, done.result or self._failed(job, *(done.failure or ("crashed", "gave nothing")))
            )
        elif done.failure:
            self._refuse(job.entry, MediaError(done.failure[0], job.entry.path.name, done.failure[1]))
        else:
            self._journal.identify(job.entry, done.result)
            following = self._placed(job.entry, done.result)
            self._ready += [following] if following else []

    def _examined(self, job: Examine, examined: Examined) -> None:
        if not examined.lasting:
            self._passing(job, examined)
            return
        self._journal.examined(job.sha256, examined)
        for entry in self._waiting.pop(job.sha256):
            self._settle(entry, job.sha256, examined)

    def _passing(self, job: Examine, examined: Examined) -> None:
        """The error is this copy's, or this moment's: the next one of the same bytes is examined in its place."""
        self._tell(job.entry, examined, None)
        others = [entry for entry in self._waiting.pop(job.sha256) if entry is not job.entry]
        if others:
            self._waiting[job.sha256] = others
            self._ready.append(Examine(others[0], job.sha256, self._thorough))

    def _settle(self, entry: Entry, sha256: str, examined: Examined) -> None:
        first = self._first.setdefault(sha256, entry.path)
        if not examined.answer["error"]:
            self.tally.copies += first != entry.path
            self.tally.examined += first == entry.path
            self.tally.full += first == entry.path and examined.thorough
        self._tell(entry, examined, None if first == entry.path else first)

    def _refuse(self, entry: Entry, problem: MediaError) -> None:
        """A file or folder that cannot be read: it is not known whether it is media."""
        self._tell(entry, self._answered(entry, "", problem.code, str(problem)), None)

    def _failed(self, job: Examine, code: str, reason: str) -> Examined:
        return self._answered(job.entry, job.sha256, code, f"{job.entry.path.name}: {reason}")

    def _answered(self, entry: Entry, sha256: str, code: str, message: str) -> Examined:
        query = QueryInfo(entry.path.name, sha256, 0.0, ())
        answer = Answer(query, (), Failure(code, message), (), 0.0)
        return Examined(told(self._engine, answer), True)

    def _tell(self, entry: Entry, examined: Examined, copy_of: Path | None) -> None:
        named = renamed(examined, entry)
        self.tally.bytes += entry.size
        if (named.answer["error"] or {}).get("code") == "archive":
            self.tally.archives += 1
        else:
            self.tally.status[named.answer["status"]] += 1
        self._emit(Result(named.answer, entry.path, examined.thorough, copy_of))


def journal(data: Path, engine: Engine, limits: Limits) -> Journal:
    """The journal of scans in a data directory. Raises CatalogError."""
    return Journal(data / "scans.db", state(engine), str(limits))
