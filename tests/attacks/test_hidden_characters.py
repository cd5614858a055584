"""Characters that nobody sees, in what an identity provider says: nothing that decides takes them."""

from __future__ import annotations

from typing import Any

import pytest
from openid_provider import world
from saml_factories import arrive, connector, honest
from test_shown_text import HIDDEN

from federation_bridge.errors import SignInRejected
from federation_bridge.model import Identity


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


IN_XML = {name: one for name, one in HIDDEN.items() if one >= " " and one not in "\ud800\uffff"}
"""Those that XML and JSON in UTF-8 can carry at all."""


def by_saml(subject: str = "anna", **attributes: tuple[str, ...]) -> Identity:
    told = {"groups": ("aws-dev",), **attributes}
    return arrive(honest(name_id=subject, attributes=told), connector(name="shown")).identity


def by_oidc(subject: str = "anna", **claims: Any) -> Identity:
    around = world("generic", subject="employee", name="shown")
    around.provider.claims.update({"employee": subject, "groups": ["aws-dev"], **claims})
    return around.sign_in().identity


@pytest.mark.parametrize("by", [by_saml, by_oidc])
@pytest.mark.parametrize("character", IN_XML.values(), ids=IN_XML)
def test_a_subject_with_one_is_nobody(by: Any, character: str) -> None:
    assert by("anna").subject == "anna"
    for subject in (f"{character}anna", f"an{character}na", f"anna{character}"):
        with pytest.raises(SignInRejected):
            by(subject)


@pytest.mark.parametrize("character", IN_XML.values(), ids=IN_XML)
def test_a_group_with_one_is_left_out_and_told_and_an_attribute_with_one_is_not_offered(character: str) -> None:
    hidden = f"aws-{character}dev"
    for person in (
        by_saml(groups=("aws-dev", hidden), team=("red", hidden), city=("Bergen",)),
        by_oidc(groups=["aws-dev", hidden], team=["red", hidden], city=["Bergen"]),
    ):
        assert person.groups.names == ("aws-dev",)
        assert f"U+{ord(character):04X}" in str(person.groups.left_out)
        assert "team" not in person.attributes
        assert person.attributes["city"] == ("Bergen",)


@pytest.mark.parametrize("character", IN_XML.values(), ids=IN_XML)
def test_a_name_is_shown_without_it(character: str) -> None:
    assert by_saml(shown=(f"An{character}na",)).name == "Anna"
    assert by_oidc(shown=f"An{character}na").name == "Anna"


@pytest.mark.parametrize("character", IN_XML.values(), ids=IN_XML)
def test_a_name_of_an_attribute_with_one_is_not_offered(character: str) -> None:
    assert by_saml("anna", **{f"te{character}am": ("red",)}).attributes == {}
    assert f"te{character}am" not in by_oidc(**{f"te{character}am": "red"}).attributes


def test_blanks_at_the_ends_of_a_subject_make_nobody_else() -> None:
    for subject in (" anna", "anna "):
        for by in (by_saml, by_oidc):
            with pytest.raises(SignInRejected):
                by(subject)
    assert by_saml("anna b").subject == by_oidc("anna b").subject == "anna b"


def test_the_id_of_a_token_is_plain_text() -> None:
    """A token with another one is known by the hash of what was signed: no such text gets into store and audit."""
    around = world("generic")
    around.provider.claims["jti"] = "one two"
    assert around.sign_in().message_id == "one two"
    around.provider.claims["jti"] = "one\0two"
    assert around.sign_in().message_id.startswith("sha256:")
