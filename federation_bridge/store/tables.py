"""All tables as they are now. Instants are integers: microseconds since 1970 UTC, the same on both databases.

Digests are 64 hexadecimal digits of SHA-256, and `mac` of HMAC-SHA256 (`row_mac`). Equality is of bytes: no case
folding, no trailing blanks forgiven.

More than 300 lines, because it is read as one list: what the migration steps add up to (docs/architecture.md).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

HEAD = "0030"
"""The last migration step; a test holds it equal to Alembic's."""

OLDEST = "0029"
"""The oldest program, named by the last step that it knows, that may use the present shape. A step that an older
program cannot live with raises it; a step that only adds leaves it, so that nodes can be updated one by one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC of an aware instant."""
    return (instant - _EPOCH) // _TICK


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as whole microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """Microseconds of an aware instant."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """The instant, in UTC."""
        try:
            return None if value is None else _EPOCH + value * _TICK
        except (OverflowError, TypeError):
            # Nothing that we wrote: a moment that is over for every question, and that no MAC was made for.
            return _NEVER


METADATA = MetaData()

_DIGEST = String(64).with_variant(String(64, collation="C"), "postgresql")
_EXACT = Text().with_variant(Text(collation="C"), "postgresql")


def _where_named(table: str, *columns: str) -> Index:
    """An index of the table's rows that have the first of these."""
    named = text(f"{columns[0]} IS NOT NULL")
    return Index(f"ix_{table}_{columns[0]}", *columns, sqlite_where=named, postgresql_where=named)


SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", _EXACT, primary_key=True),
    Column("person", _DIGEST, nullable=False, index=True),
    Column("identity", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("confirmed", Boolean, nullable=False),
    Column("network", _EXACT, nullable=False, server_default=""),
    Column("provider_subject", _DIGEST, nullable=False, server_default="", index=True),
    Column("provider_session", _DIGEST, nullable=False, server_default="", index=True),
    Column("mac", _DIGEST, nullable=False),
    Index("ix_sessions_network", "network", "person"),
)

