"""A method that was asked for is in the answer, or nobody is let in by it: both protocols (F10, I07; ADR 46)."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from documents.blocks import blocks
from lxml import etree
from openid_provider import NOON, by_query, world
from saml_factories import NOW, arrive, connector, honest, message, posted, saml, samlp, sign_in, stranger

from federation_bridge.bridge.answer import ExpectedSignIn
from federation_bridge.errors import ConfigurationInvalid, NotAuthenticatedAsAsked, SignInRejected, signature_held
from federation_bridge.model import Arrival, Identity, SignIn
from federation_bridge.sandbox.company_files import _SETTINGS as DEMO
from federation_bridge.sandbox.identity_provider import saml_message as made

MFA, PASSWORD = "https://refeds.org/profile/mfa", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
METHODS = {"mfa": {"request": (MFA,), "accept": (MFA,)}, "key": {"request": ("urn:k",), "accept": ("urn:k", "hwk")}}


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


class Sign(Protocol):
    """Signs in where these methods are asked for and the provider states those."""

    def __call__(self, asked: tuple[str, ...], *stated: str) -> Identity: ...


def by_saml(asked: tuple[str, ...], *stated: str) -> Identity:
    left = sign_in(fresh=bool(asked), methods=asked, started_at=NOW)
    (context,) = stated
    return held_to(left, arrive(honest(authn_context=context), connector(authentication_methods=METHODS), left))


def by_oidc(asked: tuple[str, ...], *stated: str) -> Identity:
    around = world(authentication_methods=METHODS)
    around.provider.claims |= {"auth_time": int(NOON.timestamp()), "amr": list(stated)}
    begun = replace(around.begin()[0], fresh=bool(asked), methods=asked)
    answer = around.provider.authorize(around.connector.depart(begun).url)
    return held_to(begun, around.connector.arrive(begun, by_query(*answer.items())))


def held_to(left: SignIn, arrival: Arrival) -> Identity:
    """As the pipeline holds every arrival to the sign-in with which the browser left."""
    expected = ExpectedSignIn(cast("Any", None))
    expected.sign_in = left
    with signature_held():
        expected.demand_method(arrival.identity)
    return arrival.identity


BOTH = pytest.mark.parametrize("by", [by_saml, by_oidc])


@BOTH
@pytest.mark.parametrize(
    ("asked", "stated", "passes"),
    [
        (("mfa",), MFA, True),
        (("key", "mfa"), MFA, True),
        (("mfa",), PASSWORD, False),
        (("key",), MFA, False),
        # A provider's own word that is spelt like the name of a method is not the method.
        (("mfa",), "mfa", False),
        (("mfa",), MFA + "/", False),
        (("mfa",), MFA.upper(), False),
        ((), PASSWORD, True),
        ((), "mfa", True),
    ],
)
def test_who_was_asked_for_a_method_used_it(by: Sign, asked: tuple[str, ...], stated: str, passes: bool) -> None:
    if passes:
        methods = by(asked, stated).authn_methods
        assert ("mfa" in methods) == (stated == MFA)
        return
    with pytest.raises(NotAuthenticatedAsAsked, match="asked for by") as refusal:
        by(asked, stated)
    assert "did not do what we requested" in refusal.value.public
    assert refusal.value.is_believed


def test_a_forged_answer_that_states_the_method_is_no_answer() -> None:
    forged = made.response_xml(message(authn_context=MFA), stranger())
    left = sign_in(fresh=True, methods=("mfa",), started_at=NOW)
    with pytest.raises(SignInRejected, match=r"signature|key"):
        connector(authentication_methods=METHODS).arrive(left, posted(forged))


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_saml_asks_by_the_class_references_and_anew(binding: str) -> None:
    at = connector(authentication_methods=METHODS, request_binding=binding)
    departure = at.depart(sign_in(fresh=True, methods=("key", "mfa")))
    if departure.form:
        request = etree.fromstring(base64.b64decode(departure.form["SAMLRequest"]))
        assert request[1].tag.endswith("}Signature")
    else:
        sent = parse_qs(urlsplit(departure.url).query)["SAMLRequest"][0]
        request = etree.fromstring(zlib.decompress(base64.b64decode(sent), wbits=-15))
    assert request.get("ForceAuthn") == "true"
    # The last child, as the schema has it: nothing of ours comes behind it (SAML core 3.4.1).
    requested = request[-1]
    assert (requested.tag, requested.get("Comparison")) == (samlp("RequestedAuthnContext"), "exact")
    assert [one.text for one in requested.iterchildren(saml("AuthnContextClassRef"))] == ["urn:k", MFA]


def test_nothing_is_asked_for_where_no_method_is() -> None:
    at = connector(authentication_methods=METHODS)
    sent = parse_qs(urlsplit(at.depart(sign_in(fresh=True)).url).query)["SAMLRequest"][0]
    assert b"RequestedAuthnContext" not in zlib.decompress(base64.b64decode(sent), wbits=-15)


def test_oidc_asks_by_acr_values_and_entra_by_the_claim_acrs() -> None:
    for preset, expected in (("generic", {"acr_values": f"urn:k {MFA}"}), ("okta", {"acr_values": f"urn:k {MFA}"})):
        sent = asked_of(preset, ("key", "mfa"), authentication_methods=METHODS)
        assert {name: sent.get(name) for name in expected} == expected
        assert (sent["prompt"], sent["max_age"], "claims" in sent) == ("login", "0", False)
    sent = asked_of("entra", ("step-up",), authentication_methods={"step-up": {"request": ("c1",), "accept": ("c1",)}})
    assert json.loads(sent["claims"]) == {"id_token": {"acrs": {"essential": True, "value": "c1"}}}
    assert "acr_values" not in sent


def asked_of(preset: str, methods: tuple[str, ...], **settings: Any) -> dict[str, str]:
    around = world(preset, **settings)
    begun = replace(around.begin()[0], fresh=True, methods=methods)
    around.provider.authorize(around.connector.depart(begun).url)
    return around.provider.asked


def test_a_preset_knows_a_second_factor_only_where_its_provider_tells_of_one() -> None:
    """As the providers' documents say; what a provider does not truly tell is no method (identity providers differ)."""
    assert asked_of("okta", ("mfa",))["acr_values"] == "urn:okta:loa:2fa:any"
    known = {preset: world(preset).connector.methods.second_factor for preset in ("generic", "okta", "entra", "google")}
    assert known == {"generic": "", "okta": "mfa", "entra": "", "google": ""}
    factors = {}
    for preset in ("generic", "okta", "entra", "google"):
        subject: dict[str, Any] = {"subject": "id"} if preset in ("okta", "google") else {}
        at = connector(preset=preset, **subject)
        factors[preset] = (at.methods.second_factor, at.methods.requested(("mfa",)))
    # Entra ID's assertion tells it, and nothing in a request of ours asks for it without refusing somebody.
    assert factors == {"generic": ("", ()), "okta": ("", ()), "entra": ("mfa", ()), "google": ("", ())}


