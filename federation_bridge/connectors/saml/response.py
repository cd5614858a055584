"""The four stages in their one order: what a posted message must pass to become an assertion that we believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from lxml import etree

from federation_bridge.connectors.saml import reader
from federation_bridge.connectors.saml.assertion import Assertion, Envelope
from federation_bridge.connectors.saml.decryption import plaintext_of
from federation_bridge.connectors.saml.gate import admit, admit_assertion
from federation_bridge.connectors.saml.policy import Policy
from federation_bridge.connectors.saml.signature import Signature
from federation_bridge.connectors.saml.told import told_by
from federation_bridge.connectors.saml.verifier import TrustedKey, Verified, verify
from federation_bridge.errors import SignInRejected
from federation_bridge.sign_in_checks import check, received
from federation_bridge.signing import DecryptionKey


@dataclass(frozen=True, slots=True)
class Trust:
    """What one connection trusts and demands."""

    keys: Sequence[TrustedKey]
    decryption_keys: Sequence[DecryptionKey] = ()
    signed: Literal["either", "assertion", "response", "both"] = "either"
    encryption: Literal["allowed", "required", "refused"] = "allowed"
    allow_cbc: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """An assertion that the identity provider signed, the Response around it, and the keys that signed."""

    assertion: Assertion
    envelope: Envelope
    keys: tuple[TrustedKey, ...]
    plaintext: bytes | None = None
    """What the EncryptedAssertion held, for the second opinion; None: nothing was encrypted."""


@dataclass(frozen=True, slots=True)
class _Opened:
    plaintext: bytes
    assertion: etree._Element
    verified: Verified | None


def verified_assertion(
    message: bytes, trust: Trust, policy: Policy, open_id: reader.OpenId | None = None
) -> VerifiedAssertion:
    """The assertion in `message`, read from signed bytes only. It is still to be validated.

    Raises SignInRejected with the stage and the reason.
    """
    with check("shape"):
        admitted = admit(message, policy)
    received(lambda: told_by(reader.read_envelope(admitted.response, is_signed=False), None))
    # A signature that is present must hold, also where another one would do; the outer one first, while the
    # ciphertext that it covers is untouched.
    outer = _verified("Response signature", admitted.response_signature, trust, policy)
    with check("Response"):
        response = admitted.response if outer is None else reader.tree_of(outer.canonical)
        envelope = reader.read_envelope(response, is_signed=outer is not None)
    opened = None
    if admitted.encrypted is None:
        inner = _verified("Assertion signature", admitted.assertion_signature, trust, policy)
    else:
        opened = _opened(response, trust, policy, is_under_signature=outer is not None)
        inner = opened.verified
    with check("signed and encrypted"):
        _check_demands(trust, outer, inner, is_encrypted=opened is not None)
    with check("Assertion"):
        if inner is not None:
            trusted = reader.tree_of(inner.canonical)
        else:
            trusted = reader.assertion_in(response) if opened is None else opened.assertion
        assertion = reader.read_assertion(trusted, open_id)
    received(lambda: told_by(envelope, assertion))
    keys = tuple(one.key for one in (outer, inner) if one is not None)
    plaintext = None if opened is None else opened.plaintext
    return VerifiedAssertion(assertion, envelope, keys, plaintext)


def _verified(name: str, signature: Signature | None, trust: Trust, policy: Policy) -> Verified | None:
    if signature is None:
        return None
    with check(name):
        return verify(signature, trust.keys, policy)


def _opened(response: etree._Element, trust: Trust, policy: Policy, *, is_under_signature: bool) -> _Opened:
    with check("decryption"):
        encrypted = reader.encrypted_in(response)
        if encrypted is None or trust.encryption == "refused":
            raise SignInRejected("decryption: this connection takes no encrypted assertions")
        plaintext = plaintext_of(
            encrypted,
            trust.decryption_keys,
            policy.encryption,
            is_under_signature=is_under_signature and trust.allow_cbc,
        )
        assertion, signature = admit_assertion(plaintext, cast("Mapping[str | None, str]", encrypted.nsmap), policy)
    return _Opened(plaintext, assertion, _verified("Assertion signature", signature, trust, policy))


def _check_demands(trust: Trust, outer: Verified | None, inner: Verified | None, *, is_encrypted: bool) -> None:
    if outer is None and inner is None:
        raise SignInRejected("signature: neither Response nor Assertion is signed")
    if inner is None and trust.signed in ("assertion", "both"):
        raise SignInRejected("signature: this connection wants the Assertion signed")
    if outer is None and trust.signed in ("response", "both"):
        raise SignInRejected("signature: this connection wants the Response signed")
    if not is_encrypted and trust.encryption == "required":
        raise SignInRejected("decryption: this connection wants the assertion encrypted")
