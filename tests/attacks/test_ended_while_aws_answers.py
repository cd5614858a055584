"""Somebody is put out, or blocked, while AWS is asked: its answer reaches nobody, and is named to be ended there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_login_factories import Aws, stand_in
from block_factories import appear, block, lift
from databases import HeldClock
from oauth_factories import Program
from store_factories import revocation
from web_factories import ACCOUNT, Person, door_of, person_at

from federation_bridge.aws import console
from federation_bridge.ending import Cause, HandedToAws, NotConnected
from federation_bridge.model import Departure, RevocationState
from federation_bridge.store import Store
from federation_bridge.store.writing import Writing

ADA = "corp/ada"
PAGE = f"/roles/{ACCOUNT}/Reader/credentials"
OPERATOR = Cause("administrator", "operator", "left the company")


class Told(NotConnected):
    """An AWS that is told, and remembers of which grants."""

    def __init__(self) -> None:
        self.grants: list[str] = []

    def grant(self, writing: Writing, grant_id: str, cause: Cause) -> HandedToAws:
        assert cause.kind == "re-check"
        self.grants.append(grant_id)
        return HandedToAws(sessions=1)


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock, command_line={"web_identity_files": True}):
        one.sign_in(clock, "admins", "readers")
        yield one


@pytest.fixture
def told(person: Person) -> Told:
    told = Told()
    door_of(person.app).endings.aws = told
    return told


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock: HeldClock) -> Aws:
    monkeypatch.setattr(console, "federation_link", lambda *_, **__: Departure("https://signin.aws.amazon.com/x"))
    return stand_in(monkeypatch, clock)


def store_of(person: Person) -> Store:
    return door_of(person.app).store


def _end(person: Person, _: HeldClock) -> None:
    assert door_of(person.app).endings.end_person(ADA, OPERATOR, in_aws=False).here


def _block(person: Person, clock: HeldClock) -> None:
    store_of(person).blocks.put(block(clock(), ADA), lambda _: ())


def _incident(person: Person, clock: HeldClock) -> None:
    store_of(person).blocks.put(block(clock(), "", "incident", "corp/bob"), lambda _: ())


def _slipped_past(person: Person, clock: HeldClock) -> None:
    """The block stands, and the session came in at its very moment."""
    appear(store_of(person), block(clock(), ADA))


MEANWHILE = {"an end": _end, "a block": _block, "an incident": _incident, "a block alone": _slipped_past}
Meanwhile = Callable[[Person, HeldClock], None]


def _failed(person: Person) -> list[Any]:
    return [one.details["code"] for one in store_of(person).audit.entries(event="grant.failed")]


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
@pytest.mark.parametrize("page", [PAGE, f"/roles/{ACCOUNT}/Reader/console"], ids=["credentials", "console link"])
def test_what_aws_answers_after_an_end_reaches_nobody_and_is_named_to_be_ended(
    person: Person, told: Told, aws: Aws, clock: HeldClock, meanwhile: Meanwhile, page: str
) -> None:
    aws.before = lambda: meanwhile(person, clock)
    answer = person.post(page)
    assert answer.status_code == 401
    assert "Your access ended while this was under way" in answer.text
    assert "ASIA" not in answer.text
    assert aws.sold == 1
    (redeemed,) = store_of(person).audit.entries(event="grant.redeemed")
    assert told.grants == [redeemed.details["grant_id"]]
    assert _failed(person) == ["ended_meanwhile"]


@pytest.mark.parametrize("page", [PAGE, f"/roles/{ACCOUNT}/Reader/console"], ids=["credentials", "console link"])
def test_who_is_still_in_gets_it_also_while_an_incident_spares_them_or_another_is_put_out(
    person: Person, told: Told, aws: Aws, clock: HeldClock, page: str
) -> None:
    """The valid twin."""

    def meanwhile() -> None:
        store = store_of(person)
        store.blocks.put(block(clock(), "", "incident", ADA), lambda _: ())
        store.blocks.put(block(clock(), "corp/bob"), lambda _: ())

    aws.before = meanwhile
    assert person.post(page).status_code in (200, 303)
    aws.before = lambda: None
    assert lift(store_of(person), clock, "", "incident")
    assert (told.grants, _failed(person)) == ([], [])


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
def test_a_command_line_that_ends_while_aws_is_asked_gets_nothing(
    person: Person, told: Told, aws: Aws, clock: HeldClock, meanwhile: Meanwhile
) -> None:
    program = Program(person, clock)
    token = program.login()["access_token"]
    asked = (f"/api/v1/roles/{ACCOUNT}/Reader/credentials", token)
    assert program.call("POST", *asked, json={}).status_code == 200
    aws.before = lambda: meanwhile(person, clock)
    answer = program.call("POST", *asked, json={})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "ended_meanwhile")
    assert len(told.grants) == 1


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
def test_a_statement_that_is_signed_before_an_end_does_not_leave_after_it(
    person: Person, told: Told, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile
) -> None:
    really = console.saml_form

    def signing(*given: Any, **how: Any) -> Departure:
        meanwhile(person, clock)
        return really(*given, **how)

    monkeypatch.setattr(console, "saml_form", signing)
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/console")
    assert answer.status_code == 401
    assert "SAMLResponse" not in answer.text
    assert told.grants == []  # nothing was issued
    assert _failed(person) == ["ended_meanwhile"]
    assert store_of(person).audit.entries(event="console.opened") == ()


def test_the_same_statement_leaves_for_who_is_still_in(person: Person) -> None:
    """The valid twin."""
    assert "SAMLResponse" in person.post(f"/roles/{ACCOUNT}/Administrator/console").text


@pytest.mark.parametrize("page", [PAGE, f"/roles/{ACCOUNT}/Reader/console"], ids=["credentials", "console link"])
@pytest.mark.parametrize(("behind", "status"), [(30, 403), (10, 200)], ids=["before the instant", "after it"])
def test_what_aws_issued_before_the_instant_of_a_deny_reaches_nobody_where_our_clock_is_fast(
    person: Person, aws: Aws, clock: HeldClock, page: str, behind: int, status: int
) -> None:
    """AWS holds its own clock against the deny: it would be handed out dead."""
    aws.behind = timedelta(seconds=behind)
    instant = clock() - timedelta(seconds=20)
    ended = revocation(clock(), account=ACCOUNT, person=ADA, issued_before=instant, state=RevocationState.ENDED)
    store_of(person).revocations.add([ended])
    answer = person.post(page)
    assert aws.sold == 1
    assert (answer.status_code == 403) == (status == 403)
    assert (f"New ones are given from {instant:%Y-%m-%d %H:%M:%S} (UTC) on" in answer.text) == (status == 403)
    assert ("ASIA" in answer.text) == (status == 200 and page == PAGE)
    assert _failed(person) == (["role_withheld"] if status == 403 else [])
