"""A refusal of a SAML answer says in its private detail what arrived and what was expected, and never in public."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from saml_factories import (
    ACS,
    ENTITY_ID,
    IDP,
    NOW,
    REQUEST_ID,
    arrive,
    connector,
    idp_signer,
    pinned,
    posted,
    saml,
    sign_in,
    stranger,
)
from saml_form_keys import stranger_key
from saml_forms import EncryptionForm, Form, SignatureForm, answer, signer_with

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import OAEP_DIGESTS, OAEP_MASKS
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import is_shown_text

HERE = NOW.isoformat()
XENC, XENC11 = names.ENCRYPTION, names.ENCRYPTION_11
CBC = XENC + "aes256-cbc"


def later(**more: float) -> str:
    """An instant after now, as a message writes it."""
    return (NOW + timedelta(**more)).isoformat().replace("+00:00", "Z")


def setting(path: str, **attributes: str) -> Callable[[etree._Element], None]:
    """Sets attributes of the first element at this path of the assertion's namespace; "": of the Response."""

    def change(response: etree._Element) -> None:
        element = response.find("/".join(saml(part) for part in path.split("/"))) if path else response
        assert element is not None
        for name, value in attributes.items():
            element.set(name, value)

    return change


def renamed(old: str, new: str, **form: Any) -> bytes:
    """An answer in which something that nobody signed is called otherwise."""
    xml = answer(Form(**form))
    assert old.encode() in xml
    return xml.replace(old.encode(), new.encode())


def form(**told: Any) -> bytes:
    """An honest provider's answer that tells something else."""
    return answer(Form(told=told))


def words(change: Callable[[etree._Element], None]) -> bytes:
    """An honest provider's answer after this change, signed."""
    return answer(Form(change=change))


CONFIRMED = "Assertion/Subject/SubjectConfirmation/SubjectConfirmationData"
ENCRYPTED = EncryptionForm()

