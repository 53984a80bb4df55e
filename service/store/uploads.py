"""Uploads: how many bytes of each are safe on the disk. The bytes themselves are the house's next door."""

import secrets
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from service.store.caller import Caller
from service.store.jobs import UNFINISHED
from service.store.paging import Page, paged
from service.store.store import Store, now
from service.store.tables import jobs, uploads

Upload = sa.Row  # of the table ``uploads``


class QuotaError(Exception):
    """An organisation has no room for another upload."""


class InUseError(Exception):
    """A job still needs the upload."""


def create(store: Store, who: Caller, name: str, length: int, quota: int, most: int) -> Upload:
    """A new upload of ``length`` bytes, within ``quota`` bytes and ``most`` unfinished ones. Raises QuotaError."""
    row = {
        "id": secrets.token_hex(16),
        "org_id": who.org_id,
        "actor": who.name,
        "name": name,
        "length": length,
        "received": 0,
        "sha256": None,
        "created": (made := now()),
        "touched": made,
    }
    with store.write() as connection:
        own = uploads.c.org_id == who.org_id
        held = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(uploads.c.length), 0)).where(own))
        if (held or 0) + length > quota:
            raise QuotaError(f"{length} bytes and the {held} kept are more than the {quota} allowed")
        open_ones = sa.select(sa.func.count()).where(own, uploads.c.sha256.is_(None))
        if (connection.scalar(open_ones) or 0) >= most:
            raise QuotaError(f"{most} uploads are unfinished: finish or delete some")
        connection.execute(sa.insert(uploads).values(**row))
        return connection.execute(sa.select(uploads).where(uploads.c.id == row["id"])).one()


def find(store: Store, who: Caller, upload_id: str) -> Upload | None:
    """The upload of this id, if the caller may see it."""
    return store.row(sa.select(uploads).where(uploads.c.id == upload_id, who.sees(uploads)))


def listed(store: Store, who: Caller, page: Page) -> list[Upload]:
    """A page of the caller's uploads and one more, if there is one, the last first. Raises Unfit."""
    query = sa.select(uploads).where(who.sees(uploads))
    return paged(store.rows, query, [uploads.c.created, uploads.c.id], page, last_first=True)


def advance(
    store: Store, upload_id: str, received: int, sha256: str | None = None, length: int | None = None
) -> bool:
    """Takes down how much is safe, and when it is whole its SHA-256; False if the upload is gone."""
    values: dict[str, object] = {"received": received, "touched": now(), "sha256": sha256}
    if length is not None:
        values["length"] = length
    with store.write() as connection:
        changed = connection.execute(sa.update(uploads).where(uploads.c.id == upload_id).values(**values))
    return changed.rowcount == 1


def remove(store: Store, upload_id: str) -> None:
    """Forgets an upload. Raises InUseError while a job that is not over needs it."""
    with store.write() as connection:
        if connection.scalar(sa.select(jobs.c.id).where(_needs(upload_id)).limit(1)) is not None:
            raise InUseError(f"a job still needs upload {upload_id}: cancel it first")
        connection.execute(sa.delete(uploads).where(uploads.c.id == upload_id))


def _needs(upload_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(jobs.c.upload_id == upload_id, jobs.c.state.in_(UNFINISHED))


def abandoned(store: Store, seconds: float) -> list[str]:
    """Ids of uploads that nobody touched for so long and that no job was ever made of."""
    before = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    used = sa.exists().where(jobs.c.upload_id == uploads.c.id)
    return [row.id for row in store.rows(sa.select(uploads.c.id).where(uploads.c.touched < before, ~used))]


def known(store: Store, ids: list[str]) -> set[str]:
    """Which of these ids are uploads."""
    return {row.id for row in store.rows(sa.select(uploads.c.id).where(uploads.c.id.in_(ids)))}


def received(store: Store) -> list[tuple[str, int]]:
    """(id, bytes received) of every upload."""
    return [(row.id, row.received) for row in store.rows(sa.select(uploads.c.id, uploads.c.received))]
