"""How the pictures of a stretch move, beside how those of its original did: along its line, and along lines near it.

Along its line this tells whether it is this very scene. Of lines near it it tells which one is right: codes of pictures
hardly differ from one moment to the next, changes do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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

# Of time scale, and seconds of its middle, by which the line of a stretch may be turned and shifted.
TURNED, SHIFTED = 0.1, 0.3
ROUGH, FINE = 0.1, 0.025  # seconds: steps of a line's ends and of its middle
FINELY = 0.1  # seconds about the roughly best line, in which it is looked more closely
# Of likelihood, as a logarithm: what a line must have to be believed, and what one of another speed must have more than one
# that is likely anyhow, beside a part of what both have: of much that moves no line explains all.
TOLD, SPEEDY, PART = 3.0, 1.5, 0.05

Values = NDArray[np.float64]


def in_step(seen: Seen, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> float | None:
    """How the pictures move together with the stored ones along a stretch: -1 to 1. None of what there is too little of."""
    times, original = _stored(stored, aligned, min(aligned.query_end - aligned.query_start, LONGEST) / 2)
    if len(times) < FEWEST_MOVES:
        return None
    scales = np.full(len(ASIDE), aligned.time_scale)
    told, _ = _together(seen, times, original, scales, aligned.offset - ASIDE, disguise)
    return None if np.isnan(told).all() else float(np.nanmax(told))


def straightened(
    seen: Seen, stored: Fingerprint, aligned: Stretch, disguise: Disguise, speeds: Sequence[float] = ()
) -> Stretch:
    """The stretch on the line, of those near its own, on which its pictures move together best with the stored ones; on its
    own where none is told from others.

    ``speeds`` are time scales that other streams of the capture have there: where one of these does about as well it is
    taken; where there are none, the original's speed is, or that of the stretch, whichever does better.
    """
    lines = _Lines(seen, stored, aligned, disguise)
    halves = sorted({min(lines.half, LONGEST / 2), lines.half})
    rough = aligned.time_scale * (1 + _steps(TURNED, ROUGH / halves[0]))
    line, told = lines.best(aligned, rough, _steps(SHIFTED, ROUGH), halves[0])
    for half in halves:
        fine = line.time_scale * (1 + _steps(FINELY, FINE) / half)
        line, told = lines.best(line, fine, _steps(FINELY, FINE), half)
    if told < TOLD:
        return aligned
    likely = [
        lines.best(line, np.array([one]), _steps(SHIFTED, FINE), halves[-1]) for one in lines.usual(speeds)
    ]
    usual, known = max(likely, key=lambda found: found[1], default=(line, told))
    return line if told - known > SPEEDY + PART * told else usual


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines near that of a stretch, and how likely they are by how its pictures move."""

    seen: Seen
    stored: Fingerprint
    aligned: Stretch
    disguise: Disguise

    @property
    def half(self) -> float:
        """Seconds from the middle of the stretch to its ends."""
        return (self.aligned.query_end - self.aligned.query_start) / 2

    def usual(self, speeds: Sequence[float]) -> list[float]:
        """The time scales, of those near that of the stretch, that are likely anyhow."""
        own = self.aligned.time_scale
        known = [speed for speed in (speeds or (1.0,)) if abs(speed / own - 1) <= TURNED]
        differs = known and min(abs(speed / own - 1) for speed in known) * self.half > FINELY
        return [*known, own] if differs and not speeds else known

    def best(self, near: Stretch, scales: Values, shifts: Values, half: float) -> tuple[Stretch, float]:
        """Of the lines of these time scales about the middle of one, shifted, by what is ``half`` seconds about it; and the
        logarithm of its likelihood. Of equals the one in the middle; the same line where none says anything.
        """
        times, original = _stored(self.stored, near, half)
        own, middle = self.aligned, (near.query_start + near.query_end) / 2
        turned = np.repeat(scales, len(shifts))
        offsets = near.offset + (near.time_scale - turned) * middle + np.tile(shifts, len(scales))
        shifted = (turned - own.time_scale) * middle + offsets - own.offset
        allowed = np.abs(turned / own.time_scale - 1) <= TURNED + 1e-9
        allowed &= np.abs(shifted) <= SHIFTED + 1e-9
        if len(times) < FEWEST_MOVES or not allowed.any():
            return near, 0.0
        turned, offsets = turned[allowed], offsets[allowed]
        likely = _likelihoods(*_together(self.seen, times, original, turned, offsets, self.disguise))
        if likely.max() <= 0:
            return near, 0.0
        equals = np.flatnonzero(likely >= likely.max() - 1e-9)
        i = equals[len(equals) // 2]
        return replace(near, time_scale=float(turned[i]), offset=float(offsets[i])), float(likely[i])


def _steps(most: float, step: float) -> Values:
    """From ``-most`` to ``most``, 0 among them."""
    side = np.arange(step, most + 1e-9, step)
    return np.concatenate([-side[::-1], [0.0], side])


def _likelihoods(correlations: Values, pictures: Values) -> Values:
    """``-n / 2 * log(1 - r^2)``: as logarithms, of lines on which n pictures move together by r, over that of chance, as if
    what the areas of one picture say were one thing. 0 where nothing is said.
    """
    found = np.clip(np.nan_to_num(correlations), 0.0, 1 - 1e-6)
    return np.asarray(-pictures / 2 * np.log(1 - found**2))


def _telling(levels: Array) -> float:
    """Of how many pictures (pictures, areas) there is something to tell by their moves: ``(sum e)^2 / sum e^2`` of the
    squares e of a picture's, about the means of the areas. One cut outweighs all that moves beside it.
    """
    told = ((levels - levels.mean(0)) ** 2).sum(1, dtype=np.float64)
    return float(told.sum() ** 2 / max((told**2).sum(), 1e-9))


def _stored(stored: Fingerprint, aligned: Stretch, half: float) -> tuple[Times, Array]:
    """Times and levels of the stored pictures along a stretch, ``half`` seconds of it about its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    first, last = (aligned.time_scale * time + aligned.offset for time in (middle - half, middle + half))
    return details.moves_of(stored, first + moves.STEP, last)


def _together(
    seen: Seen, times: Times, original: Array, scales: Values, offsets: Values, disguise: Disguise
) -> tuple[Values, Values]:
    """For each line the correlation of how the capture moves at these times of reference with how the original did, NaN
    where too little is there; and by how many pictures that is told.
    """
    moments = (times + LATER - offsets[:, None]) / scales[:, None]
    spans = np.broadcast_to(moves.STEP / scales[:, None], moments.shape)
    shown, visible = seen.moves_at(moments.ravel(), spans.ravel(), disguise)
    changed = np.log(shown + LEAST).reshape(*moments.shape, moves.ACROSS, moves.ACROSS)
    told, pictures = np.full(len(scales), np.nan), np.zeros(len(scales))
    for i, (line, near) in enumerate(zip(changed, ~np.isnan(changed[:, :, 0, 0]), strict=True)):
        if near.sum() >= FEWEST_MOVES:
            levels = original[near][:, visible]
            found = correlation(line[near][:, visible], levels)
            if found is not None:
                told[i], pictures[i] = found, _telling(levels)
    return told, pictures


def correlation(capture: Array, original: Array) -> float | None:
    """Of changes (pictures, areas), of each area about its mean: where something moves tells of the set. None where hardly
    anything does.
    """
    capture, original = (side - side.mean(0) for side in (capture, original))
    if capture.shape[1] < FEWEST_AREAS or original.std() < LIVELY:
        return None
    both = float(np.linalg.norm(capture) * np.linalg.norm(original))
    return float((capture * original).sum()) / both if both > ALIKE else 0.0