CASES: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    # encryption
    "a cipher that nobody takes": (
        lambda: renamed(XENC11 + "aes256-gcm", XENC + "tripledes-cbc", encryption=ENCRYPTED),
        (f"'{XENC}tripledes-cbc'", *POLICY.encryption.ciphers, "`allow_cbc`"),
    ),
    "cbc where it is not allowed": (
        lambda: answer(Form(encryption=EncryptionForm(cipher=CBC), response=SignatureForm())),
        (f"'{CBC}'", *POLICY.encryption.ciphers, "`allow_cbc`", "a signature over the whole Response"),
    ),
    "a key transport that nobody takes": (
        lambda: renamed(XENC + "rsa-oaep-mgf1p", XENC + "rsa-1_5", encryption=ENCRYPTED),
        (f"'{XENC}rsa-1_5'", *POLICY.encryption.key_transports),
    ),
    "a digest of OAEP": (
        lambda: renamed(names.SHA256, "urn:md5", assertion=None, encryption=EncryptionForm(digest=names.SHA256)),
        ("OAEP with the digest 'urn:md5'", *OAEP_DIGESTS),
    ),
    "a mask of OAEP": (
        lambda: renamed(XENC11 + "mgf1sha256", "urn:mgf", encryption=EncryptionForm(mask=XENC11 + "mgf1sha256")),
        ("OAEP with the mask 'urn:mgf'", *OAEP_MASKS),
    ),
    "a key of somebody else": (
        lambda: answer(Form(encryption=EncryptionForm(certificates=(stranger().certificate_pem,)))),
        (f"'{XENC11}aes256-gcm'", f"'{XENC}rsa-oaep-mgf1p'"),
    ),
    "a key that stands nowhere": (
        lambda: renamed('URI="#key0"', 'URI="#elsewhere"', encryption=EncryptionForm(place="retrieved")),
        ("'#elsewhere'",),
    ),
    "too many keys": (
        lambda: answer(Form(encryption=EncryptionForm(certificates=(stranger().certificate_pem,) * 5))),
        ("5 EncryptedKeys", "1 to 4"),
    ),
    # time
    "an assertion issued ahead": (
        lambda: words(setting("Assertion", IssueInstant=later(minutes=6))),
        ("IssueInstant of the assertion", (NOW + timedelta(minutes=6)).isoformat(), HERE, "300 s"),
    ),
    "a Response issued ahead": (
        lambda: words(setting("", IssueInstant=later(minutes=6))),
        ("IssueInstant of the Response", (NOW + timedelta(minutes=6)).isoformat(), HERE, "300 s"),
    ),
    "not valid before": (
        lambda: words(setting("Assertion/Conditions", NotBefore=later(seconds=61))),
        ("NotBefore of Conditions", (NOW + timedelta(seconds=61)).isoformat(), HERE, "60 s"),
    ),
    "too old": (
        lambda: words(setting("Assertion", IssueInstant=later(minutes=-11))),
        ((NOW - timedelta(minutes=11)).isoformat(), (NOW - timedelta(minutes=1)).isoformat(), HERE),
    ),
    "a confirmation that has ended": (
        lambda: words(setting(CONFIRMED, NotOnOrAfter=later(seconds=-1))),
        ((NOW - timedelta(seconds=1)).isoformat(), HERE),
    ),
    "a session that has ended": (
        lambda: form(session_ends_at=NOW - timedelta(seconds=2)),
        ((NOW - timedelta(seconds=2)).isoformat(), HERE),
    ),
    "an authentication ahead": (
        lambda: form(authenticated_at=NOW + timedelta(minutes=6)),
        ("authentication", (NOW + timedelta(minutes=6)).isoformat(), HERE, "300 s"),
    ),
    "an authentication of no session": (
        lambda: form(authenticated_at=NOW.replace(year=1970)),
        (NOW.replace(year=1970).isoformat(), HERE, "3653 days"),
    ),
    # for whom, from whom, as the answer to what
    "another audience": (lambda: form(audience="urn:other"), ("'urn:other'", f"'{ENTITY_ID}'")),
    "no audience": (lambda: form(audience=None), ("nobody", f"'{ENTITY_ID}'")),
    "another destination": (
        lambda: form(destination="https://other.example/"),
        ("'https://other.example/'", f"'{ACS}'"),
    ),
    "another recipient": (
        lambda: words(setting(CONFIRMED, Recipient="https://other.example/")),
        ("Recipient 'https://other.example/'", f"'{ACS}'"),
    ),
    "another confirmation method": (
        lambda: words(setting("Assertion/Subject/SubjectConfirmation", Method="urn:hok")),
        ("'urn:hok'", "bearer"),
    ),
    "another request confirmed": (
        lambda: words(setting(CONFIRMED, InResponseTo="_other")),
        ("InResponseTo '_other'", f"'{REQUEST_ID}'"),
    ),
    "another request": (lambda: words(setting("", InResponseTo="_other")), ("'_other'", f"'{REQUEST_ID}'")),
    "no request": (lambda: form(in_response_to=None), ("InResponseTo is nothing", f"'{REQUEST_ID}'")),
    "another issuer": (lambda: form(issuer="urn:other"), ("'urn:other'", f"'{IDP}'")),
    "a name for another service": (
        lambda: words(setting("Assertion/Subject/NameID", SPNameQualifier="urn:sp")),
        ("'urn:sp'", f"'{ENTITY_ID}'"),
    ),
    "a name of another domain": (
        lambda: words(setting("Assertion/Subject/NameID", NameQualifier="urn:idp")),
        ("'urn:idp'", f"'{IDP}'"),
    ),
    # signatures and structure
    "another signature method": (
        lambda: renamed(names.RSA_SHA256, "urn:rsa-md5"),
        ("'urn:rsa-md5'", "SignatureMethod", *POLICY.signature_methods),
    ),
    "another digest": (
        lambda: renamed(f'DigestMethod Algorithm="{names.SHA256}', 'DigestMethod Algorithm="urn:md5'),
        ("'urn:md5'", "DigestMethod", *POLICY.digest_methods),
    ),
    "another canonicalization": (
        lambda: renamed(
            f'CanonicalizationMethod Algorithm="{names.EXCLUSIVE_C14N}', 'CanonicalizationMethod Algorithm="urn:c'
        ),
        ("'urn:c'", "CanonicalizationMethod", names.EXCLUSIVE_C14N),
    ),
    "another transform": (lambda: renamed(names.ENVELOPED, "urn:xslt"), ("'urn:xslt'", "enveloped", "exclusive C14N")),
    "another element covered": (lambda: renamed('URI="#', 'URI="#x'), ("'#x", "stands in '")),
    "somebody else's key": (
        lambda: answer(Form(assertion=SignatureForm(key=stranger_key(), key_info=_certificate()))),
        (pinned(idp_signer()).fingerprint[:16], pinned(signer_with(stranger_key())).fingerprint[:16], names.RSA_SHA256),
    ),
    "another version": (lambda: words(setting("Assertion", Version="1.1")), ("'1.1'", "2.0")),
    "no Response": (lambda: b'<samlp:LogoutResponse xmlns:samlp="urn:p"/>', ("LogoutResponse",)),
}


