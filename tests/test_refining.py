"""What the search refines, and from where: the likeliest places, each once, from the view of the capture that fits best."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from fingerprint.clip import Clip
from fingerprint.extractor import Extractor
from fingerprint.fingerprint import PLAIN, Disguise, Fingerprint, Query, pack, unpack
from fingerprint.media import Media
from index.exact import ExactIndex
from matching.decoys import Decoys
from matching.found import Found
from matching.score import MATCH
from matching.search import CERTAIN, FAINT, Search
from matching.verify import Stretch, background

SECONDS, BITS = 6.0, 256
TIMES = np.arange(0, SECONDS, 0.25)
CLIP = Clip("capture.mp4", SECONDS)


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((len(TIMES), BITS)).astype(np.float32)


def query(projections: np.ndarray, disguise: Disguise) -> Query:
    weak = np.zeros(len(TIMES), bool)
    return Query(Fingerprint("drawn/1", SECONDS, TIMES, pack(projections), weak), projections, disguise)


WORK = values(1)
HALF = Disguise(crop=(0.0, 0.0, 0.5, 0.5))
VIEWS = [
    (0.0, query(WORK + 4 * values(2), PLAIN), 1),
    (0.0, query(WORK + values(3), HALF), 2),
    (0.0, query(WORK, replace(HALF, mirror=True)), 2),
]


class Refining:
    """Stands for the extractor of pictures: what it is asked to refine is kept."""

    kind, tolerance, sparse = "video", 0.25, 0.24

    def __init__(self) -> None:
        self.asked: list[Sequence[Disguise]] = []

    def refined(self, _media: Media, disguises: Sequence[Disguise], fit: Callable[[Query], float]) -> Query:
        self.asked.append(disguises)
        return max((q for _, q, _ in VIEWS if q.disguise in disguises), key=fit)


def search(extractor: Refining) -> Search:
    reference = Fingerprint("drawn/1", SECONDS, TIMES, pack(WORK), np.zeros(len(TIMES), bool))
    unrelated = background(unpack(pack(np.random.default_rng(9).standard_normal((2000, BITS)))))
    decoys = Decoys(ExactIndex("drawn/1", BITS // 8), lambda _: reference, unrelated)  # none
    index = ExactIndex("drawn/1", BITS // 8)
    index.add(1, reference)
    return Search(cast(Extractor, extractor), index, lambda _: reference, decoys, 1.0)


def seen(offset: float, score: float, similarity: float = 0.4, disguise: Disguise = PLAIN) -> Found:
    """Found ``offset`` seconds into the work, the whole capture long."""
    edges = (True, True)
    line = Stretch(1, 1.0, offset, 0.0, SECONDS - 0.25, 5.0, 0.0, similarity, edges, edges, 9.0)
    return Found(line, disguise, 0, score)


def likelihood(found: Found) -> float:
    return float(np.exp(-found.score))


def test_a_place_is_refined_from_its_own_disguise_and_from_the_view_that_fits_it_best() -> None:
    extractor = Refining()
    plain = seen(0.0, 1.0)
    found = search(extractor)._refined(CLIP, [plain], likelihood, VIEWS)
    assert extractor.asked == [[PLAIN, HALF]]  # and not the mirrored view, though that is the work itself
    assert found[0] is plain and [(f.disguise, f.stage) for f in found[1:]] == [(HALF, plain.stage)]
    assert found[1].stretch.similarity > 0.6 and found[1].stretch.offset == pytest.approx(0, abs=0.25)


@pytest.mark.parametrize("worse", [0, 2])
def test_what_was_climbed_to_from_a_view_has_the_chances_of_the_more_cautious_stage(worse: int) -> None:
    _, climbed = search(Refining())._refined(
        CLIP, [seen(0.0, 1.0)], lambda f: likelihood(f) * (2 if f.stage == worse else 1), VIEWS
    )
    assert climbed.stage == worse


def test_two_places_are_refined_each_once_while_there_is_hope_and_no_match() -> None:
    extractor = Refining()
    places = [seen(0.0, 1.0), seen(0.2, 0.9), seen(3.0, 0.8), seen(-3.0, 0.7)]
    search(extractor)._refined(CLIP, places, lambda f: 1 + likelihood(f), VIEWS)
    assert len(extractor.asked) == 2
    extractor.asked.clear()
    search(extractor)._refined(CLIP, places, lambda f: 2 * FAINT * likelihood(f), VIEWS)
    assert len(extractor.asked) == 2
    extractor.asked.clear()
    search(extractor)._refined(CLIP, places, lambda f: 9 * FAINT * likelihood(f), VIEWS)
    assert len(extractor.asked) == 1
    extractor.asked.clear()
    search(extractor)._refined(CLIP, places, lambda f: MATCH if f.disguise == HALF else 1.0, VIEWS)
    assert len(extractor.asked) == 1


def test_neither_what_is_certain_nor_what_is_hardly_alike_is_refined() -> None:
    extractor = Refining()
    search(extractor)._refined(CLIP, [seen(0.0, 1.0), seen(3.0, 0.5)], lambda _: CERTAIN, VIEWS)
    search(extractor)._refined(CLIP, [seen(0.0, 1.0, similarity=0.1)], likelihood, VIEWS)
    assert extractor.asked == []


@pytest.mark.parametrize(("seconds", "weak", "tried"), [(1.75, 0, True), (1.75, 4, False), (6.0, 17, False)])
def test_disguises_are_tried_where_half_of_a_short_clip_or_two_seconds_are_unexplained(
    seconds: float, weak: int, tried: bool
) -> None:
    times = TIMES[: int(seconds * 4)]
    nothing = np.arange(len(times)) < weak
    plain = Fingerprint("drawn/1", seconds, times, pack(values(5)[: len(times)]), nothing)
    made: list[Disguise] = []

    class Trying(Refining):
        stages = (1,)

        def queries(self, _media: Media) -> Iterator[Query]:
            yield query(values(5), PLAIN)
            made.append(HALF)
            yield query(values(6), HALF)

        def closer(self, _media: Media, asked: Query) -> Query:
            return asked

    clip = Clip("capture.mp4", seconds)
    search(Trying())._searched(clip, plain, 0.0, [], likelihood, None, [], None)
    assert bool(made) == tried


def test_a_disguise_under_which_a_clip_is_too_short_for_a_code_is_passed_over() -> None:
    none = Fingerprint("drawn/1", 0.4, np.zeros(0), np.zeros((0, BITS // 8), np.uint8), np.zeros(0, bool))
    too_short = Query(none, np.zeros((0, BITS), np.float32), replace(PLAIN, time_scale=1.2))
    assert search(Refining()).disguised([too_short], []) == []
