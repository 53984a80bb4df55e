"""Where each second of ``whorl match`` goes, from the start of the process to the answer.

The command runs under Python's profiler, which slows small functions down: the shares tell more than the seconds. What is
spent in a function itself counts for the stage it was called for, the innermost one: what the index loads is loading code.
"""

import pstats
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.processes import run

REST, START = "everything else", "start and end of it"
# End of the file's path, and function; a built-in one has no file.
STAGES = {
    "loading code": (("<frozen importlib._bootstrap>", "_find_and_load"),),
    "loading the index": (("index/segments.py", "load_index"),),
    "waiting for the decoder": (
        ("~", "<method 'recv_into' of '_socket.socket' objects>"),
        ("~", "<method 'recv' of '_socket.socket' objects>"),
    ),
    "sound to codes": (("fingerprint/audio.py", "_query"),),
    "pictures to codes": (("fingerprint/video.py", "project"),),
    "searching the index": (("index/faiss_index.py", "search"),),
    "hits to lines": (("matching/align.py", "lines"),),
    "scoring lines": (("matching/verify.py", "stretch"),),
    "asking peaks and details": (("matching/confirm.py", "factors"), ("matching/confirm.py", "straightened")),
    REST: (("service/cli.py", "main"),),
}

Function = tuple[str, int, str]  # its file, line and name
LEAST = 1e-9


def profiled(data: Path, clip: Path) -> dict[str, float]:
    """Seconds of each stage of matching a clip; together the process's wall time."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "profile"
        done = run([sys.executable, "-m", "cProfile", "-o", str(kept), "-m", "service.cli", "--data", str(data),
                    "match", str(clip)])  # fmt: skip
        if done.code:
            raise RuntimeError(f"whorl match failed on {clip.name}: its message stands above")
        return told(pstats.Stats(str(kept)), done.wall)


def told(stats: Any, wall: float) -> dict[str, float]:
    """The stages of a profile, the rest of it, and what of the wall time is before and after it: together the wall time."""
    functions: list[Function] = list(stats.stats)
    own = np.array([stats.stats[function][2] for function in functions])
    seconds = dict(zip(STAGES, map(float, own @ _shares(stats.stats, functions)), strict=True))
    seconds[REST] += max(0.0, float(own.sum()) - sum(seconds.values()))
    seconds[START] = max(0.0, wall - sum(seconds.values()))
    return seconds


def _shares(rows: dict[Function, Any], functions: list[Function]) -> NDArray[np.float64]:
    """Parts of each function's time by the stage that it was called for, (functions, STAGES).

    ``share[f] = sum(time[g, f] * share[g]) / sum(time[g, f])`` over its callers g; a stage's function is all its own.
    """
    number = {function: i for i, function in enumerate(functions)}
    calls = [
        (number[function], number[caller], edge[3] + LEAST)
        for function in functions
        for caller, edge in rows[function][4].items()
        if caller != function
    ]
    of, by = (np.array([call[i] for call in calls], np.int64) for i in (0, 1))
    weight = np.array([call[2] for call in calls], np.float64)
    weight /= np.bincount(of, weight, len(functions))[of]
    stages = np.array([[name == _stage(function) for name in STAGES] for function in functions], np.float64)
    share, before = stages, np.zeros_like(stages)
    while np.abs(share - before).max() > LEAST:  # calls in a circle have no first one to begin with
        before, share = share, stages.copy()
        np.add.at(share, of, weight[:, None] * before[by])
        share[stages.any(1)] = stages[stages.any(1)]
    return share


def _stage(function: Function) -> str | None:
    file, _, name = function
    return next(
        (stage for stage, places in STAGES.items() for path, called in places
         if file.endswith(path) and name == called), None)  # fmt: skip
