# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on the code flow (catalogue I17, I21, N08; RFC 9700 4), each beside the honest login that must go through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aws_login_factories import CALLBACK, CONFIRMATION, AwsLogin, stand_in
from databases import HeldClock
from oauth_factories import REDIRECT, VERIFIER, Program, authorization, b64, challenge
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of

from federation_bridge.aws_clients.sign_in import CROSS_DEVICE, SAME_DEVICE
from federation_bridge.errors import InvalidRedirect, UnauthorizedClient
from federation_bridge.model import Caller, RequestOrigin
from federation_bridge.oauth.clients import CLIENTS
from federation_bridge.oauth.messages import AuthorizationRequest

ONE_ROLE = {SAME_DEVICE: CALLBACK, CROSS_DEVICE: CONFIRMATION}


def ask(person: Person, **changes: Any) -> Any:
    return person.get(f"/oauth/authorize?{urlencode(authorization(**changes))}")


def allow(person: Person, decision: str = "allow", **changes: Any) -> Any:
    return person.post("/oauth/authorize", {**authorization(**changes), "decision": decision})


def answer_of(response: Any) -> dict[str, str]:
    assert response.status_code == 303, response.text
    assert response.location.startswith(f"{REDIRECT}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def code_for(person: Person, **changes: Any) -> str:
    return answer_of(allow(person, **changes))["code"]


def test_an_honest_login_goes_through(person: Person, program: Program) -> None:
    page = ask(person)
    assert "127.0.0.1:40123" in page.text
    assert "http://127.0.0.1:40123" in page.headers["Content-Security-Policy"]
    answer = answer_of(allow(person))
    assert (answer["state"], answer["iss"]) == ("a state", BASE)
    tokens = program.redeem(answer["code"]).get_json()
    assert program.call("GET", "/api/v1/me", tokens["access_token"]).get_json()["person"] == "corp/ada"


def test_nothing_is_given_before_the_person_agrees(person: Person) -> None:
    assert ask(person).status_code == 200
    answer = answer_of(allow(person, "deny"))
    assert (answer["error"], answer["iss"]) == ("access_denied", BASE)
    assert "code" not in answer


def test_another_site_cannot_agree_for_the_person(person: Person) -> None:
    fields = {**authorization(), "decision": "allow"}
    assert person.post("/oauth/authorize", fields, token=None).status_code == 403
    assert person.post("/oauth/authorize", fields, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_sign_in_on_the_way_comes_back_to_the_question(person: Person) -> None:
    stranger = Person(person.app, person.app.test_client())
    page = stranger.get(f"/oauth/authorize?{urlencode(authorization())}")
    assert page.status_code == 200
    assert "/oauth/authorize?response_type=code&amp;client_id=fedbridge" in page.text


# -------------------------------------------------------------------------------------------------------- I21: where

GOOD_REDIRECTS = ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:40123/callback"]
BAD_REDIRECTS = [
    "",
    "https://evil.example.com/callback",
    "http://localhost:40123/callback",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:0/callback",
    "http://127.0.0.1:65536/callback",
    "http://127.0.0.1:٣/callback",
    "http://127.0.0.1:40123/callback/",
    "http://127.0.0.1:40123/callback?x=1",
    "http://127.0.0.1:40123/callback#x",
    "http://127.0.0.1:40123/Callback",
    "http://127.0.0.1:40123/x/../callback",
    "http://127.0.0.1:40123@evil.example.com/callback",
    "http://127.0.0.1:80@evil.example.com:80/callback",
    "http://user@127.0.0.1:40123/callback",
    "http://127.0.0.1.evil.example.com:40123/callback",
    "http://127.0.0.2:40123/callback",
    "http://0x7f000001:40123/callback",
    "https://127.0.0.1:40123/callback",
    "HTTP://127.0.0.1:40123/callback",
    "http://127.0.0.1:40123\\@evil.example.com/callback",
    " http://127.0.0.1:40123/callback",
    "http://127.0.0.1:+1/callback",
    "http://127.0.0.1:1_0/callback",
    "http://[::1%25eth0]:40123/callback",
    "javascript:alert(1)//127.0.0.1:1/callback",
    f"{BASE}/v1/sessions/confirmation",
]


@pytest.mark.parametrize("redirect_uri", GOOD_REDIRECTS)
def test_any_port_of_this_machine_will_do(person: Person, redirect_uri: str) -> None:
    assert CLIENTS["fedbridge"].checked_redirect(redirect_uri, BASE) == redirect_uri
    assert ask(person, redirect_uri=redirect_uri).status_code == 200
    assert allow(person, redirect_uri=redirect_uri).location.startswith(f"{redirect_uri}?")


@pytest.mark.parametrize("redirect_uri", BAD_REDIRECTS)
def test_no_other_address_is_ever_sent_to(person: Person, redirect_uri: str) -> None:
    with pytest.raises(InvalidRedirect):
        CLIENTS["fedbridge"].checked_redirect(redirect_uri, BASE)
    for answer in (ask(person, redirect_uri=redirect_uri), allow(person, redirect_uri=redirect_uri)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers


def test_a_program_of_one_role_is_let_in_on_its_own_page_alone(person: Person, program: Program) -> None:
    """Else the page that names no role, and warns of no carried code, would let it in for all of them."""
    for client_id, redirect_uri in ONE_ROLE.items():
        changes = {"client_id": client_id, "redirect_uri": redirect_uri}
        for answer in (ask(person, **changes), allow(person, **changes)):
            assert (answer.status_code, answer.headers.get("Location")) == (401, None)
        door = door_of(person.app)
        for asking, role in ((client_id, ""), ("fedbridge", f"{ACCOUNT}/Administrator")):
            where = redirect_uri if asking == client_id else REDIRECT
            asked = AuthorizationRequest(asking, where, challenge(), role=role)
            with pytest.raises(UnauthorizedClient):
                door.oauth.codes.authorize(
                    asked, Caller(door.bridge.session(TOKEN), RequestOrigin("ref-1", "127.0.0.1", "x"))
                )
    assert program.redeem(code_for(person)).status_code == 200


@pytest.mark.parametrize("remote", [False, True])
def test_a_code_of_one_role_gives_no_tokens_at_the_door_of_all_roles(
    program: Program, monkeypatch: pytest.MonkeyPatch, clock: HeldClock, remote: bool
) -> None:
    stand_in(monkeypatch, clock)
    cli = AwsLogin(program, remote=remote)
    code = cli.code()
    program.client_id = cli.client_id
    answer = program.redeem(code, redirect_uri=cli.redirect)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    first = cli.redeem(code)
    assert first.status_code == 200
    assert program.refresh(first.get_json()["refreshToken"]).get_json()["error"] == "unauthorized_client"
    assert cli.renew(first.get_json()["refreshToken"]).status_code == 200


def test_an_unknown_client_is_not_redirected(person: Person) -> None:
    answer = ask(person, client_id="nobody")
    assert (answer.status_code, answer.headers.get("Location")) == (401, None)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "code_challenge"])
def test_a_parameter_sent_twice_is_refused_and_nobody_redirected(person: Person, name: str) -> None:
    answer = person.get(f"/oauth/authorize?{urlencode(authorization())}&{name}=x")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


# --------------------------------------------------------------------------------------------------------- I17: PKCE

BAD_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "a short challenge": ({"code_challenge": "x" * 42}, "invalid_request"),
    "no thumbprint": ({"dpop_jkt": "x"}, "invalid_request"),
    "a token in the address": ({"response_type": "token"}, "unsupported_response_type"),
}


