"""Pages of rows, newest first: `limit` of them after a cursor, which is the last row's place in the order."""

from typing import Any

import sqlalchemy as sa

from service.store.store import Store

MOST = 200  # rows of a page


class CursorError(Exception):
    """The cursor is none that a page gave."""


def page(
    store: Store, query: sa.Select[Any], table: sa.Table, limit: int, after: str | None
) -> tuple[list[sa.Row[Any]], str | None]:
    """Rows of a query of a table with ``created`` and ``id``, and the cursor of the next page, if any.

    Raises CursorError.
    """
    place = sa.tuple_(table.c.created, table.c.id)
    if after is not None:
        created, _, last = after.partition("~")
        if not last:
            raise CursorError(f"{after!r} is no cursor: take the `next` of the page before")
        query = query.where(place < sa.tuple_(sa.literal(created), sa.literal(last)))
    limit = max(1, min(limit, MOST))
    rows = store.rows(query.order_by(table.c.created.desc(), table.c.id.desc()).limit(limit + 1))
    more = len(rows) > limit
    return rows[:limit], f"{rows[limit - 1].created}~{rows[limit - 1].id}" if more else None
