"""How much there is of what, for whoever watches the service."""

import sqlalchemy as sa

from index.database import refs, works
from service.store.store import Store
from service.store.tables import jobs, streams, uploads

STREAM_STATES = ("waiting", "watching", "ended", "failed", "stopped")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


def counts(store: Store) -> dict[str, dict[str, float]]:
    """{what: {state: how many}}; the state is empty where there are none to tell apart."""
    many = sa.func.count()
    states, watched = _states(store, jobs), _states(store, streams)
    received = sa.select(many.label("n"), sa.func.coalesce(sa.func.sum(uploads.c.received), 0).label("bytes"))
    kept = store.rows(received)[0]
    return {
        "jobs": {state: states.get(state, 0) for state in JOB_STATES},
        "references": {"": _rows(store, refs)},
        "works": {"": _rows(store, works)},
        "streams": {state: watched.get(state, 0) for state in STREAM_STATES},
        "uploads": {"": kept.n},
        "upload_bytes": {"": float(kept.bytes)},
    }


def _states(store: Store, table: sa.Table) -> dict[str, int]:
    many = sa.select(table.c.state, sa.func.count().label("n")).group_by(table.c.state)
    return {row.state: row.n for row in store.rows(many)}


def _rows(store: Store, table: sa.Table) -> int:
    return int(store.rows(sa.select(sa.func.count().label("n")).select_from(table))[0].n)
