"""Seed, chain, verify on drawn codes: where a copy lies, how fast it plays, and that what repeats itself proves little."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import numpy as np
import pytest
import scipy.signal

from fingerprint.clip import Clip
from fingerprint.extractor import EXTRACTORS
from fingerprint.fingerprint import PLAIN, Disguise, Fingerprint, Query, pack, unpack
from index.catalog import Reference
from index.exact import ExactIndex
from index.hits import Hits
from matching.align import lines
from matching.eclipse import without_eclipsed
from matching.found import Found, explained, shifted
from matching.join import Placed
from matching.judge import borne_out
from matching.rate import score
from matching.relate import matches
from matching.score import MATCH, Calibration, NullModel, calibration, verdict
from matching.search import CERTAIN, EVERY, EXCERPT, _excerpts
from matching.segment import Segment
from matching.verify import Side, Stretch, background, parts, stretch

BITS = 256
TOLERANCE = 0.12


def walk(seconds: float, seed: int, calm: float = 0.9) -> np.ndarray:
    """Projections (100 a second, BITS) that wander: neighbours are alike, as those of media are."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((int(seconds * 100) + 1, BITS))
    return np.asarray(scipy.signal.lfilter([np.sqrt(1 - calm**2)], [1, -calm], steps, axis=0), np.float32)


def stored(values: np.ndarray, step: float = 0.25) -> Fingerprint:
    """A code every ``step`` seconds."""
    times = np.arange(0, (len(values) - 1) / 100 + 1e-9, step)
    codes = pack(values[np.round(times * 100).astype(int)])
    return Fingerprint("drawn/1", (len(values) - 1) / 100, times, codes, np.zeros(len(times), bool))


def captured(values: np.ndarray, first: float, last: float, scale: float = 1.0, noise: float = 0.3) -> Query:
    """Twenty codes a second of the seconds ``first`` to ``last``, played ``scale`` times as fast, with noise."""
    times = np.round(np.arange(0, (last - first) / scale, 0.05), 3)
    clean = values[np.round((first + scale * times) * 100).astype(int)]
    noisy = clean + noise * np.random.default_rng(1).standard_normal(clean.shape)
    made = Fingerprint("drawn/1", (last - first) / scale, times, pack(noisy), np.zeros(len(times), bool))
    return Query(made, noisy.astype(np.float32))


BACKGROUND = background(unpack(pack(np.random.default_rng(99).standard_normal((2000, BITS)))))


