# ruff: noqa: F402, F811 - fixtures are named where they are asked for
"""The local identity provider, by SAML and as it is served: it does what real ones do, and refuses what they refuse."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import RSAKey
from lxml import etree
from sandbox_idp_fixtures import ACS, SP, House, house, house_of, signed_in, signers, sp_metadata, styled  # noqa: F401 - fixtures
from signxml.verifier import XMLVerifier

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.application import serve_identity_provider
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import Refusal
from federation_bridge.sandbox.identity_provider.saml_message import Signer, sign
from federation_bridge.sandbox.identity_provider.styles import object_id

NS = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}

# --------------------------------------------------------------------------------------------------- SAML, asking


def _authn_request(house: House, **attributes: str) -> str:
    values = {
        "ID": "_request-1",
        "Version": "2.0",
        "IssueInstant": "2026-03-02T09:00:00Z",
        "Destination": house.provider.sso_url,
        "AssertionConsumerServiceURL": ACS,
    } | attributes
    text = " ".join(f'{name}="{value}"' for name, value in values.items())
    return f'<p:AuthnRequest xmlns:p="{NS["p"]}" xmlns:a="{NS["a"]}" {text}><a:Issuer>{SP}</a:Issuer></p:AuthnRequest>'


def _redirect_url(house: House, xml: str, signer: Signer | None = None, relay_state: str = "state-1") -> str:
    packer = zlib.compressobj(wbits=-15)
    deflated = base64.b64encode(packer.compress(xml.encode()) + packer.flush()).decode()
    query = f"SAMLRequest={quote_plus(deflated)}&RelayState={quote_plus(relay_state)}"
    if signer is not None:
        query += "&SigAlg=" + quote_plus("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
        key = load_pem_private_key(signer.private_pem, None)
        signature = key.sign(query.encode(), PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg,arg-type]
        query += "&Signature=" + quote_plus(base64.b64encode(signature).decode())
    return f"{house.provider.sso_url}?{query}"


def _asked(house: House, **attributes: str) -> str:
    return _redirect_url(house, _authn_request(house, **attributes), house.sp_signer)


def _response(page: Page) -> etree._Element:
    return etree.fromstring(base64.b64decode(page.form(ACS).fields["SAMLResponse"]))


def test_a_signed_request_brings_a_login_form_and_then_a_response_for_the_acs(styled: House) -> None:
    page = signed_in(styled, Browser(), _asked(styled))
    form = page.form(ACS)
    response = _response(page)
    assert form.method == "POST"
    assert form.fields["RelayState"] == "state-1"
    assert response.get("InResponseTo") == "_request-1"
    assert response.get("Destination") == ACS
    assert response.findtext("a:Issuer", namespaces=NS) == styled.provider.entity_id
    assert response.findtext(".//a:Audience", namespaces=NS) == SP
    assert response.findtext(".//a:NameID", namespaces=NS) == "ada@example.com"


def test_each_style_signs_the_part_that_its_product_signs(styled: House) -> None:
    response = _response(signed_in(styled, Browser(), _asked(styled)))
    signed = [element.xpath("local-name(..)") for element in response.iterfind(".//ds:Signature", NS)]
    assert (
        signed
        == {"entra": ["Assertion"], "okta": ["Response", "Assertion"], "google": ["Assertion"]}[styled.provider.style]
    )
    assertion = response.find("a:Assertion", NS)
    certificate = styled.provider.signer.certificate_pem
    XMLVerifier().verify(assertion, x509_cert=certificate, id_attribute="ID")


def test_groups_travel_in_one_attribute_with_one_value_each(styled: House) -> None:
    response = _response(signed_in(styled, Browser(), _asked(styled)))
    attributes = {
        element.get("Name", "").rpartition("/")[2]: [value.text for value in element]
        for element in response.iterfind(".//a:Attribute", NS)
    }
    assert attributes["groups"] == ["everyone", "platform-admins", "aws#111122223333#Developer"]
    if styled.provider.style == "entra":
        assert attributes["objectidentifier"] == [object_id(styled.provider.directory["ada"])]


def test_a_request_by_post_is_believed_by_its_enveloped_signature(house: House) -> None:
    tree = etree.fromstring(_authn_request(house))
    sign(tree, house.sp_signer)
    page = _post(house, etree.tostring(tree))
    assert page.has_form("/login")


def test_a_request_by_post_that_was_changed_after_signing_is_refused(house: House) -> None:
    tree = etree.fromstring(_authn_request(house))
    sign(tree, house.sp_signer)
    tree.set("ForceAuthn", "true")
    assert _post(house, etree.tostring(tree)).status == 400


def _post(house: House, xml: bytes) -> Page:
    return Browser().post(house.provider.sso_url, {"SAMLRequest": base64.b64encode(xml).decode(), "RelayState": "x"})


@pytest.mark.parametrize(
    ("attributes", "signed_by", "why"),
    [
        ({}, "nobody", "is not signed"),
        ({}, "somebody else", "no registered key"),
        ({"Destination": "https://elsewhere.example.test/sso"}, "us", "is for https://elsewhere"),
        ({"AssertionConsumerServiceURL": "https://elsewhere.example.test/acs"}, "us", "is not registered"),
        ({"Version": "1.1"}, "us", "not of version 2.0"),
        ({"ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"}, "us", "HTTP-POST only"),
    ],
)
def test_a_request_that_an_administrator_did_not_register_is_refused(
    house: House, attributes: dict[str, str], signed_by: str, why: str
) -> None:
    signer = {"nobody": None, "somebody else": house.provider.signer, "us": house.sp_signer}[signed_by]
    page = Browser().open(_redirect_url(house, _authn_request(house, **attributes), signer))
    assert page.status == 400
    assert why in page.words
    assert not page.has_form("/login")


@pytest.mark.parametrize("query", ["", "SAMLRequest=%%%", "SAMLRequest=AAAA", "SAMLRequest=a&SAMLRequest=b"])
def test_what_is_no_request_gets_a_page_and_never_an_error_of_ours(house: House, query: str) -> None:
    assert Browser().open(f"{house.provider.sso_url}?{query}").status == 400


def test_a_changed_relay_state_breaks_the_signature_of_a_redirect(house: House) -> None:
    assert Browser().open(_asked(house).replace("state-1", "state-2")).status == 400


def test_google_tells_the_registered_acs_of_a_wrong_one_without_a_signature(
    signers: tuple[Signer, Signer, RSAKey],
) -> None:
    for house in house_of("google", signers):
        page = Browser().open_and_stop(_asked(house, AssertionConsumerServiceURL="https://elsewhere.example.test/acs"))
        response = _response(page)
        assert response.get("InResponseTo") is None
        assert response.find(".//ds:Signature", NS) is None
        codes = [element.get("Value", "").rpartition(":")[2] for element in response.iterfind(".//p:StatusCode", NS)]
        assert codes == ["Requester", "RequestDenied"]


# ------------------------------------------------------------------------------------------------ SAML, signing in


def test_a_wrong_password_shows_the_form_again_and_opens_nothing(house: House) -> None:
    browser = Browser()
    page = browser.open(_asked(house))
    page = browser.submit(page, page.form("/login"), login="ada", password="wrong")
    assert page.status == 403
    assert page.has_form("/login")
    assert not list(browser.cookies)


def test_who_has_signed_in_already_is_not_asked_again(house: House) -> None:
    browser = Browser()
    signed_in(house, browser, _asked(house))
    assert browser.open_and_stop(_asked(house)).has_form(ACS)


def test_force_authn_asks_for_the_password_again(house: House) -> None:
    browser = Browser()
    signed_in(house, browser, _asked(house))
    assert browser.open_and_stop(_asked(house, ForceAuthn="true")).has_form("/login")


def test_a_passive_request_is_answered_no_passive_where_nobody_is_signed_in(house: House) -> None:
    response = _response(Browser().open_and_stop(_asked(house, IsPassive="true")))
    codes = [element.get("Value", "").rpartition(":")[2] for element in response.iterfind(".//p:StatusCode", NS)]
    assert codes == ["Responder", "NoPassive"]
    assert response.find("a:Assertion", NS) is None


def test_who_declines_sends_an_error_response_to_the_application(house: House) -> None:
    browser = Browser()
    page = browser.open(_asked(house))
    page = browser.submit_and_stop(page, page.form("/decline"))
    assert _response(page).find("a:Assertion", NS) is None
    assert page.form(ACS).fields["RelayState"] == "state-1"


def test_a_form_works_once(house: House) -> None:
    browser = Browser()
    page = browser.open(_asked(house))
    browser.submit_and_stop(page, page.form("/decline"))
    assert browser.submit(page, page.form("/decline")).status == 400


def test_who_is_not_assigned_gets_a_page_and_the_application_gets_nothing(house: House) -> None:
    page = signed_in(house, Browser(), _asked(house), "eve")
    assert page.status == 403
    assert not page.has_form(ACS)


def test_a_sign_in_that_begins_here_answers_no_request(house: House) -> None:
    page = signed_in(house, Browser(), f"{house.address}/saml/start?application={quote_plus(SP)}")
    assert _response(page).get("InResponseTo") is None
    assert page.form(ACS).fields["RelayState"] == "/start"


def test_assertions_are_encrypted_where_the_application_was_registered_so(house: House) -> None:
    house.provider.register_service_provider(sp_metadata(house.sp_signer), encrypts=True)
    response = _response(signed_in(house, Browser(), _asked(house)))
    assert response.find("a:Assertion", NS) is None
    assert response.find("a:EncryptedAssertion", NS) is not None


@pytest.mark.parametrize("metadata", [b"", b"<a/>", b"not xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_metadata_that_describes_no_application_is_refused(house: House, metadata: bytes) -> None:
    with pytest.raises(Refusal):
        house.provider.register_service_provider(metadata)


# --------------------------------------------------------------------------------------------------------- serving


def test_it_listens_on_this_machine_only_unless_told_in_so_many_words(signers: tuple[Signer, Signer, RSAKey]) -> None:
    def make(address: str) -> IdentityProvider:
        return IdentityProvider(address, example_company(), signer=signers[0])

    with pytest.raises(ConfigurationInvalid, match="this machine only"):
        serve_identity_provider(make, host="0.0.0.0")
    running = serve_identity_provider(make, host="0.0.0.0", allow_beyond_loopback=True)
    running.served.stop()


def test_the_front_page_says_who_works_here_and_with_which_password(house: House) -> None:
    words = Browser().open(house.address).words
    for person in house.provider.directory:
        assert person.login in words
        assert person.password in words


def test_no_password_shows_in_a_repr(house: House) -> None:
    ada = house.provider.directory["ada"]
    assert ada.password not in repr(ada)
