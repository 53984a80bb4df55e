"""A table of works, as CSV in the body of a request."""

import csv
import io
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from service.api.problem import Problem
from service.api.schemas import WorkIn
from service.store.works import Details

COLUMNS = ("file", "title", "kind", "identifiers")
MOST_ROWS, MOST_BYTES = 10_000, 8 << 20
_TYPE = "text/csv"


class _TableBody:
    """The dependency: rows of (file, work). Raises a Problem, which names the rows that are wrong."""

    openapi: dict[str, Any] = {  # noqa: RUF012  # it is only read
        "requestBody": {"required": True, "content": {_TYPE: {"schema": {"type": "string"}}}}
    }

    async def __call__(self, request: Request) -> list[tuple[str, Details]]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
            raise Problem(415, "wrong-type", f"a table is sent as Content-Type: {_TYPE}")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise Problem(413, "too-large", f"a table has at most {MOST_BYTES} bytes: send it in parts")
        return table(bytes(body))


def table(data: bytes) -> list[tuple[str, Details]]:
    """The rows of a CSV. Raises a Problem 422 with all rows that are wrong."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Problem(422, "invalid", f"the table is no CSV in UTF-8: {error}") from None
    _check_columns(list(reader.fieldnames or []), len(rows))
    made, wrong = list[tuple[str, Details]](), list[dict[str, str]]()
    for number, row in enumerate(rows, 1):
        try:
            made.append(_row(row))
        except ValidationError as error:
            wrong += [
                {"at": f"row {number}/{'/'.join(map(str, one['loc']))}", "problem": one["msg"]}
                for one in error.errors()
            ]
    if wrong:
        said = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong[:5])
        raise Problem(422, "invalid", f"nothing was registered: {said}", errors=wrong[:100])
    return made


def _check_columns(names: list[str], rows: int) -> None:
    may = f"it may have {', '.join(COLUMNS)}"
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) != len(names):
        raise Problem(
            422, "invalid", f"the table has the column {(unknown or names)[0][:80]!r} or one twice: {may}"
        )
    if "title" not in names:
        raise Problem(422, "invalid", f"the table has no column `title`: {may}")
    if rows > MOST_ROWS:
        raise Problem(413, "too-large", f"the table has {rows} rows: at most {MOST_ROWS}, send it in parts")


def _row(row: dict[str | Any, Any]) -> tuple[str, Details]:
    """A row that is too long has the rest under None, one that is too short has None in it."""
    named = [part.strip() for part in (row.get("identifiers") or "").split(";") if part.strip()]
    rest = {"cells behind the last column": row[None]} if None in row else {}
    values = {"title": row["title"] or "", "kind": row.get("kind") or "", "identifiers": named}
    work = WorkIn.model_validate(values | rest)
    identified = frozenset(
        (scheme, value) for scheme, _, value in (text.partition(":") for text in work.identifiers)
    )
    return row.get("file") or "", Details(work.title, work.kind, identified)


works_of_table = _TableBody()
