"""Webhooks and the outbox of their messages; the times that works were on in streams, and whether they were seen."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "3", "2"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String, primary_key=True, nullable=False),
        sa.Column("org_id", sa.Integer, sa.ForeignKey("orgs.id"), nullable=False, index=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("actor", "role", "label", "url", "secret")),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created", sa.String, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("webhook_id", sa.String, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("event", "body", "state")),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("next_at", "created")),
        sa.Column("ended", sa.String),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.JSON),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_outbox", "deliveries", ["state", "webhook_id", "seq"])
    _airings()


def _airings() -> None:
    op.create_table(
        "airings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream_id", sa.String, sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("ref_id", sa.Integer, nullable=False),
        sa.Column("event", sa.JSON, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("began", "until")),
        sa.Column("over", sa.Boolean, nullable=False),
        sa.Column("seen", sa.String),
        sa.UniqueConstraint("stream_id", "number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_airings_ref_id", "airings", ["ref_id"])
