# ruff: noqa: F811 - fixtures are named where they are asked for
"""A token that leaves the bridge: who gets one, and every way to get more than the twin beside it (ADR 0008).

What AWS then says to its holder stands in `tests/conformance/test_aws_believes_us.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from joserfc import jwt
from joserfc.jwk import KeySet
from web_factories import Person
from web_identity_fixtures import ACCOUNTS, DEVELOPER, OIDC, SAML, ask, audit_of, code, make  # noqa: F401 - a fixture

from federation_bridge.web.forms import form_token

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
