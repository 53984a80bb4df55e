"""Open peers on the same queries: Chromaprint's codes and imagehash's perceptual hash, each aligned exhaustively.

AcoustID does not look up excerpts and imagehash knows nothing of time, so both get the best alignment there is: every
query is compared with every stretch of every registered file; its score is one minus the mean fraction of bits that differ.

    python -m benchmarks.peers [--cache FOLDER]

Prints, and writes into ``peers.json`` of ``benchmarks/results``, how many copies each finds when no stranger passes.
"""

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.status import Status

from benchmarks.accuracy import RESULTS
from benchmarks.attacks import ATTACKS
from benchmarks.corpus import media_folder, registered, same, titles
from benchmarks.metrics import Count, Prediction, recall_at
from benchmarks.queries import Truth, default_cache, queries

Codes = NDArray[np.uint8]  # (n, bytes), at equal steps of time

FRAME_RATE = 4.0  # pictures a second that are hashed
SHORTEST = 4  # codes without which nothing is compared


def chromaprint(path: Path) -> Codes:
    """32 bits every 0.124 s, by ``fpcalc``."""
    command = ["fpcalc", "-raw", "-json", "-length", "0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    numbers = json.loads(done.stdout)["fingerprint"] if done.returncode == 0 else []
    return np.array(numbers, np.uint32).view(np.uint8).reshape(-1, 4)


def perceptual_hashes(path: Path) -> Codes:
    """64 bits of FRAME_RATE pictures a second, by ``imagehash.phash``."""
    found, slot = [], -1
    with av.open(path) as container:
        for frame in container.decode(video=0):
            now = int(float(frame.time or 0.0) * FRAME_RATE + 1e-3)
            if now > slot:
                grey = Image.fromarray(frame.to_ndarray(format="gray", width=128, height=128))
                found += [np.packbits(imagehash.phash(grey).hash.ravel())] * (now - max(slot, now - 8))
                slot = now
    return np.array(found, np.uint8).reshape(-1, 8)


@dataclass(frozen=True, slots=True)
class Peer:
    """How a peer makes codes of a kind of media, and what it needs to be there."""

    kind: str
    codes: Callable[[Path], Codes]
    program: str = ""


PEERS = {
    "chromaprint": Peer("audio", chromaprint, "fpcalc"),
    "imagehash": Peer("video", perceptual_hashes),
}


def likeness(query: Codes, reference: Codes) -> float:
    """One minus the least mean fraction of bits that differ, over all alignments in which the shorter lies in the longer."""
    short, long = sorted((query, reference), key=len)
    if len(short) < SHORTEST:
        return -np.inf
    windows = np.lib.stride_tricks.sliding_window_view(long, len(short), axis=0).transpose(0, 2, 1)
    differing = np.zeros(len(windows), np.int64)
    for first in range(0, len(windows), 4096):
        part = windows[first : first + 4096] ^ short
        differing[first : first + 4096] = np.bitwise_count(part).sum(axis=(1, 2), dtype=np.int64)
    return 1 - float(differing.min()) / (8 * short.size)


def best(query: Codes, catalog: dict[str, Codes]) -> tuple[str, float]:
    """The likest registered file, and how like it is."""
    scores = {file: likeness(query, codes) for file, codes in catalog.items()}
    file = max(scores, key=lambda name: scores[name])
    return file, scores[file]


def measured(
    peer: Peer, media: Path, folder: Path, truths: Iterable[Truth], note: Callable[[str], None]
) -> Any:
    """Recall of each attack and length at the threshold where no stranger passes."""
    files = [title.file for title in registered(titles(media)) if title.kind == peer.kind]
    catalog = {file: peer.codes(media / file) for file in files}
    groups = [list(rows) for _, rows in groupby(truths, key=lambda truth: truth.query)]
    asked = [rows[0] for rows in groups if len(rows) == 1 and rows[0].kind == peer.kind]
    answers: dict[str, tuple[str, float]] = {}
    for number, truth in enumerate(asked):
        note(f"{number} of {len(asked)} queries")
        answers[truth.query] = best(peer.codes(folder / truth.query), catalog)
    strangers = [answers[truth.query][1] for truth in asked if not truth.reference]
    copies = [truth for truth in asked if truth.group in ATTACKS]
    rows = []
    for group, length in sorted({(truth.group, truth.length) for truth in copies}):
        of_it = [truth for truth in copies if (truth.group, truth.length) == (group, length)]
        rows.append({"attack": group, "length": length, **_found(of_it, answers, strangers)})
    return {"strangers": len(strangers), "pooled": _found(copies, answers, strangers), "attacks": rows}


def _found(
    copies: list[Truth], answers: dict[str, tuple[str, float]], strangers: list[float]
) -> dict[str, float]:
    predictions = [
        Prediction(score, same(file, truth.reference))
        for truth in copies
        for file, score in [answers[truth.query]]
    ]
    count: Count = recall_at(predictions, strangers)
    first = sum(prediction.right for prediction in predictions)
    return {"hits": count.hits, "total": count.total, "rate": round(count.rate, 4), "right_first": first}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for queries")
    arguments = parser.parse_args()
    missing = [peer.program for peer in PEERS.values() if peer.program and not shutil.which(peer.program)]
    if missing:
        parser.error(f"{', '.join(missing)} is not installed: on Debian, apt install libchromaprint-tools")
    with Status("starting", console=Console(stderr=True)) as status:
        media = media_folder()
        folder, truths = queries(media, arguments.cache, status.update)
        report = {name: measured(peer, media, folder, truths, status.update) for name, peer in PEERS.items()}
    (RESULTS / "peers.json").write_text(json.dumps(report, indent=1) + "\n")
    for name, figures in report.items():
        pooled = figures["pooled"]
        print(f"{name}: {pooled['rate']:.1%} of {pooled['total']} at no false of {figures['strangers']}")


if __name__ == "__main__":
    main()
