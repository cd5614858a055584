"""What an agent gets is never wider than its person's, and reads only, unless a rule says otherwise (ADR 59)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import web_factories
from databases import HeldClock
from sts_stub import StubSts, refused, stub_sts
from web_factories import ACCOUNT, Person, door_of, person_at

from federation_bridge.administration.rule_form import fields_of, rule_of
from federation_bridge.aws.session_names import session_name
from federation_bridge.aws_limits import MOST_TAGS
from federation_bridge.errors import RoleWithheld
from federation_bridge.grant import AGENT_TAG, AGENT_USUAL, Bounds, for_agent, granted_length
from federation_bridge.model import Account, AgentAccess, Entitlement, Groups, Identity, Role

BASE = "https://aws.example.com"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
OWN = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}'
OWN_AS_SENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


def rules(terms: str) -> str:
    grant = f'grant: {{roles: ["{ACCOUNT}/Administrator"], max_duration: 2h{terms}}}'
    head = "version: 1\nrules:\n  - id: administrators\n    connection: corp\n    when: {group: admins}\n"
    return f"{head}    {grant}\n"


@pytest.fixture
def stub() -> Iterator[StubSts]:
    with stub_sts() as running:
        # What is asked is looked at; nothing has to be issued.
        running.answers = [refused("AccessDenied", "not now")]
        yield running


def person_with(
    terms: str, folder: Path, clock: HeldClock, stub: StubSts, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Person]:
    monkeypatch.setattr(web_factories, "_RULES", rules(terms))
    for one in person_at(folder, clock, aws={"local_endpoint": stub.url}):
        one.sign_in(clock, "admins")
        yield one


def call(person: Person, body: dict[str, Any], verb: str = "credentials") -> tuple[int, str]:
    headers = {"X-CSRF-Token": person.get("/api/v1/me").json["csrf_token"]}
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/{verb}"
    answer = person.client.post(path, base_url=BASE, json=body, headers=headers)
    return answer.status_code, str((answer.get_json() or {}).get("error", {}).get("message", ""))


def policies(asked: dict[str, str]) -> tuple[list[str], str]:
    return [text for name, text in asked.items() if name.startswith("PolicyArns")], asked.get("Policy", "")


@pytest.mark.parametrize(
    ("terms", "persons", "agents"),
    [
        ("", ([], ""), ([READ_ONLY], "")),
        (", agents: read-only", ([], ""), ([READ_ONLY], "")),
        (", agents: full", ([], ""), ([], "")),
        (f", agents: full, session_policy: {OWN}", ([], OWN_AS_SENT), ([], OWN_AS_SENT)),
    ],
)
def test_the_server_narrows_an_agent_s_session_and_the_audit_and_cloudtrail_say_so(
    terms: str,
    persons: tuple[list[str], str],
    agents: tuple[list[str], str],
    tmp_path: Path,
    clock: HeldClock,
    stub: StubSts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for person in person_with(terms, tmp_path, clock, stub, monkeypatch):
        for body in ({}, {"agent": False}, {"agent": True}, {"agent": True, "duration": "1h"}):
            call(person, body)
        mine, mine_too, agent, longer = stub.asked
        assert [policies(one) for one in (mine, mine_too, agent, longer)] == [persons, persons, agents, agents]
        lengths = [one["DurationSeconds"] for one in stub.asked]
        assert lengths == ["3600", "3600", str(int(AGENT_USUAL.total_seconds())), "3600"]
        entries = door_of(person.app).store.audit.entries()
        made = [one.details for one in reversed(list(entries)) if one.event == "grant.made"]
        assert [one["for_agent"] for one in made] == [False, False, True, True]
        names = [str(one["session_name"]) for one in made]
        assert [name.startswith("agent=") for name in names] == [False, False, True, True]
        assert names[2] == f"agent={names[0]}"
        assert len({str(one["source_identity"]) for one in made}) == 1


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (f", session_policy: {OWN}", "has a session policy"),
        (f", agents: read-only, session_policy: {OWN}", "has a session policy"),
        (', policy_arns: ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]', "has a session policy"),
        (", agents: none", "does not let agents have it"),
    ],
)
def test_read_only_is_never_added_to_a_rule_s_own_policy_and_none_is_none(
    terms: str, sentence: str, tmp_path: Path, clock: HeldClock, stub: StubSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS allows what any of several session policies allows: beside another one, read-only access would widen."""
    for person in person_with(terms, tmp_path, clock, stub, monkeypatch):
        status, told = call(person, {"agent": True})
        assert (status, sentence in told, stub.asked) == (403, True, [])
        call(person, {})
        assert len(stub.asked) == 1


