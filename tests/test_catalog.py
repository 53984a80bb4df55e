"""The catalog keeps each reference whole or not at all, whatever happens to its process, disk or file."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fingerprint.fingerprint import Fingerprint
from index.catalog import Catalog, CatalogError, Reference
from index.database import Database


def random_fingerprint(seed: int, algorithm: str = "audio/1", n: int = 20) -> Fingerprint:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (n, 32), np.uint8)
    return Fingerprint(algorithm, float(n), np.arange(n, dtype=float), codes, rng.random(n) < 0.2)


def add(catalog: Catalog, seed: int, title: str = "Nosferatu", **rest: object) -> Reference:
    """Registers a file of the given content."""
    fingerprints = [random_fingerprint(seed), random_fingerprint(seed, "video/1")]
    return catalog.add(f"{seed}.mkv", f"{seed:064x}", 20.0, fingerprints, title, **rest)  # type: ignore[arg-type]


def told(database: str, statement: str) -> None:
    """Has the database do something behind the catalog's back."""
    direct = Database(database)
    with direct.write() as connection:
        connection.execute(sa.text(statement))
    direct.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    opened = Catalog(database)
    yield opened
    opened.close()


def test_a_reference_comes_back_as_it_was_added(catalog: Catalog, database: str) -> None:
    pairs = frozenset({("isan", "0000-0000-3A8D"), ("eidr", "10.5240/7791")})
    added = add(catalog, 1, kind="film", owner="Prana", identifiers=pairs)
    assert datetime.now(UTC) - added.added < timedelta(minutes=1)
    again = Catalog(database)
    assert again.reference(added.id) == added == again.find(added.sha256)
    work = again.work(added.work_id)
    assert (work.title, work.kind, work.owner, work.identifiers) == ("Nosferatu", "film", "Prana", pairs)
    again.close()


def test_codes_come_back_by_algorithm(catalog: Catalog) -> None:
    ref_id = add(catalog, 1).id
    assert catalog.algorithms(ref_id) == ["audio/1", "video/1"]
    for algorithm in ("audio/1", "video/1"):
        found, right = catalog.fingerprint(ref_id, algorithm), random_fingerprint(1, algorithm)
        assert found is not None
        assert found.algorithm == algorithm
        np.testing.assert_array_equal(found.codes, right.codes)
        np.testing.assert_array_equal(found.weak, right.weak)
    assert catalog.fingerprint(ref_id, "picture/1") is None


def test_what_is_not_there_raises(catalog: Catalog) -> None:
    assert catalog.find("0" * 64) is None
    for ask in (catalog.reference, catalog.work, catalog.remove):
        with pytest.raises(KeyError, match="7"):
            ask(7)


def test_same_title_kind_and_owner_are_one_work(catalog: Catalog) -> None:
    first = add(catalog, 1, identifiers=frozenset({("isan", "1")}))
    second = add(catalog, 2, identifiers=frozenset({("isan", "1"), ("eidr", "2")}))
    other = add(catalog, 3, owner="somebody else")
    assert first.work_id == second.work_id != other.work_id
    assert catalog.work(first.work_id).identifiers == {("isan", "1"), ("eidr", "2")}
    assert catalog.works().keys() == {first.work_id, other.work_id}


def test_registered_bytes_change_nothing(catalog: Catalog) -> None:
    first = add(catalog, 1)
    assert add(catalog, 1, title="another title") == first
    assert catalog.references() == [first]
    assert [work.title for work in catalog.works().values()] == ["Nosferatu"]


def test_threads_that_register_the_same_bytes_get_the_same_reference(catalog: Catalog) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: add(catalog, 1), range(8)))
    assert set(found) == {found[0]}
    assert catalog.references() == [found[0]]


def test_a_work_goes_with_its_last_reference(catalog: Catalog) -> None:
    first, second = add(catalog, 1), add(catalog, 2)
    catalog.remove(first.id)
    assert catalog.fingerprint(first.id, "audio/1") is None
    assert catalog.works().keys() == {first.work_id}
    catalog.remove(second.id)
    assert (catalog.references(), catalog.works(), catalog.ids("audio/1")) == ([], {}, [])


def test_ids_are_never_used_again(catalog: Catalog) -> None:
    removed = add(catalog, 1).id
    catalog.remove(removed)
    assert add(catalog, 1).id > removed


def test_fingerprints_stream_in_ascending_order_from_any_place(catalog: Catalog) -> None:
    ids = [add(catalog, seed).id for seed in range(150)]
    catalog.remove(ids.pop(100))
    assert catalog.ids("audio/1") == ids
    assert [ref_id for ref_id, _ in catalog.fingerprints("audio/1")] == ids
    after = dict(catalog.fingerprints("video/1", after=ids[70]))
    assert list(after) == ids[71:]
    np.testing.assert_array_equal(after[ids[71]].codes, random_fingerprint(71, "video/1").codes)


def test_references_without_codes_are_not_among_the_ids(catalog: Catalog) -> None:
    empty = [random_fingerprint(1, n=0), random_fingerprint(1, "video/1")]
    ref_id = catalog.add("silent.mkv", "a" * 64, 20.0, empty, "Silence").id
    assert (catalog.ids("audio/1"), catalog.ids("video/1")) == ([], [ref_id])
    assert list(catalog.fingerprints("audio/1")) == []
    found = catalog.fingerprint(ref_id, "audio/1")
    assert found is not None
    assert len(found) == 0


