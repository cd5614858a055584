"""A token that leaves the bridge: who gets one, and every way to get more than the twin beside it (ADR 0008).

What AWS then says to its holder stands in `tests/conformance/test_aws_believes_us.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from joserfc import jwt
from joserfc.jwk import KeySet
from oauth_factories import Program, approve
from web_factories import BASE, TOKEN, Person, door_of, person_at

from federation_bridge.aws import signed_statement
from federation_bridge.bridge import granting, token_hash
from federation_bridge.errors import Unavailable
from federation_bridge.model import Block
from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token

OIDC, SAML = "222233334444", "111122223333"
DEVELOPER = f"/api/v1/roles/{OIDC}/Developer/web-identity-token"

ACCOUNTS = f"""
version: 1
accounts:
  - id: "{OIDC}"
    name: Development
    provider: arn:aws:iam::{OIDC}:oidc-provider/aws.example.com
    roles:
      - {{name: Developer, max_session: 2h, web_identity_file: true}}
      - {{name: Unpinned, max_session: 2h}}
  - id: "{SAML}"
    name: Production
    provider: arn:aws:iam::{SAML}:saml-provider/bridge
    roles: [{{name: Developer, max_session: 2h}}]
"""


def _rule(group: str, role: str, more: str = "max_duration: 2h", when: str = "") -> str:
    condition = f"all: [{{group: {group}}}, {when}]" if when else f"group: {group}"
    return f"""
  - id: {group}
    connection: corp
    when: {{{condition}}}
    grant: {{role: "{role}", {more}}}"""


_POLICY = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:Get*", Resource: "*"}]}'
RULES = "version: 1\nrules:" + "".join(
    (
        _rule("developers", f"{OIDC}/Developer", 'max_duration: 2h, tags: {Team: "core"}'),
        _rule("unpinned", f"{OIDC}/Unpinned"),
        _rule("saml", f"{SAML}/Developer"),
        _rule("brief", f"{OIDC}/Developer", "max_duration: 119m"),
        _rule("narrow", f"{OIDC}/Developer", f"max_duration: 2h, session_policy: {_POLICY}"),
        _rule("ending", f"{OIDC}/Developer", when="dates: {not_after: 2026-03-04}"),
    )
)


@pytest.fixture
def make(tmp_path: Path, clock: HeldClock) -> Iterator[Callable[..., Person]]:
    """Gives the browser of a person of these groups, at a bridge that hands tokens out or does not."""
    opened: list[Iterator[Person]] = []

    def made(*groups: str, is_on: bool = True, confirmed: bool = True) -> Person:
        (tmp_path / "own-accounts.yaml").write_text(ACCOUNTS)
        (tmp_path / "own-rules.yaml").write_text(RULES)
        changes: dict[str, Any] = {"accounts": "own-accounts.yaml", "rules": "own-rules.yaml"}
        if is_on:
            changes["command_line"] = {"web_identity_files": True}
        opened.append(person_at(tmp_path, clock, **changes))
        person = next(opened[-1])
        if groups:
            person.sign_in(clock, *groups, confirmed=confirmed)
        else:
            # Who signed in before the bridge was started anew.
            person.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)
        return person

    yield made
    for one in opened:
        next(one, None)


def ask(person: Person, path: str = DEVELOPER, body: Any = None, **headers: str) -> Any:
    sent = {"X-CSRF-Token": form_token(TOKEN)} | headers
    return person.client.post(path, base_url=BASE, json=body or {}, headers=sent)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def audit_of(person: Person) -> dict[str, Any]:
    """The newest of each kind of event, newest first, with its details."""
    found: dict[str, Any] = {}
    for entry in door_of(person.app).store.audit.entries():
        if entry.event.startswith("grant."):
            found.setdefault(entry.event, entry.details)
    return found


# ----------------------------------------------------------------------------------------------------- who gets one


def test_a_token_states_the_grant_and_the_audit_knew_it_before_it_left(
    make: Callable[..., Person], clock: HeldClock
) -> None:
    person = make("developers")
    answer = ask(person, body={"reason": "a deployment"})
    found = answer.get_json()
    assert answer.status_code == 200, found
    assert answer.headers["Cache-Control"] == "no-store"
    claims = jwt.decode(found["token"], KeySet.import_key_set(person.get("/.well-known/jwks.json").get_json())).claims
    assert claims["sub"] == f"{OIDC}/Developer/{found['session_name']}"
    assert claims["exp"] - int(clock().timestamp()) == 300
    assert claims["https://aws.amazon.com/tags"] == {"principal_tags": {"Team": ["core"]}}
    assert (found["role_arn"], found["max_duration"]) == (f"arn:aws:iam::{OIDC}:role/Developer", "2h")
    events = audit_of(person)
    assert list(events) == ["grant.handed_over", "grant.made"]
    assert (events["grant.made"]["duration"], events["grant.made"]["reason"]) == (7200, "a deployment")
    assert events["grant.made"]["session_name"] == found["session_name"]
    assert events["grant.handed_over"]["grant_id"] == events["grant.made"]["grant_id"] == claims["jti"]
    assert found["token"] not in str(events)


UNPINNED, ASSERTED = (DEVELOPER.replace("Developer", "Unpinned"), DEVELOPER.replace(OIDC, SAML))
KEPT = [
    ("a role whose trust policy does not pin the name", "unpinned", UNPINNED, "pins the session name"),
    ("an account on the SAML road", "saml", ASSERTED, "SAML provider"),
    ("a rule shorter than the role's sessions", "brief", DEVELOPER, "duration"),
    ("a session policy", "narrow", DEVELOPER, "session policy"),
    ("a rule that ends before the longest session would", "ending", DEVELOPER, "duration"),
]


@pytest.mark.parametrize(("name", "group", "path", "why"), KEPT, ids=[case[0] for case in KEPT])
def test_what_aws_would_not_enforce_stays_here_and_the_audit_says_why(
    make: Callable[..., Person], clock: HeldClock, name: str, group: str, path: str, why: str
) -> None:
    clock.advance(_before_midnight(clock))
    person = make(group)
    assert code(ask(person, path)) == (403, "not_handed_over"), name
    events = audit_of(person)
    assert "grant.made" not in events
    assert why in events["grant.refused"]["reason"]


def _before_midnight(clock: HeldClock) -> timedelta:
    """To an hour before the day's end, so that the rule `ending` ends within two hours."""
    return timedelta(hours=23 - clock().hour)


