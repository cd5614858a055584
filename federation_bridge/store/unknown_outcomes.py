"""Grants of which nobody knows what became: marked once, by whichever node looks first.

A process that is killed between AWS's answer and the audit leaves `grant.made` as the last word. The requests write
nothing for this: the audit is read once over, up to a mark, beside them.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry, GrantMade, GrantOutcomeUnknown
from federation_bridge.model import REDEEMABLE, RequestOrigin
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import AUDIT, SERVICE_MARKS
from federation_bridge.store.writing import Writing

_MARK = "grants followed up to"
_AT_ONCE = 10_000
"""Audit rows that one transaction looks at."""

_AFTER_MARK = AUDIT.c.number > bindparam("mark")
_NEXT = select(AUDIT.c.number).where(_AFTER_MARK).order_by(AUDIT.c.number).limit(bindparam("most")).subquery()
_LAST = select(func.max(_NEXT.c.number))
# A row from the future is of a clock that is wrong: it holds up nobody.
_FIRST_YOUNG = (
    select(AUDIT.c.number)
    .where(_AFTER_MARK, AUDIT.c.number <= bindparam("last"))
    .where(AUDIT.c.at > bindparam("old"), AUDIT.c.at <= bindparam("now"))
    .order_by(AUDIT.c.number)
    .limit(1)
)
_OTHER = AUDIT.alias("other")
_OUTCOME = exists().where(and_(_OTHER.c.grant_id == AUDIT.c.grant_id, _OTHER.c.number != AUDIT.c.number))
_WITHOUT_OUTCOME = (
    select(AUDIT)
    .where(_AFTER_MARK, AUDIT.c.number <= bindparam("last"), AUDIT.c.event == GrantMade.name, ~_OUTCOME)
    .order_by(AUDIT.c.number)
)
# Whoever else looks at this moment does the same work: nobody waits.
_TAKE_MARK = select(SERVICE_MARKS.c.value).where(SERVICE_MARKS.c.name == _MARK).with_for_update(skip_locked=True)
_HAS_MARK = select(SERVICE_MARKS.c.name).where(SERVICE_MARKS.c.name == _MARK)
_MOVE_MARK = update(SERVICE_MARKS).where(SERVICE_MARKS.c.name == _MARK).values(value=bindparam("reached"))


def mark_unknown_outcomes(audit: AuditTable, dialect: str, now: datetime) -> int:
    """Audits `grant.outcome_unknown` for each grant without a word of its outcome; gives how many.

    Only once no outcome can come any more (`REDEEMABLE`: the statement's life and as much again). Marks and audit
    entries are one transaction: once, also with many nodes.
    """
    marked = 0
    while True:
        with audit.writing(durable=False) as writing:
            found = _followed(writing, dialect, now)
        if found is None:
            return marked
        marked += found


def _followed(writing: Writing, dialect: str, now: datetime) -> int | None:
    """Looks at the next rows; gives how many grants were marked, or None where there was nothing to look at."""
    taken = writing.execute(_TAKE_MARK, {}).scalar_one_or_none()
    if taken is None:
        return _made_mark(writing, dialect)
    mark = int(taken)
    last = _last_settled(writing, mark, now)
    if last <= mark:
        return None
    grants = writing.execute(_WITHOUT_OUTCOME, {"mark": mark, "last": last}).all()
    writing.record(*(_unknown(row, now) for row in grants))
    writing.execute(_MOVE_MARK, {"reached": str(last)})
    return len(grants)


def _made_mark(writing: Writing, dialect: str) -> int | None:
    """Makes the mark where there is none (0: go on); None where another node holds it, for whom nobody waits."""
    # Looked for first: an insertion waits for whoever changes the row.
    if writing.execute(_HAS_MARK, {}).scalar_one_or_none():
        return None
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    writing.execute(insert(SERVICE_MARKS).on_conflict_do_nothing(), {"name": _MARK, "value": "0"})
    return 0


def _last_settled(writing: Writing, mark: int, now: datetime) -> int:
    """The last number up to which every row is old enough; a number that is taken and not committed yet is younger."""
    last: int | None = writing.execute(_LAST, {"mark": mark, "most": _AT_ONCE}).scalar_one_or_none()
    if last is None:
        return mark
    times = {"mark": mark, "last": last, "old": now - REDEEMABLE, "now": now}
    young: int | None = writing.execute(_FIRST_YOUNG, times).scalar_one_or_none()
    return last if young is None else young - 1


def _unknown(row: Row, now: datetime) -> Entry:
    made = json.loads(row.details)
    event = GrantOutcomeUnknown(
        grant_id=row.grant_id,
        account=row.account,
        role=row.role,
        session_name=made.get("session_name", ""),  # not there where its person was erased
        made_at=row.at,
    )
    # Under the reference of the request that died, so that whoever looks for that finds this.
    origin = RequestOrigin(reference=row.reference, address="", user_agent="")
    return Entry(now, origin, event, person=row.person, connection=row.connection)
