"""The condition on the network from which a person asks: known for certain, or neither met nor provably unmet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Caller, Identity, RequestOrigin, Session

OFFICE = '{source_network: [192.0.2.0/24, "2001:db8::/32"]}'
ABROAD = f"{{not: {OFFICE}}}"
ROLE = ("111111111111/Administrator",)


def asking(address: str, who: Identity | None = None) -> Caller:
    session = Session("k", who or identity(), NOW, NOW, NOW + timedelta(hours=1))
    return Caller(session, RequestOrigin("ref", "192.0.2.7"), address)


def granted(when: str, caller: Caller | None) -> tuple[str, ...]:
    return tuple(one.key for one in rule_set(rule(when)).entitlements(identity(), NOW, caller))


@pytest.mark.parametrize(
    ("address", "is_inside"),
    [
        ("192.0.2.7", True),
        ("192.0.2.0", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8:1::1", True),
        ("192.0.3.7", False),
        ("2001:db9::1", False),
    ],
)
def test_who_asks_from_a_network_meets_the_rule_and_who_asks_from_elsewhere_its_opposite(
    address: str, is_inside: bool
) -> None:
    assert granted(OFFICE, asking(address)) == (ROLE if is_inside else ())
    assert granted(ABROAD, asking(address)) == (() if is_inside else ROLE)


@pytest.mark.parametrize("caller", [asking(""), asking("unknown"), None], ids=["hidden", "no address", "nobody asks"])
def test_an_address_that_is_not_known_is_neither_inside_nor_outside(caller: Caller | None) -> None:
    # The origin's own address, which a proxy may have lent, decides nothing.
    assert granted(OFFICE, caller) == granted(ABROAD, caller) == ()
    (outcome,) = rule_set(rule(OFFICE)).explain(identity(), NOW, caller).outcomes
    assert outcome.reasons == ("the network from which you ask is not known",)


@pytest.mark.parametrize(
    ("networks", "reason"),
    [
        ("[]", "must not be empty"),
        ("192.0.2.0/24", "must be a list"),
        ("[192.0.2.7]", "has no prefix length"),
        ("[192.0.2.7/24]", "is not a network"),
        ("[office/24]", "is not a network"),
        ("[192.0.2.0/24, 192.0.2.0/24]", "stands here twice"),
        ('["2001:DB8::/32"]', "must be written as '2001:db8::/32'"),
        ("[192.0.2.0/255.255.255.0]", "must be written as '192.0.2.0/24'"),
        ('["::ffff:192.0.2.0/120"]', "is an IPv4 network within IPv6"),
    ],
)
def test_a_network_that_could_be_misread_is_refused_with_its_line(networks: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        rule_set(rule(f"{{source_network: {networks}}}"))
    assert refused.value.detail.startswith("line 5: ")
    assert reason in refused.value.detail


@pytest.mark.parametrize(
    ("when", "may_have"),
    [
        (OFFICE, True),
        (ABROAD, True),
        (f"{{all: [{OFFICE}, {{person: s-1}}]}}", True),
        (f"{{all: [{OFFICE}, {{person: somebody}}]}}", False),
        (f"{{any: [{OFFICE}, {{person: somebody}}]}}", True),
        ("{person: s-1}", True),
        ("{authentication_method: mfa}", False),
        ("{person: somebody}", False),
    ],
)
def test_who_lacks_a_role_only_where_they_are_may_still_have_one(when: str, may_have: bool) -> None:
    assert rule_set(rule(when)).may_have_a_role(identity(), NOW) is may_have
