"""A saved segment gives the same index, or is refused with a line that says why; the answers stay right."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint
from index.catalog import Catalog
from index.index import INDEXES, Index
from index.segments import load_index, save_index, segment_path

ALGORITHM, WIDTH = "audio/1", 8


def random_fingerprint(seed: int, n: int = 20) -> Fingerprint:
    rng = np.random.default_rng(seed)
    times = np.round(np.arange(n) * 0.24, 3)
    return Fingerprint(
        ALGORITHM, n * 0.24, times, rng.integers(0, 256, (n, WIDTH), np.uint8), rng.random(n) < 0.1
    )


def add(catalog: Catalog, *seeds: int) -> list[int]:
    """Registers files of these contents and gives their ids."""
    return [
        catalog.add(f"{seed}.wav", f"{seed:064x}", 4.8, [random_fingerprint(seed)], f"work {seed}").id
        for seed in seeds
    ]


def answers(index: Index) -> list[list[float]]:
    """What the index says of everything that any test registers."""
    hits = [index.search(random_fingerprint(seed), 1) for seed in range(20)]
    return [[*h.ref_ids.tolist(), *h.ref_times.tolist(), *h.distances.tolist()] for h in hits]


def right_answers(catalog: Catalog) -> list[list[float]]:
    """The same, by the obviously right index straight from the catalog."""
    exact = INDEXES["exact"](ALGORITHM, WIDTH)
    for ref_id, fingerprint in catalog.fingerprints(ALGORITHM):
        exact.add(ref_id, fingerprint)
    return answers(exact)


class Room:
    """A catalog of ten references, a folder for segments and the lines that were noted."""

    def __init__(self, tmp_path: Path) -> None:
        self.catalog = Catalog(tmp_path / "catalog.sqlite")
        self.ids = add(self.catalog, *range(10))
        self.folder = tmp_path / "index"
        self.path = segment_path(self.folder, ALGORITHM)
        self.notes: list[str] = []

    def load(self) -> Index:
        """The index, which must answer right whatever lies in the folder."""
        self.notes.clear()
        index = load_index(self.catalog, ALGORITHM, WIDTH, self.folder, self.notes.append)
        assert answers(index) == right_answers(self.catalog)
        return index


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.catalog.close()


@pytest.fixture
def saved(room: Room) -> Room:
    """A room with a segment of all ten references."""
    room.load()
    return room


def test_a_missing_segment_is_built_and_saved_without_a_word(room: Room) -> None:
    room.load()
    assert room.notes == []
    assert room.path.exists()


def test_a_good_segment_is_used_without_reading_codes_from_the_catalog(
    saved: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = right_answers(saved.catalog)
    monkeypatch.setattr(Catalog, "fingerprints", lambda *_, **__: pytest.fail("read from the catalog"))
    index = load_index(saved.catalog, ALGORITHM, WIDTH, saved.folder, pytest.fail)
    assert answers(index) == right


def test_the_same_index_gives_the_same_file(saved: Room) -> None:
    before = saved.path.read_bytes()
    saved.path.unlink()
    saved.load()
    assert saved.path.read_bytes() == before


def test_an_empty_catalog_needs_no_segment(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    assert len(load_index(catalog, ALGORITHM, WIDTH, tmp_path / "index", pytest.fail)) == 0
    assert not (tmp_path / "index").exists()
    catalog.close()


def test_any_flipped_bit_is_refused_and_the_segment_made_good(saved: Room) -> None:
    good = saved.path.read_bytes()
    # Every byte of the header and of the checksum, and between them a step that hits every byte of a word.
    for at in [*range(112), *range(112, len(good), 97), *range(len(good) - 32, len(good))]:
        damaged = bytearray(good)
        damaged[at] ^= 1 << at % 8
        saved.path.write_bytes(damaged)
        saved.notes.clear()
        load_index(saved.catalog, ALGORITHM, WIDTH, saved.folder, saved.notes.append)
        assert len(saved.notes) == 1, at
        assert saved.notes[0].startswith(f"index segment {saved.path} is ")
        assert saved.notes[0].endswith(": rebuilt from the catalog")
        assert saved.path.read_bytes() == good


@pytest.mark.parametrize("section", ["sha256s", "ref_ids", "counts", "times", "codes", "checksum"])
def test_damage_is_named(saved: Room, section: str) -> None:
    at = {"sha256s": 115, "ref_ids": 760, "counts": 840, "times": 1000, "codes": -200, "checksum": -1}[
        section
    ]
    damaged = bytearray(saved.path.read_bytes())
    damaged[at] ^= 0x10
    saved.path.write_bytes(damaged)
    saved.load()
    assert saved.notes == [f"index segment {saved.path} is damaged (checksum): rebuilt from the catalog"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated (0 bytes)"),
        (b"WhorlSeg", "truncated (8 bytes)"),
        (b"RIFF" * 100, "no index segment (starts with b'RIFFRIFF')"),
        (bytes(5000), "no index segment"),
    ],
)
def test_garbage_is_named(saved: Room, content: bytes, reason: str) -> None:
    saved.path.write_bytes(content)
    saved.load()
    assert len(saved.notes) == 1
    assert f"{saved.path} is {reason}" in saved.notes[0]


@pytest.mark.parametrize("size", [1, 111, 150, 1000, -33, -1])
def test_a_truncated_segment_is_refused(saved: Room, size: int) -> None:
    saved.path.write_bytes(saved.path.read_bytes()[:size])
    saved.load()
    assert len(saved.notes) == 1


def test_a_segment_of_another_version_is_refused(saved: Room) -> None:
    data = bytearray(saved.path.read_bytes())
    data[8] = 99
    saved.path.write_bytes(data)
    saved.load()
    assert "is of another version (99, not 1): rebuilt" in saved.notes[0]


def test_a_segment_of_another_catalog_is_refused(saved: Room, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Room(tmp_path / "other")
    other.catalog.remove(other.ids[0])
    other.load()
    saved.path.write_bytes(other.path.read_bytes())
    saved.load()
    assert "is foreign" in saved.notes[0]
    assert other.catalog.uuid in saved.notes[0]
    other.catalog.close()


def test_a_segment_of_another_algorithm_is_refused(saved: Room) -> None:
    saved.path.rename(segment_path(saved.folder, "audio/3"))
    notes: list[str] = []
    plain = random_fingerprint(1)
    newer = Fingerprint("audio/3", plain.duration, plain.times, plain.codes, plain.weak)
    saved.catalog.add("new.wav", "a" * 64, 4.8, [newer], "new")
    index = load_index(saved.catalog, "audio/3", WIDTH, saved.folder, notes.append)
    assert "is foreign" in notes[0]
    assert len(index) == np.count_nonzero(~plain.weak)


def test_a_catalog_put_back_from_a_backup_gets_its_own_codes(saved: Room, tmp_path: Path) -> None:
    """Its ids go to other files then, although its identity and its algorithms are the same."""
    saved.catalog.remove(saved.ids[9])
    saved.catalog.close()
    backup = (tmp_path / "catalog.sqlite").read_bytes()
    saved.catalog = Catalog(tmp_path / "catalog.sqlite")
    add(saved.catalog, 11, 12, 13)
    saved.load()
    saved.catalog.close()
    (tmp_path / "catalog.sqlite").write_bytes(backup)
    saved.catalog = Catalog(tmp_path / "catalog.sqlite")
    add(saved.catalog, 14, 12, 16)  # the second gets the id it had
    saved.load()


def test_removed_references_are_left_out(saved: Room) -> None:
    saved.catalog.remove(saved.ids[4])
    index = saved.load()
    assert saved.notes == []
    assert saved.ids[4] not in index.columns().ref_ids


def test_a_few_added_references_are_read_from_the_catalog_and_not_yet_saved(saved: Room) -> None:
    before = saved.path.read_bytes()
    add(saved.catalog, 11)
    saved.load()
    assert saved.path.read_bytes() == before


def test_many_added_references_are_saved_anew(saved: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.path.read_bytes()
    add(saved.catalog, 11, 12, 13)
    saved.load()
    assert len(saved.path.read_bytes()) > len(before)
    monkeypatch.setattr(Catalog, "fingerprints", lambda *_, **__: pytest.fail("read from the catalog"))
    load_index(saved.catalog, ALGORITHM, WIDTH, saved.folder, pytest.fail)


def test_a_folder_that_cannot_be_written_is_noted_and_fails_nothing(room: Room) -> None:
    room.folder.write_text("a file stands where the folder should be")
    room.load()
    assert len(room.notes) == 2
    assert "cannot be saved (File exists): the next start will be slower" in room.notes[1]


def test_a_full_disk_is_noted_and_leaves_the_old_segment(
    saved: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    add(saved.catalog, 11, 12, 13)
    saved.load()
    assert saved.notes == [
        f"index segment {saved.path} cannot be saved (No space left on device): the next start will be slower"
    ]
    assert [path.read_bytes() for path in saved.folder.iterdir()] == [before]


KILLED = """
import os, sys
from pathlib import Path
from index import segments
from index.catalog import Catalog
Path.replace = lambda *_: os.kill(os.getpid(), 9)
segments.load_index(Catalog(sys.argv[1]), "audio/1", 8, Path(sys.argv[2]), print)
"""


def test_killed_before_the_renaming_leaves_a_file_that_is_ignored_and_later_deleted(
    room: Room, tmp_path: Path
) -> None:
    script = [sys.executable, "-c", KILLED, str(tmp_path / "catalog.sqlite"), str(room.folder)]
    killed = subprocess.run(script, cwd=Path(__file__).parents[1], check=False, capture_output=True)
    assert killed.returncode == -9
    left = list(room.folder.iterdir())
    assert [path.suffix for path in left] == [".partial"]
    room.load()
    assert room.notes == []
    assert left[0].exists()  # it might be a living process's
    os.utime(left[0], times=(time.time() - 7200,) * 2)
    save_index(room.load(), room.catalog, room.folder, pytest.fail)
    assert list(room.folder.iterdir()) == [room.path]