def aligned(query: Query, reference: Fingerprint, tolerance: float = TOLERANCE) -> Stretch | None:
    """The best stretch of the query in the reference, by way of an index."""
    index = ExactIndex("drawn/1", BITS // 8)
    index.add(7, reference)
    hits = index.search(query.fingerprint, 4)
    candidates = lines(hits, BITS, tolerance, 3)
    found = [stretch(Side(query, BACKGROUND), reference, line, tolerance) for line in candidates]
    return max((one for one in found if one is not None), key=lambda one: one.likeness, default=None)


@pytest.mark.parametrize("scale", [1.0, 0.95, 1.05, 1.1])
def test_a_copy_is_found_where_it_lies_and_at_its_speed(scale: float) -> None:
    values = walk(60, 1)
    found = aligned(captured(values, 20, 32, scale), stored(values))
    assert found is not None
    assert found.time_scale == pytest.approx(scale, abs=0.006)
    assert found.time_scale * 5 + found.offset == pytest.approx(20 + scale * 5, abs=0.1)
    assert (found.query_start, found.query_end) == pytest.approx((0, 12 / scale), abs=0.5)


def test_two_codes_are_enough_where_they_are_more_than_half_a_second_apart() -> None:
    values = walk(60, 8)
    found = aligned(captured(values, 20.1, 21.5), stored(values, step=0.64))
    assert found is not None
    assert found.offset == pytest.approx(20.1, abs=0.1)
    assert found.at_query_edges == (True, True)
    assert parts(found) == [found]
    assert parts(replace(found, at_query_edges=(True, False))) == [], "so little of a longer query"
    assert aligned(captured(values, 20.1, 20.4), stored(values)) is None, "less than a second of pairs"


def test_a_stretch_ends_where_the_copy_does() -> None:
    values, other = walk(40, 2), walk(40, 3)
    mixed = np.concatenate([other[:1000], values[500:1500], other[1000:2000]])
    found = aligned(captured(mixed, 0, 29), stored(values))
    assert found is not None
    assert (found.query_start, found.query_end) == pytest.approx((10, 20), abs=0.5)
    assert found.at_query_edges == (False, False)


def test_a_stranger_scores_far_below_a_copy() -> None:
    values = walk(60, 4)
    copy, stranger = (
        aligned(captured(values, 5, 15), stored(values)),
        aligned(captured(walk(60, 5), 5, 15), stored(values)),
    )
    assert copy is not None
    assert stranger is None or stranger.likeness < copy.likeness / 3


def test_what_repeats_itself_counts_once() -> None:
    still = np.repeat(walk(0.01, 6)[:1], 6001, axis=0)
    moving, static = (aligned(captured(values, 5, 35), stored(values)) for values in (walk(60, 7), still))
    assert moving is not None and static is not None
    assert static.likeness < moving.likeness / 3


def test_what_hardly_moves_is_not_told_to_be_faster_than_it_is() -> None:
    values = walk(90, 21, calm=0.99998)
    found = aligned(captured(values, 20, 45, noise=0.05), stored(values), tolerance=0.25)
    assert found is not None
    assert found.time_scale == pytest.approx(1.0, abs=0.03)


def test_a_stretch_tells_how_many_different_codes_it_has() -> None:
    still = np.repeat(walk(0.01, 6)[:1], 6001, axis=0)
    moving, static = (aligned(captured(values, 5, 15), stored(values)) for values in (walk(60, 7), still))
    assert moving is not None and static is not None
    assert static.distinct == pytest.approx(1.0)
    assert moving.distinct > 2


def test_a_stretch_is_parted_where_something_else_was_put_in() -> None:
    values, other = walk(40, 2), walk(40, 3)
    dubbed = np.concatenate([values[:1000], other[1000:1800], values[1800:3000]])
    found = aligned(captured(dubbed, 0, 29), stored(values))
    assert found is not None
    ((first, last),) = found.holes
    assert (first, last) == pytest.approx((10, 18), abs=0.5)
    assert [(part.query_start, part.query_end) for part in parts(found)] == [
        (found.query_start, first),
        (last, found.query_end),
    ]


def test_a_copy_that_is_drowned_for_a_while_stays_whole() -> None:
    values = walk(40, 2)
    drowned = values + 0.0
    drowned[1000:1600] += 2.0 * walk(40, 9)[1000:1600]
    found = aligned(captured(drowned, 0, 29), stored(values))
    assert found is not None and found.holes == ()
    assert parts(found) == [found]


def test_weak_codes_never_prove_a_match() -> None:
    values = walk(30, 8)
    query, reference = captured(values, 5, 15), stored(values)
    blank = Fingerprint(
        "drawn/1", reference.duration, reference.times, reference.codes, np.ones(len(reference), bool)
    )
    line = lines(_hits(query, reference), BITS, TOLERANCE, 1)[0]
    assert stretch(Side(query, BACKGROUND), reference, line, TOLERANCE) is not None
    assert stretch(Side(query, BACKGROUND), blank, line, TOLERANCE) is None


def _hits(query: Query, reference: Fingerprint) -> Hits:
    index = ExactIndex("drawn/1", BITS // 8)
    index.add(7, reference)
    return index.search(query.fingerprint, 4)


def test_expected_false_matches_fall_with_the_score_and_grow_with_the_search() -> None:
    model = NullModel(10, 8, 1e-7, 1.0, sibling_threshold=8, sibling_rate=0.0, sibling_scale=2.0)
    assert model.expected_false_matches(20, 10, 10**6) == pytest.approx(np.exp(-12))
    assert model.expected_false_matches(21, 10, 10**6) == pytest.approx(np.exp(-13))
    assert model.expected_false_matches(20, 20, 10**7) == pytest.approx(20 * np.exp(-12))
    assert model.expected_false_matches(20, 1, 10**6) == pytest.approx(np.exp(-12))


def test_likeness_of_a_series_does_not_grow_with_the_catalog() -> None:
    model = NullModel(10, 8, 1e-30, 1.0, sibling_threshold=8, sibling_rate=0.02, sibling_scale=2.0)
    small, large = (model.expected_false_matches(20, 10, codes) for codes in (10**5, 10**9))
    assert small == pytest.approx(large) == pytest.approx(0.2 * np.exp(-6))


def test_each_stage_of_disguises_has_its_own_null_model_and_all_of_them_count() -> None:
    plain, disguised = (NullModel(10, t, 1e-7, 1.0, 8, 0.0, 2.0) for t in (8, 11))
    both = Calibration(0.0, 0.0, ((plain,), (disguised,)), (0.8, 0.2))
    assert both.expected_false_matches(20, 0, 10, 10**6) == pytest.approx(np.exp(-12) / 0.8)
    assert both.expected_false_matches(20, 1, 10, 10**6) == pytest.approx(np.exp(-9) / 0.2)


def test_between_two_lengths_of_query_the_logarithm_is_interpolated_and_beyond_them_the_nearest_counts() -> (
    None
):
    short, long = (NullModel(s, t, 1 / s / 1e6, 1.0, 8, 0.0, 2.0) for s, t in ((2.0, 4), (10.0, 8)))
    model = Calibration(0.0, 0.0, ((short, long),), (1.0,))

    def chance(seconds: float) -> float:
        return model.expected_false_matches(20, 0, seconds, 10**6)

    assert chance(1.0) == chance(2.0) == pytest.approx(np.exp(-16))
    assert chance(6.0) == pytest.approx(np.exp(-14) * np.sqrt(3))  # three times the trials of the shorter
    assert chance(10.0) == pytest.approx(np.exp(-12))
    assert chance(20.0) == pytest.approx(2 * np.exp(-12))


@pytest.mark.parametrize("algorithm", EXTRACTORS)
def test_a_shorter_query_needs_no_higher_score_than_a_longer_one(algorithm: str) -> None:
    model = calibration(algorithm)
    for stage in range(len(model.stages)):
        chance = [model.expected_false_matches(15, stage, seconds, 10**5) for seconds in (1, 2, 3, 10, 60)]
        assert chance == sorted(chance)


def test_the_verdict_follows_the_operating_points() -> None:
    assert [verdict(e) for e in (MATCH / 2, MATCH * 2, 10.0)] == ["match", "review", None]


def found(ref_id: int, first: float, last: float, score: float) -> Found:
    return Found(
        Stretch(ref_id, 1.0, 0.0, first, last, score, 0.0, 0.5, (False, False), (False, False), 9.0),
        Disguise(),
        0,
        score,
    )


def by_score(one: Found) -> float:
    return float(np.exp(-one.score))


def test_the_likeness_of_a_better_stretch_is_dropped_and_its_twin_is_kept() -> None:
    best, twin, like, elsewhere = (
        found(1, 0, 10, 40),
        found(2, 0, 9, 38),
        found(3, 1, 9, 20),
        found(4, 20, 30, 20),
    )
    assert without_eclipsed([like, elsewhere, twin, best], by_score) == [best, twin, elsewhere]


def test_one_reference_has_one_stretch_over_the_same_seconds() -> None:
    best, again = found(1, 0, 10, 40), found(1, 0, 10, 39)
    assert without_eclipsed([again, best], by_score) == [best]


def test_the_place_that_agrees_best_is_told_under_whatever_disguise() -> None:
    plain, mirrored = found(1, 0, 10, 9), replace(found(1, 0, 10, 7), disguise=Disguise(mirror=True), stage=1)
    mirrored = replace(mirrored, stretch=replace(mirrored.stretch, offset=30.0))
    chance = {mirrored: 1e-6, plain: 1e-4}
    assert without_eclipsed([mirrored, plain], chance.__getitem__) == [plain]
    chance[plain] = 0.02  # alone it would not be a match
    assert without_eclipsed([mirrored, plain], chance.__getitem__) == [mirrored, plain]


def test_a_loop_is_told_at_each_turn_that_agrees_about_as_well() -> None:
    turns = [
        replace(turn, stretch=replace(turn.stretch, offset=20.0 * number))
        for number, turn in enumerate((found(1, 0, 10, 38), found(1, 0, 10, 40), found(1, 0, 10, 30)))
    ]
    assert without_eclipsed(turns, by_score) == [turns[1], turns[0]]


def test_a_few_seconds_with_more_evidence_do_not_eclipse_all_of_them() -> None:
    few, whole = found(1, 0, 3, 9.5), found(1, 0, 60, 9)
    chance = {few: 1e-4, whole: 1e-26}
    for told in ([few, whole], [whole, few]):
        assert without_eclipsed(told, chance.__getitem__) == [whole]


def test_what_surer_seconds_leave_of_a_longer_stretch_of_their_work_is_told() -> None:
    """After a pause the same work comes once more: the line of the first runs on over both."""
    few, whole, twin = found(1, 24, 29, 9), found(1, 5, 29, 8), found(2, 5, 29, 5)
    chance = {few: 1e-9, whole: 1e-5, twin: 1e-5}
    for told in ([few, whole, twin], [twin, whole, few]):
        assert without_eclipsed(told, chance.__getitem__) == [few, whole]


def test_of_what_is_as_doubtful_the_best_is_told_first() -> None:
    faint, better = found(1, 0, 10, 8), found(1, 20, 30, 9)
    assert without_eclipsed([faint, better], lambda _: 0.02) == [better, faint]


def test_of_equals_the_same_are_told_in_whatever_order_they_were_found() -> None:
    places = [
        replace(one, stretch=replace(one.stretch, offset=offset))
        for one, offset in (
            (found(1, 0, 10, 40), 100.0),
            (found(1, 0, 10, 40), 102.0),
            (found(1, 0, 10, 40), 105.0),
        )
    ]
    told = [without_eclipsed(list(some), by_score) for some in permutations(places)]
    assert all(one == told[0] for one in told)


def alike(similarity: float, likeness: float) -> Stretch:
    return Stretch(1, 1.0, 0.0, 0.0, 10.0, likeness, 0.0, similarity, (False, False), (False, False), 9.0)


def test_where_exactness_counts_a_cousin_needs_more_evidence_than_a_copy() -> None:
    copy, cousin = alike(0.9, 10.0), alike(0.6, 25.0)
    assert score(copy, (0, 0), 0.0) < score(cousin, (0, 0), 0.0)
    assert score(copy, (0, 0), 1.0) > score(cousin, (0, 0), 1.0)


def test_what_is_no_more_alike_than_chance_scores_nothing() -> None:
    assert score(alike(0.2, 5.0), (6.0, 0.0), 0.0) == score(alike(-0.1, 5.0), (0.0, 0.0), 1.0) == 0


@pytest.mark.parametrize("seconds", [1.7, 2.0, 30.0])
def test_what_nothing_explains_is_searched_further_however_short_it_is(seconds: float) -> None:
    made = captured(walk(31, seed=5), 0.0, seconds).fingerprint
    assert not explained(made, [], 0.0, seconds)
    assert explained(made, [found(1, 0.0, seconds, 40.0)], 0.0, seconds)


def test_of_a_long_clip_two_seconds_without_a_stretch_are_enough_to_search_further() -> None:
    made = captured(walk(31, seed=5), 0.0, 30.0).fingerprint
    for first, enough in ((2.5, False), (3.5, True)):  # a stretch explains a second around it too
        assert explained(made, [found(1, first, 30.0, 40.0)], 0.0, 30.0) is not enough


@pytest.mark.parametrize("seconds", [3.0, 19.0, 30.0, 60.0])
def test_excerpts_leave_no_stretch_of_a_long_clip_out_for_long(seconds: float) -> None:
    clip = Clip("test", seconds, samples=np.zeros(int(seconds * 8000), np.float32))
    parts = list(_excerpts(clip))
    if seconds <= EVERY:
        assert parts == [(0.0, clip)]
        return
    starts = [start for start, _ in parts]
    assert starts[0] <= EVERY / 2 and max(np.diff(starts)) <= EVERY
    assert starts[-1] + EXCERPT >= seconds - EVERY / 2
    assert all(part.duration == EXCERPT for _, part in parts)


def test_what_is_found_in_an_excerpt_is_told_on_the_time_axis_of_the_clip() -> None:
    stretch_ = shifted(found(1, 2, 8, 40), 20).stretch
    assert (stretch_.query_start, stretch_.query_end) == (22, 28)
    assert stretch_.query_start * stretch_.time_scale + stretch_.offset == pytest.approx(2)


def placed(ref_id: int, start: float, expected: float) -> Placed:
    return Placed(ref_id, Segment("audio", start, start + 5, start, start + 5, PLAIN, 10.0), expected, 10.0)


def test_what_another_stream_is_certain_of_bears_out_what_is_nearly_the_same() -> None:
    """A still picture says little by itself: where sound says the same, no disguise needs to be tried for it."""

    def chance(similarity: float, offset: float, of_sound: float, of_picture: float = 1e-3) -> float:
        picture = replace(found(1, 0, 5, 9).stretch, similarity=similarity, offset=offset)
        sound = placed(1, 20.0, of_sound)  # of the window that begins at 20 s the first five seconds
        return borne_out(lambda _: of_picture, [sound], 20.0)(replace(found(1, 0, 5, 9), stretch=picture))

    assert chance(0.95, 20.0, 1e-8) == CERTAIN
    assert chance(0.95, 20.0, 1e-8, of_picture=0.02) == 0.02  # not a match by itself
    assert {chance(0.85, 20.0, 1e-8), chance(0.95, 23.0, 1e-8), chance(0.95, 20.0, 1e-3)} == {1e-3}


def referenced(ref_id: int) -> Reference:
    return Reference(ref_id, ref_id, "a.wav", "", 60.0, datetime(2026, 1, 1, tzinfo=UTC))


def nowhere(kind: str, ref_id: int | None, first: float, last: float) -> bool:
    return False


def test_what_chance_explains_is_told_only_when_asked_for() -> None:
    parts = [
        placed(1, 0, 1e-5),
        placed(1, 20, 1.0),
        placed(2, 0, 2.0),
        placed(2, 20, 0.5),
        placed(3, 0, 50.0),
    ]
    assert [match.reference.id for match in matches(parts, referenced, nowhere)] == [1]
    sure, faint = matches(parts, referenced, nowhere, faintest=10.0)
    assert (sure.reference.id, sure.verdict, len(sure.segments)) == (1, "match", 1)
    assert (faint.reference.id, faint.verdict, faint.expected_false_matches) == (2, "no-match", 0.5)


def test_chance_is_what_comparing_with_every_unrelated_code_gives() -> None:
    signs = unpack(pack(np.random.default_rng(3).standard_normal((500, BITS))))
    reliability = np.random.default_rng(4).standard_normal((20, BITS)).astype(np.float32)
    times = np.arange(20.0)
    codes = Fingerprint("a/1", 20.0, times, pack(reliability), np.zeros(20, np.bool_))
    side = Side(Query(codes, reliability), background(signs))
    similar = side.weights @ signs.T
    np.testing.assert_allclose(side.chance[0][:, 0], similar.mean(1), atol=1e-5)
    np.testing.assert_allclose(side.chance[1][:, 0], similar.std(1), rtol=1e-3)
    np.testing.assert_array_equal(side.part(np.array([3, 5])).chance[1], side.chance[1][[3, 5]])
