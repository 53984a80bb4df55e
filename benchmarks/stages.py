"""Where each second of ``whorl match`` goes, from the start of the process to the answer.

The command runs under Python's profiler, which slows small functions down: the shares tell more than the seconds. What is
spent in a function itself counts for the stage it was called for, the innermost one: what the index loads is loading code.
"""

import pstats
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.processes import run

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
}
REST, START = "everything else", "start and end of it"

Function = tuple[str, int, str]  # its file, line and name
Shares = dict[str, float]


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
    seconds = dict.fromkeys((*STAGES, REST), 0.0)
    known: dict[Function, Shares] = {}
    for function, (_, _, own, _, _) in stats.stats.items():
        for stage, share in _shares(stats.stats, function, known).items():
            seconds[stage] += share * own
    seconds[START] = max(0.0, wall - sum(seconds.values()))
    return seconds


def _shares(rows: dict[Function, Any], function: Function, known: dict[Function, Shares]) -> Shares:
    """Parts of a function's time by the stage that it was called for: those of its callers, by their calls' seconds."""
    if function not in known:
        known[function] = {REST: 1.0}  # what calls itself in a circle
        stage = _stage(function)
        callers = {caller: edge[3] for caller, edge in rows[function][4].items() if caller != function}
        total = sum(callers.values())
        if stage:
            known[function] = {stage: 1.0}
        elif total > 0:
            found: Shares = {}
            for caller, seconds in callers.items():
                for of, share in _shares(rows, caller, known).items():
                    found[of] = found.get(of, 0.0) + share * seconds / total
            known[function] = found
    return known[function]


def _stage(function: Function) -> str | None:
    file, _, name = function
    return next(
        (stage for stage, places in STAGES.items() for path, called in places
         if file.endswith(path) and name == called), None)  # fmt: skip
