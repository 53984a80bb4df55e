"""A database of any earlier schema becomes, when it is opened, what a new one is, and keeps what it holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import index.database
import service.store.store
from index.catalog import Catalog
from index.database import CatalogError, Database
from service.store import tables
from service.store.store import Store
from tests.schemas import CURRENT, DIALECTS, file, text

TOGETHER = sa.MetaData()
for _schema in (index.database.schema, tables.schema):
    for _table in _schema.tables.values():
        _table.to_metadata(TOGETHER)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    opened = sa.create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    yield opened
    opened.dispose()


def make(engine: sa.Engine, name: str, version: int) -> None:
    """Makes the tables as version ``version`` did."""
    with engine.begin() as connection:
        for statement in file(name, version, engine.dialect.name).read_text().split(";\n\n"):
            connection.exec_driver_sql(statement)
        values = "(uuid, version) VALUES ('u', :v)" if name == "catalog" else "(version) VALUES (:v)"
        connection.execute(sa.text(f"INSERT INTO whorl_{name} {values}"), {"v": version})


def differences(engine: sa.Engine) -> list[object]:
    """What distinguishes the database from one that is made now."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), TOGETHER))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", CURRENT)
def test_whoever_changes_a_table_says_so(name: str, dialect: str) -> None:
    version = CURRENT[name][1]
    advice = (
        f"{name} {version} was released? Number the new one and add a migration; else python -m tests.schemas"
    )
    assert file(name, version, dialect).read_text() == text(name, dialect), advice


def test_a_new_database_is_what_the_tables_say(database: str, engine: sa.Engine) -> None:
    Store(database).close()
    assert differences(engine) == []


@pytest.mark.parametrize("version", range(1, tables.SCHEMA_VERSION + 1))
@pytest.mark.parametrize("catalog_version", range(1, index.database.SCHEMA_VERSION + 1))
def test_every_earlier_schema_is_brought_up(
    database: str, engine: sa.Engine, catalog_version: int, version: int
) -> None:
    make(engine, "catalog", catalog_version)
    make(engine, "service", version)
    Store(database).close()
    assert differences(engine) == []


def test_a_catalog_from_before_the_service_gets_its_tables(database: str, engine: sa.Engine) -> None:
    make(engine, "catalog", 1)
    Store(database).close()
    assert differences(engine) == []


MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{revision}", {before}
def upgrade():
    op.add_column("works", sa.Column("{column}", sa.String))
    {then}
"""


def write(folder: Path, revision: int, column: str, then: str = "") -> None:
    before = repr(str(revision - 1)) if revision > 2 else None
    made = MIGRATION.format(revision=revision, before=before, column=column, then=then)
    (folder / f"{revision:04}_{column}.py").write_text(made)


def columns(engine: sa.Engine) -> set[str]:
    return {column["name"] for column in sa.inspect(engine).get_columns("works")}


def test_migrations_run_in_order_once(
    database: str, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(engine, "catalog", 1)
    monkeypatch.setattr(index.database, "MIGRATIONS", tmp_path)
    monkeypatch.setattr(index.database, "SCHEMA_VERSION", 3)
    write(tmp_path, 2, "year")
    write(tmp_path, 3, "country", "op.execute('UPDATE works SET country = year')")
    for _ in range(2):
        Catalog(database).close()
    assert {"year", "country"} <= columns(engine)


def test_a_migration_that_fails_leaves_the_old_schema(
    database: str, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(engine, "catalog", 1)
    monkeypatch.setattr(index.database, "MIGRATIONS", tmp_path)
    monkeypatch.setattr(index.database, "SCHEMA_VERSION", 3)
    write(tmp_path, 2, "year")
    write(tmp_path, 3, "country", "op.execute('UPDATE nothing SET country = year')")
    with pytest.raises(CatalogError, match="nothing"):
        Database(database)
    assert columns(engine) & {"year", "country"} == set()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version FROM whorl_catalog")) == 1


def test_a_newer_service_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(service.store.store, "SCHEMA_VERSION", 99)
        Store(database).close()
    with pytest.raises(CatalogError, match=r"service schema 99.*upgrade Whorl"):
        Store(database)
