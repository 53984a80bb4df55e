"""A stretch of sound -> the pitch that fits it best: what is sure was found before all pitches were tried."""

import math
from dataclasses import replace

from fingerprint.media import Clip
from matching.doubt import ALONG
from matching.found import Found
from matching.search import EXCERPT, Search

CLEAR = 0.9  # similarity from which it is the right one
BETTER = 0.04  # of similarity that another one must bring to be told
ASIDE = (0.0, 1 / 3, -1 / 3)  # semitones from the pitch it was found under, about which one is sought


def tuned(search: Search, clip: Clip, found: Found) -> Found:
    """The same under the pitch that fits it best, sought from its own on, by its middle EXCERPT. Pictures have none."""
    return as_played(_fitting(search, clip, found)) if search.extractor.kind == "audio" else found


def as_played(found: Found) -> Found:
    """The same with the pitch that its speed makes, where it is about that: what is played faster is raised, and a speed is
    told more finely than a pitch.
    """
    made = 12 * math.log2(found.stretch.time_scale)
    if abs(made) < ALONG or not found.disguise.is_speed(found.stretch.time_scale, ALONG):
        return found
    return replace(found, disguise=replace(found.disguise, pitch=made))


def _fitting(search: Search, clip: Clip, found: Found) -> Found:
    own = found.stretch
    if own.similarity >= CLEAR:
        return found
    start = max(0.0, (own.query_start + own.query_end - EXCERPT) / 2)
    part = clip.part(start, min(EXCERPT, clip.duration - start))
    fit = search.fit(found, start)
    told = search.extractor.query(part, found.disguise)
    while True:  # a step is half a semitone, and codes bear with a whole one
        near = [replace(told.disguise, pitch=told.disguise.pitch + aside) for aside in ASIDE]
        best = search.extractor.refined(part, near, fit)
        if fit(best) < fit(told) + BETTER:
            return replace(found, disguise=told.disguise)
        told = best
