"""Peers on the same queries, at their best: every query is compared with every stretch of every registered file.

The score of a query and a file is one minus the least mean fraction of bits that differ, over all alignments; a peer
need not say where in a file a copy is.
"""

from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.corpus import Title
from benchmarks.peers import NOTHING, PEERS, Answers, Codes, Found, Note, Peer, PeerError
from benchmarks.truth import Truth


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


def made_by(name: str) -> bytes:
    """What the answers of every such peer depend on, beside the files."""
    return b"".join(Path(str(module)).read_bytes() for module in (__file__, peers.__file__))


def answers(
    name: str, files: list[Title], media: Path, folder: Path, truths: list[Truth], note: Note
) -> Answers:
    """For each query the likest file and its likeness; None where the peer could not read the query."""
    sources = {title.file: title.source for title in files}
    context = get_context("spawn")
    note(f"{name}: {len(files)} registered files")
    with context.Pool(initializer=_begin, initargs=(name, {}, sources)) as pool:
        catalog = dict(zip(sources, pool.map(_coded, [media / file for file in sources], 1), strict=True))
    found: Answers = {}
    with context.Pool(initializer=_begin, initargs=(name, catalog, sources)) as pool:
        waiting = [(t, pool.apply_async(_answered, (folder / t.query, t.series))) for t in truths]
        for number, (truth, answer) in enumerate(waiting, 1):
            found[truth.query] = answer.get()
            note(f"{name}: {number} of {len(truths)} queries")
    return found
