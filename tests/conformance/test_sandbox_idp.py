"""The local identity provider does what real ones do, and refuses what real ones refuse."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from lxml import etree
from signxml.verifier import XMLVerifier

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.application import serve_identity_provider
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import Refusal
from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer, sign
from federation_bridge.sandbox.identity_provider.styles import object_id

SP = "https://bridge.example.test/saml/metadata"
ACS = "http://127.0.0.1:9/acs"
"""Nobody listens there: these tests stop at the page that would post the answer."""
CALLBACK = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
NS = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}


class HeldClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class House:
    provider: IdentityProvider
    clock: HeldClock
    sp_signer: Signer
    client_key: RSAKey

    @property
    def address(self) -> str:
        return self.provider.address


@pytest.fixture(scope="module")
def signers() -> tuple[Signer, Signer, RSAKey]:
    return make_signer(), make_signer("service provider"), RSAKey.generate_key(2048, {"kid": "client-1"})


@pytest.fixture(params=["entra", "okta", "google"])
def styled(request: pytest.FixtureRequest, signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    yield from _house(request.param, signers)


@pytest.fixture
def house(signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    yield from _house("okta", signers)


def _house(style: str, signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    clock = HeldClock()
    own, sp, client_key = signers

    def make(address: str) -> IdentityProvider:
        return IdentityProvider(address, example_company(), style=style, clock=clock, signer=own)  # type: ignore[arg-type]

    running = serve_identity_provider(make)
    running.provider.register_service_provider(_sp_metadata(sp), default_relay_state="/start")
    running.provider.register_client(OidcClient("bridge", (CALLBACK,), secret="s3cret/+ %"))
    public = {"keys": [client_key.as_dict(private=False)]}
    running.provider.register_client(OidcClient("signing", (CALLBACK,), keys=public))
    yield House(running.provider, clock, sp, client_key)
    running.served.stop()


def _sp_metadata(signer: Signer) -> bytes:
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
      xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{SP}">
      <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">
      <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{signer.certificate_b64}</ds:X509Certificate>
      </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
      <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ACS}" index="0"/>
      </md:SPSSODescriptor></md:EntityDescriptor>""".encode()


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


def _signed_in(house: House, browser: Browser, url: str, login: str = "ada") -> Page:
    page = browser.open_and_stop(url)
    password = house.provider.directory[login].password
    return browser.submit_and_stop(page, page.form("/login"), login=login, password=password)


def _response(page: Page) -> etree._Element:
    return etree.fromstring(base64.b64decode(page.form(ACS).fields["SAMLResponse"]))


def test_a_signed_request_brings_a_login_form_and_then_a_response_for_the_acs(styled: House) -> None:
    page = _signed_in(styled, Browser(), _asked(styled))
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
    response = _response(_signed_in(styled, Browser(), _asked(styled)))
    signed = [element.xpath("local-name(..)") for element in response.iterfind(".//ds:Signature", NS)]
    assert (
        signed
        == {"entra": ["Assertion"], "okta": ["Response", "Assertion"], "google": ["Assertion"]}[styled.provider.style]
    )
    assertion = response.find("a:Assertion", NS)
    certificate = styled.provider.signer.certificate_pem
    XMLVerifier().verify(assertion, x509_cert=certificate, id_attribute="ID")


def test_groups_travel_in_one_attribute_with_one_value_each(styled: House) -> None:
    response = _response(_signed_in(styled, Browser(), _asked(styled)))
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
    for house in _house("google", signers):
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
    _signed_in(house, browser, _asked(house))
    assert browser.open_and_stop(_asked(house)).has_form(ACS)


def test_force_authn_asks_for_the_password_again(house: House) -> None:
    browser = Browser()
    _signed_in(house, browser, _asked(house))
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
    page = _signed_in(house, Browser(), _asked(house), "eve")
    assert page.status == 403
    assert not page.has_form(ACS)


def test_a_sign_in_that_begins_here_answers_no_request(house: House) -> None:
    page = _signed_in(house, Browser(), f"{house.address}/saml/start?application={quote_plus(SP)}")
    assert _response(page).get("InResponseTo") is None
    assert page.form(ACS).fields["RelayState"] == "/start"


