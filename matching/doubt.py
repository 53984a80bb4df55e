"""What no score makes sure of: a matter of review, however unlikely chance is."""

from matching.found import Found

DOUBTFUL = 0.02  # expected false matches at least of what is doubtful: too many for a match, few enough for a person to look
SAME = 0.05  # factor of the peaks up to which it is this very recording: what is read anew keeps few of them in place
STANDS = 1.02  # different codes up to which a picture or sound stands still: of real films 2 in 100 stretches of 5 s do
STEADY = 0.04  # seconds by which the ends of a stretch may be off the tempo that its middle keeps
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
    it is this very recording; where they say nothing, if it keeps another tempo at the pitch of the original.
    """
    if found.stretch.distinct < STANDS:
        return True
    return found.stretch.similarity < anew and (_retimed(found) if factor is None else factor > SAME)


def _retimed(found: Found) -> bool:
    """Whether the tempo is another one and the pitch has not gone along."""
    stretch = found.stretch
    half = (stretch.query_end - stretch.query_start) / 2
    return abs(stretch.time_scale - 1) * half > STEADY and not found.disguise.is_speed(
        stretch.time_scale, ALONG
    )
