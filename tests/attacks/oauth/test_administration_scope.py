"""The scope of administration: who is let in with it, for how long, and what its tokens open (ADR 41)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from administration_api_factories import APPOINTED, CLIENT, ROOT, administered, browser_of, let_in, rulebook_of
from databases import HeldClock
from oauth_factories import Program, approve, authorization, claim, decide
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of

from federation_bridge.administration.rules import Change, apply
from federation_bridge.audit import AuditQuery
from federation_bridge.errors import Unavailable
from federation_bridge.model import Author
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.forms import form_token


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


def program_of(person: Person, clock: HeldClock) -> Program:
    return Program(person, clock, client_id=CLIENT)


ASKED = {"client_id": CLIENT, "scope": "administration", "dpop_jkt": None}


def by_browser(browser: Person, program: Program, token: str) -> dict[str, object]:
    """The tokens of a code that this browser's person gives."""
    fields = authorization(**ASKED)
    answer = browser.post("/oauth/authorize", {**fields, "decision": "allow"}, token=token)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    found: dict[str, object] = program.redeem(query["code"][0]).get_json()
    return found


def test_the_scope_is_said_by_the_metadata_and_by_the_answer(ada, clock) -> None:
    assert ada.get("/.well-known/oauth-authorization-server").get_json()["scopes_supported"] == ["administration"]
    line = let_in(ada, clock, "auditors")
    assert line.tokens["scope"] == "administration"
    assert line.get("/me").get_json()["rights"] == {"role": "auditor", "accounts": [], "by": ["auditors"]}


@pytest.mark.parametrize(
    ("client", "scope"),
    [(CLIENT, ""), (CLIENT, "other"), (CLIENT, "administration other"), ("fedbridge", "administration")],
)
def test_the_scope_is_asked_for_in_words_by_its_own_client_alone(ada, clock, client, scope) -> None:
    program = Program(ada, clock, client_id=client)
    answer = program.post("/oauth/device_authorization", scope=scope)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")

    ada.sign_in(clock, "identity-team", "admins")
    fields = authorization(client_id=client, scope=scope)
    answer = ada.client.get("/oauth/authorize", query_string=fields, base_url=BASE)
    assert "error=invalid_scope" in answer.headers.get("Location", answer.text)


def test_a_scope_that_means_nothing_here_is_passed_over(ada, clock) -> None:
    program = Program(ada, clock)
    assert program.post("/oauth/device_authorization", scope="openid").status_code == 200


@pytest.mark.parametrize("groups", [("admins",), ("Identity-Team", "admins"), ()])
def test_whoever_the_rules_give_no_right_lets_in_no_command_line_to_administer(ada, clock, groups) -> None:
    browser, token = browser_of(ada, clock, "eve", *groups)
    program = program_of(ada, clock)
    begun = program.begin(scope="administration")
    assert claim(browser, begun["user_code"], token=token).status_code == 403
    assert decide(browser, begun["user_code"], token=token).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "access_denied"

    fields = authorization(**ASKED)
    asked = browser.client.get("/oauth/authorize", query_string=fields, base_url=BASE)
    assert "error=access_denied" in asked.headers.get("Location", asked.text)
    answer = browser.post("/oauth/authorize", {**fields, "decision": "allow"}, token=token)
    assert "error=access_denied" in answer.headers["Location"]


def test_who_administers_needs_no_role_at_aws_and_gets_none_by_it(ada, clock) -> None:
    line = let_in(ada, clock, "auditors", "admins")
    token = line.tokens["access_token"]
    assert line.get("/me").status_code == 200
    for method, path in [
        ("GET", "/api/v1/roles"),
        ("GET", "/api/v1/me"),
        ("POST", f"/api/v1/roles/{ACCOUNT}/Administrator/credentials"),
        ("POST", f"/api/v1/roles/{ACCOUNT}/Administrator/console"),
        ("GET", "/administration"),
    ]:
        answer = line.program.call(method, path, token)
        assert answer.status_code in (401, 403) or "sign-in" in answer.text, path
    assert let_in(ada, clock, "auditors", subject="no-role").get("/me").status_code == 200


