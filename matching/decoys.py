"""Decoys: short references that no capture holds. What they score against a query is what chance gives that query."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from fingerprint.fingerprint import Fingerprint, unpack
from index.columns import Columns
from index.index import INDEXES, Index
from matching.verify import Background, background

BACKGROUND = 2048  # codes of the decoys that stand for all unrelated ones


@dataclass(frozen=True, slots=True)
class Decoys:
    """Their index, their fingerprints by id, and what a sample of BACKGROUND of their codes is like."""

    index: Index
    fingerprint: Callable[[int], Fingerprint]
    background: Background


@lru_cache
def decoys(algorithm: str) -> Decoys:
    """The shipped decoys of an algorithm."""
    with (files("matching") / "models" / f"{algorithm.replace('/', '-')}-decoys.npz").open("rb") as stored:
        arrays = np.load(stored)
        return made_of(
            algorithm, Columns(**{name: arrays[name] for name in ("ref_ids", "counts", "times", "codes")})
        )


def made_of(algorithm: str, columns: Columns) -> Decoys:
    """Decoys of these codes, none of them weak."""
    index = INDEXES["faiss"](algorithm, columns.codes.shape[1])
    index.extend(columns)
    ends = np.cumsum(columns.counts)
    fingerprints = {
        int(ref_id): _fingerprint(algorithm, columns, int(end - count), int(end))
        for ref_id, count, end in zip(columns.ref_ids, columns.counts, ends, strict=True)
    }
    step = max(1, len(columns) // BACKGROUND)
    return Decoys(index, fingerprints.__getitem__, background(unpack(columns.codes[::step][:BACKGROUND])))


def _fingerprint(algorithm: str, columns: Columns, begin: int, end: int) -> Fingerprint:
    times = columns.times[begin:end]
    return Fingerprint(
        algorithm, float(times[-1]), times, columns.codes[begin:end], np.zeros(end - begin, bool)
    )
