"""No door and no variant of a grant forgets a rule that denies, also where the groups are incomplete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import web_factories
from databases import HeldClock
from store_factories import revocation
from web_factories import ACCOUNT, Person, door_of, made_app

from federation_bridge.bridge.granting import Grants
from federation_bridge.errors import BridgeError, RoleNotGranted, RoleWithheld, Unavailable
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Groups, Identity, RequestOrigin, Session

RULES = f"""
version: 1
rules:
  - id: ada
    connection: corp
    when: {{person: ada}}
    grant: {{role: "{ACCOUNT}/Administrator"}}
  - id: leavers
    connection: corp
    when: {{group: leavers}}
    deny: {{role: "*/*"}}
"""
DOORS = ("credentials", "web_identity_token", "console")
ROLE_REQUEST = RoleRequest(ACCOUNT, "Administrator")


class Reached(Unavailable):
    """The decision was a yes: a statement for AWS was about to be signed."""


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    def signed(_grants: Grants, _grant: Any) -> Any:
        raise Reached("a statement would be signed")

    monkeypatch.setattr(web_factories, "_RULES", RULES)
    # Whether AWS could enforce what leaves the bridge is asked after the rules, and is no matter of theirs.
    monkeypatch.setattr(Grants, "_check_may_leave", lambda *_: None)
    monkeypatch.setattr(Grants, "statement", signed)
    app = made_app(tmp_path, clock)
    yield Person(app, app.test_client())
    door_of(app).store.close()


def asks(ada: Person, clock: HeldClock, door: str, groups: Groups) -> object:
    now = clock()
    identity = Identity(connection="corp", subject="ada", name="Ada", groups=groups)
    session = Session("k", identity, now, now, now + timedelta(hours=12), confirmed=True)
    caller = Caller(session, RequestOrigin("ref", "192.0.2.7"), "192.0.2.7")
    try:
        more = ("",) if door == "console" else ()
        return getattr(door_of(ada.app).bridge, door)(caller, ROLE_REQUEST, *more)
    except BridgeError as problem:
        return problem


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "groups",
    [Groups(("leavers",)), Groups((), "too many"), Groups(("staff",), "too many"), Groups((), None, "a line break")],
    ids=["member", "unknown", "unknown beside others", "left out"],
)
def test_who_is_denied_gets_nothing_at_any_door(ada: Person, clock: HeldClock, door: str, groups: Groups) -> None:
    refusal = asks(ada, clock, door, groups)
    assert isinstance(refusal, RoleWithheld | RoleNotGranted)
    assert "denied by rule leavers" in str(refusal.detail)


@pytest.mark.parametrize("door", DOORS)
def test_who_is_known_to_be_no_member_is_let_through(ada: Person, clock: HeldClock, door: str) -> None:
    assert isinstance(asks(ada, clock, door, Groups(("staff",))), Reached)


def test_every_verb_that_takes_a_role_request_is_a_door_of_this_table(ada: Person) -> None:
    bridge = type(door_of(ada.app).bridge)
    verbs = {
        name
        for name, verb in vars(bridge).items()
        if callable(verb) and not name.startswith("_") and "role_request" in verb.__code__.co_varnames
    }
    # `length` only tells how long a grant would be.
    assert verbs - {"length"} == set(DOORS)


def _ended(ada: Person, clock: HeldClock, person: str) -> None:
    named = f"{person.replace('/', '-')}-of-old"
    asked = revocation(clock(), account=ACCOUNT, person=person, source_identity=named)
    door_of(ada.app).store.revocations.add([asked])


@pytest.mark.parametrize("door", DOORS)
def test_who_was_ended_gets_no_session_that_aws_would_deny(ada: Person, clock: HeldClock, door: str) -> None:
    _ended(ada, clock, "corp/ada")
    refusal = asks(ada, clock, door, Groups(("staff",)))
    assert isinstance(refusal, RoleWithheld)
    assert refusal.detail.startswith("revocation ")
    assert door_of(ada.app).store.live_grants.of_person("corp/ada") == ()


@pytest.mark.parametrize("door", DOORS)
def test_the_end_of_another_keeps_nobody_waiting(ada: Person, clock: HeldClock, door: str) -> None:
    _ended(ada, clock, "corp/mallory")
    assert isinstance(asks(ada, clock, door, Groups(("staff",))), Reached)
