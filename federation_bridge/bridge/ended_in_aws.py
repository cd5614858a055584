"""Nobody gets a new AWS session that AWS would deny: until the instant of an end, people are told to wait."""

from __future__ import annotations

from datetime import datetime

from federation_bridge.errors import RoleWithheld
from federation_bridge.model import Grant, Revocation, RevocationState
from federation_bridge.sentence import Sentence
from federation_bridge.store import Store


def demand_not_ended(store: Store, grant: Grant, now: datetime) -> None:
    """RoleWithheld, with until when, where this grant's sessions are among those that AWS denies or will deny."""
    about = store.revocations.of_person(grant.person, grant.account.id, grant.source_identity)
    named = grant.source_identity
    found = [one for one in about if one.holds_up(grant.person, grant.role_arn, now, source_identity=named)]
    if found:
        last = max(found, key=lambda one: (one.state is RevocationState.ENDING, one.issued_before))
        raise RoleWithheld(f"revocation {last.id} ({last.state}) holds until {last.issued_before}", _told(last))


def _told(one: Revocation) -> Sentence:
    instant = one.issued_before.strftime("%Y-%m-%d %H:%M:%S")
    if one.state is RevocationState.ENDING:
        return Sentence(
            "Your AWS sessions here were ended. New ones are given once AWS knows, and not before %(instant)s (UTC).",
            instant=instant,
        )
    return Sentence("Your AWS sessions here were ended. New ones are given from %(instant)s (UTC) on.", instant=instant)
