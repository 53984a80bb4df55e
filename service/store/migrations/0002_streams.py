"""Streams that are watched, and references that are on the air."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "2", None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "streams",
        sa.Column("id", sa.String, primary_key=True, nullable=False),
        sa.Column("org_id", sa.Integer, sa.ForeignKey("orgs.id"), nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("captured", sa.JSON, nullable=False),
        sa.Column("case_id", sa.String, sa.ForeignKey("cases.id")),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("load", sa.Integer, nullable=False),
        sa.Column("showing", sa.JSON, nullable=False),
        sa.Column("position", sa.JSON),
        sa.Column("stream_time", sa.Double, nullable=False),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("started", sa.String),
        sa.Column("ended", sa.String),
        sa.Column("seen", sa.String),
        sa.Column("watcher", sa.String),
        sa.Column("turn", sa.Integer, nullable=False),
    )
    _index("streams", "org_id", "state", "created", "watcher")
    op.create_table(
        "stream_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream_id", sa.String, sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String),
        sa.Column("ref_id", sa.Integer),
        sa.Column("event", sa.JSON, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.UniqueConstraint("stream_id", "name"),
        sqlite_autoincrement=True,
    )
    _index("stream_events", "stream_id", "ref_id")
    op.create_table(
        "watchers",
        sa.Column("name", sa.String, primary_key=True, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
    )
    _lives()


def _lives() -> None:
    op.create_table(
        "lives",
        sa.Column("id", sa.String, primary_key=True, nullable=False),
        sa.Column("org_id", sa.Integer, sa.ForeignKey("orgs.id"), nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("url", sa.String),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("keep", sa.Boolean),
        sa.Column("error", sa.JSON),
        sa.Column("number", sa.Integer, unique=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("duration", sa.Double, nullable=False),
        sa.Column("ref_id", sa.Integer),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("ended", sa.String),
        sa.Column("watcher", sa.String),
        sa.Column("turn", sa.Integer, nullable=False),
    )
    _index("lives", "org_id", "state", "created", "watcher")


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
