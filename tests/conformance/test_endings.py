"""The one verb that ends: all of a person in one transaction, once, with its audit entry; and nobody else's."""

from __future__ import annotations

from datetime import datetime

import pytest
from databases import HeldClock
from family_factories import USER_CODE, family, let_in, pair, request, signed_in
from store_factories import IDLE

from federation_bridge.ending import NOT_CONNECTED, Cause, Ended, Endings, HandedToAws, NotConnected
from federation_bridge.errors import Unavailable
from federation_bridge.model import AuthorizationCode
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.writing import Writing

CAUSE = Cause("scim", "corp's directory", "disabled there", "corp")
ALICE = "corp/alice"


def everything_of_alice(store: Store, now: datetime) -> None:
    """A browser, a command line, a device that she looks at, and a code that is on its way."""
    let_in(store, now)
    code = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "waits", family(now).ends_at)
    store.authorization_codes.issue("waiting code", code, family(now, "waits"))
    assert store.device_codes.begin("device", USER_CODE, request(now))
    assert store.device_codes.claim(USER_CODE, family(now).approved_in)


class Recording(NotConnected):
    """An AWS that is told, and remembers it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Cause]] = []

    def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
        self.told.append((person, cause))
        return HandedToAws(sessions=2)


def test_an_end_ends_browsers_command_lines_codes_and_devices_that_wait(store: Store, clock: HeldClock) -> None:
    everything_of_alice(store, clock())
    ended = Endings(store, clock).end_person(ALICE, CAUSE, in_aws=False)
    assert ended == Ended(sessions=1, command_lines=1, pending=2)
    assert store.sessions.live(family(clock()).approved_in, IDLE) is None
    assert store.token_families.live("access family") is None
    assert store.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "2")) is None
    assert store.authorization_codes.take("waiting code") is None
    assert store.device_codes.redeem("device", "fedbridge", None, pair(clock(), "3")) is Poll.DENIED


def test_an_end_is_audited_once_and_done_again_ends_nothing(store: Store, clock: HeldClock) -> None:
    everything_of_alice(store, clock())
    endings = Endings(store, clock)
    endings.end_person(ALICE, CAUSE, in_aws=False)
    assert endings.end_person(ALICE, CAUSE, in_aws=False) == Ended()
    (told,) = store.audit.entries(event="access.ended")
    assert (told.person, told.connection, told.reference) == (ALICE, "corp", "scim")
    counts = {"sessions": 1, "command_lines": 1, "pending": 2, "in_aws": 0, "not_in_aws": ""}
    assert told.details == {"kind": "scim", "by": "corp's directory", "reason": "disabled there", **counts}


def test_an_end_of_one_person_ends_nobody_else(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock(), "b" * 64, "bob")
    everything_of_alice(store, clock())
    Endings(store, clock).end_person(ALICE, CAUSE, in_aws=False)
    assert store.sessions.live("b" * 64, IDLE)


def test_aws_is_told_in_the_same_transaction_and_only_where_that_is_demanded(store: Store, clock: HeldClock) -> None:
    aws = Recording()
    endings = Endings(store, clock, aws)
    endings.end_person(ALICE, CAUSE, in_aws=False)
    assert aws.told == []
    # Also for somebody who holds nothing here any more: what AWS issued may live on.
    assert endings.end_person(ALICE, CAUSE, in_aws=True).aws == HandedToAws(sessions=2)
    assert aws.told == [(ALICE, CAUSE)]
    (told,) = store.audit.entries(event="access.ended")
    assert told.details["in_aws"] == 2


def test_an_end_that_cannot_be_written_whole_ends_nothing_and_tells_nobody(store: Store, clock: HeldClock) -> None:
    class Failing(Recording):
        def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
            raise Unavailable("no room for an errand")

    everything_of_alice(store, clock())
    with pytest.raises(Unavailable):
        Endings(store, clock, Failing()).end_person(ALICE, CAUSE, in_aws=True)
    assert store.token_families.live("access family") is not None
    assert store.audit.entries(event="access.ended") == ()


def test_where_nothing_reaches_aws_the_end_here_stands_and_it_is_said(store: Store, clock: HeldClock) -> None:
    everything_of_alice(store, clock())
    ended = Endings(store, clock).end_person(ALICE, CAUSE, in_aws=True)
    assert (ended.here, ended.aws.told) == (4, NOT_CONNECTED)
    (told,) = store.audit.entries(event="access.ended")
    assert told.details["not_in_aws"] == NOT_CONNECTED
