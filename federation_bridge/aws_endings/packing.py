"""Many ends in one policy: instants that they can share, so that they fit, without denying anybody wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from federation_bridge.aws.revocations import Deny
from federation_bridge.model import CLOCKS_APART, Revocation, RevocationState
from federation_bridge.store.live_grants import LiveGrants

CROWDED = 8
"""With more ends than this in one account they share instants; up to this, each has a statement of its own."""
_STEP = timedelta(minutes=1)


def deny_of(one: Revocation, at_latest: datetime | None = None) -> Deny:
    """What the policy says of a revocation."""
    return Deny(one.issued_before, one.source_identity, one.session_name, one.role_arn, one.grant_id, at_latest)


def on_full_minutes(wanted: Sequence[Revocation]) -> list[Revocation]:
    """Of many ends, those that AWS was not told yet are moved to the next full minute; nobody is let in before it."""
    if len(wanted) <= CROWDED:
        return list(wanted)
    is_open = RevocationState.ENDING
    return [
        replace(one, issued_before=_full_minute(one.issued_before)) if one.state is is_open else one for one in wanted
    ]


def denies_of(timed: Sequence[Revocation], ledger: LiveGrants, now: datetime) -> Mapping[str, Deny]:
    """The deny of each, by id. Of many, those that AWS holds already may share an instant."""
    if len(timed) <= CROWDED:
        return {one.id: deny_of(one) for one in timed}
    return {one.id: deny_of(one, at_latest(one, ledger, now)) for one in timed}


def _full_minute(instant: datetime) -> datetime:
    over = timedelta(seconds=instant.second, microseconds=instant.microsecond)
    return instant - over + _STEP if over else instant


def at_latest(one: Revocation, ledger: LiveGrants, now: datetime) -> datetime | None:
    """The latest instant that a settled end may get: until then nobody whom it names got a session.

    None for all but the end of a person by source identity. Its people were let in again with the first line of the
    ledger, in any account, that is younger than the end. This stops `CLOCKS_APART` before that line, or before now:
    AWS's clock may be behind ours, and a line may not be written yet.
    """
    if one.state is not RevocationState.ENDED or one.kind != "person" or not one.source_identity:
        return None
    lives = (*ledger.of_person(one.person), *ledger.of_source_identity(one.account, one.source_identity))
    let_in = [live.made_at for live in lives if live.made_at >= one.issued_before]
    latest = (min([now, *let_in]) - CLOCKS_APART).replace(microsecond=0)
    return latest if latest > one.issued_before else None
