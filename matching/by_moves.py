"""How the pictures of a stretch move, beside how those of its original did: along its line, and along lines near it.

Along its line this tells whether it is this very scene. Of lines near it it tells which one is right: codes of pictures
hardly differ from one moment to the next, changes do.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fingerprint import details, moves
from fingerprint.fingerprint import Disguise, Fingerprint, Times
from fingerprint.picture import Array
from fingerprint.video import Seen
from matching.verify import Stretch

LONGEST = 20.0  # seconds, the middle ones, in which it is looked at how pictures move: they are enough
FEWEST_MOVES, FEWEST_AREAS = 6, 4  # pictures, and areas seen, under which nothing can be said of it
LIVELY = 0.3  # deviation of a reference's levels under which hardly anything moves: a slide, a test card
LEAST = 0.3  # grey levels added to a change, of which the logarithm is taken: what a codec leaves is none
# Seconds by which stored pictures come after the even steps of their row, on average: half a frame.
LATER = 0.02
ASIDE = np.array([0.0, -0.1, 0.1])  # seconds of reference by which the line may be off
ALIKE = 1e-9  # of both sides' norms: nothing moves

TURNED = 0.1  # of time scale by which a line near a stretch's may be turned
# Seconds: steps of a line's ends and of its middle, and how far these go; first roughly, then where it fits best.
ROUGH, ROUGHLY = 0.1, 0.3
FINE, FINELY = 0.025, 0.1
# Of likelihood, as a logarithm: what a line must have to be believed, and what one of another speed must have more than one
# that keeps it, beside a part of what both have: of much that moves no line explains all.
TOLD, SPEEDY, PART = 3.0, 1.5, 0.05

Values = NDArray[np.float64]


def in_step(seen: Seen, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> float | None:
    """How the pictures move together with the stored ones along a stretch: -1 to 1. None of what there is too little of."""
    times, original = _stored(stored, aligned, min(aligned.query_end - aligned.query_start, LONGEST) / 2)
    if len(times) < FEWEST_MOVES:
        return None
    scales = np.full(len(ASIDE), aligned.time_scale)
    told = _together(seen, times, original, scales, aligned.offset - ASIDE, disguise)
    return None if np.isnan(told).all() else float(np.nanmax(told))


def straightened(seen: Seen, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> Stretch:
    """The stretch on the line, of those near its own, on which its pictures move together best with the stored ones; on its
    own where none is told from others. One that keeps the speed is taken where it does about as well.
    """
    length = aligned.query_end - aligned.query_start

    def best(near: Stretch, scales: Values, shifts: Values, half: float) -> tuple[Stretch, float]:
        """Of the lines of these time scales about the middle of one, shifted, by what is ``half`` seconds about it."""
        times, original = _stored(stored, near, half)
        if len(times) < FEWEST_MOVES:
            return near, 0.0
        middle = (near.query_start + near.query_end) / 2
        turned = np.repeat(scales, len(shifts))
        offsets = near.offset + (near.time_scale - turned) * middle + np.tile(shifts, len(scales))
        together = _together(seen, times, original, turned, offsets, disguise)
        likely = _likelihoods(together, _telling(original))
        i = int(np.argmax(likely))
        return replace(near, time_scale=float(turned[i]), offset=float(offsets[i])), float(likely[i])

    halves = sorted({min(length, LONGEST) / 2, length / 2})
    rough, fine = _steps(ROUGHLY, ROUGH), _steps(FINELY, FINE)
    line, told = best(aligned, aligned.time_scale * (1 + _steps(TURNED, ROUGH / halves[0])), rough, halves[0])
    for half in halves:
        line, told = best(line, line.time_scale * (1 + fine / half), fine, half)
    if told < TOLD:
        return aligned
    if abs(line.time_scale - 1) > TURNED:
        return line
    straight, likely = best(line, np.ones(1), _steps(ROUGHLY, FINE), halves[-1])
    return line if told - likely > SPEEDY + PART * told else straight


def _steps(most: float, step: float) -> Values:
    """From ``-most`` to ``most``, 0 among them."""
    side = np.arange(step, most + 1e-9, step)
    return np.concatenate([-side[::-1], [0.0], side])


def _telling(original: Array) -> float:
    """Of how many pictures there is something to tell from their moves: one cut outweighs all that moves beside it."""
    told = ((original - original.mean(0)) ** 2).sum((1, 2), dtype=np.float64)
    return float(told.sum() ** 2 / max((told**2).sum(), 1e-9))


def _likelihoods(correlations: Values, pictures: float) -> Values:
    """As logarithms, of lines on which so many pictures move together so much, over that of chance: as if what the areas of
    one picture say were one thing. 0 where nothing is said.
    """
    found = np.clip(np.nan_to_num(correlations), 0.0, 1 - 1e-6)
    return np.asarray(-pictures / 2 * np.log(1 - found**2))


def _stored(stored: Fingerprint, aligned: Stretch, half: float) -> tuple[Times, Array]:
    """Times and levels of the stored pictures along a stretch, ``half`` seconds of it about its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    first, last = (aligned.time_scale * time + aligned.offset for time in (middle - half, middle + half))
    return details.moves_of(stored, first + moves.STEP, last)


def _together(
    seen: Seen, times: Times, original: Array, scales: Values, offsets: Values, disguise: Disguise
) -> Values:
    """For each line the correlation of how the capture moves at these times of reference with how the original did; NaN
    where too little is there.
    """
    moments = (times + LATER - offsets[:, None]) / scales[:, None]
    spans = np.broadcast_to(moves.STEP / scales[:, None], moments.shape)
    shown, visible = seen.moves_at(moments.ravel(), spans.ravel(), disguise)
    changed = np.log(shown + LEAST).reshape(*moments.shape, moves.ACROSS, moves.ACROSS)
    there = ~np.isnan(changed[:, :, 0, 0])
    told = [
        correlation(line[near][:, visible], original[near][:, visible])
        if near.sum() >= FEWEST_MOVES
        else None
        for line, near in zip(changed, there, strict=True)
    ]
    return np.array([np.nan if one is None else one for one in told])


def correlation(capture: Array, original: Array) -> float | None:
    """Of changes (pictures, areas), of each area about its mean: where something moves tells of the set. None where hardly
    anything does.
    """
    capture, original = (side - side.mean(0) for side in (capture, original))
    if capture.shape[1] < FEWEST_AREAS or original.std() < LIVELY:
        return None
    both = float(np.linalg.norm(capture) * np.linalg.norm(original))
    return float((capture * original).sum()) / both if both > ALIKE else 0.0
