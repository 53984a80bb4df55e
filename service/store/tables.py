"""The service's tables, beside the catalog's in the same database. Times are ISO 8601 in UTC; ids of things that
a stranger could guess at are random.
"""

import sqlalchemy as sa

from index.database import refs, works

SCHEMA_VERSION = 3  # of these tables; whoever changes them adds a migration
schema = sa.MetaData()


def _text(name: str, **more: object) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, **more)  # type: ignore[arg-type]


def _org(**more: object) -> sa.Column[int]:
    return sa.Column("org_id", sa.ForeignKey("orgs.id"), nullable=False, index=True, **more)  # type: ignore[arg-type]


about = sa.Table("whorl_service", schema, sa.Column("version", sa.Integer, primary_key=True))
# Rights holders, units of investigators: whose objects these are.
orgs = sa.Table(
    "orgs", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("name", unique=True),
    _text("created"),
)  # fmt: skip
people = sa.Table(
    "people", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    _org(),
    _text("name"),
    _text("email", unique=True),
    _text("role"),
    sa.Column("subject", sa.String, unique=True),  # at the OIDC provider
    sa.Column("active", sa.Boolean, nullable=False),
    _text("created"),
)  # fmt: skip
# An API key is `whorl_<id>_<secret>`; of the secret only its SHA-256 is kept: it is 32 random bytes.
keys = sa.Table(
    "keys", schema,
    _text("id", primary_key=True),
    _org(),
    sa.Column("person_id", sa.ForeignKey("people.id")),
    _text("label"),
    _text("role"),
    sa.Column("scopes", sa.JSON, nullable=False),  # a list; those of the role that this key may use
    _text("secret_sha256"),
    _text("created"),
    sa.Column("expires", sa.String),
    sa.Column("revoked", sa.String),
    sa.Column("used", sa.String),
)  # fmt: skip
sessions = sa.Table(
    "sessions", schema,
    _text("id_sha256", primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id")),
    sa.Column("key_id", sa.ForeignKey("keys.id")),  # whose key was typed into the page
    _text("csrf"),
    _text("created"),
    _text("expires"),
)  # fmt: skip
# Rows are only ever added.
audit = sa.Table(
    "audit", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("at", index=True),
    _text("request"),
    _text("actor"),
    sa.Column("org_id", sa.Integer, index=True),
    _text("action"),
    _text("object"),
    sa.Column("detail", sa.JSON, nullable=False),
)  # fmt: skip
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ],
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        _ddl = sa.DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        sa.event.listen(audit, "after_create", _ddl)
cases = sa.Table(
    "cases", schema,
    _text("id", primary_key=True),
    _org(),
    _text("name"),
    _text("created"),
    sa.Column("closed", sa.String),
)  # fmt: skip
uploads = sa.Table(
    "uploads", schema,
    _text("id", primary_key=True),
    _org(),
    _text("actor"),
    _text("name"),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String),  # when it is whole
    _text("created"),
    _text("touched"),
)  # fmt: skip
# kind: match, register. state: queued, running, done, failed, cancelled.
jobs = sa.Table(
    "jobs", schema,
    _text("id", primary_key=True),
    _org(),
    _text("actor"),
    _text("kind"),
    _text("state", index=True),
    sa.Column("priority", sa.Integer, nullable=False),  # lower first
    sa.Column("progress", sa.Double, nullable=False),  # 0 to 1
    sa.Column("run", sa.Integer, nullable=False),  # grows when it is tried again by hand or queued anew
    sa.Column("attempts", sa.Integer, nullable=False),  # of this run; more than one where a worker died
    sa.Column("version", sa.Integer, nullable=False),  # grows with every change: what a listener has seen
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON),  # {"code": ..., "message": ...}
    sa.Column("case_id", sa.ForeignKey("cases.id")),
    sa.Column("upload_id", sa.String),
    sa.Column("answer_id", sa.String),
    sa.Column("ref_id", sa.Integer),
    _text("created", index=True),
    sa.Column("started", sa.String),
    sa.Column("ended", sa.String),
)  # fmt: skip
# What a capture holds: the JSON of `whorl match`, and what makes an infringement of it or not.
answers = sa.Table(
    "answers", schema,
    _text("id", primary_key=True),
    _org(),
    sa.Column("case_id", sa.ForeignKey("cases.id")),
    _text("name"),
    _text("sha256", index=True),
    _text("status", index=True),
    sa.Column("answer", sa.JSON, nullable=False),
    # Where and when it was captured: {"place": ..., "territory": ..., "at": ...}, each of them optional.
    sa.Column("captured", sa.JSON, nullable=False),
    _text("created", index=True),
)  # fmt: skip
# What a person made of a match of an answer: confirm, reject. The last one counts, all are kept.
verdicts = sa.Table(
    "verdicts", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("answer_id", sa.ForeignKey("answers.id"), nullable=False, index=True),
    sa.Column("ref_id", sa.Integer, nullable=False),
    _text("verdict"),
    _text("note"),
    _text("actor"),
    _text("at"),
)  # fmt: skip
# Which references an answer tells of, to find the answers of a work.
findings = sa.Table(
    "findings", schema,
    sa.Column("answer_id", sa.ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("ref_id", sa.Integer, primary_key=True, index=True),  # it may be gone, the answer stays
)  # fmt: skip
idempotency = sa.Table(
    "idempotency", schema,
    sa.Column("org_id", sa.Integer, primary_key=True),
    _text("key", primary_key=True),
    _text("request_sha256"),
    sa.Column("status", sa.Integer),  # null while the first request is under way
    sa.Column("response", sa.JSON),
    _text("created"),
)  # fmt: skip
# Whose a work is: one organisation's; none's, where it was registered by the command line.
holdings = sa.Table(
    "holdings", schema,
    sa.Column("work_id", sa.ForeignKey(works.c.id, ondelete="CASCADE"), primary_key=True),
    _org(primary_key=True),
    _text("since"),
)  # fmt: skip
# Whose a reference is, and under which work and name of theirs. Bytes are registered once: where two organisations hand in
# the same ones, there is one reference with two claims, and an overlap to resolve.
claims = sa.Table(
    "claims", schema,
    sa.Column("ref_id", sa.ForeignKey(refs.c.id, ondelete="CASCADE"), primary_key=True),
    _org(primary_key=True),
    sa.Column("work_id", sa.ForeignKey(works.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _text("name"),
    _text("since"),
)  # fmt: skip
# Where and when a work may be shown: null means anywhere, at any time. ``place`` is a host name or a channel.
licences = sa.Table(
    "licences", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("work_id", sa.ForeignKey(works.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _org(),
    sa.Column("territory", sa.String),  # ISO 3166-1 alpha-2
    sa.Column("place", sa.String),
    sa.Column("starts", sa.String),
    sa.Column("ends", sa.String),
)  # fmt: skip
# The same stretch in references of two organisations, found when the second was registered.
overlaps = sa.Table(
    "overlaps", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ref_id", sa.ForeignKey(refs.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("org_id", sa.ForeignKey("orgs.id"), nullable=False),
    sa.Column("other_ref_id", sa.ForeignKey(refs.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("other_org_id", sa.ForeignKey("orgs.id"), nullable=False),
    sa.Column("segments", sa.JSON, nullable=False),
    sa.Column("owner_org_id", sa.Integer),  # who it was resolved for
    sa.Column("resolved", sa.String),
    _text("found"),
)  # fmt: skip
# Streams that are watched. state: waiting, watching, ended, failed, stopped. Who watches one holds a fence, (watcher, turn):
# what it writes counts only while the row still has it.
streams = sa.Table(
    "streams", schema,
    _text("id", primary_key=True),
    _org(),
    _text("actor"),
    _text("url"),
    _text("label"),
    sa.Column("captured", sa.JSON, nullable=False),  # {"place": ..., "territory": ...}, each of them optional
    sa.Column("case_id", sa.ForeignKey("cases.id")),
    _text("state", index=True),
    sa.Column("version", sa.Integer, nullable=False),  # grows with every change that listeners are told
    sa.Column("error", sa.JSON),  # {"code": ..., "message": ...}
    sa.Column("load", sa.Integer, nullable=False),  # how much is shed, of the watching engine's levels
    sa.Column("showing", sa.JSON, nullable=False),  # the works that are on: of each its last event, and since when
    sa.Column("position", sa.JSON),  # where watching it goes on
    sa.Column("stream_time", sa.Double, nullable=False),  # seconds of it that were examined
    _text("created", index=True),
    sa.Column("started", sa.String),
    sa.Column("ended", sa.String),
    sa.Column("seen", sa.String),  # the last sign of life
    sa.Column("watcher", sa.String, index=True),
    sa.Column("turn", sa.Integer, nullable=False),  # grows whenever it is taken, started or stopped
)  # fmt: skip
# What happened in streams: each event as `whorl watch --json` prints it.
stream_events = sa.Table(
    "stream_events", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stream_id", sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.String),  # the engine's id of it; null of what is no work's
    sa.Column("ref_id", sa.Integer, index=True),  # below zero of a reference on the air; it may be gone
    sa.Column("event", sa.JSON, nullable=False),
    _text("at"),
    sa.UniqueConstraint("stream_id", "name"),
    sqlite_autoincrement=True,
)  # fmt: skip
# Times that works were on in streams, each as the last of its events tells it.
airings = sa.Table(
    "airings", schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stream_id", sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # the stream's own
    sa.Column("ref_id", sa.Integer, nullable=False, index=True),  # as that of an event
    sa.Column("event", sa.JSON, nullable=False),
    _text("began"),  # its first and its last second
    _text("until"),
    sa.Column("over", sa.Boolean, nullable=False),  # whether its end was told
    sa.Column("seen", sa.String),  # when somebody marked it as seen
    sa.UniqueConstraint("stream_id", "number"),
    sqlite_autoincrement=True,
)  # fmt: skip
# Processes that watch streams. One whose beat stands still is taken for dead: no two machines' clocks are compared.
watchers = sa.Table(
    "watchers", schema,
    _text("name", primary_key=True),
    sa.Column("beat", sa.Integer, nullable=False),
)  # fmt: skip
# References that are on the air: recorded from a stream, or pushed by an encoder, which has no ``url``.
# state: waiting, recording, ending, ended, failed. The fence is that of streams.
lives = sa.Table(
    "lives", schema,
    _text("id", primary_key=True),
    _org(),
    _text("actor"),
    sa.Column("url", sa.String),
    sa.Column("about", sa.JSON, nullable=False),  # {"work": ..., "made": whether for it, "title": ..., "name": ...}
    _text("state", index=True),
    sa.Column("keep", sa.Boolean),  # whether it is registered at its end; null until that is said
    sa.Column("error", sa.JSON),
    sa.Column("number", sa.Integer, unique=True),  # of the engine's reference on the air, whose id is its negative
    sa.Column("sequence", sa.Integer, nullable=False),  # of the last codes that were pushed; 0 before any
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("ref_id", sa.Integer),  # what it was registered as
    _text("created", index=True),
    sa.Column("ended", sa.String),
    sa.Column("watcher", sa.String, index=True),
    sa.Column("turn", sa.Integer, nullable=False),
)  # fmt: skip
# Where an organisation is told of events as they happen. The secret is kept as it is: every message is signed with it.
webhooks = sa.Table(
    "webhooks", schema,
    _text("id", primary_key=True),
    _org(),
    _text("actor"),
    _text("role"),  # it is told what its maker may see
    _text("label"),
    _text("url"),
    _text("secret"),
    sa.Column("events", sa.JSON, nullable=False),  # a list of their names
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("error", sa.JSON),  # why it was switched off: {"code": ..., "message": ...}
    _text("created"),
)  # fmt: skip
# What is to be sent, stored with what it tells of: the outbox. state: waiting, delivered, failed.
deliveries = sa.Table(
    "deliveries", schema,
    sa.Column("seq", sa.Integer, primary_key=True),  # the order in which they are sent
    _text("id", unique=True),  # the receiver's, the same at each attempt
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    _text("event"),
    _text("body"),  # what is signed, but for where the service itself is reached
    _text("state"),
    sa.Column("attempts", sa.Integer, nullable=False),
    _text("next_at"),  # of one that is being sent: when it is taken for lost
    _text("created"),
    sa.Column("ended", sa.String),
    sa.Column("status", sa.Integer),  # of the last answer
    sa.Column("error", sa.JSON),  # of the last attempt: {"code": ..., "message": ...}
    sa.Index("ix_deliveries_outbox", "state", "webhook_id", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip
