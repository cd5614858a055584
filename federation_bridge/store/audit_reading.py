"""The statements that look in the audit: each goes by one index, and pages by key, never by offset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Select, Table, cast, func, or_, select
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from federation_bridge.audit import AuditQuery, ConsoleOpened, Cursor, GrantHandedOver, GrantMade, GrantRedeemed
from federation_bridge.store.tables import AUDIT

_UNINDEXED: Any = custom_op("+")


def newest(table: Table, query: AuditQuery, dialect: str, before: Cursor | None, most: int) -> Select[Any]:
    """The newest rows that the query means, newest first, those after the cursor.

    SQLite has no statistics of ours: it is told to go by what narrows most, and not by another index that fits too.
    """
    statement = select(table).order_by(table.c.at.desc(), table.c.number.desc()).limit(most)
    for place, (name, value) in enumerate(query.named().items()):
        column = table.c[name]
        statement = statement.where((_unindexed(column) if place and dialect == "sqlite" else column) == value)
    if query.since is not None:
        statement = statement.where(table.c.at >= query.since)
    if query.until is not None:
        statement = statement.where(table.c.at < query.until)
    return statement if before is None else statement.where(*_after(table, before))


def _after(table: Table, cursor: Cursor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.at <= cursor.at, or_(table.c.at < cursor.at, table.c.number < cursor.number)


def _unindexed(column: Column[str]) -> ColumnElement[str]:
    # SQLite: a term with a unary plus is a condition on rows that were found, and chooses no index.
    return UnaryExpression(column, operator=_UNINDEXED, type_=column.type)


def last_uses(narrowed: AuditQuery, dialect: str) -> Select[Any]:
    """For each person, account and role of a grant that left the bridge, when one did so last.

    A redeemed grant does not name its role: the one that was made does. Statements that were handed over count, for
    whether AWS took them is not seen here. `narrowed` names a person, an account and a role, or some of them: then no
    more is read than grants of theirs.
    """
    made, used = AUDIT.alias("made"), AUDIT.alias("used")
    plain = _unindexed if dialect == "sqlite" else _as_it_is
    left_us = (plain(used.c.event) == event.name for event in (GrantRedeemed, GrantHandedOver, ConsoleOpened))
    whose = (made.c.person, made.c.account, made.c.role)
    statement = (
        select(*whose, func.max(used.c.at).label("at"))
        .join_from(made, used, made.c.grant_id == used.c.grant_id)
        .where(made.c.grant_id > "", used.c.grant_id > "", or_(*left_us))
        .group_by(*map(plain, whose))
    )
    # What is asked first is what narrows most; where nothing is, the index by grant has all that is needed.
    asked = list(narrowed.named().items())
    for place, (name, value) in enumerate(asked):
        statement = statement.where((plain(made.c[name]) if place else made.c[name]) == value)
    return statement.where(plain(made.c.event) == GrantMade.name)


def _as_it_is(column: Column[str]) -> ColumnElement[str]:
    return column


def rules_used(since: datetime, dialect: str, most: int) -> Select[Any]:
    """The rules by which something was granted since this instant, each with how often, and the first time of these.

    Of the newest `most` grants alone: a question about all of them would grow with the audit until the database ends
    it. The rule is NULL for grants to people who were erased.
    """
    newest = (
        select(AUDIT.c.details, AUDIT.c.at)
        .where(AUDIT.c.event == GrantMade.name, AUDIT.c.at >= since)
        .order_by(AUDIT.c.at.desc())
        .limit(most)
        .subquery("newest")
    )
    if dialect == "sqlite":
        rule: ColumnElement[Any] = func.json_extract(newest.c.details, "$.rule")
    else:
        rule = cast(newest.c.details, JSON)["rule"].as_string()
    counted = select(rule.label("rule"), func.count().label("grants"), func.min(newest.c.at).label("first"))
    return counted.group_by(rule)


def begin() -> Select[Any]:
    """When the oldest entry was made."""
    return select(func.min(AUDIT.c.at).label("at"))