def test_assertions_are_encrypted_where_the_application_was_registered_so(house: House) -> None:
    house.provider.register_service_provider(_sp_metadata(house.sp_signer), encrypts=True)
    response = _response(_signed_in(house, Browser(), _asked(house)))
    assert response.find("a:Assertion", NS) is None
    assert response.find("a:EncryptedAssertion", NS) is not None


@pytest.mark.parametrize("metadata", [b"", b"<a/>", b"not xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_metadata_that_describes_no_application_is_refused(house: House, metadata: bytes) -> None:
    with pytest.raises(Refusal):
        house.provider.register_service_provider(metadata)


# ------------------------------------------------------------------------------------------------------------ OIDC


def _authorize_url(house: House, **changes: str | None) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "bridge",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email groups",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "response_mode": "form_post",
    } | changes
    return f"{house.address}/authorize?" + urlencode(
        {name: value for name, value in asked.items() if value is not None}
    )


def _code(house: House, login: str = "ada", **changes: str | None) -> str:
    page = _signed_in(house, Browser(), _authorize_url(house, **changes), login)
    fields = page.form(CALLBACK).fields
    assert fields["state"] == "state-1"
    assert fields["iss"] == house.address
    return fields["code"]


def _token(house: House, fields: dict[str, str], basic: tuple[str, str] | None = ("bridge", "s3cret/+ %")) -> Page:
    headers = {}
    if basic is not None:
        joined = ":".join(quote_plus(part) for part in basic)
        headers["Authorization"] = "Basic " + base64.b64encode(joined.encode()).decode()
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | fields
    return Browser().post(f"{house.address}/token", form, headers)


def _claims(house: House, answer: Page) -> dict[str, object]:
    keys = KeySet.import_key_set(Browser().open(f"{house.address}/jwks").json())
    return jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256"]).claims


def test_a_code_is_traded_for_an_id_token_about_the_person(styled: House) -> None:
    answer = _token(styled, {"code": _code(styled)})
    claims = _claims(styled, answer)
    half = hashlib.sha256(answer.json()["access_token"].encode()).digest()[:16]
    now = int(styled.clock().timestamp())
    assert claims["iss"] == styled.address
    assert claims["aud"] == "bridge"
    assert claims["nonce"] == "nonce-1"
    assert (claims["iat"], claims["exp"]) == (now, now + 3600)
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["email"] == "ada@example.com"
    if styled.provider.style == "google":
        assert "groups" not in claims
        assert claims["hd"] == "example.com"
    else:
        assert claims["groups"] == ["everyone", "platform-admins", "aws#111122223333#Developer"]


def test_discovery_names_endpoints_below_the_issuer(house: House) -> None:
    document = Browser().open(f"{house.address}/.well-known/openid-configuration").json()
    assert document["issuer"] == house.address
    assert all(value.startswith(house.address) for name, value in document.items() if name.endswith("_endpoint"))
    assert document["code_challenge_methods_supported"] == ["S256"]


def test_the_keys_that_are_published_are_public(house: House) -> None:
    (key,) = Browser().open(f"{house.address}/jwks").json()["keys"]
    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}


def test_an_answer_by_redirect_carries_state_and_issuer(house: House) -> None:
    browser = Browser()
    page = browser.open(_authorize_url(house, response_mode=None))
    login = page.form("/login")
    password = house.provider.directory["ada"].password
    answer = browser.post(login.action, {**login.fields, "login": "ada", "password": password})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.status == 302
    assert (set(query), query["iss"]) == ({"code", "state", "iss"}, [house.address])


def test_a_code_that_comes_again_is_refused_and_ends_the_access_token(house: House) -> None:
    code = _code(house)
    first = _token(house, {"code": code})
    assert _userinfo(house, first).status == 200
    again = _token(house, {"code": code})
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert _userinfo(house, first).status == 401