@pytest.mark.parametrize("value", ["true", "", 1, 0, None, [True], {"agent": True}])
def test_a_wish_that_is_neither_true_nor_false_gives_nothing(
    value: object, tmp_path: Path, clock: HeldClock, stub: StubSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in person_with("", tmp_path, clock, stub, monkeypatch):
        assert call(person, {"agent": value})[0] == 400
        assert stub.asked == []


@pytest.mark.parametrize("verb", ["console", "web-identity-token"])
def test_no_other_door_takes_an_agent_s_wish_and_drops_it(
    verb: str, tmp_path: Path, clock: HeldClock, stub: StubSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in person_with("", tmp_path, clock, stub, monkeypatch):
        body = {"agent": True, **({"show_link": True} if verb == "console" else {})}
        assert call(person, body, verb)[0] == 400
        assert stub.asked == []


# --------------------------------------------------------------------------------------------------------- the decision


def entitlement(partition: str = "aws", **changes: Any) -> Entitlement:
    account = Account(
        id="111111111111",
        name="x",
        partition=partition,
        provider_arn=f"arn:{partition}:iam::111111111111:saml-provider/bridge",
        region="us-east-1",
        roles={"Admin": Role("Admin")},
    )
    return replace(Entitlement(account, "Admin", "admins", ("in admins",), timedelta(hours=8)), **changes)


ACCESSES: list[AgentAccess] = ["read-only", "full", "none"]


@pytest.mark.parametrize("agents", ACCESSES)
@pytest.mark.parametrize("policy", [None, OWN_AS_SENT])
@pytest.mark.parametrize("arns", [(), ("arn:aws:iam::aws:policy/AmazonS3FullAccess",)])
def test_whatever_the_rule_says_an_agent_s_policies_are_its_person_s_or_one_that_reads(
    agents: AgentAccess, policy: str | None, arns: tuple[str, ...]
) -> None:
    mine = entitlement(agents=agents, policy=policy, policy_arns=arns)
    try:
        its = for_agent(mine)
    except RoleWithheld:
        assert agents == "none" or (agents == "read-only" and (policy or arns))
        return
    is_narrowed = (its.policy, its.policy_arns) == (None, (READ_ONLY,)) and not (policy or arns)
    assert is_narrowed or (agents == "full" and (its.policy, its.policy_arns) == (policy, arns))
    assert (its.max_duration, its.ends_at, its.role, its.source_identity) == (
        *(mine.max_duration, mine.ends_at, mine.role, mine.source_identity),
    )


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_read_only_access_is_the_partition_s_own_policy(partition: str) -> None:
    assert for_agent(entitlement(partition)).policy_arns == (f"arn:{partition}:iam::aws:policy/ReadOnlyAccess",)


def test_the_tag_goes_where_the_trust_policy_takes_tags_and_no_rule_can_say_otherwise() -> None:
    key, value = AGENT_TAG
    assert for_agent(entitlement()).tags == {}
    assert for_agent(entitlement(tags={"Team": "x"})).tags == {"Team": "x", key: value}
    assert for_agent(entitlement(tags={key.upper(): "false"})).tags == {key: value}
    full = {f"k{number}": "v" for number in range(MOST_TAGS)}
    assert for_agent(entitlement(tags=full)).tags == full


def test_an_agent_s_session_is_shorter_unless_somebody_asks_and_never_longer_than_the_rule_s() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    short = for_agent(entitlement(max_duration=timedelta(minutes=20)))
    assert granted_length(short, timedelta(hours=2), Bounds(AGENT_USUAL, now)).length == timedelta(minutes=20)


def test_an_agent_s_name_is_no_longer_than_aws_takes_and_shows_the_person() -> None:
    email = f"{'a' * 50}@example.com"
    who = Identity(connection="corp", subject="s", name="Ada", groups=Groups(()), email=email, email_is_verified=True)
    assert session_name(who, for_agent=True) == f"agent={email}"[:64]
    assert session_name(who) == email


def test_a_form_keeps_what_a_rule_says_of_agents() -> None:
    rule: dict[str, Any] = {
        "id": "x",
        "connection": "corp",
        "when": {"group": "a"},
        "grant": {"role": "1/x", "agents": "none", "max_duration": "1h"},
    }
    shown = fields_of(rule, ())
    assert "agents" in shown.kept
    changed = rule_of({**shown.fields, "max_duration": ("2h",)}, rule, ())
    assert changed["grant"] == {"role": "1/x", "agents": "none", "max_duration": "2h"}
