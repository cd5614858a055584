"""Grants as the bridge makes and redeems them, with their lines of the ledger and their entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import aws_factories

from federation_bridge.audit import Entry, GrantFailed, GrantMade, GrantRedeemed
from federation_bridge.model import LiveGrant, RequestOrigin
from federation_bridge.store import Store
from federation_bridge.store.hand_overs import Acting

KEY = "ASIAEXAMPLEEXAMPLE12"
_ORIGIN = RequestOrigin("ref-grant", "192.0.2.7", "Browser/1")


def made(
    store: Store,
    now: datetime,
    person: str = "corp/ada",
    grant_id: str = "_grant",
    *,
    role: str = "Admin",
    is_handed_over: bool = False,
) -> LiveGrant:
    """A grant for an hour, before AWS is asked."""
    name = person.rpartition("/")[2]
    granted = aws_factories.grant(
        id=grant_id, person=person, role=role, session_name=name, decided_at=now, reason="a deployment"
    )
    line = LiveGrant.of(granted, ends_at=now + timedelta(hours=1), is_handed_over=is_handed_over)
    entry = Entry(now, _ORIGIN, GrantMade.of(granted), person=person, connection=line.connection)
    assert store.session_names.claim(name, person, entry, live=line)
    return line


def sold(store: Store, now: datetime, key: str = KEY, person: str = "corp/ada", grant_id: str = "_grant") -> LiveGrant:
    """The same, redeemed: AWS issued fifty minutes."""
    line = replace(made(store, now, person, grant_id), access_key_id=key, ends_at=now + timedelta(minutes=50))
    event = GrantRedeemed(line.id, key, "request-1", "us-east-1", line.ends_at, "arn")
    store.live_grants.completed(line, _entry(now, event, line), Acting("", person))
    return line


def refused(store: Store, now: datetime, key: str) -> LiveGrant:
    """A grant for which AWS issued too long a session: nobody received it."""
    line = replace(made(store, now), access_key_id=key, ends_at=now + timedelta(hours=9))
    event = GrantFailed(line.id, "aws_answer_unusable", "too long", key, line.ends_at)
    store.live_grants.completed(line, _entry(now, event, line), Acting("", line.person))
    return line


def _entry(now: datetime, event: GrantRedeemed | GrantFailed, line: LiveGrant) -> Entry:
    return Entry(now, _ORIGIN, event, person=line.person, connection=line.connection)
