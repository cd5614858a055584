"""Every row of the database that is about one person, as it stands, for whoever asks what is kept of them.

`PERSON_IN` says of each table how such rows are found. docs/personal-data.md tells of every column whether it is about
a person; a test holds the page to the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select

from federation_bridge.audit import printable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import (
    AUDIT,
    BLOCKS,
    ENDED_HOLDINGS,
    GROUP_CHANGES,
    LIVE_GRANTS,
    METADATA,
    PEOPLE,
    REVOCATIONS,
    ROLE_HABITS,
    RULEBOOK_PROPOSALS,
    SESSION_NAMES,
    SESSIONS,
    TOKEN_FAMILIES,
)

_DIGEST: BindParameter[str] = bindparam("digest")
_NAME: BindParameter[str] = bindparam("name")
_PRINTED: BindParameter[str] = bindparam("printed")
_CONNECTION: BindParameter[str] = bindparam("connection")
_SUBJECT: BindParameter[str] = bindparam("subject")

PERSON_IN: dict[str, ColumnElement[bool]] = {
    SESSIONS.name: SESSIONS.c.person == _DIGEST,
    PEOPLE.name: PEOPLE.c.person == _DIGEST,
    GROUP_CHANGES.name: GROUP_CHANGES.c.person == _DIGEST,
    TOKEN_FAMILIES.name: TOKEN_FAMILIES.c.person == _DIGEST,
    SESSION_NAMES.name: SESSION_NAMES.c.person == _DIGEST,
    LIVE_GRANTS.name: LIVE_GRANTS.c.person == _DIGEST,
    ROLE_HABITS.name: ROLE_HABITS.c.person == _DIGEST,
    ENDED_HOLDINGS.name: ENDED_HOLDINGS.c.whose == _DIGEST,
    BLOCKS.name: or_(BLOCKS.c.whose == _DIGEST, BLOCKS.c.scope == _NAME),
    REVOCATIONS.name: REVOCATIONS.c.person == _NAME,
    RULEBOOK_PROPOSALS.name: (
        (RULEBOOK_PROPOSALS.c.author_connection == _CONNECTION) & (RULEBOOK_PROPOSALS.c.author_subject == _SUBJECT)
    ),
    AUDIT.name: AUDIT.c.person == _PRINTED,
}
"""A table in which people stand by name or digest, and which of its rows are a person's."""

_DOCUMENTS = frozenset({"identity", "details", "excepted"})
_OPENS_OR_PROVES = frozenset({"token_hash", "mac", "sealed", "token", "salt"})
"""Columns that tell nothing of anybody, and that nobody needs to see."""


def rows_about(database: Database, person: str) -> Iterator[dict[str, Any]]:
    """Each row about a person (`connection/subject`): its table as `table`, and its columns by name; times as ISO 8601.

    Unavailable where the database fails.
    """
    connection, _, subject = person.partition("/")
    values = {
        "digest": digest_of("person", person),
        "name": person,
        "printed": printable(person),
        "connection": connection,
        "subject": subject,
    }
    for name in sorted(PERSON_IN):
        columns = [column.name for column in METADATA.tables[name].c if column.name not in _OPENS_OR_PROVES]
        with database.reading() as reading:
            for row in reading.execute(_rows(name, columns), values):
                yield {"table": name} | {column: _told(column, row[at]) for at, column in enumerate(columns)}


def _rows(name: str, columns: list[str]) -> Select[Any]:
    table = METADATA.tables[name]
    return select(*(table.c[column] for column in columns)).where(PERSON_IN[name]).order_by(*table.primary_key)


def _told(column: str, value: Any) -> Any:
    if column in _DOCUMENTS:
        return json.loads(value)
    return value.isoformat() if isinstance(value, datetime) else value