def _userinfo(house: House, answer: Page) -> Page:
    browser, token = Browser(), answer.json()["access_token"]
    home = browser.open(house.address)
    return browser.call(home, "GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})


def test_userinfo_tells_of_the_same_subject(house: House) -> None:
    answer = _token(house, {"code": _code(house)})
    assert _userinfo(house, answer).json()["sub"] == _claims(house, answer)["sub"]


@pytest.mark.parametrize(
    ("fields", "basic", "error"),
    [
        ({"code_verifier": "w" * 64}, ("bridge", "s3cret/+ %"), "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, ("bridge", "s3cret/+ %"), "invalid_grant"),
        ({"grant_type": "password"}, ("bridge", "s3cret/+ %"), "unsupported_grant_type"),
        ({}, ("bridge", "wrong"), "invalid_client"),
        ({}, ("nobody", "s3cret/+ %"), "invalid_client"),
        ({}, None, "invalid_client"),
        ({"client_secret": "s3cret/+ %"}, ("bridge", "s3cret/+ %"), "invalid_client"),
    ],
)
def test_a_code_is_for_the_client_that_asked_and_proves_it(
    house: House, fields: dict[str, str], basic: tuple[str, str] | None, error: str
) -> None:
    code = _code(house)
    assert _token(house, {"code": code, **fields}, basic).json()["error"] == error


def test_a_secret_may_also_come_in_the_form(house: House) -> None:
    fields = {"code": _code(house), "client_id": "bridge", "client_secret": "s3cret/+ %"}
    assert "id_token" in _token(house, fields, None).json()


def test_a_code_is_too_old_after_a_minute(house: House) -> None:
    code = _code(house)
    house.clock.now += timedelta(seconds=61)
    assert _token(house, {"code": code}).json()["error"] == "invalid_grant"


def _client_assertion(house: House, key: RSAKey | None = None, **changes: object) -> dict[str, str]:
    now = int(house.clock().timestamp())
    claims = {"iss": "signing", "sub": "signing", "aud": house.address, "iat": now, "exp": now + 60, "jti": "j-1"}
    header = {"alg": "RS256", "kid": "client-1"}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims | changes, key or house.client_key),
    }


def test_a_client_authenticates_by_a_jwt_that_its_key_signed_once(house: House) -> None:
    proof = _client_assertion(house)
    first = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert "id_token" in first.json()
    again = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert again.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://elsewhere.example.test"}, {"sub": "bridge"}, {"iss": "bridge"}, {"exp": 1}, {"jti": None}],
)
def test_a_client_assertion_for_another_purpose_is_refused(house: House, changes: dict[str, Any]) -> None:
    proof = _client_assertion(house, **changes)
    answer = _token(house, {"code": _code(house, client_id="signing"), "client_id": "signing", **proof}, None)
    assert answer.json()["error"] == "invalid_client"


def test_a_client_assertion_of_another_key_is_refused(house: House) -> None:
    proof = _client_assertion(house, RSAKey.generate_key(2048, {"kid": "client-1"}))
    answer = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_registered(house: House, changes: dict[str, str | None]) -> None:
    page = Browser().open_and_stop(_authorize_url(house, **changes))
    assert page.status == 400
    assert not page.forms


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_request_that_is_not_taken_is_answered_with_an_error(
    house: House, changes: dict[str, str | None], error: str
) -> None:
    fields = Browser().open_and_stop(_authorize_url(house, **changes)).form(CALLBACK).fields
    assert (fields["error"], fields["state"], fields["iss"]) == (error, "state-1", house.address)


def test_who_is_not_assigned_is_denied(house: House) -> None:
    page = _signed_in(house, Browser(), _authorize_url(house), "eve")
    assert page.form(CALLBACK).fields["error"] == "access_denied"


def test_prompt_login_and_an_old_session_ask_for_the_password_again(house: House) -> None:
    browser = Browser()
    _signed_in(house, browser, _authorize_url(house))
    assert browser.open_and_stop(_authorize_url(house)).has_form(CALLBACK)
    assert browser.open_and_stop(_authorize_url(house, prompt="login")).has_form("/login")
    house.clock.now += timedelta(seconds=31)
    assert browser.open_and_stop(_authorize_url(house, max_age="30")).has_form("/login")


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
