"""`whorl register`: files one after the other, or, where there is much, fingerprinted by all cores and stored by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.answer import Json, printable, reference_json
from evidence.words import clock, gigabytes
from fingerprint.media import Limits, MediaError
from index.catalog import Work
from matching.engine import Engine
from matching.taken import UNMATCHABLE, Taken, unmatchable
from service.inputs import Details, FoundFile, found_files
from service.opening import open_engine
from service.terminal import progress, running, say
from service.workers import Handler, Workers, cores, patience, problem

MUCH = 16 << 20  # bytes in all from which on it pays to start workers: they take a second or two to begin
UNCHANGED = "under other details, which stay: to change them, whorl remove it and register it again"
TURN = 0.5  # seconds between two looks at the workers


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a file, as a line of JSON and in words."""

    line: Json
    text: str

    @property
    def failed(self) -> bool:
        """Whether it could not be registered."""
        return bool(self.line["error"])


def register(
    engine: Engine, data: Path, limits: Limits, paths: list[Path], details: Callable[[Path], Details]
) -> Iterator[Registered]:
    """Registers each file, and says at the end which could not be and why."""
    files = found_files(paths, say)
    sizes = {found.path: _size(found.path) for found in files}
    at_once = min(cores(), len(files))
    if at_once > 1 and sum(sizes.values()) >= MUCH:
        with Workers(at_once, taker, (data, limits), patience(limits)) as workers:
            yield from _reported(_at_once(engine, files, sizes, details, workers))
    else:
        yield from _reported(_in_turn(engine, files, details))


def _reported(all_of_them: Iterator[Registered]) -> Iterator[Registered]:
    """The same, with the failures told once more at the end of many."""
    count, failed = 0, list[Registered]()
    for one in all_of_them:
        count += 1
        failed += [one] if one.failed else []
        yield one
    if failed and count > 1:
        say(f"{len(failed)} of {count} files could not be registered:")
        for one in failed:
            say(f"  {one.line['file']}: {one.line['error']['code']}: {one.line['error']['message']}")


def _in_turn(
    engine: Engine, files: list[FoundFile], details: Callable[[Path], Details]
) -> Iterator[Registered]:
    with progress(len(files), "registering") as show:
        for number, found in enumerate(files):

            def tell(part: float, number: int = number, name: str = found.path.name) -> None:
                show(number, part, name)

            yield _stored(engine, found.path, details, lambda f=found, t=tell: engine.take(f.checked(), t))  # type: ignore[misc]


def taker(opening: tuple[Path, Limits]) -> Handler:
    """Fingerprints files, in the process that calls this; those of bytes that are registered are passed over."""
    engine = open_engine(*opening)

    def handle(job: Any, tell: Callable[[float], None]) -> Taken:
        found: FoundFile = job
        return engine.take(found.checked(), tell)

    return handle


def _at_once(
    engine: Engine,
    files: list[FoundFile],
    sizes: dict[Path, int],
    details: Callable[[Path], Details],
    workers: Workers,
) -> Iterator[Registered]:
    """In the order in which they are done, each stored at once: a kill loses only what is under way."""
    waiting, settled, worked = iter(files), 0, 0.0

    def words(seconds: float) -> str:
        under_way = sum(p * sizes[f.path] for p, f in zip(workers.parts, workers.jobs, strict=True))
        everything, now = sum(sizes.values()), worked + under_way
        left = f", {clock((everything - now) * seconds / now).split('.')[0]} left" if now > 0 else ""
        names = ", ".join(found.path.name for found in workers.jobs)
        return f"registering: {settled} of {len(files)} files, {gigabytes(now)} of {gigabytes(everything)}{left}: {names}"

    with running() as show:
        while True:
            while workers.free and (found := next(waiting, None)):
                workers.give(found)
            if not workers.jobs:
                return
            for done in workers.wait(TURN):
                path = done.job.path
                settled, worked = settled + 1, worked + sizes[path]
                yield _stored(engine, path, details, lambda d=done, p=path: _result(d.result, d.failure, p))  # type: ignore[misc]
            show(words)


def _result(result: Taken | None, failure: tuple[str, str] | None, path: Path) -> Taken:
    """What a worker took of a file. Raises MediaError."""
    if result is None:
        code, reason = failure or ("crashed", "gave nothing")
        raise MediaError(code, path.name, reason)
    return result


def _stored(
    engine: Engine, path: Path, details: Callable[[Path], Details], take: Callable[[], Taken]
) -> Registered:
    """Stores what ``take`` gives of a file, and says how it went."""
    line: Json = {"file": printable(str(path)), "status": "error", "reference": None, "error": None}
    try:
        taken, about = take(), details(path)
        reference, new = engine.store(
            taken, about.title or path.stem, about.kind, about.owner, about.identifiers
        )
    except Exception as error:
        found = problem(error, path.name)
        line["error"] = {"code": found.code, "message": str(found)}
        return Registered(line, f"error: {path}: {found.reason}")
    line["status"] = "registered" if new else "already-registered"
    work = engine.catalog.work(reference.work_id)
    line["reference"] = reference_json(reference, work)
    told = f"{'registered' if new else 'already registered'} as #{reference.id}: {path}"
    if new and unmatchable(taken.fingerprints):
        line["warnings"] = [UNMATCHABLE]
        told += f", but it is {UNMATCHABLE}"
    return Registered(line, told if new or _agrees(about, work) else f"{told} ({UNCHANGED})")


def _agrees(about: Details, work: Work) -> bool:
    """Whether nothing is given of a work that is not known of it already."""
    given = ((about.title, work.title), (about.owner, work.owner), (about.kind, work.kind))
    return (
        all(not new or printable(new) == known for new, known in given)
        and about.identifiers <= work.identifiers
    )


def _size(path: Path) -> int:
    """Bytes of a file; 0 of what cannot be asked, which fails when it is read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
