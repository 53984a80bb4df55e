"""Keys of codes, and the keys under which the original of a disguised code is likeliest filed.

A code is filed under a few of its bits. A disguise flips some of them, mostly those whose projections lie near
zero; so a query looks under the keys that flipping its least sure bits gives, likeliest first (query-directed
probing: Lv et al., Multi-Probe LSH, VLDB 2007).
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes

STRIDE = 101  # between the bits of a key, coprime to any width: neighbours are no more alike than others
CONSIDERED = 2048  # sets of flipped bits that are weighed for each code, at least
CHOICE = 3  # at least so many for each that is taken
# Log odds that a bit is read right, measured on attacked excerpts: SURE a unit of its projection up to UNITS, DOUBT at zero.
SURE, UNITS, DOUBT = 2.2, 1.6, 0.2

_NORMAL = NormalDist()

Keys = NDArray[np.int64]
Costs = NDArray[np.float32]


def keys(codes: Codes, bits: int) -> Keys:
    """(n,) in [0, 2**bits): the bits STRIDE * i (mod 8 * width) of each code, the first one highest.

    So the keys of fewer bits are the beginnings of those of more.
    """
    made = np.zeros(len(codes), np.int64)
    for place in _places(codes.shape[1], bits):
        made = made << 1 | codes[:, place >> 3] >> (7 - place & 7) & 1
    return made


def probes(codes: Codes, reliability: NDArray[np.floating] | None, bits: int, most: int) -> Keys:
    """(n, m): keys under which the originals of n codes may lie; -1 fills up.

    They are the likeliest of all codes together, ``most`` a code on average: a code whose key is sure needs few. With
    p[b] the chance that bit b was flipped, the cost of a key is sum(log((1 - p[b]) / p[b])) over its flipped bits.

    reliability  (n, 8 * width): the projections whose signs the codes are; None: all bits are equally sure
    """
    costs = _costs(reliability, codes, bits)
    order = np.argsort(costs, axis=1)
    flips = _flips(bits, max(CONSIDERED, 1 << (CHOICE * most - 1).bit_length()))
    weighed = np.take_along_axis(costs, order, 1) @ flips.T
    values = 2.0 ** (bits - 1 - order)  # exact: keys have far fewer bits than a float64 holds
    found = keys(codes, bits)[:, None] ^ (values @ flips.T.astype(np.float64)).astype(np.int64)
    if most * len(codes) < weighed.size:
        dearest = np.partition(weighed, most * len(codes), axis=None)[most * len(codes)]
        found[weighed > dearest] = -1
    return found


def _places(width: int, bits: int) -> list[int]:
    return [STRIDE * i % (8 * width) for i in range(bits)]


def _costs(reliability: NDArray[np.floating] | None, codes: Codes, bits: int) -> Costs:
    if reliability is None:
        return np.ones((len(codes), bits), np.float32)
    sure = np.abs(reliability[:, _places(codes.shape[1], bits)])
    return np.asarray(SURE * np.minimum(sure, UNITS) + DOUBT, np.float32)


@lru_cache
def _flips(bits: int, considered: int) -> Costs:
    """(m, bits) of 0 and 1: the m <= ``considered`` likeliest sets of flipped bits, where bit 0 is the least sure.

    Their likelihood is that of projections of normal distribution.
    """
    sets, costs = np.zeros((1, 0), np.float32), np.zeros(1)
    for rank in range(bits):
        with_it = SURE * min(_NORMAL.inv_cdf(0.5 + (rank + 0.5) / bits / 2), UNITS) + DOUBT
        sets = np.block([[sets, np.zeros((len(sets), 1))], [sets, np.ones((len(sets), 1))]])
        costs = np.concatenate([costs, costs + with_it])
        kept = np.argsort(costs, kind="stable")[:considered]
        sets, costs = sets[kept], costs[kept]
    return np.asarray(sets, np.float32)
