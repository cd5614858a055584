"""A role that a rule names and cannot grant: the person, the audit and every program hear the true reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from mapping_factories import NOW, identity, rule, rule_set
from oauth_factories import Program
from web_factories import _RULES, ACCOUNT, Person, door_of, person_at

from federation_bridge.audit import Recorded
from federation_bridge.bridge import Bridge
from federation_bridge.cli.failures import RoleRefused
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.session.local_session import _refused
from federation_bridge.errors import RoleNotGranted, RoleWithheld
from federation_bridge.grant import RoleRequest, entitled
from federation_bridge.model import Caller, RequestOrigin

TAGGED = "tags: {team: '{attribute.department}'}"
REASON = f"{ACCOUNT}/Administrator: tag 'team' cannot be filled: your sign-in carries no attribute 'department'"
NO_ROLE = "You do not have this role."
NAMED = "A rule names this role for you, but cannot grant it now: "
CREDENTIALS = f"/roles/{ACCOUNT}/Administrator/credentials"


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock):
        written = _RULES.replace("max_duration: 2h}", f"max_duration: 2h, {TAGGED}}}")
        assert written != _RULES
        (tmp_path / "rules.yaml").write_text(written)
        yield one


def refused(person: Person) -> list[Recorded]:
    return [row for row in door_of(person.app).store.audit.entries() if row.event == "grant.refused"]


def test_a_page_and_the_audit_say_why_and_not_that_no_rule_grants_it(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    answer = person.post(CREDENTIALS)
    assert answer.status_code == 403
    assert NAMED.rstrip(": ") in answer.text
    assert "carries no attribute &#39;department&#39;" in answer.text
    assert NO_ROLE not in answer.text
    (row,) = refused(person)
    assert str(row.details["reason"]).startswith(f"named and not granted: rule administrators: {REASON}")


def test_who_is_named_by_no_rule_hears_what_they_always_heard(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "nobodies")
    answer = person.post(CREDENTIALS)
    assert (answer.status_code, NO_ROLE in answer.text, "department" in answer.text) == (403, True, False)
    assert refused(person)[0].details["reason"] == f"no rule grants {ACCOUNT}/Administrator to this person now"


def test_the_bookmark_says_why_before_the_press(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    answer = person.get(f"/go/{ACCOUNT}/Administrator")
    assert answer.status_code == 403
    assert "carries no attribute &#39;department&#39;" in answer.text
    chinese = person.get(f"/go/{ACCOUNT}/Administrator", **{"Accept-Language": "zh-CN"})
    assert "有规则为您指定了此角色" in chinese.text


def test_the_api_and_the_command_line_say_why(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins", "readers")
    program = Program(person, clock)
    token = program.login()["access_token"]
    answer = program.call("POST", f"/api/v1{CREDENTIALS}", token, json={})
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (403, "role_withheld")
    assert error["message"].startswith(NAMED + REASON)
    failure = _refused(Answer(403, {"error": error}))
    assert isinstance(failure, RoleRefused)
    assert str(failure).startswith(NAMED + REASON)


@pytest.mark.parametrize("way", ["console", "web_identity_token"])
def test_every_door_of_the_bridge_hears_the_same(person: Person, clock: HeldClock, way: str) -> None:
    session = person.sign_in(clock, "admins")
    bridge: Bridge = door_of(person.app).bridge
    role_request, origin = RoleRequest(ACCOUNT, "Administrator"), RequestOrigin("ref")
    with pytest.raises(RoleWithheld, match="department"):
        bridge.console(Caller(session, origin), role_request, "") if way == "console" else bridge.web_identity_token(
            Caller(session, origin), role_request
        )


ME = "{person: s-1}"


@pytest.mark.parametrize(
    ("when", "grant", "groups", "key", "reason"),
    [
        (ME, "{role: '111111111111/Administrator', source_identity: '{email}'}", (), "111111111111/Administrator",
         "the source identity cannot be filled: your e-mail address is not verified"),
        ("{all: [{person: s-1}, {dates: {not_after: '2026-03-10T12:10:00Z'}}]}",
         "{role: '111111111111/Administrator'}",
         (), "111111111111/Administrator", "the rule ends in less than 15m"),
        ('{group_template: "read#{account}"}',
         "{role: '{account}/ReadOnly', policy_arns: ['arn:aws-cn:iam::aws:policy/ReadOnlyAccess']}",
         ("read#111111111111",), "111111111111/ReadOnly", "cannot be used in that account"),
    ],
    ids=["a source identity", "a rule about to end", "a policy of another partition"],
)  # fmt: skip
def test_whatever_withholds_a_role_is_told(
    when: str, grant: str, groups: tuple[str, ...], key: str, reason: str
) -> None:
    rules, who = rule_set(rule(when, grant)), identity(groups=groups)
    account, _, role = key.partition("/")
    with pytest.raises(RoleWithheld) as refusal:
        entitled(
            RoleRequest(account, role), rules.entitlements(who, NOW), lambda asked: rules.withheld(who, NOW, asked)
        )
    assert reason in refusal.value.detail
    assert reason in refusal.value.public
    assert reason in str(rules.explain(who, NOW))  # nothing that the person's own page does not say
    with pytest.raises(RoleNotGranted, match="no rule grants") as other:
        entitled(RoleRequest(account, "Nothing"), (), lambda asked: rules.withheld(who, NOW, asked))
    assert other.value.code == "role_not_granted"


def test_a_long_value_is_for_the_audit_and_not_for_the_refusal() -> None:
    rules = rule_set(rule(ME, "{role: '111111111111/Administrator', tags: {team: '{attribute.a}'}}"))
    who = identity(attributes={"a": ("x;" * 1000,)})
    with pytest.raises(RoleWithheld) as refusal:
        entitled(RoleRequest("111111111111", "Administrator"), (), lambda asked: rules.withheld(who, NOW, asked))
    assert refusal.value.public == RoleWithheld.public
    assert len(refusal.value.detail) < 600
