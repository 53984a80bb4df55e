"""Peers of the benchmark: their alignment finds the place, and what is too short is not compared."""

import numpy as np
import pytest

from benchmarks.peers import best, likeness


def drawn(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4), dtype=np.uint8)


def test_an_excerpt_is_likest_where_it_was_taken() -> None:
    whole = drawn(1, 5000)
    assert likeness(whole[4200:4250], whole) == 1
    assert likeness(whole, whole[4200:4250]) == 1
    spoilt = whole[30:80] ^ np.uint8(1)
    assert likeness(spoilt, whole) == pytest.approx(1 - 1 / 8)


def test_strangers_differ_in_nearly_half_of_their_bits() -> None:
    assert 0.5 < likeness(drawn(2, 60), drawn(3, 1000)) < 0.6


def test_the_likest_file_is_named() -> None:
    catalog = {"a": drawn(4, 200), "b": drawn(5, 300)}
    assert best(catalog["b"][100:150], catalog) == ("b", 1.0)


def test_a_query_with_hardly_a_code_is_like_nothing() -> None:
    assert likeness(drawn(6, 2), drawn(7, 100)) == -np.inf
