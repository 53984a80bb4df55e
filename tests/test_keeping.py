"""Backups: what was there is there again, in a database of either kind, and nothing else."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from index.catalog import Catalog, CatalogError
from service.cli import app as commands
from service.keeping import backup, restore
from service.settings import Settings
from tests.postgres import Server
from tests.service import client, key_of, served
from tests.test_catalog import random_fingerprint
from tests.walk import MARK, VICTIM, objects


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path / "old") as started:
        yield started


@pytest.fixture
def new(tmp_path: Path, backend: str, postgres: Server) -> Iterator[Settings]:
    """Where a backup is restored: a database of the other kind than it was taken from."""
    folder = tmp_path / "new"
    here = nullcontext(f"sqlite:///{folder}/catalog.db")
    with here if backend == "postgresql" else postgres.database() as url:
        yield Settings.model_validate({"data": folder, "database": url})


def test_all_is_there_again(app: FastAPI, new: Settings, tmp_path: Path) -> None:
    made, key = objects(app), key_of(app, "investigator", VICTIM)
    before = {path: client(app, org=VICTIM).get(path).json() for path in PATHS}
    backup(app.state.settings, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    rows = restore(new, tmp_path / "b.tar")
    assert new.data.stat().st_mode & 0o777 == 0o700
    assert (rows["refs"], rows["uploads"], rows["jobs"]) == (2, 1, 1)
    with served(new.data, database=new.database) as restored:
        after = {path: client(restored, org=VICTIM).get(path).json() for path in PATHS}
        who = client(restored)
        who.headers["Authorization"] = f"Bearer {key}"
        assert restored.state.incoming.path(made["upload_id"]).read_bytes() == b"RIFF"
        assert who.get(f"/v1/uploads/{made['upload_id']}").json()["sha256"]
    assert {path: after[path] for path in PATHS} == before
    assert MARK in str(after)


PATHS = (
    "/v1/works",
    "/v1/references",
    "/v1/matches",
    "/v1/jobs",
    "/v1/cases",
    "/v1/overlaps",
    "/v1/people",
    "/v1/orgs",
)


def test_codes_and_identity_are_the_same_and_ids_go_on(app: FastAPI, new: Settings, tmp_path: Path) -> None:
    with closing(Catalog(app.state.settings.database_url)) as old:
        for seed in range(3):
            old.add(f"{seed}.mkv", f"{seed:064x}", 20.0, [random_fingerprint(seed)], f"Work {seed}")
        old.remove(3)
        uuid = old.uuid
    backup(app.state.settings, tmp_path / "b.tar")
    restore(new, tmp_path / "b.tar")
    with closing(Catalog(new.database)) as restored:
        assert restored.uuid == uuid
        found = restored.fingerprint(2, "audio/1")
        assert found is not None
        np.testing.assert_array_equal(found.codes, random_fingerprint(1).codes)
        assert restored.add("9.mkv", "9" * 64, 20.0, [random_fingerprint(9)], "Work 9").id == 4


def test_what_is_there_is_never_overwritten(app: FastAPI, new: Settings, tmp_path: Path) -> None:
    client(app).post("/v1/works", json={"title": "Faust"})
    backup(app.state.settings, tmp_path / "b.tar")
    with pytest.raises(CatalogError, match="exists: name another"):
        backup(app.state.settings, tmp_path / "b.tar")
    restore(new, tmp_path / "b.tar")
    with pytest.raises(CatalogError, match=r"holds works.* already: restore into an empty one"):
        restore(new, tmp_path / "b.tar")


def test_a_hostile_tar_writes_nowhere_else(new: Settings, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for name in ("../escaped", "/tmp/escaped", "uploads/../../escaped", "uploads/a/b"):
            told = tarfile.TarInfo(name)
            told.size = 4
            tar.addfile(told, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("uploads/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(CatalogError, match=r"holds no catalog.db"):
        restore(new, tmp_path / "evil.tar")
    assert not list(tmp_path.rglob("escaped"))
    assert not list(new.data.rglob("link"))


@pytest.mark.parametrize("content", [b"", b"no tar at all", b"\0" * 10240])
def test_what_is_no_backup_is_refused(new: Settings, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(CatalogError, match="is no backup"):
        restore(new, tmp_path / "b.tar")
    assert not list(new.data.glob(".whorl-restore-*"))


def test_a_backup_that_fails_leaves_nothing(
    app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.keeping._add_note", full)
    (tmp_path / "to").mkdir()
    with pytest.raises(OSError, match="No space"):
        backup(app.state.settings, tmp_path / "to" / "b.tar")
    assert list((tmp_path / "to").iterdir()) == []


def test_the_commands_say_what_they_did(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    run(commands, ["key", "k", "--role", "holder"])
    made = run(commands, ["backup", str(tmp_path / "b.tar")])
    assert (made.exit_code, "0 references" in made.output) == (0, True)
    monkeypatch.setenv("WHORL_DATA", str(tmp_path / "again"))
    assert run(commands, ["restore", str(tmp_path / "b.tar")]).exit_code == 0
    assert (tmp_path / "again" / "catalog.db").exists()
