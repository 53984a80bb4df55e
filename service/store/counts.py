"""How much there is of what, for whoever watches the service."""

import sqlalchemy as sa

from index.database import refs, works
from service.store.store import Store
from service.store.tables import deliveries, jobs, streams, uploads

STREAM_STATES = ("waiting", "watching", "ended", "failed", "stopped")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
DELIVERY_STATES = ("waiting", "delivered", "failed")


def counts(store: Store) -> dict[str, dict[str, float]]:
    """{what: {state: how many}}; the state is empty where there are none to tell apart."""
    many = sa.func.count()
    received = sa.select(many.label("n"), sa.func.coalesce(sa.func.sum(uploads.c.received), 0).label("bytes"))
    kept = store.rows(received)[0]
    return {
        "jobs": _states(store, jobs, JOB_STATES),
        "deliveries": _states(store, deliveries, DELIVERY_STATES),
        "references": {"": _rows(store, refs)},
        "works": {"": _rows(store, works)},
        "streams": _states(store, streams, STREAM_STATES),
        "uploads": {"": kept.n},
        "upload_bytes": {"": float(kept.bytes)},
    }


def _states(store: Store, table: sa.Table, known: tuple[str, ...]) -> dict[str, float]:
    counted = sa.select(table.c.state, sa.func.count().label("n")).group_by(table.c.state)
    states = {row.state: row.n for row in store.rows(counted)}
    return {state: states.get(state, 0) for state in known}


def _rows(store: Store, table: sa.Table) -> int:
    return int(store.rows(sa.select(sa.func.count().label("n")).select_from(table))[0].n)