def test_nothing_leaves_by_default(make: Callable[..., Person]) -> None:
    person = make("developers", is_on=False)
    assert code(ask(person)) == (403, "not_handed_over")
    assert "command_line.web_identity_files" in audit_of(person)["grant.refused"]["reason"]


def test_a_role_that_the_person_does_not_have_answers_as_everywhere(make: Callable[..., Person]) -> None:
    person = make("unpinned")
    for path in (DEVELOPER, ASSERTED, DEVELOPER.replace("Developer", "Nothing")):
        assert code(ask(person, path)) == (403, "role_not_granted")


# ------------------------------------------------------------------------------------------------------ asking more

MORE = [
    ("a longer session", {"duration": "12h"}),
    ("any duration", {"duration": "15m"}),
    ("another session name", {"session_name": "bob"}),
    ("another session name by AWS's word", {"RoleSessionName": "bob"}),
    ("no session policy", {"policy": ""}),
    ("a console page", {"to": "https://console.aws.amazon.com/"}),
    ("a list", ["reason"]),
    ("a reason that is none", {"reason": ["x"]}),
]


@pytest.mark.parametrize(("name", "body"), MORE, ids=[case[0] for case in MORE])
def test_the_call_names_nothing_but_a_reason(make: Callable[..., Person], name: str, body: Any) -> None:
    person = make("developers")
    assert code(ask(person, body=body)) == (400, "bad_request"), name
    assert "grant.made" not in audit_of(person)
    assert ask(person, body={"reason": "x"}).status_code == 200


def test_the_operators_switch_and_the_register_hold_from_the_next_call_on(
    make: Callable[..., Person], tmp_path: Path
) -> None:
    person = make("developers")
    assert ask(person).status_code == 200
    (tmp_path / "own-accounts.yaml").write_text(ACCOUNTS.replace(", web_identity_file: true", ""))
    give_up_at = time.monotonic() + 60
    while (answer := ask(person)).status_code == 200 and time.monotonic() < give_up_at:
        threading.Event().wait(0.05)
    assert code(answer) == (403, "not_handed_over")
    restarted = make(is_on=False)
    assert code(ask(restarted)) == (403, "not_handed_over")
    assert "command_line.web_identity_files" in audit_of(restarted)["grant.refused"]["reason"]


def test_an_unconfirmed_session_gets_no_token(make: Callable[..., Person]) -> None:
    assert code(ask(make("developers", confirmed=False)))[0] == 401


FORGED: list[tuple[str, dict[str, str]]] = [
    ("no form token", {"X-CSRF-Token": ""}),
    ("another session's form token", {"X-CSRF-Token": form_token("cd" * 32)}),
    ("sent by another site", {"Sec-Fetch-Site": "cross-site"}),
    ("from another origin", {"Origin": "https://evil.example.com"}),
]