PROVIDER_MATERIAL = Table(
    "provider_material",
    METADATA,
    Column("session", _EXACT, ForeignKey(SESSIONS.c.token_hash, ondelete="CASCADE"), primary_key=True),
    Column("sealed", Text, nullable=False),
    # When the provider vouched for the session last, and when a node last began to ask.
    Column("checked_at", Instant, nullable=False, server_default="0"),
    Column("asked_at", Instant, nullable=True),
    Column("mac", _DIGEST, nullable=False),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("person", _DIGEST, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    # A trigger keeps the row in `group_changes` when this becomes another one.
    Column("groups_digest", _DIGEST, nullable=False, server_default=""),
    Column("mac", _DIGEST, nullable=False),
)

# Rows of `people` as they were when the groups were other ones than before: all of its columns, its MAC too.
GROUP_CHANGES = Table(
    "group_changes",
    METADATA,
    Column("person", _DIGEST, nullable=False),
    Column("identity", Text, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    Column("groups_digest", _DIGEST, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("person", "last_seen_at", "groups_digest"),
)

TOKEN_FAMILIES = Table(
    "token_families",
    METADATA,
    Column("id", _EXACT, primary_key=True),
    Column("person", _DIGEST, nullable=False, index=True),
    Column("approved_in", _EXACT, nullable=False, index=True),
    Column("client_id", _EXACT, nullable=False),
    Column("label", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("role", _EXACT, nullable=False),
    Column("dpop_jkt", _EXACT),
    Column("started_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("collected", Boolean, nullable=False),
    Column("way", _EXACT, nullable=False, server_default=""),
    Column("approved_from", _EXACT, nullable=False, server_default=""),
    Column("provider_subject", _DIGEST, nullable=False, server_default="", index=True),
    Column("provider_session", _DIGEST, nullable=False, server_default="", index=True),
    Column("mac", _DIGEST, nullable=False),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token", _DIGEST, primary_key=True),
    Column("kind", _EXACT, nullable=False),
    Column("family", _EXACT, ForeignKey(TOKEN_FAMILIES.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("used_at", Instant),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("mac", _DIGEST, nullable=False),
)

DEVICE_CODES = Table(
    "device_codes",
    METADATA,
    Column("device_code", _DIGEST, primary_key=True),
    Column("user_code", _DIGEST, nullable=False, unique=True),
    Column("client_id", _EXACT, nullable=False),
    Column("label", Text, nullable=False),
    Column("reference", _EXACT, nullable=False),
    Column("address", _EXACT, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("dpop_jkt", _EXACT),
    Column("state", _EXACT, nullable=False),
    Column("claimed_in", _EXACT),
    Column("family", _EXACT, ForeignKey(TOKEN_FAMILIES.c.id, ondelete="CASCADE"), index=True),
    Column("interval", Integer, nullable=False),
    Column("next_poll_at", Instant, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("kept_until", Instant, nullable=False, index=True),
    Column("mac", _DIGEST, nullable=False),
)

AUTHORIZATION_CODES = Table(
    "authorization_codes",
    METADATA,
    Column("code", _DIGEST, primary_key=True),
    Column("client_id", _EXACT, nullable=False),
    Column("redirect_uri", _EXACT, nullable=False),
    Column("code_challenge", _EXACT, nullable=False),
    Column("dpop_jkt", _EXACT),
    # A code that was used is kept as long as its family, so that its second use can end it (RFC 6749 4.1.2).
    Column("family", _EXACT, ForeignKey(TOKEN_FAMILIES.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("used", Boolean, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
)

BLOCKS = Table(
    "blocks",
    METADATA,
    # `connection/subject`; a connection; or nothing, which is everybody (`model.Block`).
    Column("scope", _EXACT, nullable=False),
    Column("source", _EXACT, nullable=False),
    # The person's digest, as in `sessions`; nothing where many are blocked.
    Column("whose", _DIGEST, nullable=False, index=True),
    Column("excepted", Text, nullable=False),
    Column("blocked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("scope", "source"),
)

TRIES = Table(
    "tries",
    METADATA,
    Column("bucket", _DIGEST, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
)

SPENT_MESSAGES = Table(
    "spent_messages",
    METADATA,
    Column("message", _DIGEST, primary_key=True),
    Column("kept_until", Instant, nullable=False, index=True),
)

SIGNAL_STREAMS = Table(
    "signal_streams",
    METADATA,
    Column("connection", _EXACT, primary_key=True),
    Column("token", _DIGEST, nullable=False),
    # As the transmitter calls it; empty where it was set up there by hand.
    Column("stream", _EXACT, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
)

PROVIDER_ENDINGS = Table(
    "provider_endings",
    METADATA,
    # A session of a provider, or a subject there: a digest as in `sessions`.
    Column("name", _DIGEST, primary_key=True),
    Column("ended_at", Instant, nullable=False),
    Column("kept_until", Instant, nullable=False, index=True),
)

ENDED_HOLDINGS = Table(
    "ended_holdings",
    METADATA,
    # A session, or a refresh token with its program and key, that an end took: a digest, so nobody can use it.
    Column("holding", _DIGEST, primary_key=True),
    # A digest of the person, as in `sessions`.
    Column("whose", _DIGEST, nullable=False, index=True),
    # The source of the block that ended it; empty where none did.
    Column("source", _EXACT, nullable=False),
    Column("kept_until", Instant, nullable=False, index=True),
)

SESSION_NAMES = Table(
    "session_names",
    METADATA,
    Column("name", _EXACT, primary_key=True),
    Column("person", _DIGEST, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
)

# What AWS issued or may have issued. A person is a digest to be found by, and `subject` to be told.
LIVE_GRANTS = Table(
    "live_grants",
    METADATA,
    Column("grant_id", _EXACT, primary_key=True),
    Column("person", _DIGEST, nullable=False, index=True),
    Column("connection", _EXACT, nullable=False),
    Column("subject", _EXACT, nullable=False),
    Column("partition", _EXACT, nullable=False),
    Column("account", _EXACT, nullable=False),
    Column("role", _EXACT, nullable=False),
    Column("role_arn", _EXACT, nullable=False),
    Column("session_name", _EXACT, nullable=False),
    Column("source_identity", _EXACT, nullable=False),
    # Null: not known yet, or never, because the statement itself was handed over.
    Column("access_key_id", _EXACT),
    Column("road", _EXACT, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    # When the sign-in began for which it was issued.
    Column("signed_in_at", Instant, nullable=False, server_default="0"),
    Column("is_handed_over", Boolean, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    Index("ix_live_grants_role", "account", "role"),
    _where_named("live_grants", "access_key_id"),
)

ROLE_HABITS = Table(
    "role_habits",
    METADATA,
    Column("person", _DIGEST, nullable=False),
    Column("account", _EXACT, nullable=False),
    Column("role", _EXACT, nullable=False),
    Column("heat", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False, index=True),
    Column("is_favourite", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "account", "role"),
)

KEPT_DOCUMENTS = Table(
    "kept_documents",
    METADATA,
    Column("kind", _EXACT, nullable=False),
    Column("name", _EXACT, nullable=False),
    Column("text", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("kind", "name"),
)

RULEBOOK_VERSIONS = Table(
    "rulebook_versions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", _DIGEST, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", _EXACT, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("foreseen", Text, nullable=False, server_default=""),
    Column("mac", _DIGEST, nullable=False),
)

RULEBOOK_IN_FORCE = Table(
    "rulebook_in_force",
    METADATA,
    # One row, whose name is "rulebook".
    Column("name", _EXACT, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("mac", _DIGEST, nullable=False),
)

RULEBOOK_PROPOSALS = Table(
    "rulebook_proposals",
    METADATA,
    Column("id", _EXACT, primary_key=True),
    Column("digest", _DIGEST, nullable=False),
    Column("text", Text, nullable=False),
    Column("base_number", Integer, nullable=False),
    Column("base_digest", _EXACT, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_connection", _EXACT, nullable=False),
    Column("author_subject", _EXACT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", _EXACT, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("state", _EXACT, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_reason", Text, nullable=False),
    Column("foreseen", Text, nullable=False, server_default=""),
    Column("mac", _DIGEST, nullable=False),
)

SEALED_KEYS = Table(
    "sealed_keys",
    METADATA,
    Column("purpose", _EXACT, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
    # Null: published, and not used before an operator says so.
    Column("signs_from", Instant, nullable=True),
    PrimaryKeyConstraint("purpose", "serial"),
)

AUDIT = Table(
    "audit",
    METADATA,
    # AUTOINCREMENT: a number is never given twice, so that a gap shows.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("event", _EXACT, nullable=False),
    Column("person", _EXACT, nullable=False),
    Column("connection", _EXACT, nullable=False),
    Column("reference", _EXACT, nullable=False),
    Column("address", _EXACT, nullable=False),
    Column("user_agent", _EXACT, nullable=False),
    Column("grant_id", _EXACT),
    Column("access_key_id", _EXACT),
    Column("details", Text, nullable=False),
    Column("account", _EXACT),
    Column("role", _EXACT),
    # Random: with it the seal covers what names a person, and without it nobody can try names (`audit.seal`).
    Column("salt", _EXACT),
    # Null: whole. Else what named a person is gone, and this states what its digest was (`audit.seal`).
    Column("erased", Text),
    Index("ix_audit_at", "at"),
    Index("ix_audit_person", "person", "at"),
    Index("ix_audit_address", "address", "at"),
    Index("ix_audit_event", "event", "at"),
    Index("ix_audit_connection", "connection", "at"),
    Index("ix_audit_reference", "reference"),
    # Most entries have none of these: only those that do stand in the index.
    *(
        _where_named("audit", *columns)
        for columns in (
            # All that a last use is told from: the review of access reads it here, and no row of the table.
            ("grant_id", "event", "at", "person", "account", "role"),
            ("access_key_id",),
            ("account", "at"),
            ("role", "at"),
        )
    ),
    sqlite_autoincrement=True,
)

AUDIT_SEALS = Table(
    "audit_seals",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("first_row", BigInteger, nullable=False),
    Column("last_row", BigInteger, nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("statement", Text, nullable=False),
    # Empty: its rows stand in the audit. Triggers let rows be deleted only where this says where they lie.
    Column("archived", Text, nullable=False, server_default=""),
)

SERVICE_MARKS = Table(
    "service_marks",
    METADATA,
    # `oldest program`: see OLDEST. `write probe`: when a node last found that it can write. `grants followed up to`:
    # see unknown_outcomes.py. `look for documents of ...`: see documents.py. `nodes`: what each process says of
    # itself, see administration/nodes.py. Others: `ServiceMarks.told`.
    Column("name", _EXACT, primary_key=True),
    Column("value", _EXACT, nullable=False),
)

# Each time that the database was put back to an older state.
RESTORATIONS = Table(
    "restorations",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Up to when it tells what happened: later rows are lost.
    Column("holds_until", Instant, nullable=False),
    Column("restored_at", Instant, nullable=False),
    # What was issued, and what was begun before it is believed no more: it may have been used.
    Column("not_before", Instant, nullable=False),
)

REFUSALS = Table(
    "refusals",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("event", _EXACT, nullable=False),
    Column("connection", _EXACT, nullable=False),
    Column("reference", _EXACT, nullable=False, index=True),
    Column("address", _EXACT, nullable=False),
    Column("user_agent", _EXACT, nullable=False),
    Column("details", Text, nullable=False),
    Column("kept_until", Instant, nullable=False, index=True),
)

ERRANDS = Table(
    "errands",
    METADATA,
    # Kind and subject with a blank between: no kind has one.
    Column("name", _EXACT, primary_key=True),
    Column("kind", _EXACT, nullable=False),
    Column("subject", _EXACT, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("problem", Text, nullable=False),
    # Which process does it, and until when it is left to that one.
    Column("holder", _EXACT, nullable=False),
    Column("held_until", Instant, nullable=False),
    Index("ix_errands_due", "kind", "due_at"),
)

REVOCATIONS = Table(
    "revocations",
    METADATA,
    Column("id", _EXACT, primary_key=True),
    Column("kind", _EXACT, nullable=False),
    Column("partition", _EXACT, nullable=False),
    Column("account", _EXACT, nullable=False, index=True),
    Column("issued_before", Instant, nullable=False),
    Column("longest", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("because", Text, nullable=False),
    Column("person", _EXACT, nullable=False, index=True),
    Column("role_arn", _EXACT, nullable=False),
    Column("source_identity", _EXACT, nullable=False),
    Column("session_name", _EXACT, nullable=False),
    Column("grant_id", _EXACT, nullable=False),
    Column("state", _EXACT, nullable=False),
    Column("told", Text, nullable=False),
    Column("settled_at", Instant),
    Column("mac", _DIGEST, nullable=False),
)

# The tokens of a connection are also its lock: whoever changes its users and groups holds them (`provisioned`).
SCIM_TOKENS = Table(
    "scim_tokens",
    METADATA,
    Column("connection", _EXACT, nullable=False),
    Column("id", _EXACT, nullable=False),
    Column("token", _DIGEST, nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=True),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("connection", "id"),
)

SCIM_USERS = Table(
    "scim_users",
    METADATA,
    Column("connection", _EXACT, nullable=False),
    Column("id", _EXACT, nullable=False),
    Column("user_name", _EXACT, nullable=False),
    # As names are compared: without case (RFC 7643 section 4.1.1).
    Column("user_name_key", _EXACT, nullable=False),
    Column("external_id", _EXACT),
    Column("active", Boolean, nullable=False),
    Column("resource", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("connection", "id"),
    Index("ix_scim_users_user_name_key", "connection", "user_name_key", unique=True),
    Index("ix_scim_users_external_id", "connection", "external_id"),
)

SCIM_GROUPS = Table(
    "scim_groups",
    METADATA,
    Column("connection", _EXACT, nullable=False),
    Column("id", _EXACT, nullable=False),
    Column("display_name", _EXACT, nullable=False),
    Column("display_name_key", _EXACT, nullable=False),
    Column("external_id", _EXACT),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("connection", "id"),
    Index("ix_scim_groups_display_name_key", "connection", "display_name_key"),
    Index("ix_scim_groups_external_id", "connection", "external_id"),
)

SCIM_MEMBERS = Table(
    "scim_members",
    METADATA,
    Column("connection", _EXACT, nullable=False),
    Column("group_id", _EXACT, nullable=False),
    Column("user_id", _EXACT, nullable=False),
    Column("mac", _DIGEST, nullable=False),
    PrimaryKeyConstraint("connection", "group_id", "user_id"),
    ForeignKeyConstraint(["connection", "group_id"], [SCIM_GROUPS.c.connection, SCIM_GROUPS.c.id], ondelete="CASCADE"),
    ForeignKeyConstraint(["connection", "user_id"], [SCIM_USERS.c.connection, SCIM_USERS.c.id], ondelete="CASCADE"),
    Index("ix_scim_members_user_id", "connection", "user_id"),
)
