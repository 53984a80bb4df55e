"""References on the air, as who searches sees them: one that is broken is left out, and disturbs no other."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint
from fingerprint.storage import to_bytes
from index.catalog import Catalog
from index.database import CatalogError
from index.live import LiveStore

WIDTH = 32


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, notes: list[str]) -> Iterator[LiveStore]:
    made = LiveStore(tmp_path / "live.db", notes.append)
    yield made
    made.close()


def codes(*times: float, width: int = WIDTH) -> Fingerprint:
    n = len(times)
    return Fingerprint(
        "audio/1", 100.0, np.array(times, float), np.zeros((n, width), np.uint8), np.zeros(n, np.bool_)
    )


def begun(store: LiveStore, *made: Fingerprint) -> int:
    ref_id = store.begin("a", "A", "", "")
    store.add(ref_id, made, 100.0, None)
    return ref_id


def smuggled(path: Path, ref_id: int, data: bytes) -> None:
    """Stores what ``add`` refuses."""
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO codes (live, algorithm, data) VALUES (?, 'audio/1', ?)", (-ref_id, data)
        )
    database.close()


def searched(store: LiveStore) -> list[int]:
    found = store.codes("audio/1", WIDTH)
    return sorted(found[1]) if found else []


def test_codes_that_go_back_are_not_stored(store: LiveStore) -> None:
    ref_id = begun(store, codes(1, 2))
    for wrong in ([codes(1.5)], [codes(3, 4), codes(3, 4)]):
        with pytest.raises(ValueError, match="before those"):
            store.add(ref_id, wrong, 100.0, None)
    assert [list(made.times) for made in store.fingerprints(ref_id)] == [[1.0, 2.0]]


@pytest.mark.parametrize("data", [to_bytes(codes(0.5)), to_bytes(codes(3, width=8)), b"", b"noise"])
def test_one_that_is_broken_is_left_out_and_told_once(
    store: LiveStore, tmp_path: Path, notes: list[str], data: bytes
) -> None:
    good, bad = begun(store, codes(1, 2)), begun(store, codes(1, 2))
    assert searched(store) == [bad, good]
    smuggled(tmp_path / "live.db", bad, data)
    for number in range(3, 6):
        assert searched(store) == [good]
        store.add(good, [codes(number)], 100.0, None)
        smuggled(tmp_path / "live.db", bad, to_bytes(codes(50 + number)))
    assert len(notes) == 1 and str(bad) in notes[0]


def test_codes_of_another_width_are_left_out(store: LiveStore, notes: list[str]) -> None:
    bad, good = begun(store, codes(1, 2, width=8)), begun(store, codes(1, 2))
    found = store.codes("audio/1", WIDTH)
    assert found is not None
    assert len(found[0]) == 2 and list(found[1]) == [good]
    assert len(notes) == 1 and str(bad) in notes[0]


def test_what_is_searched_stays_while_one_is_dropped(store: LiveStore) -> None:
    ref_id = begun(store, codes(1, 2))
    found = store.codes("audio/1", WIDTH)
    store.drop(ref_id)
    assert searched(store) == []
    assert found is not None and list(found[1]) == [ref_id] and len(found[0]) == 2


def opened(path: Path) -> str:
    """The error of opening one, and a catalog beside it; empty where there is none."""
    try:
        LiveStore(path).close()
        Catalog(path.with_suffix(".catalog")).close()
    except CatalogError as error:
        return str(error)
    return ""


def test_processes_that_make_one_or_a_catalog_at_once_wait_for_each_other(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        paths = [tmp_path / f"{number // 6}.db" for number in range(180)]
        assert set(pool.map(opened, paths, chunksize=1)) == {""}
