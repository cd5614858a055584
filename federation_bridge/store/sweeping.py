"""Removes what has run out: ended sessions and tokens, spent messages, grants that are over, tries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Delete, Table, bindparam, delete, exists, or_, select, tuple_

from federation_bridge.model import CHAINED
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.readiness import clock_difference
from federation_bridge.store.tables import (
    DEVICE_CODES,
    ENDED_HOLDINGS,
    GROUP_CHANGES,
    LIVE_GRANTS,
    PEOPLE,
    PROVIDER_ENDINGS,
    REFUSALS,
    ROLE_HABITS,
    SESSIONS,
    SPENT_MESSAGES,
    TOKEN_FAMILIES,
    TOKENS,
    TRIES,
)
from federation_bridge.store.unknown_outcomes import mark_unknown_outcomes

_BATCH = 1_000
"""Rows in one transaction: on SQLite nobody else writes meanwhile."""

PEOPLE_KEPT = timedelta(days=90)
"""For how long after their last sign-in people are remembered, where no setting says otherwise."""


def sweep(
    database: Database, audit: AuditTable, now: datetime, people_kept: timedelta = PEOPLE_KEPT, batch: int = _BATCH
) -> int:
    """Removes all rows that have run out by `now`; gives how many. Several nodes may sweep at the same time.

    On PostgreSQL a node whose clock is fast sweeps by the database's. Grants whose outcome nobody knows are marked too.
    """
    with database.reading() as connection:
        earlier = now + min(clock_difference(database, connection, now), timedelta(0))
    mark_unknown_outcomes(audit, database.dialect, earlier)
    long_ago = {"now": earlier - people_kept, "batch": batch}
    swept = sum(_sweep(database, statement, long_ago) for statement in (_UNSEEN, _OLD_GROUPS, _OLD_HABITS))
    swept += _sweep(database, _OVER, {"now": earlier - CHAINED, "batch": batch})
    return swept + sum(_sweep(database, statement, {"now": earlier, "batch": batch}) for statement in _STATEMENTS)


def _sweep(database: Database, statement: Delete, values: dict[str, Any]) -> int:
    swept = 0
    while True:
        # Ordered: what a power failure brings back has run out still, and is swept again.
        with database.writing(durable=False) as connection:
            removed = connection.execute(statement, values).rowcount
        swept += removed
        if removed < values["batch"]:
            return swept


def _removal(table: Table, key: Column[str], runs_out: Column[datetime]) -> Delete:
    # SKIP LOCKED (PostgreSQL; SQLite knows no row locks): two nodes that sweep take different rows, and never wait for
    # each other.
    gone = select(key).where(runs_out <= bindparam("now")).limit(bindparam("batch")).with_for_update(skip_locked=True)
    return delete(table).where(key.in_(gone))


_UNSEEN = _removal(PEOPLE, PEOPLE.c.person, PEOPLE.c.last_seen_at)
_OVER = _removal(LIVE_GRANTS, LIVE_GRANTS.c.grant_id, LIVE_GRANTS.c.ends_at)
"""With `now` an hour back: a session that was assumed with its credentials lives no longer than that."""
_LATER = GROUP_CHANGES.alias("later")
_HAD_OTHERS_BY_THEN = exists().where(
    _LATER.c.person == GROUP_CHANGES.c.person,
    _LATER.c.last_seen_at > GROUP_CHANGES.c.last_seen_at,
    _LATER.c.last_seen_at <= bindparam("now"),
)
_FORGOTTEN = ~exists().where(PEOPLE.c.person == GROUP_CHANGES.c.person)
_GROUPS_KEY = tuple_(GROUP_CHANGES.c.person, GROUP_CHANGES.c.last_seen_at, GROUP_CHANGES.c.groups_digest)
# Of groups that somebody still had at the time up to which is remembered, the row stays, however old it is.
_OLD_GROUPS = delete(GROUP_CHANGES).where(
    _GROUPS_KEY.in_(
        select(GROUP_CHANGES.c.person, GROUP_CHANGES.c.last_seen_at, GROUP_CHANGES.c.groups_digest)
        .where(GROUP_CHANGES.c.last_seen_at <= bindparam("now"), or_(_FORGOTTEN, _HAD_OTHERS_BY_THEN))
        .limit(bindparam("batch"))
        .with_for_update(skip_locked=True, of=GROUP_CHANGES)
    )
)
_HABIT_KEY = (ROLE_HABITS.c.person, ROLE_HABITS.c.account, ROLE_HABITS.c.role)
# What somebody keeps on top stays as long as they are remembered.
_OLD_HABITS = delete(ROLE_HABITS).where(
    tuple_(*_HABIT_KEY).in_(
        select(*_HABIT_KEY)
        .where(
            ROLE_HABITS.c.changed_at <= bindparam("now"),
            or_(~ROLE_HABITS.c.is_favourite, ~exists().where(PEOPLE.c.person == ROLE_HABITS.c.person)),
        )
        .limit(bindparam("batch"))
        .with_for_update(skip_locked=True, of=ROLE_HABITS)
    )
)
_STATEMENTS = (
    _removal(SESSIONS, SESSIONS.c.token_hash, SESSIONS.c.ends_at),
    _removal(DEVICE_CODES, DEVICE_CODES.c.device_code, DEVICE_CODES.c.kept_until),
    _removal(TOKENS, TOKENS.c.token, TOKENS.c.ends_at),
    _removal(TOKEN_FAMILIES, TOKEN_FAMILIES.c.id, TOKEN_FAMILIES.c.ends_at),
    _removal(TRIES, TRIES.c.bucket, TRIES.c.ends_at),
    _removal(REFUSALS, REFUSALS.c.number, REFUSALS.c.kept_until),
    _removal(PROVIDER_ENDINGS, PROVIDER_ENDINGS.c.name, PROVIDER_ENDINGS.c.kept_until),
    _removal(ENDED_HOLDINGS, ENDED_HOLDINGS.c.holding, ENDED_HOLDINGS.c.kept_until),
    _removal(SPENT_MESSAGES, SPENT_MESSAGES.c.message, SPENT_MESSAGES.c.kept_until),
)
