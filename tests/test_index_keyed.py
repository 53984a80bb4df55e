"""Large catalogs are filed under keys: what a search finds there, what lies on disk, and how damage is healed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint, pack, unpack
from index import keyed_file, keyed_index, keyed_store, segments
from index.catalog import Catalog
from index.index import INDEXES, Index
from index.keyed_index import KeyedIndex
from index.probes import keys, probes

ALGORITHM, WIDTH = "audio/1", 8
STORED = 300  # codes of a reference


def random_fingerprint(seed: int, n: int = STORED) -> Fingerprint:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (n, WIDTH), np.uint8)
    return Fingerprint(ALGORITHM, n * 0.24, np.round(np.arange(n) * 0.24, 3), codes, rng.random(n) < 0.1)


def disguised(fingerprint: Fingerprint, rng: np.random.Generator) -> tuple[Fingerprint, np.ndarray]:
    """The codes after a disguise, and their projections: a bit is the likelier flipped the nearer to 0 it lies."""
    moved = unpack(fingerprint.codes) * np.abs(rng.standard_normal((len(fingerprint), 8 * WIDTH)))
    moved += 0.4 * rng.standard_normal(moved.shape)
    copy = Fingerprint(ALGORITHM, fingerprint.duration, fingerprint.times, pack(moved), fingerprint.weak)
    return copy, moved.astype(np.float32)


def answers(index: Index) -> list[list[float]]:
    """How near the index finds everything that any test registers, and where it finds the same code.

    Of codes equally far another one may be found: how far they are must agree.
    """
    hits = [index.search(random_fingerprint(seed, 20), 2) for seed in range(14)]
    return [
        [
            *h.distances.tolist(),
            *h.ref_ids[h.distances == 0].tolist(),
            *h.ref_times[h.distances == 0].tolist(),
        ]
        for h in hits
    ]


class Room:
    """A catalog, a folder for segments, and the lines that were noted."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(folder / "catalog.sqlite")
        self.folder = folder / "index"
        self.notes: list[str] = []

    def add(self, *seeds: int) -> list[int]:
        """Registers files of these contents and gives their ids."""
        return [
            self.catalog.add(f"{s}.wav", f"{s:064x}", STORED, [random_fingerprint(s)], f"work {s}").id
            for s in seeds
        ]

    def load(self) -> KeyedIndex:
        """The index, which must answer right whatever lies in the folder."""
        self.notes.clear()
        index = segments.load_index(self.catalog, ALGORITHM, WIDTH, self.folder, self.notes.append)
        exact = INDEXES["exact"](ALGORITHM, WIDTH)
        for ref_id, fingerprint in self.catalog.fingerprints(ALGORITHM):
            exact.add(ref_id, fingerprint)
        assert answers(index) == answers(exact)
        assert isinstance(index, KeyedIndex)
        return index

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.keys"))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Ten references, in a world where 500 codes are too many to scan, and every list is looked into."""
    monkeypatch.setattr(segments, "SCANNED", 500)
    monkeypatch.setattr(keyed_store, "TAIL", 500)
    made = Room(tmp_path)
    made.add(*range(10))
    yield made
    made.catalog.close()


def test_keys_of_fewer_bits_begin_those_of_more() -> None:
    codes = random_fingerprint(1).codes
    assert (keys(codes, 12) >> 5 == keys(codes, 7)).all()
    assert (keys(codes, 0) == 0).all()


def test_probes_are_all_keys_when_there_are_few() -> None:
    codes = random_fingerprint(1, 3).codes
    found = probes(codes, None, bits=4, most=100)
    assert np.sort(found, axis=1).tolist() == [list(range(16))] * 3


def test_probes_flip_the_least_sure_bits_and_are_spent_on_doubtful_codes() -> None:
    codes = np.zeros((2, WIDTH), np.uint8)
    reliability = np.full((2, 8 * WIDTH), -1.5, np.float32)
    reliability[1, 0] = reliability[1, 101 % 64] = -0.01  # the first two bits of its key
    found = probes(codes, reliability, bits=6, most=3)
    assert set(found[1].tolist()) >= {0b000000, 0b100000, 0b010000, 0b110000}
    assert np.count_nonzero(found[0] >= 0) < np.count_nonzero(found[1] >= 0)


def test_a_disguised_code_is_found_although_few_lists_are_looked_into(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyed_file, "LIST", 4)
    monkeypatch.setattr(keyed_index, "PROBED", 512)  # all
    index = room.load()
    assert index.segments[0].bits == 9
    monkeypatch.setattr(keyed_index, "PROBED", 16)
    copy, reliability = disguised(random_fingerprint(3), np.random.default_rng(0))
    hits = index.search(copy, 1, reliability)
    strong = np.isin(hits.query_times, copy.times[~copy.weak])
    assert np.mean(((hits.ref_ids == 4) & (hits.ref_times == hits.query_times))[strong]) > 0.8


