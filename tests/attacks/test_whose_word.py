"""Whose word it is (attacks I16, F13): one issuer in answer and token, a name with its qualifiers, no address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from openid_provider import OTHER_TENANT, PERSON, TENANT, World, world
from saml_factories import ENTITY_ID, IDP, arrive, changed, connector, honest, saml

from federation_bridge.errors import ConfigurationInvalid, SignInRejected
from federation_bridge.sandbox.identity_provider.saml_message import EMAIL_FORMAT

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
TARGETED_ID = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


# --------------------------------------------------------------------------------------------- the issuer of the answer


def of(tenant: str) -> str:
    return f"https://login.example.test/{tenant}/v2.0"


def several_tenants() -> World:
    around = world("entra", issuer="https://login.example.test/common/v2.0", tenants=(TENANT, OTHER_TENANT))
    around.provider.discovery = {"issuer": of("{tenantid}")}
    return around


@pytest.mark.parametrize("answers", [TENANT, OTHER_TENANT])
@pytest.mark.parametrize("speaks", [TENANT, OTHER_TENANT])
def test_the_tenant_that_answers_is_the_one_whose_token_is_believed(answers: str, speaks: str) -> None:
    around = several_tenants()
    around.provider.answer["iss"] = of(answers)
    around.provider.claims.update({"iss": of(speaks), "tid": speaks, "oid": PERSON})
    if answers == speaks:
        assert around.sign_in().identity.subject == f"{speaks}.{PERSON}"
        return
    with pytest.raises(SignInRejected, match="issuer"):
        around.sign_in()


def test_the_two_spellings_of_one_issuer_are_one() -> None:
    for answers in ("https://accounts.example.test", "accounts.example.test"):
        for speaks in ("https://accounts.example.test", "accounts.example.test"):
            around = world("google")
            around.provider.answer["iss"] = answers
            around.provider.claims["iss"] = speaks
            assert around.sign_in().message_issuer == speaks


# ----------------------------------------------------------------------------------------------- qualifiers of a NameID


def qualified(**qualifiers: str) -> Callable[[etree._Element], None]:
    def change(response: etree._Element) -> None:
        for name_id in response.iter(saml("NameID")):
            for name, value in qualifiers.items():
                name_id.set(name, value)

    return change


@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_a_name_of_another_domain_is_nobody_here(signed: str) -> None:
    for expected in ({}, {"NameQualifier": IDP}, {"NameQualifier": IDP, "SPNameQualifier": ENTITY_ID}):
        assert arrive(changed(qualified(**expected), signed=signed)).identity.subject == "alice@example.com"
    for foreign in ("https://upstream.example.test/idp", IDP + "/", IDP.upper(), " "):
        with pytest.raises(SignInRejected, match="of another domain"):
            arrive(changed(qualified(NameQualifier=foreign), signed=signed))
    with pytest.raises(SignInRejected, match="another service provider"):
        arrive(changed(qualified(SPNameQualifier="https://other.example.test/"), signed=signed))


@pytest.mark.parametrize("name", ["NameQualifier", "SPNameQualifier"])
def test_so_is_a_name_that_is_an_attributes_value(name: str) -> None:
    def targeted(qualifier: str) -> bytes:
        def change(response: etree._Element) -> None:
            value = next(one for one in response.iter(saml("Attribute")) if one.get("Name") == TARGETED_ID)[0]
            value.text = None
            name_id = etree.SubElement(value, saml("NameID"), Format=PERSISTENT)
            name_id.set(name, qualifier)
            name_id.text = "opaque-1"

        return changed(change, attributes={TARGETED_ID: ("",), "groups": ("aws-dev",)})

    by_it = connector(subject=TARGETED_ID)
    expected = IDP if name == "NameQualifier" else ENTITY_ID
    assert arrive(targeted(expected), by_it).identity.subject == "opaque-1"
    with pytest.raises(SignInRejected, match="NameID"):
        arrive(targeted("https://other.example.test/"), by_it)


# ---------------------------------------------------------------------------------------- an address is nobody for good


@pytest.mark.parametrize(
    ("name_id", "form"),
    [
        ("alice@example.com", EMAIL_FORMAT),
        ("alice@example.com", UNSPECIFIED),
        ("alice@example.com", PERSISTENT),
        ("alice@example.com", None),
        ("ALICE@EXAMPLE.COM", None),
        ("alice@localhost", UNSPECIFIED),
        ("alice", EMAIL_FORMAT),
    ],
)
def test_a_name_id_that_is_an_address_is_taken_only_where_settings_say_so(name_id: str, form: str | None) -> None:
    message = honest(name_id=name_id, name_id_format=form)
    with pytest.raises(SignInRejected, match="can pass to another person"):
        arrive(message, connector(subject_kind="lasting"))
    assert arrive(message, connector(subject_kind="email")).identity.subject == name_id
    by_attribute = connector(subject_kind="lasting", subject="id")
    named = honest(name_id=name_id, name_id_format=form, attributes={"id": ("u-1",)})
    assert arrive(named, by_attribute).identity.subject == "u-1"


@pytest.mark.parametrize(("name_id", "form"), [("00u1abcd", UNSPECIFIED), ("Zm9v=", PERSISTENT), ("alice", None)])
def test_a_lasting_name_id_is_taken(name_id: str, form: str | None) -> None:
    message = honest(name_id=name_id, name_id_format=form)
    assert arrive(message, connector(subject_kind="lasting")).identity.subject == name_id


def test_a_google_name_id_is_judged_by_its_text_because_its_format_lies() -> None:
    google = connector(preset="google", subject_kind="lasting")
    assert arrive(honest(style="google", name_id="1234", name_id_format=EMAIL_FORMAT), google).identity.subject
    with pytest.raises(SignInRejected, match="can pass to another person"):
        arrive(honest(style="google", name_id_format=UNSPECIFIED), google)
    assert any("primary address" in doubt for doubt in google.check())


@pytest.mark.parametrize(
    "settings",
    [
        {"name_id_format": EMAIL_FORMAT},
        {"email": "NameID"},
        {"subject": "email"},
        {"subject": "mail"},
        {"subject": "upn"},
        {"subject": "urn:oid:0.9.2342.19200300.100.1.3"},
        {"subject": "work_address", "email": "work_address"},
        {"preset": "entra", "subject": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"},
        {"preset": "entra", "subject": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"},
    ],
)
def test_settings_that_make_an_address_the_subject_stop_the_start_unless_they_say_so(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationInvalid, match="subject_kind: email"):
        connector(subject_kind="lasting", **settings)
    said = connector(subject_kind="email", **settings)
    assert any("later" in doubt for doubt in said.check())


def test_an_address_may_be_asked_for_where_an_attribute_identifies() -> None:
    asking = connector(subject_kind="lasting", subject="id", name_id_format=EMAIL_FORMAT)
    assert not any("address" in doubt for doubt in asking.check())
