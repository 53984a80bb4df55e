"""What peers find of the same queries: who is asked for what, the answers that are kept, and recall as it is reported.

Answers are kept beside the queries, for they change only with these and with what made them.
"""

import hashlib
import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import landmark_peers, peer_search
from benchmarks.attacks import ATTACKS
from benchmarks.copies import LENGTHS
from benchmarks.corpus import registered, same, titles
from benchmarks.landmark_peers import LANDMARK_PEERS, LandmarkPeer
from benchmarks.metrics import Prediction
from benchmarks.peers import NOTHING, PEERS, Answers, Note, Peer
from benchmarks.required import Figure
from benchmarks.rows import at_limits, pools
from benchmarks.truth import STRANGER, Truth

ALL: dict[str, Peer | LandmarkPeer] = {**PEERS, **LANDMARK_PEERS}


def asked(truths: Iterable[Truth], kind: str) -> list[Truth]:
    """Copies and recorded strangers of one kind.

    Rendered ones are left out: to a peer silence equals silence and a test card another, and none would find anything
    above that.
    """
    groups = [list(rows) for _, rows in groupby(truths, key=lambda truth: truth.query)]
    single = [rows[0] for rows in groups if len(rows) == 1 and rows[0].kind == kind]
    return [truth for truth in single if truth.group in (*ATTACKS, STRANGER)]


def _kept(name: str, media: Path, folder: Path, truths: list[Truth], note: Note) -> Any:
    """The answers, from the file beside the queries where it is there."""
    files = [title for title in registered(titles(media)) if title.kind == ALL[name].kind]
    search = landmark_peers if name in LANDMARK_PEERS else peer_search
    digest = hashlib.sha256(search.made_by(name) + repr(files).encode()).hexdigest()[:12]
    kept = folder / f"peer-{name}-{digest}.json"
    if not kept.exists():
        unfinished = kept.with_suffix(".part")
        unfinished.write_text(json.dumps(search.answers(name, files, media, folder, truths, note)))
        unfinished.replace(kept)
    return json.loads(kept.read_text())


def key(group: str, length: float) -> str:
    """The name of a pool or attack at a length."""
    return f"{group}, {length:g} s"


def recalls(kind: str, truths: list[Truth], found: Answers) -> dict[str, Any]:
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
    for name, peer in ALL.items():
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


def figures_beside(figures: dict[str, Any], peers: dict[str, Any]) -> list[Figure]:
    """How the pools and attacks of a report compare with the peers that were measured, all judged by the peers' rule."""
    told = []
    for kind in LENGTHS:
        theirs = {
            name: row["recall"] for name, row in peers.items() if row["kind"] == kind and not row["missing"]
        }
        if not theirs:
            continue
        pooled = [
            (row, key(row["pool"], row["length"]))
            for row in figures["pools"]
            if row["kind"] == kind and row["as_peers"]["total"]
        ]
        told += [_ahead(name, row["as_peers"], theirs) for row, name in pooled]
        rows = [(row, key(row["attack"], row["length"])) for row in figures["attacks"] if row["kind"] == kind]
        behind = sum(_best(theirs, name)[1] > row["as_peers"]["rate"] for row, name in rows)
        name = f"{kind}, attacks and lengths at which a peer finds more"
        told.append(Figure(name, f"{behind} of {len(rows)}", "0", behind == 0))
    return told


def _ahead(name: str, own: dict[str, Any], theirs: dict[str, Any]) -> Figure:
    peer, rate = _best(theirs, name)
    measured = f"{own['rate']:.1%} beside {rate:.1%} ({peer})"
    return Figure(f"{name}, beside the best peer", measured, "ahead", own["rate"] > rate)


def _best(theirs: dict[str, Any], where: str) -> tuple[str, float]:
    """The peer that finds most of a pool or an attack, and its share; none where no peer was asked."""
    rates = {name: recall[where]["at_no_false"]["rate"] for name, recall in theirs.items() if where in recall}
    return max(rates.items(), key=lambda found: found[1], default=("none", 0.0))