@pytest.mark.parametrize(("name", "headers"), FORGED, ids=[case[0] for case in FORGED])
def test_another_sites_page_gets_nothing_made(make: Callable[..., Person], name: str, headers: dict[str, str]) -> None:
    person = make("developers")
    assert code(ask(person, **headers)) == (403, "cross_site"), name
    assert person.get(DEVELOPER).status_code == 405
    assert "grant.made" not in audit_of(person)


# ---------------------------------------------------------------------------------------------------- command lines


def logged_in(person: Person, clock: HeldClock, client_id: str) -> tuple[Program, str]:
    """A program whose tokens are bound to its key (`fedbridge`), or are not."""
    program = Program(person, clock, client_id=client_id)
    proof: dict[str, Any] = {} if client_id == "fedbridge" else {"proof": None}
    begun = program.begin(**proof)
    assert approve(person, begun["user_code"]).status_code == 200
    return program, program.poll(begun["device_code"], **proof).get_json()["access_token"]


def test_a_command_line_gets_a_token_for_the_proof_of_its_key(make: Callable[..., Person], clock: HeldClock) -> None:
    program, token = logged_in(make("developers"), clock, "fedbridge")
    assert program.call("POST", DEVELOPER, token, json={}).status_code == 200


def test_a_token_that_is_bound_to_no_key_gets_none_whatever_proof_comes_along(
    make: Callable[..., Person], clock: HeldClock
) -> None:
    person = make("developers")
    program, token = logged_in(person, clock, "aws-sso")
    assert code(program.call("POST", DEVELOPER, token, proof=None, json={})) == (401, "not_signed_in")
    assert program.call("POST", DEVELOPER, token, json={}).status_code == 401
    assert "grant.made" not in audit_of(person)


# -------------------------------------------------------------------------------------------------- audit, then sign


def test_the_tokens_life_counts_from_the_decision_however_long_the_audit_took(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision held the rule's end against the last instant at which the token can be redeemed."""
    person = make("developers")
    decided_at, names = clock(), type(door_of(person.app).store.session_names)
    claim = names.claim

    def slow_claim(self: Any, *given: Any, **more: Any) -> bool:
        clock.advance(timedelta(seconds=9))
        return claim(self, *given, **more)

    monkeypatch.setattr(names, "claim", slow_claim)
    assert ask(person).get_json()["expires_at"] == (decided_at + timedelta(minutes=5)).isoformat()


@pytest.mark.parametrize("event", ["grant.made", "grant.handed_over"])
def test_a_token_that_cannot_be_audited_does_not_leave(
    make: Callable[..., Person], monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    person = make("developers")
    door = door_of(person.app)
    record_where = type(door.store.audit).record_where
    claim = type(door.store.session_names).claim

    def failing_record(self: Any, insertion: Any, values: Any, entry: Any, **how: Any) -> bool:
        if entry.event.name == event:
            raise Unavailable("the disk is full")
        return record_where(self, insertion, values, entry, **how)

    def failing_claim(self: Any, name: str, who: str, *entries: Any, **more: Any) -> bool:
        if any(entry.event.name == event for entry in entries):
            raise Unavailable("the disk is full")
        return claim(self, name, who, *entries, **more)

    monkeypatch.setattr(type(door.store.audit), "record_where", failing_record)
    monkeypatch.setattr(type(door.store.session_names), "claim", failing_claim)
    assert code(ask(person)) == (503, "unavailable")
    monkeypatch.undo()
    assert event not in audit_of(person)
    assert ask(person).status_code == 200


# ------------------------------------------------------------------------------------------------- ended meanwhile


@pytest.mark.parametrize("is_blocked", [True, False], ids=["blocked", "ended"])
def test_a_token_that_was_signed_before_an_end_does_not_leave_after_it(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch, is_blocked: bool
) -> None:
    person = make("developers")
    really = signed_statement.signed_statement

    def signing(*given: Any) -> Any:
        store = door_of(person.app).store
        if is_blocked:
            store.blocks.put(Block("corp/ada", "administrator", "operator", "left", clock()), lambda _: ())
        else:
            store.sessions.end(token_hash(TOKEN))
        return really(*given)

    monkeypatch.setattr(granting, "signed_statement", signing)
    assert code(ask(person)) == (401, "ended_meanwhile")
    events = audit_of(person)
    assert (events["grant.failed"]["code"], "grant.handed_over" in events) == ("ended_meanwhile", False)
