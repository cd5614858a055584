"""The decision: which cap holds, and that every "no" names its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from federation_bridge.errors import BadRequest, RoleNotGranted
from federation_bridge.grant import Circumstances, Wish, decide, entitled, granted_duration
from federation_bridge.model import Account, Entitlement, Role

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
    return granted_duration(entitlement, asked, HOUR, NOW)


CAPS = [
    (None, ENTITLEMENT, HOUR, "the usual length"),
    (2 * HOUR, ENTITLEMENT, 2 * HOUR, "as asked for"),
    (12 * HOUR, ENTITLEMENT, 4 * HOUR, "the role allows"),
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
    assert entitled(Wish("111111111111", "Admin"), (ENTITLEMENT,)) is ENTITLEMENT
    with pytest.raises(RoleNotGranted):
        entitled(Wish(account, role), (ENTITLEMENT,))


def test_the_grant_carries_the_terms_of_the_entitlement_and_the_names_of_the_person() -> None:
    terms = replace(ENTITLEMENT, tags={"team": "core"}, transitive_tags=("team",), policy="{}")
    circumstances = Circumstances("okta/00u1", "ada@example.com", "okta-00u1", "v1", HOUR, "_id", NOW)
    grant = decide(terms, Wish("111111111111", "Admin", 2 * HOUR, "deploy"), circumstances)
    assert (grant.duration, grant.tags, grant.policy, grant.reason) == (2 * HOUR, {"team": "core"}, "{}", "deploy")
    assert grant.role_arn == "arn:aws:iam::111111111111:role/Admin"
    assert not grant.is_enforced_by_statement
    assert replace(grant, policy=None).is_enforced_by_statement
