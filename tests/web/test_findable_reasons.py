"""A reference number leads to its reason: every class of error, through every door, one row, and the private text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner
from databases import HeldClock
from flask import Flask
from oauth_factories import Program
from web_factories import ACCOUNT, BASE, Person, door_of, person_at

from federation_bridge import errors
from federation_bridge.audit import Recorded
from federation_bridge.aws import console as aws_console
from federation_bridge.bridge import granting
from federation_bridge.errors import AuthorizationPending, BridgeError, SlowDown, VerifiersDisagree
from federation_bridge.operate.commands import commands
from federation_bridge.web.guards import guarded, public

PRIVATE = "only the administrators may read this"
REFERENCE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b")

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, BridgeError) and found.__module__ == errors.__name__
]
SHOWS_NO_REFERENCE = {
    AuthorizationPending: "a program asks again every five seconds, and shows nobody that it was told to wait",
    SlowDown: "the same",
}
"""Classes that show no reference number, and why they need none."""

DOORS = {
    "a page": ("sign_in.confirm", "GET", "/confirm"),
    "my roles": ("roles.home", "GET", "/"),
    "one role": ("role.choose", "GET", f"/roles/{ACCOUNT}/Administrator"),
    "the console": ("console.bookmark", "GET", f"/go/{ACCOUNT}/Administrator"),
    "why": ("why.why", "GET", "/why"),
    "credentials": ("credentials.show_credentials", "POST", f"/roles/{ACCOUNT}/Administrator/credentials"),
    "the device page": ("device.type_code", "GET", "/device"),
    "the page for programs": ("authorize.ask", "GET", "/oauth/authorize"),
    "the API": ("api.me", "GET", "/api/v1/me"),
    "the administration's API": ("api_administration.me", "GET", "/api/v1/administration/me"),
    "OAuth": ("oauth.token", "POST", "/oauth/token"),
    "signing out": ("sign_out.sign_out", "POST", "/sign-out"),
    "going on after a sign-in": ("out.go_on", "GET", "/go-on"),
    "my activity": ("activity.activity", "GET", "/activity"),
    "the language": ("language.choose", "POST", "/language"),
    "shared signals": ("signals.push", "POST", "/ssf/corp"),
    "logouts of providers": ("back_channel_logout.back_channel_logout", "POST", "/oidc/corp/backchannel-logout"),
    "aws sso": ("sso_oidc.token", "POST", "/token"),
    "the rulebook's pages": ("administration_rulebook.overview", "GET", "/administration"),
    "pages of sign-ins": ("administration_sign_ins.newest", "GET", "/administration/sign-ins"),
    "pages of live grants": ("administration_live_grants.alive", "GET", "/administration/grants"),
    "pages of rules": ("administration_rules.rules", "GET", "/administration/rules"),
    "findings and the review": ("administration_reviews.odd", "GET", "/administration/findings"),
    "files of rules": ("administration_rule_files.files", "GET", "/administration/files"),
    "forms of rules": ("administration_rule_form.new", "GET", "/administration/form"),
    "pages of accounts": ("administration_accounts.accounts", "GET", "/administration/accounts"),
    "pages of blocks": ("administration_blocks.blocks", "GET", "/administration/blocks"),
    "pages of AWS's side": ("administration_aws.aws", "GET", "/administration/aws"),
    "pages of ends in AWS": ("administration_aws_endings.endings", "GET", "/administration/aws/endings"),
    "what SCIM told": ("administration_scim.scim", "GET", "/administration/scim"),
    "streams of signals": ("administration_signals.streams", "GET", "/administration/signals"),
    "people's pages": ("administration_people.people", "GET", "/administration/people"),
    "its portal": ("sso_portal.accounts", "GET", "/assignment/accounts"),
    "aws login's page": ("aws_login.choose_role", "GET", "/v1/authorize"),
    "aws login": ("aws_login_token.token", "POST", "/v1/token"),
    "what AWS reads": ("issuer.saml_metadata", "GET", "/saml/metadata"),
    "health": ("health.readyz", "GET", "/readyz"),
    "files": ("static_files.file", "GET", "/static/x"),
    "what is kept on top": ("my_roles.favourite", "POST", f"/roles/{ACCOUNT}/Administrator/favourite"),
    "what a press just granted": ("just_granted.again", "GET", "/roles/granted"),
    "operator's look": ("brand_files.file", "GET", "/brand/x"),
}


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def made(kind: type[BridgeError]) -> BridgeError:
    """An error of this class with a private text."""
    told: Any = f"{PRIVATE}: {kind.__name__}"
    return kind((told,) if issubclass(kind, errors.ConfigurationMistakes) else told)  # type: ignore[arg-type]


def raising(kind: type[BridgeError]) -> Callable[..., NoReturn]:
    # The guard of the route it stands for would refuse first: what is looked at is how a refusal is told.
    @guarded(public)
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise made(kind)

    return fail


def reasons(app: Flask, reference: str) -> list[Recorded]:
    """The rows under this reference that hold the private text."""
    rows = door_of(app).store.audit.entries(reference=reference)
    return [row for row in rows if PRIVATE in str(row.details)]


def shown(answer: Any) -> set[str]:
    """Every reference number that an answer shows, in its body or where AWS's clients look."""
    return {*REFERENCE.findall(answer.text), *REFERENCE.findall(answer.headers.get("x-amzn-RequestId", ""))}


