"""What codes cost: registering on all cores beside a bare decode there, and extraction beside peers on one core.

All are measured by CPU, decoding included, on the same files. On all cores a throughput is that of the CPU seconds: others
may use the machine. Wall seconds stand beside them.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.corpus import titles
from benchmarks.landmark_peers import LANDMARK_PEERS, SAMPLES
from benchmarks.peers import PEERS
from benchmarks.processes import Run, run

SECONDS = {"audio": 3600.0, "video": 450.0}  # of media, about, of each kind
SHARE = {"audio": 0.8, "video": 0.85}  # of a bare decode's throughput
FASTER = {"chromaprint": 1.0, "olaf": 1.0, "audfprint": 1.0, "vpdq": 1.5, "mpeg7": 1.5}
# As the command line itself does: threads of a numerical library wait for each other longer than they work.
EXTRACT = ["env", "OMP_NUM_THREADS=1", sys.executable, "-m", "benchmarks.extract"]
EACH = ["xargs", "-d", "\n", "-n", "1"]  # a program that takes one file
COMMANDS = {
    "chromaprint": [*EACH, "fpcalc", "-raw", "-length", "0"],
    "vpdq": [*EXTRACT, "vpdq"],
    "mpeg7": [*EACH[:3], "-I", "{}", "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-filter_threads", "1",
              "-i", "{}", "-an", "-vf", "signature=filename=/dev/null", "-f", "null", "-"],
}  # fmt: skip

_OLAF = f"""
export HOME="$1" && mkdir -p "$1"/.olaf/db &&
ffmpeg -v error -nostdin -y -i "$0" {" ".join(SAMPLES)} "$1"/sound.raw &&
"$2" store "$1"/sound.raw "$0"
"""

Row = dict[str, Any]


def files(media: Path, kind: str) -> tuple[list[Path], float]:
    """Every so many-th title of a kind, and the seconds of them all."""
    own = [title for title in titles(media) if title.kind == kind]
    step = max(1, round(sum(title.seconds for title in own) / SECONDS[kind]))
    return [media / title.file for title in own[::step]], sum(title.seconds for title in own[::step])


def measured(media: Path, data: Path) -> Row:
    """Both kinds. ``data`` is a folder for a catalog."""
    return {kind: _measured(kind, *files(media, kind), data) for kind in SECONDS}


def _measured(kind: str, paths: list[Path], seconds: float, data: Path) -> Row:
    given = "".join(f"{path}\n" for path in paths)
    shutil.rmtree(data, ignore_errors=True)
    command = [sys.executable, "-m", "service.cli", "--data", str(data), "register"]
    row: Row = {
        "files": len(paths),
        "media_seconds": seconds,
        "cores": os.cpu_count(),
        "register": _cost(run([*command, *map(str, paths)])),
        "bare_decode": _cost(run([sys.executable, "-m", "benchmarks.peer", str(os.cpu_count())], given)),
        "extract": _cost(run([*EXTRACT, "whorl"], given)),
    }
    peers = {name: peer for name, peer in PEERS.items() if name in COMMANDS and peer.kind == kind}
    row["peers"] = {
        name: {"missing": peer.missing} if peer.missing else _cost(run(COMMANDS[name], given))
        for name, peer in peers.items()
    }
    if kind == "audio":
        row["peers"] |= {name: _of_checkout(name, given) for name in LANDMARK_PEERS}
    return row


def _of_checkout(name: str, given: str) -> Row:
    """What a peer's fingerprints cost that has an index of its own."""
    peer = LANDMARK_PEERS[name]
    if peer.missing:
        return {"missing": peer.missing}
    program = str(peer.checkout / peer.program)
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "olaf": [*EACH[:3], "-I", "{}", "sh", "-c", _OLAF, "{}", folder, program],
            "audfprint": ["xargs", "-d", "\n", *EXTRACT[:2], sys.executable, program, "precompute", "-p", folder],
        }  # fmt: skip
        return _cost(run(commands[name], given))


def _cost(done: Run) -> Row:
    return {"cpu": done.cpu, "wall": done.wall, "exit_code": done.code}


def figures(report: Row) -> list[tuple[str, str, str, bool]]:
    """What is asked for: name, measured, required, reached."""
    rows = []
    for kind, row in report.items():
        share = row["bare_decode"]["cpu"] / row["register"]["cpu"]
        name = f"registering {kind} on all cores, beside a bare decode there"
        rows.append((name, f"{share:.0%}", f">= {SHARE[kind]:.0%}", share >= SHARE[kind]))
        for peer, cost in row["peers"].items():
            if "cpu" in cost:
                faster = cost["cpu"] / row["extract"]["cpu"]
                name = f"extraction, {kind}, speed beside {peer}"
                rows.append((name, f"{faster:.1f}x", f">= {FASTER[peer]:.1f}x", faster >= FASTER[peer]))
    return rows
