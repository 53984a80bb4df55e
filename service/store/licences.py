"""Licences: where and when an organisation allows its works to be shown."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from evidence.answer import Json
from service.rights import Licence, utc
from service.store.caller import Caller
from service.store.errors import Conflict
from service.store.paging import Read, reading
from service.store.store import Store
from service.store.tables import holdings, licences
from service.store.works import Check, work


def of_work(read: Read, who: Caller, work_id: str) -> Json:
    """{"items": [...]} of a work of the caller's. Raises Missing."""
    found = work(read, who, work_id)
    rows = read(sa.select(licences).where(licences.c.work_id == int(found["id"])).order_by(licences.c.id))
    return {"items": [_json(row) for row in rows]}


def put(store: Store, who: Caller, work_id: str, windows: Sequence[Json], check: Check) -> Json:
    """Puts these in the place of a work's licences: territory, place, starts, ends. Raises Missing, Conflict."""
    with store.write() as connection:
        read = reading(connection)
        found = work(read, who, work_id, lock=True)
        check(of_work(read, who, work_id))
        here = int(found["id"])
        org_id = connection.scalar(sa.select(holdings.c.org_id).where(holdings.c.work_id == here))
        if org_id is None:
            raise Conflict(
                "nobody's", f"work {work_id} is no organisation's: one must hold it before it can license it"
            )
        connection.execute(sa.delete(licences).where(licences.c.work_id == here))
        for window in windows:
            connection.execute(sa.insert(licences).values(work_id=here, org_id=org_id, **window))
        return of_work(read, who, work_id)


def of_works(read: Read, work_ids: Iterable[int]) -> dict[int, list[Licence]]:
    """The licences of works, for `rights.judged`."""
    found: dict[int, list[Licence]] = {}
    for row in read(
        sa.select(licences).where(licences.c.work_id.in_(list(work_ids))).order_by(licences.c.id)
    ):
        starts, ends = (None if text is None else utc(text) for text in (row.starts, row.ends))
        found.setdefault(row.work_id, []).append(Licence(row.id, row.territory, row.place, starts, ends))
    return found


def _json(row: sa.Row[tuple[object, ...]]) -> Json:
    columns = ("territory", "place", "starts", "ends")
    return {"id": str(row.id)} | {name: getattr(row, name) for name in columns}