@pytest.mark.parametrize(("changes", "error"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_request_without_our_terms_is_told_so(person: Person, changes: dict[str, Any], error: str) -> None:
    for response in (ask(person, **changes), allow(person, **changes)):
        answer = answer_of(response)
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "a state", BASE)
        assert "code" not in answer


Wrong = Callable[[Program, str], Any]
WRONG: dict[str, Wrong] = {
    "another verifier": lambda program, code: program.redeem(code, code_verifier="w" * 64),
    "no verifier": lambda program, code: program.redeem(code, code_verifier=""),
    "the challenge as verifier": lambda program, code: program.redeem(code, code_verifier=challenge()),
    "another port": lambda program, code: program.redeem(code, redirect_uri=REDIRECT.replace("40123", "40124")),
    "another key": lambda program, code: Program(program.person, program.clock).redeem(code),
    "another client": lambda program, code: Program(
        program.person, program.clock, client_id="aws-sso", key=program.key
    ).redeem(code),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_code_is_good_for_who_asked_alone_and_for_one_try(person: Person, program: Program, wrong: Wrong) -> None:
    code = code_for(person, dpop_jkt=program.jwk.thumbprint())
    assert wrong(program, code).get_json()["error"] == "invalid_grant"
    assert program.redeem(code).get_json()["error"] == "invalid_grant"


def test_a_code_named_for_a_key_is_redeemed_by_it(person: Person, program: Program) -> None:
    assert program.redeem(code_for(person, dpop_jkt=program.jwk.thumbprint())).status_code == 200


def test_a_code_that_gives_tokens_is_audited_and_one_that_gives_none_is_not(person: Person, program: Program) -> None:
    program.redeem(code_for(person), code_verifier="w" * 64)
    program.redeem(code_for(person))
    issued = [entry for entry in door_of(person.app).store.audit.entries() if entry.event == "token.issued"]
    assert [(entry.person, entry.details["by"]) for entry in issued] == [("corp/ada", "authorization code")]


def test_the_second_use_of_a_code_ends_what_the_first_one_got(person: Person, program: Program) -> None:
    code = code_for(person)
    tokens = program.redeem(code).get_json()
    assert program.redeem(code).get_json()["error"] == "invalid_grant"
    assert program.call("GET", "/api/v1/me", tokens["access_token"]).status_code == 401
    ended = [entry for entry in door_of(person.app).store.audit.entries() if entry.event == "command_line.ended"]
    assert [entry.details["reason"] for entry in ended] == ["its authorization code was used again"]


def test_a_code_lives_for_a_minute(person: Person, program: Program, clock: HeldClock) -> None:
    early, late = code_for(person), code_for(person)
    clock.advance(timedelta(seconds=59))
    assert program.redeem(early).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert program.redeem(late).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize("code", ["", "x", "fbc_" + "0" * 64, "x" * 300, b64(b"\x00" * 40)])
def test_a_code_that_is_nobodys_is_refused(program: Program, code: str) -> None:
    assert program.redeem(code).get_json()["error"] == "invalid_grant"
