"""Long lists in pages: each names where the next begins, so that none is told twice or missed while rows are added."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.errors import Unfit

Read = Callable[[sa.Select[Any]], Sequence[sa.Row[Any]]]
Keys = Sequence[sa.ColumnElement[Any]]
LARGEST_ID = 2**31 - 1  # of an integer column


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: at most ``limit`` items, those behind the cursor ``after``."""

    limit: int = 50
    after: str | None = None


def reading(connection: sa.Connection) -> Read:
    """Reads in a transaction that is under way."""
    return lambda query: connection.execute(query).all()


def paged(read: Read, query: sa.Select[Any], keys: Keys, page: Page, last_first: bool) -> list[sa.Row[Any]]:
    """One row more than the page holds, where there are more, in the order of ``keys``. Raises Unfit."""
    order = [key.desc() if last_first else key.asc() for key in keys]
    if page.after is not None:
        place, columns = sa.tuple_(*_place(page.after, keys)), sa.tuple_(*keys)
        query = query.where(columns < place if last_first else columns > place)
    return list(read(query.order_by(*order).limit(page.limit + 1)))


def page_json(
    rows: Sequence[sa.Row[Any]], keys: Sequence[str], page: Page, item: Callable[[sa.Row[Any]], Json]
) -> Json:
    """{"items": [...], "next": cursor or null} of what ``paged`` gave."""
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return {"items": [item(row) for row in shown], "next": cursor(shown[-1], keys) if more else None}


def cursor(row: sa.Row[Any], keys: Sequence[str]) -> str:
    """What names the place of a row."""
    said = json.dumps([getattr(row, key) for key in keys], separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _place(after: str, keys: Keys) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != len(keys) or not all(map(_fits, values, keys)):
        raise Unfit(f"after={after[:80]!r} is no cursor: give the `next` of the page before, or leave it out")
    return values


def _fits(value: object, key: sa.ColumnElement[Any]) -> bool:
    if isinstance(key.type, sa.Integer):
        return type(value) is int and 0 <= value <= LARGEST_ID
    return isinstance(value, str) and "\0" not in value and value.isascii()


def number(name: str) -> int:
    """The number of an id; -1, which nothing has, of what is no number of a row."""
    return (
        int(name) if name.isascii() and name.isdigit() and len(name) <= 10 and int(name) <= LARGEST_ID else -1
    )
