"""Where each second of ``whorl match`` goes, from the start of the process to the answer.

The command runs under Python's profiler, which slows small functions down: the shares tell more than the seconds. What
stages call of each other is told with the first of them.
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
REST, START = "everything else", "starting and ending the process"


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
    """The stages of a profile, the rest of it, and what of the wall time is before and after it."""
    seconds = {stage: sum(_cumulative(stats, *place) for place in places) for stage, places in STAGES.items()}
    seconds[REST] = max(0.0, stats.total_tt - sum(seconds.values()))
    seconds[START] = max(0.0, wall - stats.total_tt)
    return seconds


def _cumulative(stats: Any, path: str, function: str) -> float:
    return sum(
        float(row[3])
        for (file, _, name), row in stats.stats.items()
        if file.endswith(path) and name == function
    )
