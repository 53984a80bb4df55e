"""Kills at every write, and damage in every file of an index: what is lost, and what is answered wrongly.

    python -m benchmarks.durability [--every N]

A process that registers, saves, merges and removes is killed at the first call that changes a file, then at the second,
and so on until it comes through (``faults.c``, preloaded; it takes a C compiler). Then bits of each file of the index are
flipped, and files cut off. After each fault the catalog must hold each reference whole or not at all, as far as it was
told, and the index must answer as the obviously right one does. Writes ``durability.json`` into ``benchmarks/results``.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy import RESULTS
from benchmarks.taken import noted
from fingerprint.fingerprint import Fingerprint
from index import keyed_store, segments
from index.catalog import Catalog
from index.faiss_index import on_threads
from index.index import INDEXES, Index

ALGORITHM, WIDTH = "audio/1", 8
CODES = 300  # of a reference
SEED = 20261126
DAMAGES = 60  # of each kind of index: half of them flipped bits, half files cut off
FEW = 500  # codes that are scanned, and that a tail holds, where keyed segments are walked
# What the killed process does: adds references of these seeds, removes them, or loads, and so saves and merges.
STEPS = (("add", 1), ("add", 2), ("add", 3), ("load", 0), ("add", 4), ("add", 5), ("load", 0), ("remove", 2),
         ("add", 6), ("add", 7), ("add", 8), ("load", 0), ("remove", 5), ("remove", 6), ("load", 0))  # fmt: skip

Step = tuple[str, int]


@dataclass
class Tally:
    """Faults that were injected, and what came of them."""

    kills: int = 0
    flips: int = 0
    truncations: int = 0
    lost: int = 0
    half: int = 0
    wrong_answers: int = 0


def fingerprint(seed: int, n: int = CODES) -> Fingerprint:
    """What a file of this seed gives."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (n, WIDTH), np.uint8)
    return Fingerprint(ALGORITHM, n * 0.24, np.round(np.arange(n) * 0.24, 3), codes, rng.random(n) < 0.1)


def sha256(seed: int) -> str:
    """Of the file of this seed."""
    return f"{seed:064x}"


def load(catalog: Catalog, folder: Path) -> Index:
    """The index, as the engine loads it."""
    return segments.load_index(catalog, ALGORITHM, WIDTH, folder / "index", lambda _: None)


def perform(folder: Path, steps: tuple[Step, ...], told: int) -> None:
    """Does the steps, and writes a byte to the descriptor after each."""
    catalog = Catalog(folder / "catalog.db")
    for what, seed in steps:
        if what == "add":
            catalog.add(f"{seed}.wav", sha256(seed), CODES * 0.24, [fingerprint(seed)], f"work {seed}")
        elif what == "remove":
            reference = catalog.find(sha256(seed))
            assert reference is not None, f"{seed} was registered before"
            catalog.remove(reference.id)
        else:
            load(catalog, folder)
        os.write(told, b".")
    catalog.close()


def killed(folder: Path, steps: tuple[Step, ...], at: int) -> tuple[int, bool]:
    """Steps that a process did which was killed at this call, and whether it was."""
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        ctypes.CDLL(None).whorl_arm(ctypes.c_long(at))
        perform(folder, steps, told)
        os._exit(0)
    os.close(told)
    with os.fdopen(read, "rb") as done:
        count = len(done.read())
    _, status = os.waitpid(child, 0)
    if status not in (0, signal.SIGKILL):
        raise RuntimeError(f"the process ended with {status} at call {at}: neither well nor killed")
    return count, status != 0


def held(steps: tuple[Step, ...]) -> set[int]:
    """Seeds that are registered after the steps."""
    seeds: set[int] = set()
    for what, seed in steps:
        seeds = seeds | {seed} if what == "add" else seeds - {seed} if what == "remove" else seeds
    return seeds


