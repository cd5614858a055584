"""What we publish for AWS: within IAM's limits, with every key that AWS should believe and no private part."""

from __future__ import annotations

import json

import pytest
from aws_factories import ENTITY_ID, ISSUER, NOW, key_ring
from lxml import etree
from sealed_keys_in_memory import SealedKeysInMemory

from federation_bridge.aws import issuer
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.signing import KeyRing, Purpose

MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


def two_keys() -> KeyRing:
    one, other = SealedKeysInMemory(), SealedKeysInMemory()
    for drawer in (one, other):
        ring = KeyRing(bytes(32), drawer, lambda: NOW, "bridge.example.com")
        ring.current(Purpose.AWS_SAML)
        ring.current(Purpose.AWS_OIDC)
    for purpose in list(one.rows):
        one.put(purpose, one.sealed(purpose)[0].sealed, other.sealed(purpose)[0].sealed)
    return KeyRing(bytes(32), one, lambda: NOW, "bridge.example.com")


def test_the_metadata_is_what_iam_takes() -> None:
    document = issuer.saml_metadata(key_ring(), ENTITY_ID, "https://bridge.example.com")
    assert 1000 <= len(document.decode("utf-8")) <= 10_000_000
    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>"), "no byte order mark"
    entity = etree.fromstring(document)
    assert (entity.tag, entity.get("entityID")) == (f"{MD}EntityDescriptor", ENTITY_ID)
    (descriptor,) = entity.iter(f"{MD}IDPSSODescriptor")
    assert [child.tag.removeprefix(MD) for child in descriptor] == [
        "KeyDescriptor",
        "NameIDFormat",
        "SingleSignOnService",
    ]
    assert entity.get("validUntil") is None, "IAM does not heed it, and others would stop believing us"


def test_the_shortest_names_still_reach_iams_minimum() -> None:
    assert len(issuer.saml_metadata(key_ring(), "x", "https://b")) >= 1000


def test_metadata_below_iams_minimum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer, "_SHORTEST", 100_000)
    with pytest.raises(ConfigurationInvalid, match="100000"):
        issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER)


def test_every_key_is_published_with_the_signing_one_first() -> None:
    ring = two_keys()
    entity = etree.fromstring(issuer.saml_metadata(ring, ENTITY_ID, ISSUER))
    published = [found.text for found in entity.iter(f"{DS}X509Certificate")]
    assert published == [key.certificate_b64 for key in ring.all(Purpose.AWS_SAML)]
    assert len(published) == 2
    assert [jwk["kid"] for jwk in issuer.jwks(ring)["keys"]] == [key.kid for key in ring.all(Purpose.AWS_OIDC)]


def test_the_key_set_has_only_the_oidc_key_and_only_public_members() -> None:
    (jwk,) = issuer.jwks(key_ring())["keys"]
    assert set(jwk) == {"kty", "kid", "use", "alg", "n", "e"}
    assert (jwk["kty"], jwk["use"], jwk["alg"], jwk["e"]) == ("RSA", "sig", "RS256", "AQAB")
    assert jwk["kid"] == key_ring().current(Purpose.AWS_OIDC).kid


def test_the_metadata_holds_no_private_part() -> None:
    document = issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER).decode()
    assert "PRIVATE" not in document
    assert "PRIVATE" not in json.dumps(issuer.jwks(key_ring()))


@pytest.mark.parametrize(
    ("name", "jwks_uri"),
    [
        ("https://bridge.example.com", "https://bridge.example.com/.well-known/jwks.json"),
        ("https://id.example.com/aws/", "https://id.example.com/aws/.well-known/jwks.json"),
    ],
)
def test_the_discovery_document_names_the_issuer_exactly_and_all_that_iam_demands(name: str, jwks_uri: str) -> None:
    document = issuer.openid_configuration(name)
    assert (document["issuer"], document["jwks_uri"]) == (name, jwks_uri)
    assert "id_token" in document["response_types_supported"]
    assert "public" in document["subject_types_supported"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert {"aud", "iat", "iss", "sub"} <= set(document["claims_supported"])