@pytest.mark.parametrize(
    ("wanted", "found"), [(None, ""), ("none", ""), ("key", "key"), ("mfa", "mfa"), ("mfaa", ConfigurationInvalid)]
)
def test_the_second_factor_is_a_method_that_the_connection_knows(wanted: str | None, found: Any) -> None:
    settings: dict[str, Any] = {"authentication_methods": METHODS, "second_factor": wanted}
    if isinstance(found, str):
        assert connector(**settings).methods.second_factor == found
        return
    with pytest.raises(found, match="second_factor"):
        connector(**settings)


@pytest.mark.parametrize("status", ["NoAuthnContext", "AuthnFailed"])
def test_a_provider_that_says_it_cannot_is_told_in_the_same_sentence(status: str) -> None:
    said = message(
        status="urn:oasis:names:tc:SAML:2.0:status:Responder",
        nested_status=f"urn:oasis:names:tc:SAML:2.0:status:{status}",
        has_assertion=False,
        signed="response",
    )
    left = sign_in(fresh=True, methods=("mfa",), started_at=NOW)
    with pytest.raises(SignInRejected, match=status) as refusal:
        connector(authentication_methods=METHODS).arrive(left, posted(made.response_xml(said, stranger())))
    assert isinstance(refusal.value, NotAuthenticatedAsAsked) == (status == "NoAuthnContext")


def test_a_provider_of_openid_connect_that_says_it_cannot() -> None:
    around = world(authentication_methods=METHODS)
    around.provider.answer = {"code": None, "error": "unmet_authentication_requirements"}
    begun, answer = around.begin()
    with pytest.raises(NotAuthenticatedAsAsked, match="unmet"):
        around.connector.arrive(replace(begun, fresh=True, methods=("mfa",)), by_query(*answer.items()))


def test_the_settings_of_the_page_are_what_the_sandbox_is_asked_with() -> None:
    corp = yaml.safe_load(blocks()["docs/administration.md yaml 3"].text)["connections"]["corp"]
    demo = next(line for line in DEMO.splitlines() if "authentication_methods" in line)
    assert yaml.safe_load(demo.replace("{{", "{").replace("}}", "}")) == {
        "authentication_methods": corp["authentication_methods"]
    }
    at = connector(**corp)
    assert (at.methods.second_factor, at.methods.requested(("mfa",))) == ("mfa", (MFA,))
