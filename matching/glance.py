"""A first look at a capture: its key frames, and some seconds of its sound now and then. It finds leads, no matches.

A lead says only that a full examination is worth its cost, so it may be weak. What a glance cannot judge needs one too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from fingerprint.extractor import Extractor
from fingerprint.fingerprint import PLAIN, Disguise
from fingerprint.media import SAMPLE_RATE, Clip, Frame, MediaFile
from matching.found import Found
from matching.score import Calibration
from matching.search import Search

HEARD, EVERY = 8.0, 25.0  # seconds of sound that are listened to, and between the starts of two
RATE = 1.0  # key frames a second at most
APART = 15.0  # seconds between key frames, from which on they show too little of what lies between
SEEN, SHARED = (
    240.0,
    60.0,
)  # seconds of key frames that are looked at together, and that two such stretches share
SHORTEST = 60.0  # seconds under which a file is examined in full at once
LEAD = 0.3  # expected false matches at which a stretch is a lead
# What is tried of the disguises, for it costs next to nothing: key frames are few.
TRIED: dict[str, tuple[Disguise, ...]] = {"audio": (PLAIN,), "video": (PLAIN, Disguise(mirror=True))}


@dataclass(frozen=True, slots=True)
class Lead:
    """A stretch that may be one of a reference; ``start`` in seconds of the capture."""

    kind: str
    ref_id: int
    start: float
    expected_false_matches: float


@dataclass(frozen=True, slots=True)
class Glance:
    """What a first look found at a medium of so many seconds and of these kinds.

    unclear  why it says nothing, in words; empty where it does
    """

    duration: float
    kinds: tuple[str, ...]
    leads: tuple[Lead, ...] = ()
    unclear: str = ""

    @property
    def calls(self) -> bool:
        """Whether the capture must be examined in full."""
        return bool(self.leads or self.unclear)


def glance(
    media: MediaFile, searches: Sequence[tuple[Search, Calibration]], progress: Callable[[float], None]
) -> Glance:
    """Looks at each kind of a medium in turn. Raises MediaError."""
    kinds = tuple(sorted(media.kinds))
    if media.duration < SHORTEST:
        return Glance(media.duration, kinds, unclear="it is short")
    leads: list[Lead] = []
    something = False
    for number, (search, model) in enumerate(searches):
        clips = list(heard(media) if search.extractor.kind == "audio" else seen(media))
        if not _dense(search.extractor.kind, clips, media.duration):
            return Glance(media.duration, kinds, unclear="its key frames lie far apart")
        for i, (start, clip) in enumerate(clips):
            leads += _leads(search, model, start, clip, media.duration)
            progress((number + (i + 1) / len(clips)) / len(searches))
        something = something or bool(leads) or any(_shows(search.extractor, clip) for _, clip in clips)
    if not something:
        return Glance(media.duration, kinds, unclear="nothing is heard or seen in it")
    if media.warnings:
        return Glance(media.duration, kinds, unclear="it is damaged")
    return Glance(media.duration, kinds, tuple(sorted(leads, key=lambda lead: lead.expected_false_matches)))


def heard(media: MediaFile) -> Iterator[tuple[float, Clip]]:
    """(start, clip): HEARD seconds of each sound track in every EVERY, spread over the whole."""
    count = max(1, int(np.ceil(media.duration / EVERY)))
    for track, i in product(range(media.tracks), range(count)):
        start = max(0.0, (i + 0.5) * media.duration / count - HEARD / 2)
        samples = media.part(start, HEARD, track)
        if len(samples):
            yield start, Clip(media.name, len(samples) / SAMPLE_RATE, samples=samples)


def seen(media: MediaFile) -> Iterator[tuple[float, Clip]]:
    """(start, clip): SEEN seconds of key frames, each sharing SHARED with the one before; all of it is looked at first."""
    frames = list(media.key_frames(RATE))
    count = max(1, int(np.ceil((media.duration - SHARED) / (SEEN - SHARED))))
    for i in range(count):
        start = i * (SEEN - SHARED)
        inside = [Frame(f.time - start, f.luma) for f in frames if start <= f.time < start + SEEN]
        yield start, Clip(media.name, min(SEEN, media.duration - start), frames=inside)


def _dense(kind: str, clips: Sequence[tuple[float, Clip]], duration: float) -> bool:
    """Whether no stretch of pictures goes without a key frame for longer than APART."""
    if kind == "audio":
        return True
    times = {start + frame.time for start, clip in clips for frame in clip.frames(RATE)}
    return all(later - earlier <= APART for earlier, later in pairwise(sorted({0.0, duration, *times})))


def _shows(extractor: Extractor, clip: Clip) -> bool:
    """Whether there is anything in it that could be told from silence or black."""
    return bool((~extractor.query(clip, PLAIN).fingerprint.weak).any())


def _leads(search: Search, model: Calibration, start: float, clip: Clip, seconds: float) -> Iterator[Lead]:
    kind, codes = search.extractor.kind, len(search.index)

    def expected(found: Found) -> float:
        return model.expected_false_matches(found.score, found.stage, seconds, codes)

    for found in search.glanced(clip, TRIED[kind]):
        if expected(found) <= LEAD:
            yield Lead(kind, found.stretch.ref_id, start + found.stretch.query_start, expected(found))
