"""The decision: which cap holds, and that every "no" names its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from federation_bridge.aws.statement import LIFE
from federation_bridge.errors import BadRequest, NotHandedOver, RoleNotGranted
from federation_bridge.grant import (
    Bounds,
    DecisionInput,
    RoleRequest,
    decide,
    demand_enforced,
    entitled,
    granted_length,
    longest,
)
from federation_bridge.model import REDEEMABLE, Account, Entitlement, Grant, Role

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCOUNT = Account(
    id="111111111111",
    name="Production",
    partition="aws",
    provider_arn="arn:aws:iam::111111111111:saml-provider/bridge",
    region="us-east-1",
    roles={"Admin": Role("Admin", max_session=4 * HOUR)},
)
ENTITLEMENT = Entitlement(
    account=ACCOUNT, role="Admin", rule="admins", because=("in group admins",), max_duration=8 * HOUR
)


def duration(asked: timedelta | None, entitlement: Entitlement = ENTITLEMENT) -> tuple[timedelta, str]:
    cap = granted_length(entitlement, asked, Bounds(HOUR, NOW))
    return cap.length, cap.why


CAPS = [
    (None, ENTITLEMENT, HOUR, "the usual length"),
    (2 * HOUR, ENTITLEMENT, 2 * HOUR, "as asked for"),
    (12 * HOUR, ENTITLEMENT, 4 * HOUR, "the role allows"),
    # As a rule that would allow more is cut to its role when it is evaluated.
    (8 * HOUR, replace(ENTITLEMENT, max_duration=4 * HOUR), 4 * HOUR, "that the role allows"),
    (12 * HOUR, replace(ENTITLEMENT, max_duration=3 * HOUR), 3 * HOUR, "that rule admins allows"),
    (
        3 * HOUR,
        replace(ENTITLEMENT, ends_at=NOW + timedelta(minutes=40)),
        timedelta(minutes=40),
        "until the rule's end",
    ),
]


@pytest.mark.parametrize(("asked", "entitlement", "given", "why"), CAPS, ids=[case[3] for case in CAPS])
def test_the_smallest_cap_decides_and_says_so(
    asked: timedelta | None, entitlement: Entitlement, given: timedelta, why: str
) -> None:
    length, sentence = duration(asked, entitlement)
    assert length == given
    assert why in sentence


@pytest.mark.parametrize(("road", "given"), [("saml", 40 * 60), ("oidc", 40 * 60 - 13)])
def test_on_the_oidc_road_a_rules_end_leaves_room_for_aws_to_answer(road: str, given: int) -> None:
    account = replace(ACCOUNT, provider_arn=f"arn:aws:iam::111111111111:{road}-provider/bridge")
    ending = replace(ENTITLEMENT, account=account, ends_at=NOW + timedelta(minutes=40))
    assert granted_length(ending, None, Bounds(HOUR, NOW, timedelta(seconds=13))).length == timedelta(seconds=given)


@pytest.mark.parametrize("asked", [timedelta(0), timedelta(seconds=899), timedelta(seconds=43_201), -HOUR])
def test_a_wish_outside_what_aws_sells_is_refused(asked: timedelta) -> None:
    with pytest.raises(BadRequest):
        duration(asked)


def test_a_rule_that_ends_within_fifteen_minutes_grants_nothing() -> None:
    ending = replace(ENTITLEMENT, ends_at=NOW + timedelta(seconds=899))
    with pytest.raises(RoleNotGranted, match="less than the 15m"):
        duration(None, ending)
    assert duration(None, replace(ENTITLEMENT, ends_at=NOW + timedelta(seconds=900)))[0] == timedelta(seconds=900)


@pytest.mark.parametrize(("account", "role"), [("111111111111", "admin"), ("222222222222", "Admin"), ("", "")])
def test_a_role_that_no_rule_grants_is_refused_whether_or_not_it_exists(account: str, role: str) -> None:
    assert entitled(RoleRequest("111111111111", "Admin"), (ENTITLEMENT,)) is ENTITLEMENT
    with pytest.raises(RoleNotGranted):
        entitled(RoleRequest(account, role), (ENTITLEMENT,))


def test_the_grant_carries_the_terms_of_the_entitlement_and_the_names_of_the_person() -> None:
    terms = replace(ENTITLEMENT, tags={"team": "core"}, transitive_tags=("team",), policy="{}")
    decision_input = DecisionInput("okta/00u1", "ada@example.com", "okta-00u1", "v1", "_id", Bounds(HOUR, NOW))
    grant = decide(terms, RoleRequest("111111111111", "Admin", 2 * HOUR, "deploy"), decision_input)
    assert (grant.duration, grant.tags, grant.policy, grant.reason) == (2 * HOUR, {"team": "core"}, "{}", "deploy")
    assert grant.role_arn == "arn:aws:iam::111111111111:role/Admin"
    assert not grant.is_enforced_by_statement
    assert replace(grant, policy=None).is_enforced_by_statement


# ------------------------------------------------------------------- what AWS enforces from the statement (ADR 0008)

OIDC = replace(
    ACCOUNT,
    provider_arn="arn:aws:iam::111111111111:oidc-provider/bridge.example.com",
    roles={"Admin": Role("Admin", max_session=4 * HOUR, web_identity_file=True)},
)
HANDED = replace(ENTITLEMENT, account=OIDC)
LAST = NOW + REDEEMABLE + 4 * HOUR
"""When the longest session ends that AWS could issue for a token which is signed now."""


def handed(entitlement: Entitlement = HANDED) -> Grant:
    decision_input = DecisionInput("okta/00u1", "ada@example.com", "okta-00u1", "v1", "_id", Bounds(HOUR, NOW))
    return decide(entitlement, longest(RoleRequest("111111111111", "Admin"), entitlement), decision_input)


def without_pin(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, account=replace(OIDC, roles={"Admin": Role("Admin", max_session=4 * HOUR)}))


ENFORCED = [
    ("nothing but the role", HANDED),
    ("tags and a source identity, which the token carries", replace(HANDED, tags={"a": "b"}, source_identity="ada")),
    ("a rule as long as the role", replace(HANDED, max_duration=4 * HOUR)),
    ("a rule that ends after the last session", replace(HANDED, ends_at=LAST)),
]
NOT_ENFORCED = [
    ("a session policy", replace(HANDED, policy="{}"), "session policy"),
    ("policy ARNs", replace(HANDED, policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",)), "session policy"),
    ("a rule shorter than the role", replace(HANDED, max_duration=4 * HOUR - timedelta(seconds=1)), "duration"),
    ("a rule that ends within the session", replace(HANDED, ends_at=NOW + 2 * HOUR), "duration"),
    (
        "a rule that ends within what a late redemption buys",
        replace(HANDED, ends_at=LAST - timedelta(seconds=1)),
        "dates end",
    ),
    ("a role whose trust policy is not said to pin the name", without_pin(HANDED), "pins the session name"),
]


@pytest.mark.parametrize(("name", "entitlement"), ENFORCED, ids=[case[0] for case in ENFORCED])
def test_a_token_leaves_where_aws_enforces_the_whole_grant(name: str, entitlement: Entitlement) -> None:
    grant = handed(entitlement)
    demand_enforced(grant)
    assert grant.is_enforced_by_statement, name
    assert grant.duration == 4 * HOUR, "the audit names what AWS would issue, not the usual length"


@pytest.mark.parametrize(("name", "entitlement", "why"), NOT_ENFORCED, ids=[case[0] for case in NOT_ENFORCED])
def test_no_token_leaves_where_the_call_could_take_more_than_was_granted(
    name: str, entitlement: Entitlement, why: str
) -> None:
    grant = handed(entitlement)
    assert not grant.is_enforced_by_statement, name
    with pytest.raises(NotHandedOver, match=why):
        demand_enforced(grant)


def test_every_reason_is_told_at_once() -> None:
    both = without_pin(replace(HANDED, policy="{}", max_duration=HOUR))
    assert len(handed(both).left_to_the_call) == 3


def test_the_saml_road_gives_no_web_identity_token_though_aws_enforces_its_assertions() -> None:
    grant = handed(ENTITLEMENT)
    assert grant.is_enforced_by_statement
    with pytest.raises(NotHandedOver, match="SAML provider"):
        demand_enforced(grant)


def test_a_statement_can_be_redeemed_for_its_life_and_the_tolerance_of_sts() -> None:
    assert timedelta(minutes=5) + LIFE == REDEEMABLE
