"""When, where and from what figures were taken: written beside them into ``benchmarks/results``."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

# Most queries are drawn by the names of the files they are made of, and need no other seed.
NAMES = "the names of files"


def taken(seed: int | str = NAMES) -> dict[str, Any]:
    """The commit, with a "+" where files were changed since; the day, the seed and the machine."""
    commit = _git("rev-parse", "HEAD") + (
        "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    )
    return {"commit": commit, "date": datetime.date.today().isoformat(), "seed": seed, "machine": machine()}


def noted(known: dict[str, Any], part: str, seed: int | str = NAMES) -> dict[str, Any]:
    """Figures with a note of when and where this part of them was taken, beside the notes of the others."""
    return known | {"taken": known.get("taken", {}) | {part: taken(seed)}}


def machine() -> dict[str, Any]:
    """The processor, its cores, memory in gigabytes, and what runs on it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": round(memory),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """Its name as Linux tells it; elsewhere as Python does."""
    told = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", told.read_text(), re.MULTILINE) if told.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def _git(*command: str) -> str:
    done = subprocess.run(
        ["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
