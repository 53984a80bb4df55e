"""The caller of a request: role, scopes, and whose objects they see."""

from dataclasses import dataclass

import sqlalchemy as sa

SCOPES_OF = {
    "holder": frozenset(
        {"works:read", "works:write", "uploads", "jobs", "matches:read", "matches:write", "streams",
         "webhooks"}
    ),
    "investigator": frozenset(
        {"uploads", "jobs", "matches:read", "matches:write", "cases", "streams", "webhooks"}
    ),
    "reviewer": frozenset({"matches:read", "reviews", "jobs", "cases", "webhooks"}),
    "administrator": frozenset(
        {"works:read", "works:write", "uploads", "jobs", "matches:read", "matches:write", "cases", "reviews",
         "streams", "webhooks", "accounts", "audit", "metrics"}
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``name`` for the audit log, ``org_id`` whose objects they see, all of them an administrator."""

    name: str
    org_id: int
    role: str
    scopes: frozenset[str]
    key_id: str | None = None
    person_id: int | None = None

    def sees(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The condition that rows of a table with an ``org_id`` are the caller's to see."""
        return sa.true() if self.role == "administrator" else table.c.org_id == self.org_id
