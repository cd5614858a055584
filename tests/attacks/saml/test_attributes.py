"""Attributes as providers write them: which values count, and which attribute identifies nobody (SAML core 2.7.3)."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from saml_factories import arrive, changed, connector, honest, saml

from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.model import Identity

BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
Told = tuple[str, str | None, tuple[str, ...]]
"""Name, NameFormat and values of one Attribute element."""


def _said(*attributes: Told, statements: int = 1) -> bytes:
    """An answer of the company with exactly these Attribute elements, in so many statements."""

    def write(response: etree._Element) -> None:
        first = response.find(f"{saml('Assertion')}/{saml('AttributeStatement')}")
        assert first is not None
        for old in list(first):
            first.remove(old)
        places = [first]
        for _ in range(1, statements):
            places.append(etree.Element(saml("AttributeStatement")))
            places[-2].addnext(places[-1])
        for number, (name, name_format, values) in enumerate(attributes):
            element = etree.SubElement(places[number % statements], saml("Attribute"), Name=name)
            if name_format is not None:
                element.set("NameFormat", name_format)
            for value in values:
                etree.SubElement(element, saml("AttributeValue")).text = value

    return changed(write)


def _identity(*attributes: Told, statements: int = 1, **settings: Any) -> Identity:
    return arrive(_said(*attributes, statements=statements), connector(**settings)).identity


def test_an_attribute_that_keycloak_writes_once_for_each_role_is_the_union_of_its_values() -> None:
    roles = [("Role", BASIC, (f"role-{number}",)) for number in range(40)]
    found = _identity(*roles, ("Role", BASIC, ("role-3", "last")), ("team", None, ("a",)), ("team", None, ("b",)),
                      groups="Role")  # fmt: skip
    assert found.groups.names == (*(f"role-{number}" for number in range(40)), "last")
    assert (found.groups.why_incomplete, found.attributes["team"]) == (None, ("a", "b"))


@pytest.mark.parametrize("text", ["aws-dev", "aws-dev,aws-ops", "aws-dev;aws-ops", "aws dev", "CN=a,OU=b"])
def test_one_group_as_a_text_is_one_group_unsplit(text: str) -> None:
    assert _identity(("groups", None, (text,))).groups.names == (text,)


@pytest.mark.parametrize("refused", ["aws\nops", "\n  aws-ops\n  ", "aws\u200bops", "x" * 2049])
def test_a_value_that_is_no_groups_name_is_left_out_alone_and_told(refused: str) -> None:
    found = _identity(("groups", None, ("aws-dev", refused, "aws-net")))
    assert (found.groups.names, found.groups.gap) == (("aws-dev", "aws-net"), None)
    assert "the attribute 'groups' holds 1 that cannot be a group's name" in str(found.groups.left_out)
    assert _identity(("groups", None, ("aws-dev", "", "aws-net"))).groups.why_incomplete is None


ONCE = ("uid", None, ("u1",))
NOT_ONE_PERSON: dict[str, tuple[Told, ...]] = {
    "two values": (("uid", None, ("u1", "u2")),),
    "twice": (ONCE, ("uid", None, ("u2",))),
    "twice the same": (ONCE, ONCE),
    "once more without a value": (ONCE, ("uid", None, ())),
    "first without a value": (("uid", None, ()), ONCE),
    "under two formats": (("uid", BASIC, ("u1",)), ("uid", URI, ("u2",))),
    "under two formats, one empty": (("uid", BASIC, ("u1",)), ("uid", URI, ())),
    "not at all": (("other", None, ("u1",)),),
}


@pytest.mark.parametrize("case", NOT_ONE_PERSON)
def test_what_identifies_a_person_comes_once_with_one_value(case: str) -> None:
    assert _identity(ONCE, subject="uid").subject == "u1"
    with pytest.raises(SignInRejected, match="identify the person"):
        _identity(*NOT_ONE_PERSON[case], subject="uid")


def test_an_address_or_name_that_comes_several_times_is_none() -> None:
    once, twice = ("mail", None, ("a@b.example",)), ("mail", None, ("mallory@b.example",))
    assert _identity(once, subject="NameID", email="mail").email == "a@b.example"
    assert _identity(once, twice, subject="NameID", email="mail").email is None
    assert _identity(once, ("mail", None, ()), subject="NameID", email="mail").email is None
    named = _identity(("cn", None, ("Al",)), ("cn", None, ("Bo",)), name="cn")
    assert named.name not in ("Al", "Bo")


def test_one_name_under_two_formats_is_not_one_attribute() -> None:
    found = _identity(("groups", BASIC, ("aws-dev",)), ("groups", URI, ("aws-admin",)))
    assert (found.groups.names, found.groups.gap) == ((), "the attribute 'groups' comes in several NameFormats")
    other = _identity(("groups", None, ("aws-dev",)), ("team", BASIC, ("a",)), ("team", URI, ("b",)))
    assert (other.groups.names, "team" in other.attributes) == (("aws-dev",), False)
    same = _identity(("groups", None, ("aws-dev",)), ("groups", UNSPECIFIED, ("aws-ops",)))
    assert same.groups.names == ("aws-dev", "aws-ops")


def test_attributes_may_be_spread_over_statements_but_not_one_of_them() -> None:
    spread = _identity(("groups", None, ("aws-dev",)), ("team", None, ("a",)), statements=2)
    assert (spread.groups.names, spread.attributes) == (("aws-dev",), {"team": ("a",)})
    with pytest.raises(SignInRejected, match="in two statements") as refusal:
        _identity(("groups", None, ("aws-dev",)), ("groups", None, ("aws-admin",)), statements=2)
    assert not isinstance(refusal.value, VerifiersDisagree)


def test_a_role_that_is_added_after_signing_is_refused() -> None:
    genuine = _said(("groups", None, ("aws-dev",)), ("groups", None, ("aws-ops",)))
    assert arrive(genuine).identity.groups.names == ("aws-dev", "aws-ops")
    attack = etree.fromstring(genuine)
    statement = attack.find(f"{saml('Assertion')}/{saml('AttributeStatement')}")
    assert statement is not None
    element = etree.SubElement(statement, saml("Attribute"), Name="groups")
    etree.SubElement(element, saml("AttributeValue")).text = "aws-admin"
    with pytest.raises(SignInRejected, match="changed after it was signed"):
        arrive(etree.tostring(attack))


def test_an_honest_answer_is_read_as_before() -> None:
    assert arrive(honest()).identity.groups.names == ("aws-dev", "aws-ops")
