"""Published SAML Responses through the four stages: once under the product's policy, once with the old algorithms."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from corpus.legacy import LEGACY
from corpus.published import Case, cases
from federation_bridge.connectors.saml.decryption import plaintext_of
from federation_bridge.connectors.saml.gate import decoded, parsed_in_scope
from federation_bridge.connectors.saml.policy import POLICY, Policy
from federation_bridge.connectors.saml.reader import OpenId
from federation_bridge.connectors.saml.response import Trust, VerifiedAssertion, verified_assertion
from federation_bridge.connectors.saml.validation import Expectation, acceptance_ends
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key
from federation_bridge.errors import ConfigurationInvalid, SignInRejected

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive"),
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]
RESPONSES = cases("saml_response")
_OUR_TIMES = replace(LEGACY, longest_acceptance=POLICY.longest_acceptance, longest_ahead=POLICY.longest_ahead)


_QUALIFIED = frozenset(
    {
        "SAML-Toolkits__java-saml/valid_response_with_namequalifier.xml.base64",
        "SAML-Toolkits__python3-saml/valid_response_with_namequalifier.xml.base64",
    }
)
"""Their NameID is of another domain than the identity provider's own (SAML core 2.2.2): another person, who may have
the same text. We refuse what those libraries ignore."""

_REPEATED = frozenset(
    {
        "SAML-Toolkits__python3-saml/duplicated_attributes.xml.base64",
        "SAML-Toolkits__ruby-saml/duplicated_attributes.xml.base64",
    }
)
"""Their attribute `uid` comes twice, with two values. Those libraries refuse it; we keep both values and remember that
it came twice, so that it identifies nobody (ADR 20)."""


def _keys(case: Case, policy: Policy) -> tuple[TrustedKey, ...]:
    if not case.told["idp"]["cert"]:
        return ()
    lines = case.path(case.told["idp"]["cert"]).read_text().splitlines()
    try:
        return (trusted_key(base64.b64decode("".join(line for line in lines if "-----" not in line)), policy),)
    except ConfigurationInvalid as refusal:
        raise SignInRejected(refusal.detail) from None


def _decryption_keys(case: Case) -> tuple[rsa.RSAPrivateKey, ...]:
    name = case.told["sp"]["decryption_key"]
    if not name:
        return ()
    key = load_pem_private_key(case.path(name).read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return (key,)


def _opener(keys: tuple[rsa.RSAPrivateKey, ...], policy: Policy) -> OpenId:
    def open_id(encrypted: etree._Element) -> etree._Element:
        plaintext = plaintext_of(encrypted, keys, policy.encryption, is_under_signature=True)
        return parsed_in_scope(plaintext, encrypted.nsmap, policy.limits)

    return open_id


def _accepted(case: Case, policy: Policy, *, is_legacy: bool) -> VerifiedAssertion:
    told = case.told
    pending = told["sp"]["pending_request_id"]
    if pending is None and not is_legacy:
        raise SignInRejected("nothing is pending, and this connection takes no unsolicited answer")
    keys = _decryption_keys(case)
    verified = verified_assertion(
        decoded(case.form_value(), policy.limits),
        Trust(_keys(case, policy), keys, allow_cbc=is_legacy),
        policy,
        _opener(keys, policy) if is_legacy else None,
    )
    expected = Expectation(
        entity_id=told["sp"]["entity_id"],
        acs_url=told["sp"]["acs_url"],
        idp_entity_id=told["idp"]["entity_id"],
        # The old run takes unsolicited answers, also such as name a request that nobody remembers.
        request_id=verified.envelope.in_response_to if pending is None else pending,
        now=case.clock,
    )
    acceptance_ends(verified.assertion, verified.envelope, expected, policy)
    return verified


def _check(case: Case, verdict: str, policy: Policy, *, is_legacy: bool) -> None:
    if verdict == "reject":
        with pytest.raises(SignInRejected):
            _accepted(case, policy, is_legacy=is_legacy)
        return
    # `policy`: either is right; certificate dates are not enforced here, so they are accepted.
    verified = _accepted(case, policy, is_legacy=is_legacy)
    assertion = verified.assertion
    assert assertion.name_id is not None
    # Where the NameID itself is encrypted, the manifest states no subject.
    if case.told["subject"] is not None:
        assert assertion.name_id.text == case.told["subject"]
    assert {name: list(values) for name, values in assertion.attributes.items()} == case.told["attributes"]


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.id)
def test_the_product_accepts_and_refuses_as_each_message_deserves(case: Case) -> None:
    _check(case, case.told["expected"], POLICY, is_legacy=False)


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.id)
def test_with_old_algorithms_allowed_everything_else_stays_as_strict(
    case: Case, remark: Callable[[str, str], None]
) -> None:
    if case.id in _QUALIFIED:
        with pytest.raises(SignInRejected, match="a NameID of another domain"):
            _accepted(case, LEGACY, is_legacy=True)
        remark(case.id, "refused on purpose: its NameID is qualified for another domain")
        return
    if case.id in _REPEATED:
        assertion = _accepted(case, LEGACY, is_legacy=True).assertion
        assert (assertion.attributes["uid"], assertion.repeated) == (("test", "test2"), frozenset({"uid"}))
        remark(case.id, "accepted on purpose: an attribute that comes twice has all its values")
        return
    _check(case, case.told["expected_crypto_legacy"], LEGACY, is_legacy=True)
    if case.told["expected_crypto_legacy"] == "accept":
        try:
            _accepted(case, _OUR_TIMES, is_legacy=True)
        except SignInRejected as refusal:
            remark(case.id, f"refused by our limits of time: {refusal.detail}")


def test_the_run_has_all_the_accepts_that_tell_something() -> None:
    accepted = [case for case in RESPONSES if case.told["expected_crypto_legacy"] == "accept"]
    assert len(accepted) == 87
