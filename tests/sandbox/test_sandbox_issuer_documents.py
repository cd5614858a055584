# ruff: noqa: F811 - fixtures are named where they are asked for
"""The documents and keys of an issuer as the local AWS reads them, as the real STS was seen to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from local_aws_factories import ISSUER, refusal, signer
from sandbox_web_identity_fixtures import MISSING, Documents, Web, ec, public, rsa, token, web  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.identity_provider.saml_message import Signer

NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
    "documentation for requirements"
)


def _only(*keys: dict[str, Any]) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        documents.keys = list(keys)

    return change


def _discovery(**changes: Any) -> Callable[[Documents], None]:
    return lambda documents: documents.discovery.update(changes)


@pytest.mark.parametrize(
    "change",
    [
        _only(),
        _only(public(rsa(), kid=None)),
        _only(public(rsa(), kid="")),
        _only(public(rsa(), use="enc")),
        _only(public(rsa(), key_ops=["verify"])),
        _only(public(rsa("two"))),
        _only(*({"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(100)), public(rsa())),
        _only({"kty": "RSA", "kid": "one", "x5c": ["AAAA"]}),
        _only({"kty": "RSA", "kid": "one", "n": "*", "e": "AQAB"}),
        _discovery(issuer=ISSUER + "/"),
        _discovery(jwks_uri="https://elsewhere.example.test/keys"),
        _discovery(jwks_uri=None),
        _discovery(response_types_supported=["code"]),
        _discovery(subject_types_supported=["pairwise"]),
        _discovery(id_token_signing_alg_values_supported=[]),
        _discovery(claims_supported=["aud", "iat", "iss"]),
        _discovery(claims_supported="all"),
    ],
)
def test_an_issuer_s_documents_must_be_as_aws_wants_them(change: Callable[[Documents], None], web: Web) -> None:
    change(web.documents)
    assert refusal(web.ask) == ("InvalidIdentityToken", NO_KEY, 400)


def test_too_many_keys_of_one_kind_spoil_only_tokens_of_that_kind(web: Web) -> None:
    many = [{"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(100)]
    web.documents.keys = [*many, public(rsa()), public(ec("P-256"))]
    assert refusal(web.ask) == ("InvalidIdentityToken", NO_KEY, 400)
    assert web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256")))["Provider"]
    web.documents.keys = [*many[1:], public(rsa())]
    assert web.ask()["Provider"]


def test_more_than_a_hundred_ec_keys_spoil_tokens_signed_with_ec(web: Web) -> None:
    many = [public(ec("P-256"), kid=str(n)) for n in range(100)]
    web.documents.keys = [*many, public(ec("P-256"))]
    assert refusal(lambda: web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256"))))[1] == NO_KEY
    web.documents.keys = [*many[1:], public(ec("P-256"))]
    assert web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256")))["Provider"]


def _certified(key: Signer) -> dict[str, Any]:
    made = RSAKey.import_key(key.private_pem)
    return {**made.as_dict(private=False), "kid": "certified", "x5c": [key.certificate_b64]}


def test_a_key_beside_a_certificate_must_be_the_certificate_s_own(web: Web) -> None:
    key = RSAKey.import_key(signer().private_pem, {"kid": "certified"})
    text = token(web.claims(), key=key)
    web.documents.keys = [_certified(signer())]
    assert web.send(text)["Provider"]
    for foreign in ([signer("other").certificate_b64], [], ["AAAA"], "x", None, [5]):
        web.documents.keys = [_certified(signer()) | {"x5c": foreign}]
        assert refusal(lambda: web.send(text)) == ("InvalidIdentityToken", NO_KEY, 400), foreign


def test_an_issuer_known_by_its_thumbprint_only_needs_it_in_the_provider(web: Web) -> None:
    web.served_aws.local.thumbprints[ISSUER] = "0123456789ABCDEF0123456789abcdef01234567"
    sentence = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
    assert refusal(web.ask) == ("InvalidIdentityToken", sentence, 400)
    name = ISSUER.removeprefix("https://")
    provider = web.served_aws.account.oidc_providers[name]
    known = ("f" * 40, "0123456789abcdef0123456789abcdef01234567")
    web.served_aws.account.oidc_providers[name] = replace(provider, thumbprints=known)
    assert web.ask()["Provider"]


@pytest.mark.parametrize(
    ("keys", "header", "is_found"),
    [
        ((public(rsa()),), {"kid": MISSING}, True),
        ((public(rsa()), public(rsa("two"))), {"kid": MISSING}, False),
        ((public(rsa()), public(rsa("two"))), {"kid": "three"}, False),
        ((public(rsa()), public(rsa("two"))), {}, True),
        ((public(rsa("two"), kid="one"), public(rsa())), {}, True),
        ((public(rsa(), alg="RS512"),), {}, True),
    ],
)
def test_a_key_is_found_by_its_id_or_because_it_is_the_only_one(
    keys: tuple[dict[str, Any], ...], header: dict[str, Any], is_found: bool, web: Web
) -> None:
    web.documents.keys = list(keys)
    if is_found:
        assert web.ask(header=header)["Provider"]
    else:
        assert refusal(lambda: web.ask(header=header))[1] == NO_KEY


def test_an_issuer_that_does_not_answer_is_a_communication_error(web: Web) -> None:
    def fetch(_address: str) -> bytes:
        raise Refused("IDPCommunicationError", "could not be reached")

    web.served_aws.local.fetch = fetch
    assert refusal(web.ask)[0] == "IDPCommunicationError"
