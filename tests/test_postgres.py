"""What PostgreSQL does otherwise than SQLite, and must not: commands, errors, many writers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from index.catalog import Catalog, CatalogError
from service.cli import app
from tests.postgres import Server
from tests.test_catalog import add


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    with postgres.database() as made:
        yield made


def test_the_commands_work_on_it(
    url: str, data: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHORL_DATABASE", url)
    original = sorted((samples / "originals").glob("*.mp3"))[0]
    run = CliRunner().invoke
    assert run(app, ["register", str(original), "--title", "A Song"]).exit_code == 0
    assert "A Song" in run(app, ["list"]).output
    matched = json.loads(run(app, ["match", "--json", str(original)]).stdout)
    assert matched["matches"][0]["reference"]["title"] == "A Song"
    assert run(app, ["remove", "1"]).exit_code == 0
    assert not list(data.rglob("catalog.db"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("postgresql://whorl@/none?host={host}", "does not exist.*createdb"),
        ("postgresql://127.0.0.1:1/whorl", "check the URL"),
        ("oracle://x", "sqlite or postgresql"),
        ("://x", "no database URL"),
    ],
)
def test_a_wrong_url_is_named(url: str, wrong: str, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        Catalog(wrong.format(host=url.split("host=")[1]))


def test_a_password_is_never_told() -> None:
    with pytest.raises(CatalogError) as told:
        Catalog("postgresql://whorl:secret@127.0.0.1:1/whorl")
    assert "secret" not in str(told.value)


def test_ids_are_committed_in_their_order(url: str) -> None:
    # An index asks what came after the last id it has: a lower id that came later would be missed for ever.
    catalog = Catalog(url)
    seen: list[list[int]] = []

    def register(seed: int) -> int:
        seen.append(catalog.ids("audio/1"))
        return add(catalog, seed, title=f"work {seed % 3}").id

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(register, range(40)))
    assert sorted(made) == catalog.ids("audio/1") == list(range(1, 41))
    assert all(ids == list(range(1, len(ids) + 1)) for ids in seen)
    assert len(catalog.works()) == 3
    catalog.close()
