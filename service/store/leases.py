"""Which watcher has which stream in hand, and what it makes of it.

Each watcher counts: a beat, which others see in the database. One whose beat stands still they take for dead and have its
streams themselves; no clocks of two machines are compared. A stream that is taken gets a new turn: what a watcher writes
counts only while the row still has its name and turn, so that one that was taken for dead, or whose stream was stopped,
changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store import events as told
from service.store.airings import GOING
from service.store.store import Store, now
from service.store.tables import lives, streams, watchers

ON_AIR = ("waiting", "recording", "ending")  # states in which a reference on the air is somebody's to record
_TABLES = {"stream": (streams, GOING), "live": (lives, ON_AIR)}


@dataclass(frozen=True, slots=True)
class Lease:
    """A stream, or a reference on the air ("live"), that a watcher has in hand."""

    kind: str
    id: str
    watcher: str
    turn: int
    url: str

    @property
    def held(self) -> sa.ColumnElement[bool]:
        """The condition that the row is still this watcher's."""
        table, going = _TABLES[self.kind]
        mine = sa.and_(table.c.watcher == self.watcher, table.c.turn == self.turn)
        return sa.and_(table.c.id == self.id, mine, table.c.state.in_(going))


def beat(store: Store, name: str) -> dict[str, int]:
    """A sign of life of a watcher; the beats of all."""
    with store.write() as connection:
        more = sa.update(watchers).where(watchers.c.name == name).values(beat=watchers.c.beat + 1)
        if not connection.execute(more).rowcount:
            connection.execute(sa.insert(watchers).values(name=name, beat=0))
        return {row.name: row.beat for row in connection.execute(sa.select(watchers)).all()}


def release(store: Store, names: Iterable[str]) -> None:
    """What these watchers had is anybody's: they have ended, or died."""
    gone = list(names)
    with store.write() as connection:
        connection.execute(sa.delete(watchers).where(watchers.c.name.in_(gone)))
        living = sa.select(watchers.c.name)
        for table, _ in _TABLES.values():
            theirs = table.c.watcher.is_not(None) & table.c.watcher.not_in(living)
            connection.execute(sa.update(table).where(theirs).values(watcher=None))


def held(store: Store, name: str) -> list[Lease]:
    """What a watcher has in hand."""
    found = []
    for kind, (table, going) in _TABLES.items():
        rows = store.rows(sa.select(table).where(table.c.watcher == name, table.c.state.in_(going)))
        found += [Lease(kind, row.id, name, row.turn, row.url) for row in rows]
    return found


def take(store: Store, name: str, most: int = 50) -> int:
    """Takes what nobody has, the first first: no more than this watcher's share; how many."""
    if not any(store.rows(_free(*parts).limit(1)) for parts in _TABLES.values()):
        return 0
    with store.write() as connection:
        living = connection.scalar(sa.select(sa.func.count()).select_from(watchers)) or 1
        return sum(_take(connection, name, living, most, *parts) for parts in _TABLES.values())


def _free(table: sa.Table, going: tuple[str, ...]) -> sa.Select[Any]:
    free = sa.select(table.c.id).where(table.c.watcher.is_(None), table.c.state.in_(going))
    return free.where(table.c.url.is_not(None)).order_by(table.c.created)


def _take(
    connection: sa.Connection, name: str, living: int, most: int, table: sa.Table, going: tuple[str, ...]
) -> int:
    everything = sa.select(sa.func.count()).where(table.c.state.in_(going), table.c.url.is_not(None))
    mine = everything.where(table.c.watcher == name)
    share = -(-(connection.scalar(everything) or 0) // living) - (connection.scalar(mine) or 0)
    ids = connection.execute(_free(table, going).limit(max(min(share, most), 0))).scalars().all()
    taken = sa.update(table).where(table.c.id.in_(ids)).values(watcher=name, turn=table.c.turn + 1)
    return connection.execute(taken).rowcount if ids else 0


def position(store: Store, lease: Lease) -> Json | None:
    """Where watching a stream goes on; None for one that is new, or not this watcher's."""
    row = store.row(sa.select(streams.c.position).where(lease.held))
    return row and row.position


def advance(store: Store, lease: Lease, place: Json, happened: list[Json]) -> bool:
    """Keeps events of a stream and the position after them, both or nothing; False where it is not this watcher's."""
    with store.write() as connection:
        row = _mine(connection, lease)
        if row is None:
            return False
        values: Json = {"position": place, "seen": now(), "stream_time": place["seconds"]}
        if row.state == "waiting":
            values |= {"state": "watching", "started": row.started or now()}
        if happened:
            values |= {"showing": _showing(row.showing, happened)}
        changed = bool(happened) or row.state == "waiting"
        told.keep(connection, lease.id, happened)
        _set(connection, lease, changed, **values)
        return True


def finish(store: Store, lease: Lease, place: Json | None, happened: list[Json]) -> bool:
    """Keeps the last events of a stream that is over; where the very last is an error, it failed. False as ``advance``."""
    with store.write() as connection:
        if _mine(connection, lease) is None:
            return False
        error = next((event["error"] for event in happened[-1:] if event["event"] == "error"), None)
        values: Json = {"state": "failed" if error else "ended", "error": error, "ended": now()}
        if place is not None:
            values |= {"position": place, "stream_time": place["seconds"]}
        told.keep(connection, lease.id, happened)
        _set(connection, lease, True, **values, showing=[], load=0, watcher=None)
        return True


def note(store: Store, lease: Lease, event: Json, load: int | None = None) -> bool:
    """Keeps something that happened to a stream and is no work's. False as in ``advance``."""
    with store.write() as connection:
        if _mine(connection, lease) is None:
            return False
        told.keep(connection, lease.id, [event])
        _set(connection, lease, True, **({} if load is None else {"load": load}))
        return True


def unknown(store: Store, ids: set[str]) -> set[str]:
    """Those of these ids that no stream has."""
    return ids - {row.id for row in store.rows(sa.select(streams.c.id).where(streams.c.id.in_(ids)))}


def _mine(connection: sa.Connection, lease: Lease) -> sa.Row[Any] | None:
    return connection.execute(sa.select(streams).where(lease.held)).one_or_none()


def _set(connection: sa.Connection, lease: Lease, changed: bool, **values: Any) -> None:
    version = streams.c.version + int(changed)
    connection.execute(sa.update(streams).where(streams.c.id == lease.id).values(**values, version=version))


def _showing(showing: list[Json], happened: list[Json]) -> list[Json]:
    """The works that are on after these events: of each the last one, and since when."""
    on = {one["airing"]: one for one in showing}
    for event in happened:
        if "airing" not in event:
            continue
        before = on.pop(event["airing"], None)
        if event["event"] != "ended":
            on[event["airing"]] = event | {"since": before["since"] if before else event["at"]}
    return list(on.values())