def test_it_looks_further_only_when_patient_and_while_no_line_is_clear(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, asked = room.load(), list[int]()
    whole = keyed_file.Segment.search

    def search(segment: keyed_file.Segment, *arguments: Any) -> keyed_file.Found:
        asked.append(arguments[-1])
        return whole(segment, *arguments)

    monkeypatch.setattr(keyed_file.Segment, "search", search)
    monkeypatch.setattr(keyed_index, "LISTS", (60_000, 120_000))
    copy, stranger = random_fingerprint(3), random_fingerprint(99)
    index.search(stranger, 1)
    index.search(copy, 1, patient=True)
    assert asked == [320, 320]
    monkeypatch.setattr(keyed_index, "CLEAR", STORED + 1)
    hits = index.search(copy, 1, patient=True)
    assert asked == [320, 320, 320, 400]
    places = list(zip(hits.ref_ids.tolist(), hits.ref_times.tolist(), strict=True))
    assert len(set(places)) == len(places)


def test_what_was_saved_answers_the_same_without_the_catalog(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = answers(room.load())
    monkeypatch.setattr(Catalog, "fingerprints", lambda *_, **__: pytest.fail("read from the catalog"))
    index = segments.load_index(room.catalog, ALGORITHM, WIDTH, room.folder, pytest.fail)
    assert answers(index) == right
    assert len(room.files) == 1


def test_columns_are_all_that_it_holds(room: Room) -> None:
    room.load()
    room.catalog.remove(room.add(11)[0])
    room.catalog.remove(4)
    index = room.load()
    columns = index.columns()
    assert len(columns) == len(index)
    again = INDEXES["exact"](ALGORITHM, WIDTH)
    again.extend(columns)
    assert answers(again) == answers(index)


def test_few_additions_stay_in_the_tail_many_become_a_segment(room: Room) -> None:
    room.load()
    before = room.files
    room.add(10)
    assert len(room.load().tail) > 0
    assert room.files == before
    room.add(11)
    assert len(room.load().tail) == 0
    assert len(room.files) == 2


def test_segments_that_are_outgrown_are_merged(room: Room) -> None:
    room.load()
    for seeds in ((10, 11), (12, 13)):
        room.add(*seeds)
        room.load()
    assert len(room.files) == 2  # the two small ones in one
    room.add(*range(14, 20))
    index = room.load()
    assert len(room.files) == 1
    assert len(index.segments) == 1


def test_removed_is_not_found_at_once_and_after_a_start_and_its_codes_are_dropped_in_time(room: Room) -> None:
    index = room.load()
    index.remove(4)
    assert 4 not in index.search(random_fingerprint(3), 3).ref_ids
    with pytest.raises(KeyError):
        index.remove(4)
    room.catalog.remove(4)
    before = room.files
    assert 4 not in room.load().columns().ref_ids
    assert room.files == before
    for ref_id in (5, 6):
        room.catalog.remove(ref_id)
    room.load()
    assert room.files != before


def test_an_id_can_come_back_after_it_was_removed(room: Room) -> None:
    index = room.load()
    with pytest.raises(ValueError, match="reference 3 is already in the index"):
        index.add(3, random_fingerprint(30))
    index.remove(3)
    index.add(3, random_fingerprint(30))
    found = index.search(random_fingerprint(30), 1)
    assert set(found.ref_ids[found.distances == 0].tolist()) == {3}
    index.remove(3)
    assert 3 not in index.columns().ref_ids


@pytest.mark.parametrize("at", [0, 9, 20, 50, 90, 150, 450, 5000, -40, -1])
def test_a_flipped_bit_anywhere_is_noted_and_healed(room: Room, at: int) -> None:
    room.load()
    (path,) = room.files
    good = path.read_bytes()
    damaged = bytearray(good)
    damaged[at] ^= 0x10
    path.write_bytes(damaged)
    room.load()
    assert len(room.notes) == 1
    assert room.notes[0].startswith(f"index segment {path} is ")
    assert room.notes[0].endswith(": rebuilt from the catalog")
    assert path.read_bytes() == good


@pytest.mark.parametrize("size", [0, 8, 103, 136, 1000, -33, -1])
def test_a_truncated_file_is_noted_and_healed(room: Room, size: int) -> None:
    room.load()
    (path,) = room.files
    good = path.read_bytes()
    path.write_bytes(good[:size])
    room.load()
    assert len(room.notes) == 1
    assert path.read_bytes() == good


def test_parts_that_a_killed_merge_left_are_not_found_twice(room: Room) -> None:
    room.load()
    (part,) = room.files
    data = part.read_bytes()
    room.add(*range(10, 20))
    room.load()
    part.write_bytes(data)
    room.load()
    assert room.notes == []
    assert not part.exists()


def test_a_catalog_put_back_from_a_backup_gets_its_own_codes(room: Room, tmp_path: Path) -> None:
    room.load()
    room.catalog.close()
    backup = (tmp_path / "catalog.sqlite").read_bytes()
    room.catalog = Catalog(tmp_path / "catalog.sqlite")
    room.add(11, 12)
    room.load()
    room.catalog.close()
    (tmp_path / "catalog.sqlite").write_bytes(backup)
    room.catalog = Catalog(tmp_path / "catalog.sqlite")
    room.add(13, 12)  # 13 gets the id that 11 had
    room.load()


def test_a_second_writer_is_told_and_answers_all_the_same(room: Room) -> None:
    room.folder.mkdir()
    with keyed_store._lock(room.folder / "lock"):
        room.load()
    assert room.notes == [
        f"index folder {room.folder} is being written by another process: searching goes on without"
    ]
    room.load()
    assert room.notes == []
    assert len(room.files) == 1