def test_the_catalog_keeps_its_identity(catalog: Catalog, database: str, tmp_path: Path) -> None:
    again, other = Catalog(database), Catalog(tmp_path / "other.sqlite")
    assert catalog.uuid == again.uuid != other.uuid
    again.close()
    other.close()


def test_hostile_titles_are_only_text(catalog: Catalog) -> None:
    title = "Robert'); DROP TABLE refs;--\u202e<script>"
    assert catalog.work(add(catalog, 1, title=title).work_id).title == title


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"RIFF" + bytes(10_000))
    with pytest.raises(CatalogError, match=f"{path}.*not a database.*put a backup"):
        Catalog(path)
    assert path.read_bytes() == b"RIFF" + bytes(10_000)


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cookies (value TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(CatalogError, match=f"{path} is a database of something else .cookies."):
        Catalog(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(catalog: Catalog, database: str) -> None:
    told(database, "UPDATE whorl_catalog SET version = 99")
    with pytest.raises(CatalogError, match=r"has schema 99.*upgrade"):
        Catalog(database)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=f"{tmp_path}/none/c.sqlite.*check that the folder exists"):
        Catalog(tmp_path / "none" / "c.sqlite")


def test_a_damaged_page_is_an_error_and_not_an_empty_answer(path: Path) -> None:
    catalog = Catalog(path)
    for seed in range(40):
        add(catalog, seed)
    catalog.close()  # folds the write-ahead log into the file
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes([0xFF]) * (len(data) - 4096))
    with pytest.raises(CatalogError, match=f"{path}.*malformed.*put a backup"):
        catalog = Catalog(path)


@pytest.mark.parametrize("damage", ["added = '2026-13-01'", "added = 7", "duration = 'long'"])
def test_a_damaged_row_names_its_reference(path: Path, damage: str) -> None:
    with closing(Catalog(path)) as catalog:
        ref_id = add(catalog, 1).id
        told(str(path), f"UPDATE refs SET {damage}")
        with pytest.raises(CatalogError, match=f"{path}: reference {ref_id}: .*put a backup"):
            catalog.references()


def test_a_schema_that_is_no_number_is_told(path: Path) -> None:
    Catalog(path).close()
    told(str(path), "UPDATE whorl_catalog SET version = 'one'")
    with pytest.raises(CatalogError, match=f"{path} says that its schema is 'one': it is damaged"):
        Catalog(path)


def test_damaged_codes_name_their_reference(catalog: Catalog, database: str) -> None:
    ref_id = add(catalog, 1).id
    told(database, "UPDATE fingerprints SET data = substr(data, 1, 200)")
    with pytest.raises(
        CatalogError, match=f"audio/1 of reference {ref_id}.*truncated.*register its file again"
    ):
        catalog.fingerprint(ref_id, "audio/1")
    with pytest.raises(CatalogError, match="truncated"):
        list(catalog.fingerprints("audio/1"))


def test_codes_of_a_newer_version_are_kept(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr("fingerprint.storage.VERSION", 99)
        ref_id = add(catalog, 1).id
    with pytest.raises(CatalogError, match=r"version 99.*: upgrade Whorl to read it$"):
        catalog.fingerprint(ref_id, "audio/1")


def test_a_full_disk_is_named_and_leaves_the_catalog_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(path)
    first = add(catalog, 1)
    catalog.close()
    connect = sqlite3.dbapi2.connect

    def connect_to_full_disk(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 1")  # no more pages than it has
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3.dbapi2, "connect", connect_to_full_disk)
        full = Catalog(path)
        large = random_fingerprint(2, n=5000)
        with pytest.raises(CatalogError, match=f"{path}.*is full.*free some space"):
            full.add("large.mkv", "b" * 64, 5000.0, [large], "Large")
        full.close()
    again = Catalog(path)
    assert again.references() == [first]
    assert [work.title for work in again.works().values()] == ["Nosferatu"]
    assert again.add("large.mkv", "b" * 64, 5000.0, [large], "Large").id > first.id
    again.close()


def test_a_reference_that_cannot_be_stored_leaves_nothing(catalog: Catalog) -> None:
    off = Fingerprint("audio/1", 1.0, np.array([0.00025]), np.zeros((1, 32), np.uint8), np.zeros(1, np.bool_))
    with pytest.raises(ValueError, match="multiple of 1 ms"):
        catalog.add("off.wav", "c" * 64, 1.0, [random_fingerprint(1, "video/1", n=1), off], "Off")
    assert (catalog.references(), catalog.works()) == ([], {})


KILLED = """
import os, sys
from index import catalog
from tests.test_catalog import add
opened = catalog.Catalog(sys.argv[1])
add(opened, 1)
real = catalog._add_fingerprints
def add_and_die(connection, ref_id, made):
    real(connection, ref_id, made)
    os.kill(os.getpid(), 9)
catalog._add_fingerprints = add_and_die
add(opened, 2, title="Faust")
"""


def test_killed_before_the_commit_leaves_nothing_of_the_reference(path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[1], env=os.environ, check=False
    )
    assert killed.returncode == -9
    catalog = Catalog(path)
    assert [reference.sha256 for reference in catalog.references()] == [f"{1:064x}"]
    assert [work.title for work in catalog.works().values()] == ["Nosferatu"]
    assert add(catalog, 2).id in catalog.ids("video/1")
    catalog.close()
