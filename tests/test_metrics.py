"""The scorer, on cases small enough to do by hand."""

import math

import pytest

from benchmarks.metrics import (
    NO_SEGMENTS,
    Count,
    Prediction,
    Reckoning,
    Seconds,
    Span,
    counted,
    end_errors,
    micro_average_precision,
    offset_error,
    poisson_bounds,
    quantiles,
    recall_at,
    reckoned,
    segment_score,
    threshold,
)


def right(score: float) -> Prediction:
    return Prediction(score, True)


def wrong(score: float) -> Prediction:
    return Prediction(score, False)


def test_a_count_keeps_both_of_its_numbers() -> None:
    assert counted([True, False, True]) == Count(2, 3)
    assert Count(0, 0).rate == 0


def test_wilson_bounds_are_those_of_the_literature() -> None:
    # 10 of 10: the lower bound is n / (n + z²).
    low, high = Count(10, 10).bounds
    assert low == pytest.approx(10 / (10 + 1.959964**2))
    assert high == pytest.approx(1)
    low, high = Count(50, 100).bounds
    assert low == pytest.approx(0.4038, abs=1e-4)
    assert high == pytest.approx(0.5962, abs=1e-4)
    assert Count(0, 0).bounds == (0, 1)


def test_recall_at_zero_false_asks_for_more_than_the_best_stranger() -> None:
    copies = [right(9), right(5), right(3), wrong(8), right(-math.inf)]
    assert recall_at(copies, [5.0, 1.0, -math.inf]) == Count(1, 5)


def test_recall_when_one_stranger_may_pass() -> None:
    assert recall_at([right(9), right(5), right(1)], [5.0, 1.0, 0.0], allowed=1) == Count(2, 3)


def test_no_stranger_sets_no_threshold() -> None:
    assert threshold([]) == -math.inf
    assert threshold([3.0, 7.0]) == 7
    assert threshold([3.0, 7.0], allowed=2) == -math.inf


def test_average_precision_over_all_queries_at_once() -> None:
    # Right at ranks 1 and 3 of four truths: (1/1 + 2/3) / 4.
    claims = [right(9), wrong(8), right(7)]
    assert micro_average_precision(claims, 4) == pytest.approx((1 + 2 / 3) / 4)
    assert micro_average_precision([right(2), right(1)], 2) == 1
    assert micro_average_precision([], 3) == 0


def test_ties_do_not_depend_on_the_order_of_claims() -> None:
    assert micro_average_precision([right(1), wrong(1)], 1) == micro_average_precision(
        [wrong(1), right(1)], 1
    )


def test_offset_error_is_measured_in_the_middle_of_what_was_found() -> None:
    true = Span(0, 10, 60, 70)
    assert offset_error(Span(2, 8, 62, 68), true) == pytest.approx(0)
    assert offset_error(Span(2, 8, 62.5, 68.5), true) == pytest.approx(0.5)
    # A wrong time scale about the right middle is no wrong place.
    assert offset_error(Span(0, 10, 59, 71), true) == pytest.approx(0)


def test_offset_error_follows_the_time_scale_of_the_truth() -> None:
    assert offset_error(Span(4, 6, 65, 67), Span(0, 10, 60, 72)) == pytest.approx(0)


def test_ends_are_compared_in_the_query() -> None:
    assert end_errors(Span(1, 9.5, 0, 0), Span(0, 10, 0, 0)) == (1, 0.5)


def test_quantiles_of_nothing_are_not_a_number() -> None:
    assert quantiles([1.0, 2.0, 3.0]).median == 2
    assert quantiles([0.0, 10.0]).p90 == pytest.approx(9)
    assert math.isnan(quantiles([]).median)


def test_segments_of_a_compilation_are_scored_by_seconds_and_by_work() -> None:
    true = [("a", Span(0, 30, 0, 30)), ("b", Span(30, 60, 5, 35))]
    found = [("a", Span(0, 33, 0, 33)), ("c", Span(40, 50, 0, 10))]
    score = segment_score(found, true)
    assert score.query == score.reference == Seconds(30, 43, 60)
    assert score.recall == 0.25 and score.precision == pytest.approx((30 / 43) ** 2)
    assert segment_score([], []) == NO_SEGMENTS and NO_SEGMENTS.precision == 1


def test_the_right_seconds_of_the_query_with_the_wrong_ones_of_the_work_are_not_right() -> None:
    true = [("a", Span(0, 10, 0, 10))]
    assert segment_score([("a", Span(0, 10, 50, 60))], true).recall == 0
    half = segment_score([("a", Span(0, 10, 5, 15))], true)
    assert (half.query.recall, half.reference.recall) == (1, 0.5)


def test_segments_of_many_queries_are_summed_before_they_are_divided() -> None:
    true = [("a", Span(0, 10, 0, 10))]
    both = segment_score(true, true) + segment_score([], true)
    assert both.query == Seconds(10, 10, 20) and both.precision == 1 and both.recall == 0.25


def test_poisson_bounds_are_those_of_the_tables() -> None:
    assert poisson_bounds(0) == pytest.approx((0, 3.689), abs=1e-3)
    assert poisson_bounds(10) == pytest.approx((4.795, 18.390), abs=1e-3)


def test_claims_are_reckoned_up_to_each_limit() -> None:
    few, many = reckoned([0.05, 0.4, 3.0], queries=20, limits=[0.1, 1.0])
    assert few == Reckoning(0.1, 2.0, 1)
    assert many.observed == 2 and many.ratio == pytest.approx(0.1)
    assert reckoned([], queries=0, limits=[1.0]) == []