def _certificate() -> str:
    certificate = signer_with(stranger_key()).certificate_b64
    return f"<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_names_what_arrived_and_what_is_expected(case: str) -> None:
    xml, pieces = CASES[case]
    with pytest.raises(SignInRejected) as refusal:
        arrive(xml())
    assert [piece for piece in pieces if piece not in refusal.value.detail] == []
    assert refusal.value.public == SignInRejected.public


def test_the_same_answers_without_their_fault_are_taken() -> None:
    assert arrive(form()).identity.subject
    assert arrive(answer(Form(encryption=ENCRYPTED))).identity.subject


@pytest.mark.parametrize("settings", [{"max_age": timedelta(minutes=5)}, {"force_authn": True}])
def test_an_old_authentication_is_told_with_both_instants_and_the_skew(settings: dict[str, Any]) -> None:
    told = NOW - timedelta(hours=1)
    with pytest.raises(SignInRejected) as refusal:
        arrive(form(authenticated_at=told), connector(**settings))
    known = (HERE, "300 s") if "max_age" in settings else (sign_in().started_at.isoformat(),)
    assert [piece for piece in (told.isoformat(), "60 s", *known) if piece not in refusal.value.detail] == []


@pytest.mark.parametrize(
    ("changes", "pieces"),
    [({"method": "GET"}, ("'GET'", "POST")), ({"content_type": "text/xml"}, ("'text/xml'", "x-www-form-urlencoded"))],
)
def test_a_form_that_came_otherwise_is_told(changes: dict[str, Any], pieces: tuple[str, ...]) -> None:
    with pytest.raises(SignInRejected) as refusal:
        connector().arrive(sign_in(), replace(posted(form()), **changes))
    assert [piece for piece in pieces if piece not in refusal.value.detail] == []


HOSTILE = "\u202eurn:evil\u200b\x85\u2028\u3164" + "x" * 5000


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(lambda: form(audience=HOSTILE), id="audience"),
        pytest.param(lambda: form(issuer=HOSTILE), id="issuer"),
        pytest.param(lambda: form(destination=HOSTILE), id="destination"),
        pytest.param(lambda: words(setting(CONFIRMED, Recipient=HOSTILE)), id="recipient"),
        pytest.param(lambda: words(setting("Assertion/Subject/SubjectConfirmation", Method=HOSTILE)), id="method"),
        pytest.param(lambda: words(setting("Assertion/Subject/NameID", NameQualifier=HOSTILE)), id="qualifier"),
        pytest.param(lambda: words(setting("Assertion", Version=HOSTILE)), id="version"),
        pytest.param(lambda: words(setting("", IssueInstant=HOSTILE)), id="instant"),
        pytest.param(lambda: renamed(names.RSA_SHA256, HOSTILE), id="signature method"),
        pytest.param(lambda: renamed(names.ENVELOPED, HOSTILE), id="transform"),
        pytest.param(lambda: renamed('URI="#', f'URI="{HOSTILE}'), id="reference"),
        pytest.param(lambda: renamed(XENC11 + "aes256-gcm", HOSTILE, encryption=ENCRYPTED), id="cipher"),
        pytest.param(lambda: renamed(XENC + "rsa-oaep-mgf1p", HOSTILE, encryption=ENCRYPTED), id="key transport"),
        pytest.param(
            lambda: renamed('URI="#key0"', f'URI="{HOSTILE}"', encryption=EncryptionForm(place="retrieved")),
            id="pointer",
        ),
        pytest.param(lambda: b'<a xmlns="' + HOSTILE[:200].encode() + b'"/>', id="namespace"),
        pytest.param(
            lambda: form(status="urn:oasis:names:tc:SAML:2.0:status:Requester", status_message=HOSTILE), id="status"
        ),
    ],
)
def test_what_a_refusal_repeats_is_bounded_and_safe_to_show(xml: Callable[[], bytes]) -> None:
    with pytest.raises(SignInRejected) as refusal:
        arrive(xml())
    assert is_shown_text(refusal.value.detail)
    assert len(refusal.value.detail) < 1200
    assert "xxx" in refusal.value.detail or "\\u" in refusal.value.detail
