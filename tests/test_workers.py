"""Jobs in processes of their own: one that kills or hangs its process fails alone."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from service.cli import main
from service.workers import Done, Handler, WorkerError, Workers


def worker(given: str) -> Handler:
    def handle(job: str, tell: Callable[[float], None]) -> str:
        if job == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if job == "hang":
            time.sleep(60)
        if job == "fault":
            raise ValueError("seven")
        if job == "gone":
            raise OSError(5, "Input/output error")
        tell(0.5)
        return f"{given} {job}"

    return handle


def broken(_: str) -> Handler:
    raise SystemExit(3)


def done(*jobs: str, count: int = 2, silence: float = 30.0) -> dict[str, Done]:
    """What becomes of each job."""
    waiting, found = list(jobs), dict[str, Done]()
    with Workers(count, worker, "did", silence) as workers:
        while waiting or workers.jobs:
            while waiting and workers.free:
                workers.give(waiting.pop(0))
            found |= {one.job: one for one in workers.wait(0.2)}
    return found


def test_a_job_that_fails_does_so_alone() -> None:
    found = done("a", "crash", "fault", "b", "gone", "c")
    assert [found[job].result for job in "abc"] == ["did a", "did b", "did c"]
    assert found["crash"].failure == ("crashed", "crashed the process that examined it (SIGSEGV)")
    assert found["fault"].failure == ("crashed", "could not be examined (ValueError: seven)")
    assert found["gone"].failure == ("unreadable", "cannot be read: Input/output error")


def answer(workers: Workers, job: str) -> Done:
    """Of one job at a time, as a service asks for it."""
    workers.give(job)
    while True:
        for one in workers.wait(0.2):
            return one


def test_after_a_crash_another_worker_takes_the_next_job() -> None:
    with Workers(1, worker, "did", 30.0) as workers:
        assert answer(workers, "crash").failure is not None
        assert [answer(workers, job).result for job in "ab"] == ["did a", "did b"]
        assert len(workers._workers) == 1


def test_a_worker_that_was_killed_while_idle_takes_no_job_with_it() -> None:
    with Workers(1, worker, "did", 30.0) as workers:
        assert answer(workers, "a").result == "did a"
        (idle,) = workers._workers
        idle._process.kill()
        idle._process.join()
        assert [answer(workers, job).result for job in "bc"] == ["did b", "did c"]
        assert len(workers._workers) == 1


def test_a_job_that_hangs_is_ended() -> None:
    found = done("hang", "a", count=1, silence=3.0)
    assert found["hang"].failure == ("timeout", "gave no sign of life for 3 s")
    assert found["a"].result == "did a"


def test_a_command_whose_workers_cannot_begin_ends_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise WorkerError("a worker ended with status 3 before it began: see above")

    monkeypatch.setattr("service.cli._run", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: a worker ended with status 3 before it began: see above\n"


def test_workers_that_cannot_begin_are_no_fault_of_a_job() -> None:
    with Workers(1, broken, "", 30.0) as workers, pytest.raises(WorkerError, match="status 3"):
        workers.give("a")
        while workers.jobs:
            workers.wait(0.2)