def check(folder: Path, steps: tuple[Step, ...], done: int, tally: Tally) -> None:
    """Compares what is there with what must be: the step that was cut short is done or not."""
    catalog = Catalog(folder / "catalog.db")
    found = {int(reference.sha256, 16): reference.id for reference in catalog.references()}
    allowed = [held(steps[:done]), held(steps[: done + 1])]
    tally.lost += set(found) not in allowed
    tally.half += sum(not _whole(catalog, seed, ref_id) for seed, ref_id in found.items())
    exact = INDEXES["exact"](ALGORITHM, WIDTH)
    for ref_id, stored in catalog.fingerprints(ALGORITHM):
        exact.add(ref_id, stored)
    right = answers(exact)
    # Twice: the first start heals, and what it wrote must be right too.
    tally.wrong_answers += sum(answers(load(catalog, folder)) != right for _ in range(2))
    catalog.close()


def _whole(catalog: Catalog, seed: int, ref_id: int) -> bool:
    stored, right = catalog.fingerprint(ref_id, ALGORITHM), fingerprint(seed)
    return stored is not None and np.array_equal(stored.codes, right.codes)


def answers(index: Index) -> list[list[float]]:
    """How near everything is found, and where the same code is: of others equally far, any may be found."""
    said = []
    for seed in range(1, 10):
        hits = index.search(fingerprint(seed, 20), 2)
        same = hits.distances == 0
        said.append([*hits.distances.tolist(), *hits.ref_ids[same].tolist(), *hits.ref_times[same].tolist()])
    return said


def walk(every: int, tally: Tally) -> None:
    """Kills at each ``every``-th call until the process comes through."""
    at, running = 1, True
    while running:
        with tempfile.TemporaryDirectory() as folder:
            done, running = killed(Path(folder), STEPS, at)
            tally.kills += running
            check(Path(folder), STEPS, done, tally)
        at += every


def damage(count: int, tally: Tally) -> None:
    """Flips a bit or cuts a file off, at places drawn, and looks again."""
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        perform(folder, STEPS, os.open(os.devnull, os.O_WRONLY))
        shutil.copytree(folder / "index", folder / "good")
        for number in range(count):
            shutil.rmtree(folder / "index")
            shutil.copytree(folder / "good", folder / "index")
            paths = sorted(path for path in (folder / "index").iterdir() if path.stat().st_size)
            _spoil(paths[rng.integers(len(paths))], number, rng, tally)
            check(folder, STEPS, len(STEPS), tally)


def _spoil(path: Path, number: int, rng: np.random.Generator, tally: Tally) -> None:
    data = bytearray(path.read_bytes())
    at = int(rng.integers(len(data)))
    if number % 2:
        data[at] ^= 1 << int(rng.integers(8))
        tally.flips += 1
    else:
        data = data[:at]
        tally.truncations += 1
    path.write_bytes(data)


def kinds() -> Iterator[str]:
    """The kinds of index: what is scanned, then what is filed under keys, which small catalogs are made to be."""
    yield "scanned"
    segments.SCANNED = keyed_store.TAIL = FEW
    yield "keyed"


def measure(every: int, damages: int) -> dict[str, dict[str, int]]:
    """Everything, in this process, into which ``faults.c`` must be preloaded."""
    on_threads(1)
    report = {}
    for kind in kinds():
        tally = Tally()
        walk(every, tally)
        damage(damages, tally)
        report[kind] = asdict(tally)
    return report


def preloaded(folder: Path) -> dict[str, str]:
    """The environment of a process that can be killed at any call. Raises FileNotFoundError without a C compiler."""
    library = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="whorl bench durability", description=str(__doc__).split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="kill at each so manieth call only")
    parser.add_argument("--damages", type=int, default=DAMAGES, help="files damaged of each kind of index")
    arguments = parser.parse_args()
    if "LD_PRELOAD" not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            again = [sys.executable, "-m", "benchmarks.durability", *sys.argv[1:]]
            sys.exit(subprocess.call(again, env=preloaded(Path(folder))))
    report = measure(arguments.every, arguments.damages)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "durability.json").write_text(json.dumps(noted(report, "durability", SEED), indent=1) + "\n")
    print(json.dumps(report, indent=1))
    if any(row["lost"] or row["half"] or row["wrong_answers"] for row in report.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