def the_reason(app: Flask, answer: Any) -> Recorded:
    (reference,) = shown(answer)
    assert PRIVATE not in answer.text
    (row,) = reasons(app, reference)
    return row


def test_every_part_of_the_application_is_among_the_doors(person: Person) -> None:
    assert {endpoint.partition(".")[0] for endpoint, _, _ in DOORS.values()} == set(person.app.blueprints)


@pytest.mark.parametrize("where", DOORS)
def test_whatever_a_door_shows_is_found_under_its_reference_with_its_reason(person: Person, where: str) -> None:
    endpoint, method, path = DOORS[where]
    assert endpoint in person.app.view_functions
    for kind in CLASSES:
        person.app.view_functions[endpoint] = raising(kind)
        answer = person.client.open(path, method=method, base_url=BASE)
        assert answer.status_code >= 400
        if kind in SHOWS_NO_REFERENCE and where in ("OAuth", "aws sso"):
            assert shown(answer) == set()
        elif kind not in SHOWS_NO_REFERENCE:
            row = the_reason(person.app, answer)
            assert (row.event, row.details["detail"]) == ("request.refused", f"{PRIVATE}: {kind.__name__}")


def test_no_address_answers_without_passing_the_one_place(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    adapter = person.app.create_url_adapter(None) or person.app.url_map.bind("aws.example.com", url_scheme="https")
    for rule in person.app.url_map.iter_rules():
        person.app.view_functions[rule.endpoint] = raising(errors.AwsUnreachable)
        values: dict[str, object] = {name: 1 if name == "number" else "x" for name in rule.arguments}
        path = adapter.build(rule.endpoint, values, method=min(rule.methods or ()))
        method = next(one for one in ("GET", "POST") if one in (rule.methods or ()))
        answer = person.client.open(path.removeprefix(BASE), method=method, base_url=BASE)
        assert the_reason(person.app, answer).person == "corp/ada", rule


@dataclass(frozen=True)
class Verb:
    """A step of a verb that fails, the request that takes it, and what the audit calls it."""

    step: tuple[Any, str]
    ask: Callable[[Person], Any]
    event: str


def _arrive(person: Person) -> Any:
    return person.get("/sign-in/corp/oidc?code=x&state=y")


def _credentials(person: Person) -> Any:
    return person.post(f"/roles/{ACCOUNT}/Administrator/credentials")


@pytest.mark.parametrize("verb", ["an arrival", "a decision", "AWS", "the console"])
def test_what_a_verb_records_itself_is_there_once(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    person.sign_in(clock, "admins")
    door = door_of(person.app)
    found = door.bridge._parts
    console = f"/roles/{ACCOUNT}/Administrator/console"
    verbs = {
        "an arrival": Verb((door.connectors["corp"], "arrive"), _arrive, "sign_in.refused"),
        "a decision": Verb((granting, "decide"), _credentials, "grant.refused"),
        "AWS": Verb((found.sts, "redeem"), _credentials, "grant.failed"),
        "the console": Verb((aws_console, "saml_form"), lambda one: one.post(console), "grant.failed"),
    }
    monkeypatch.setattr(found.pending_sign_ins, "open", lambda *_: None)
    for kind in (one for one in CLASSES if one not in SHOWS_NO_REFERENCE):
        with monkeypatch.context() as failing:
            failing.setattr(*verbs[verb].step, raising(kind))
            answer = verbs[verb].ask(person)
        if verb == "an arrival" and getattr(kind, "is_over", False):
            # Who is signed in is led on and shown nothing; the reason is recorded all the same.
            assert (answer.status_code, shown(answer)) == (303, set())
            rows = [one for one in door.store.audit.entries() if one.event == verbs[verb].event]
            assert [f"{PRIVATE}: {kind.__name__}" in str(one.details) for one in rows].count(True) == 1
            continue
        assert answer.status_code == kind.status
        alarm = verb == "an arrival" and kind is VerifiersDisagree
        event = "sign_in.verifiers_disagreed" if alarm else verbs[verb].event
        assert the_reason(person.app, answer).event == event


def test_a_console_link_that_cannot_be_had_is_a_failed_grant(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in(clock, "readers")  # a session policy: AWS enforces it only behind the federation endpoint
    monkeypatch.setattr(aws_console, "federation_link", raising(errors.AwsRefused))
    monkeypatch.setattr(granting.Grants, "redeem", lambda *_, **__: type("Redeemed", (), {"credentials": None})())
    row = the_reason(person.app, person.post(f"/roles/{ACCOUNT}/Reader/console"))
    assert (row.event, row.person) == ("grant.failed", "corp/ada")
    assert str(row.details["grant_id"]).startswith("_")


@pytest.mark.parametrize(
    "ask",
    [
        lambda program: program.poll("fbd_" + "x" * 43),
        lambda program: program.refresh("fbr_" + "x" * 43),
        lambda program: program.person.get("/api/v1/me", Authorization="DPoP fba_" + "x" * 43),
        lambda program: program.person.get("/nowhere"),
        lambda program: program.person.client.open("/oauth/token", method="PUT", base_url=BASE),
        lambda program: program.person.post("/sign-in", {"return_to": "x"}, token=None),
    ],
    ids=["device code", "refresh token", "access token", "address", "method", "form"],
)
def test_a_real_refusal_has_one_row(person: Person, clock: HeldClock, ask: Callable[[Program], Any]) -> None:
    (reference,) = shown(ask(Program(person, clock)))
    assert len(door_of(person.app).store.audit.entries(reference=reference)) == 1


def test_what_no_code_foresaw_is_found_too_and_repeats_no_words(person: Person) -> None:
    @guarded(public)
    def fail() -> NoReturn:
        raise OverflowError("a secret that stands in a message")

    for where in ("a page", "the API", "OAuth", "aws login"):
        endpoint, method, path = DOORS[where]
        person.app.view_functions[endpoint] = fail
        answer = person.client.open(path, method=method, base_url=BASE)
        assert answer.status_code == 500
        (reference,) = shown(answer)
        (row,) = door_of(person.app).store.audit.entries(reference=reference)
        assert "what no code foresaw: OverflowError at " in str(row.details["detail"])
        assert "secret" not in str(row)


def test_a_poll_that_is_to_wait_leaves_no_row(person: Person, clock: HeldClock) -> None:
    program = Program(person, clock)
    code = program.begin()["device_code"]
    answers = [program.poll(code), program.poll(code)]
    assert [one.get_json()["error"] for one in answers] == ["authorization_pending", "slow_down"]
    assert [shown(one) for one in answers] == [set(), set()]
    assert all("refused" not in row.event for row in door_of(person.app).store.audit.entries())


def test_asking_for_addresses_does_not_grow_the_audit_at_all(person: Person) -> None:
    references = {next(iter(shown(person.get(f"/wp-{number}.php")))) for number in range(40)}
    audit = door_of(person.app).store.audit
    assert [row.event for row in audit.numbered(0, 10**9, 10**6)] == ["rules.loaded"]
    assert {row.reference for row in audit.entries(event="request.refused")} == references


def test_the_operators_command_finds_both_homes(person: Person, clock: HeldClock, tmp_path: Path) -> None:
    (in_the_ring,) = shown(person.get("/nowhere"))
    person.sign_in(clock, "admins")
    (in_the_audit,) = shown(person.get("/nowhere"))
    settings = str(tmp_path / "federation-bridge.yaml")
    for reference in (in_the_ring, in_the_audit):
        result = CliRunner().invoke(commands, ["audit", "--settings", settings, "--reference", reference])
        assert result.exit_code == 0
        assert "no page at '/nowhere'" in result.stdout