def test_an_ordinary_token_finds_what_is_at_an_unknown_address(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team", "admins", client="fedbridge")
    assert line.program.call("GET", "/api/v1/me", line.tokens["access_token"]).status_code == 200
    there, nowhere = line.get("/me"), line.get("/nowhere")
    assert there.status_code == nowhere.status_code == 404
    told = [answer.get_json()["error"] | {"reference": ""} for answer in (there, nowhere)]
    assert told[0] == told[1]


def test_no_cookie_and_no_proofless_token_opens_it(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    assert ada.get("/administration").status_code == 200
    assert ada.get(f"{ROOT}/me").status_code == 401
    line = let_in(ada, clock, "identity-team", subject="bob")
    call, token = line.program.call, line.tokens["access_token"]
    assert call("GET", f"{ROOT}/me", token, proof=None).status_code == 401
    other = Program(ada, clock).proof("GET", f"{ROOT}/me", token)
    assert call("GET", f"{ROOT}/me", token, proof=other).status_code == 401
    proof = line.program.proof("GET", f"{ROOT}/me", token)
    assert call("GET", f"{ROOT}/me", token, proof=proof).status_code == 200
    assert call("GET", f"{ROOT}/me", token, proof=proof).status_code == 401


def test_it_ends_so_long_after_the_sign_in_and_is_never_renewed_beyond(ada, clock) -> None:
    browser, token = browser_of(ada, clock, "ada", "identity-team")
    clock.advance(timedelta(minutes=4))
    program = program_of(ada, clock)
    begun = program.begin(scope="administration")
    page = claim(browser, begun["user_code"], token=token).text
    end = (clock() + timedelta(minutes=56)).strftime("%Y-%m-%d %H:%M UTC")
    assert end in page
    decide(browser, begun["user_code"], token=token)
    tokens = program.poll(begun["device_code"]).get_json()
    for _ in range(3):
        clock.advance(timedelta(minutes=14))
        tokens = program.refresh(tokens["refresh_token"]).get_json()
    assert program.call("GET", f"{ROOT}/me", tokens["access_token"]).status_code == 200
    clock.advance(timedelta(minutes=14, seconds=1))
    assert program.call("GET", f"{ROOT}/me", tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_an_old_sign_in_lets_nothing_in(tmp_path, clock) -> None:
    holding = administered(tmp_path, clock, sessions={"administration": "2m", "idle": "2h"})
    person = next(holding)
    browser, token = browser_of(person, clock, "ada", "identity-team")
    program = program_of(person, clock)
    begun = program.begin(scope="administration")
    fields = authorization(**ASKED)
    assert "It asks to administer" in browser.client.get("/oauth/authorize", query_string=fields, base_url=BASE).text
    clock.advance(timedelta(minutes=3))
    asked = browser.client.get("/oauth/authorize", query_string=fields, base_url=BASE)
    assert "Please sign in again" in asked.text
    answer = browser.post("/oauth/authorize", {**fields, "decision": "allow"}, token=token)
    assert "code=" not in answer.headers.get("Location", "")
    assert claim(browser, begun["user_code"], token=token).status_code == 403
    assert decide(browser, begun["user_code"], token=token).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"
    next(holding, None)


def test_rights_are_those_of_the_rules_at_each_call(ada, clock, monkeypatch) -> None:
    line = let_in(ada, clock, "identity-team")
    assert line.get("/me").get_json()["rights"]["role"] == "administrator"
    here = door_of(ada.app)
    monkeypatch.setattr(type(here.rulebook.current()), "administrative_rights", lambda *_: None)
    answer = line.get("/me")
    assert (answer.status_code, set(answer.get_json()["error"])) == (404, {"code", "message", "reference"})
    (refused,) = here.store.audit.found(AuditQuery(event="request.refused"))
    assert refused.person == "corp/ada"


@pytest.mark.parametrize("way", ["device", "browser"])
def test_whom_a_new_version_took_out_lets_nothing_in_however_new_it_is(ada, clock, tmp_path, way) -> None:
    """The version came into force on another node, and nobody has asked this one since."""
    browser, token = browser_of(ada, clock, "ada", "identity-team")
    program = program_of(ada, clock)
    begun = program.begin(scope="administration")
    assert browser.get("/administration").status_code == 200
    rules = rulebook_of(ada, clock)
    stands = rules.versions.in_force()
    assert stands is not None
    texts = Texts.from_kept(stands.text)
    others = Texts(texts.joined.replace("identity-team", "others"), texts.accounts)
    apply(rules, others, Change(Author("the operator"), "moved", stands.digest))
    if way == "device":
        assert claim(browser, begun["user_code"], token=token).status_code == 403
    else:
        answer = browser.post("/oauth/authorize", {**authorization(**ASKED), "decision": "allow"}, token=token)
        assert "error=access_denied" in answer.headers["Location"]


def test_while_the_rules_cannot_be_had_nothing_is_let_in_and_nothing_refused_for_good(ada, clock, monkeypatch) -> None:
    browser, token = browser_of(ada, clock, "ada", "identity-team")
    program = program_of(ada, clock)
    begun = program.begin(scope="administration")

    def gone(*_: object) -> None:
        raise Unavailable("the rules cannot be had")

    with monkeypatch.context() as without:
        without.setattr(type(door_of(ada.app).rulebook), "current", gone)
        assert claim(browser, begun["user_code"], token=token).status_code == 503
    assert approve(browser, begun["user_code"], token=token).status_code == 200
    assert program.poll(begun["device_code"]).status_code == 200


@pytest.mark.parametrize("way", ["device", "browser"])
def test_the_page_says_plainly_and_in_red_what_it_opens(ada, clock, way) -> None:
    browser, token = browser_of(ada, clock, "ada", "identity-team", "admins")
    program, ordinary = program_of(ada, clock), Program(ada, clock)
    if way == "device":
        page = claim(browser, program.begin(scope="administration")["user_code"], token=token).text
        twin = claim(browser, ordinary.begin()["user_code"], token=token).text
    else:
        page, twin = (
            browser.client.get("/oauth/authorize", query_string=fields, base_url=BASE).text
            for fields in (authorization(**ASKED), authorization())
        )
    assert '<p class="card danger" role="alert"><strong>It asks to administer this bridge in your name.' in page
    assert 'class="danger" name="decision" value="allow"' in page
    assert "to use your AWS roles" not in page
    assert "administer this bridge" not in twin
    assert "to use your AWS roles" in twin


def test_both_ways_let_it_in_and_the_audit_says_so(ada, clock) -> None:
    browser, token = browser_of(ada, clock, "ada", "identity-team")
    program = program_of(ada, clock)
    tokens = by_browser(browser, program, token)
    assert tokens["scope"] == "administration"
    assert program.call("GET", f"{ROOT}/me", str(tokens["access_token"])).status_code == 200
    let_in(ada, clock, "identity-team", subject="bob")
    found = door_of(ada.app).store.audit.found(AuditQuery(event="command_line.approved"))
    assert [(one.person, one.details["client"]) for one in found] == [("corp/bob", CLIENT), ("corp/ada", CLIENT)]
    assert "fedbridge (administration)" in browser.get("/command-lines").text


def test_a_condition_on_the_network_is_asked_of_the_request_that_approves(tmp_path, clock) -> None:
    inside = APPOINTED.replace(
        "when: {group: identity-team}", "when: {all: [{group: identity-team}, {source_network: [192.0.2.0/24]}]}"
    )
    holding = administered(tmp_path, clock, inside)
    person = next(holding)
    browser, token = browser_of(person, clock, "ada", "identity-team")
    program = program_of(person, clock)
    for address, status in (("198.51.100.7", 403), ("192.0.2.8", 200)):
        code = program.begin(scope="administration")["user_code"]
        fields = {"user_code": code, "csrf_token": form_token(token)}
        answer = browser.client.post("/device", data=fields, base_url=BASE, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status
    next(holding, None)


def test_a_token_of_the_scope_approves_nothing_further(ada, clock) -> None:
    """A command line has no browser's session: it lets in no second one."""
    line = let_in(ada, clock, "identity-team")
    waiting = program_of(ada, clock).begin(scope="administration")["user_code"]
    token = line.tokens["access_token"]
    answer = line.program.call("POST", "/device", token, data={"user_code": waiting, "csrf_token": form_token(TOKEN)})
    assert answer.status_code in (401, 403)


def test_an_ordinary_code_is_not_redeemed_for_the_scope(ada, clock) -> None:
    browser, token = browser_of(ada, clock, "ada", "identity-team", "admins")
    ordinary = Program(ada, clock)
    begun = ordinary.begin()
    assert approve(browser, begun["user_code"], token=token).status_code == 200
    as_other = Program(ada, clock, client_id=CLIENT, key=ordinary.key)
    assert as_other.poll(begun["device_code"], scope="administration").get_json()["error"] == "invalid_grant"
    tokens = ordinary.poll(begun["device_code"]).get_json()
    assert as_other.refresh(tokens["refresh_token"], scope="administration").status_code == 400


FRESH = """
administration:
  - {id: fresh, as: administrator, connection: corp, when: {all: [{group: staff}, {signed_in_within: 15m}]}}
  - {id: always, as: administrator, connection: corp, when: {group: identity-team}}
  - {id: readers, as: auditor, connection: corp, when: {group: staff}}
"""


@pytest.mark.parametrize(("is_told", "page", "role"), [(False, 404, "auditor"), (True, 200, "administrator")])
def test_when_somebody_signed_in_is_the_provider_s_word_for_a_command_line_as_for_a_browser(
    tmp_path, clock, is_told, page, role
) -> None:
    """When a session began proves nothing: a provider may have let somebody in whom it saw this morning."""
    holding = administered(tmp_path, clock, FRESH)
    ada = next(holding)
    browser, _ = browser_of(ada, clock, "eve", "staff", is_time_told=is_told)
    line = let_in(ada, clock, "staff", is_time_told=is_told)
    assert browser.get("/administration/edit").status_code == page
    assert line.get("/me").get_json()["rights"]["role"] == role
    clock.advance(timedelta(minutes=15, seconds=1))
    renewed = line.program.refresh(line.tokens["refresh_token"]).get_json()["access_token"]
    assert line.program.call("GET", f"{ROOT}/me", renewed).get_json()["rights"]["role"] == "auditor"
    next(holding, None)
