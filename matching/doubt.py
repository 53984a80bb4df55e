"""What no score makes sure of: a matter of review, however unlikely chance is."""

from matching.found import Found
from matching.verify import Stretch

DOUBTFUL = 0.02  # expected false matches at least of what is doubtful: too many for a match, few enough for a person to look
# Factors of the peaks up to which it is this very recording. Of 151 stretches in which one voice reads the same words anew
# 66 keep another tempo: of these 1 has a factor of the second or less, of the others 1 of the first.
SAME, SAME_BENT = 0.05, 0.003
# No voice keeps the pace of another reading to a hundredth of a second for so long: of these stretches 40 do, the longest
# for 3.8 s. Then it is enough that the peaks do not deny it.
PACE, PACED = 0.006, 4.0
UNDENIED = 1.0
STANDS = 1.02  # different codes up to which a picture or sound stands still: of real films 2 in 100 stretches of 5 s do
STEADY = 0.025  # seconds by which the ends of a stretch may be off the tempo that its middle keeps
ALONG = 1 / 3  # semitones by which the pitch may be off what a change of speed makes of it


def doubted(chance: float, found: Found, anew: float, factor: float | None = None) -> float:
    """The expected false matches of a stretch of which chance gives so many.

    ``factor`` is what its peaks or details made of them; None where they say nothing.
    """
    return max(chance, DOUBTFUL) if doubtful(found, anew, factor) else chance


def doubtful(found: Found, anew: float, factor: float | None = None) -> bool:
    """Whether the same may well come from elsewhere.

    A test card, a logo, a slide: who shows the same need not have it from here. And what is less like it than ``anew`` in
    similarity may be the same words spoken anew, the same piece played anew: unless its peaks say by their ``factor`` that
    it is this very recording, or it keeps the pace for long and they do not deny it; where they say nothing,
    if it keeps another tempo at the pitch of the original.
    """
    if found.stretch.distinct < STANDS:
        return True
    if found.stretch.similarity >= anew:
        return False
    as_played = found.disguise.is_speed(found.stretch.time_scale, ALONG)
    retimed = not as_played and _retimed(found.stretch)
    if factor is None:
        return retimed
    bent = retimed or (not as_played and abs(found.disguise.pitch) > ALONG)
    return factor > (UNDENIED if _paced(found.stretch) else SAME_BENT if bent else SAME)


def _retimed(stretch: Stretch) -> bool:
    """Whether the tempo is another one, as far as so few seconds tell."""
    return _astray(stretch) > STEADY


def _paced(stretch: Stretch) -> bool:
    """Whether it keeps the original's tempo for longer than a voice does that reads the same anew."""
    return stretch.query_end - stretch.query_start >= PACED and _astray(stretch) <= PACE


def _astray(stretch: Stretch) -> float:
    """Seconds by which its ends are off the original's tempo."""
    return abs(stretch.time_scale - 1) * (stretch.query_end - stretch.query_start) / 2
