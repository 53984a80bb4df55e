"""Peers on the same queries, at their best: every query is compared with every stretch of every registered file.

The score of a query and a file is one minus the least mean fraction of bits that differ, over all alignments; a peer
need not say where in a file a copy is. Answers are kept beside the queries, for they change only with these.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.attacks import ATTACKS
from benchmarks.corpus import Title, registered, same, titles
from benchmarks.metrics import Prediction
from benchmarks.peers import PEERS, Codes, Peer, PeerError
from benchmarks.rows import at_limits, pools
from benchmarks.truth import STRANGER, Truth

Note = Callable[[str], None]
Found = tuple[str, float]  # the likest file, and how like it is

NOTHING: Found = ("", -np.inf)


def likeness(query: Codes, reference: Codes, fewest: int = 4) -> float:
    """One minus the least mean fraction of bits that differ, over all alignments in which the shorter lies in the longer."""
    short, long = sorted((query, reference), key=len)
    if len(short) < fewest:
        return -np.inf
    windows = np.lib.stride_tricks.sliding_window_view(long, len(short), axis=0).transpose(0, 2, 1)
    differing = np.zeros(len(windows), np.int64)
    for first in range(0, len(windows), 4096):
        part = windows[first : first + 4096] ^ short
        differing[first : first + 4096] = np.bitwise_count(part).sum(axis=(1, 2), dtype=np.int64)
    return 1 - float(differing.min()) / (8 * short.size)


def best(query: Codes, catalog: dict[str, Codes], fewest: int = 4) -> Found:
    """The likest registered file, and how like it is."""
    scores = {file: likeness(query, codes, fewest) for file, codes in catalog.items()}
    file = max(scores, key=lambda name: scores[name], default="")
    return (file, scores[file]) if file else NOTHING


def asked(truths: Iterable[Truth], kind: str) -> list[Truth]:
    """Copies and recorded strangers of one kind.

    Rendered ones are left out: to a peer silence equals silence and a test card another, and none would find anything
    above that.
    """
    groups = [list(rows) for _, rows in groupby(truths, key=lambda truth: truth.query)]
    single = [rows[0] for rows in groups if len(rows) == 1 and rows[0].kind == kind]
    return [truth for truth in single if truth.group in (*ATTACKS, STRANGER)]


_peer: Peer
_catalog: dict[str, Codes]
_sources: dict[str, str]


def _begin(name: str, catalog: dict[str, Codes], sources: dict[str, str]) -> None:
    global _peer, _catalog, _sources
    _peer, _catalog, _sources = PEERS[name], catalog, sources


def _answered(path: Path, series: str) -> Found | None:
    """None where the peer could not read the query. A stranger is not compared with its own series."""
    unrelated = {f: codes for f, codes in _catalog.items() if not series or _sources[f] != series}
    try:
        return best(_peer.codes(path), unrelated, _peer.fewest)
    except PeerError:
        return None


def _coded(path: Path) -> Codes:
    return _peer.codes(path)


def answers(name: str, files: list[Title], media: Path, folder: Path, truths: list[Truth], note: Note) -> Any:
    """For each query the likest file and its likeness; None where the peer could not read the query."""
    sources = {title.file: title.source for title in files}
    context = get_context("spawn")
    note(f"{name}: {len(files)} registered files")
    with context.Pool(initializer=_begin, initargs=(name, {}, sources)) as pool:
        catalog = dict(zip(sources, pool.map(_coded, [media / file for file in sources], 1), strict=True))
    found: dict[str, Found | None] = {}
    with context.Pool(initializer=_begin, initargs=(name, catalog, sources)) as pool:
        waiting = [(t, pool.apply_async(_answered, (folder / t.query, t.series))) for t in truths]
        for number, (truth, answer) in enumerate(waiting, 1):
            found[truth.query] = answer.get()
            note(f"{name}: {number} of {len(truths)} queries")
    return found


def _kept(name: str, media: Path, folder: Path, truths: list[Truth], note: Note) -> Any:
    """The answers, from the file beside the queries where it is there."""
    files = [title for title in registered(titles(media)) if title.kind == PEERS[name].kind]
    made_by = b"".join(Path(str(module)).read_bytes() for module in (__file__, peers.__file__))
    digest = hashlib.sha256(made_by + repr(files).encode()).hexdigest()[:12]
    kept = folder / f"peer-{name}-{digest}.json"
    if not kept.exists():
        unfinished = kept.with_suffix(".part")
        unfinished.write_text(json.dumps(answers(name, files, media, folder, truths, note)))
        unfinished.replace(kept)
    return json.loads(kept.read_text())


def key(group: str, length: float) -> str:
    """The name of a pool or attack at a length."""
    return f"{group}, {length:g} s"


def recalls(kind: str, truths: list[Truth], found: dict[str, Found | None]) -> dict[str, Any]:
    """Recall of each pool and attack at each length, at the limits that the peer's own strangers set."""
    scores = [(found[truth.query] or NOTHING)[1] for truth in truths if not truth.reference]
    predictions: dict[tuple[str, float], list[Prediction]] = {}
    for truth in (truth for truth in truths if truth.group in ATTACKS):
        file, score = found[truth.query] or NOTHING
        one = Prediction(score, same(file, truth.reference))
        for group in (
            truth.group,
            *(name for name, attacks in pools(kind).items() if truth.group in attacks),
        ):
            predictions.setdefault((group, truth.length), []).append(one)
    return {key(*where): at_limits(some, scores) for where, some in predictions.items()}


def peer_rows(media: Path, folder: Path, truths: list[Truth], note: Note) -> dict[str, Any]:
    """For each peer why it is missing, or what it finds."""
    rows: dict[str, Any] = {}
    for name, peer in PEERS.items():
        rows[name] = {"kind": peer.kind, "missing": peer.missing}
        if not peer.missing:
            queries = asked(truths, peer.kind)
            found = _kept(name, media, folder, queries, note)
            rows[name] |= {
                "strangers": sum(not truth.reference for truth in queries),
                "not_read": sum(answer is None for answer in found.values()),
                "recall": recalls(peer.kind, queries, found),
            }
    return rows
