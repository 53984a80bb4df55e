"""What every registered Index does, and that the fast ones find what the obviously right one finds."""

from collections.abc import Callable

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint
from index.hits import Hits
from index.index import INDEXES, Index

Make = Callable[[], Index]
ALGORITHM, WIDTH = "audio/1", 8


def random_fingerprint(seed: int, n: int = 50, weak: float = 0.0, width: int = WIDTH) -> Fingerprint:
    """n codes of which about the share ``weak`` is weak, one every 0.24 s."""
    rng = np.random.default_rng(seed)
    times = np.round(np.arange(n) * 0.24, 3)
    codes = rng.integers(0, 256, (n, width), np.uint8)
    return Fingerprint(ALGORITHM, n * 0.24, times, codes, rng.random(n) < weak)


def pairs(hits: Hits) -> list[tuple[int, float, float, int]]:
    """Hits as rows: (reference, query time, reference time, distance)."""
    columns = (hits.ref_ids, hits.query_times, hits.ref_times, hits.distances)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.fixture(params=sorted(INDEXES))
def make(request: pytest.FixtureRequest) -> Make:
    return lambda: INDEXES[request.param](ALGORITHM, WIDTH)


@pytest.fixture
def index(make: Make) -> Index:
    """References 3, 1 and 2, in this order, of 50 codes each."""
    made = make()
    for ref_id in (3, 1, 2):
        made.add(ref_id, random_fingerprint(ref_id))
    return made


def test_finds_itself(index: Index) -> None:
    itself = random_fingerprint(1)
    assert pairs(index.search(itself, 1)) == [(1, t, t, 0) for t in itself.times.tolist()]


def test_hits_come_in_query_order_near_first_in_the_declared_types(index: Index) -> None:
    hits = index.search(random_fingerprint(9, n=20), 4)
    assert len(hits) == 20 * 4
    order = np.lexsort((hits.distances, hits.query_times))
    assert order.tolist() == list(range(80))
    columns = (hits.ref_ids, hits.query_times, hits.ref_times, hits.distances)
    assert [column.dtype for column in columns] == [np.int64, np.float64, np.float64, np.int32]


def test_distances_are_the_bits_that_differ(index: Index) -> None:
    near = random_fingerprint(2)
    near.codes[:, 0] ^= 0b00010110
    assert index.search(near, 1).distances.tolist() == [3] * 50


def test_of_equal_codes_the_one_registered_first_comes_first(make: Make) -> None:
    index = make()
    for ref_id in (8, 5, 6):
        index.add(ref_id, random_fingerprint(0, n=1))
    assert index.search(random_fingerprint(0, n=1), 3).ref_ids.tolist() == [8, 5, 6]


def test_gives_fewer_where_it_holds_fewer(make: Make) -> None:
    index = make()
    assert len(index.search(random_fingerprint(1), 4)) == 0
    index.add(1, random_fingerprint(1, n=3))
    assert len(index.search(random_fingerprint(2, n=10), 4)) == 10 * 3


def test_a_query_without_codes_finds_nothing(index: Index) -> None:
    assert len(index.search(random_fingerprint(1, n=0), 4)) == 0


def test_removed_means_not_found(index: Index) -> None:
    index.remove(1)
    assert len(index) == 100
    assert set(index.search(random_fingerprint(1), 4).ref_ids.tolist()) == {2, 3}
    assert pairs(index.search(random_fingerprint(2), 1))[7] == (2, 1.68, 1.68, 0)
    assert pairs(index.search(random_fingerprint(3), 1))[7] == (3, 1.68, 1.68, 0)


def test_an_id_can_come_back_after_it_was_removed(index: Index) -> None:
    index.remove(3)
    index.add(3, random_fingerprint(30))
    assert index.search(random_fingerprint(30), 1).ref_ids.tolist() == [3] * 50


def test_removing_what_is_not_in_raises(index: Index) -> None:
    with pytest.raises(KeyError, match="7"):
        index.remove(7)
    assert len(index) == 150


def test_adding_what_is_in_raises_and_changes_nothing(index: Index) -> None:
    with pytest.raises(ValueError, match="reference 2 is already in the index"):
        index.add(2, random_fingerprint(20))
    assert len(index) == 150


def test_refuses_another_algorithm_and_width(index: Index) -> None:
    plain = random_fingerprint(4)
    other = Fingerprint("video/1", plain.duration, plain.times, plain.codes, plain.weak)
    for wrong in (other, random_fingerprint(4, width=16)):
        with pytest.raises(ValueError, match="do not belong in an index of 'audio/1'"):
            index.add(4, wrong)
        with pytest.raises(ValueError, match="do not belong in an index of 'audio/1'"):
            index.search(wrong, 1)


def test_weak_codes_are_not_held(make: Make) -> None:
    index = make()
    half = random_fingerprint(1, weak=0.5)
    index.add(1, half)
    index.add(2, random_fingerprint(2, weak=1.1))
    assert len(index) == np.count_nonzero(~half.weak)
    assert set(index.search(half, 4).ref_times.tolist()) <= set(half.times[~half.weak].tolist())
    index.remove(2)
    assert len(index) == np.count_nonzero(~half.weak)


def test_what_it_holds_makes_the_same_index_again(index: Index, make: Make) -> None:
    again = make()
    again.extend(index.columns())
    assert pairs(again.search(random_fingerprint(9), 4)) == pairs(index.search(random_fingerprint(9), 4))
    with pytest.raises(ValueError, match="already in the index"):
        again.extend(index.columns())


@pytest.mark.parametrize("name", sorted(INDEXES.keys() - {"exact"}))
@pytest.mark.parametrize("seed", range(5))
def test_equals_the_exact_index_whatever_came_and_went(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    exact, fast = INDEXES["exact"](ALGORITHM, WIDTH), INDEXES[name](ALGORITHM, WIDTH)
    held: list[int] = []
    for ref_id in range(30):
        fingerprint = random_fingerprint(1000 * seed + ref_id, n=int(rng.integers(0, 60)), weak=0.3)
        for index in (exact, fast):
            index.add(ref_id, fingerprint)
        held.append(ref_id)
        if rng.random() < 0.4:
            gone = held.pop(int(rng.integers(len(held))))
            for index in (exact, fast):
                index.remove(gone)
    query = random_fingerprint(seed, n=40)
    right, found = exact.search(query, 5), fast.search(query, 5)
    # Of codes equally far the fifth may be another one; how far, and everything nearer, must agree.
    assert found.distances.tolist() == right.distances.tolist()
    fifth = np.repeat(right.distances[4::5], 5)
    nearer = right.distances < fifth
    assert np.array(pairs(found))[nearer].tolist() == np.array(pairs(right))[nearer].tolist()
