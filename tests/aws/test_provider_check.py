"""What is said of a provider's content: table of providers, and what they are in IAM's own words."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_factories import ISSUER
from local_aws_factories import metadata as others_metadata
from onboarding_factories import plan, registered

from federation_bridge.aws.onboarding.plan import OidcProvider, SamlProvider
from federation_bridge.aws.provider_check import RealOidcProvider, RealProvider, RealSamlProvider, of_provider

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SAML, OIDC = plan(registered()).provider, plan(registered("oidc")).provider
assert isinstance(SAML, SamlProvider)
assert isinstance(OIDC, OidcProvider)
OURS = SAML.metadata
OTHERS = others_metadata().decode()
(KEY,) = re.findall(r"<md:KeyDescriptor.*?</md:KeyDescriptor>", OURS, re.DOTALL)
(OTHER_KEY,) = re.findall(r"<(?:\w+:)?KeyDescriptor.*?</(?:\w+:)?KeyDescriptor>", OTHERS, re.DOTALL)
OTHER_CERTIFICATE = re.sub(r"\s", "", re.findall(r"X509Certificate>([^<]+)<", OTHERS)[0])
CERTIFICATE = re.findall(r"X509Certificate>([^<]+)<", OURS)[0]
WITH_OTHER = OURS.replace(KEY, KEY + KEY.replace(CERTIFICATE, OTHER_CERTIFICATE))


def certificate(before: str, after: str) -> str:
    """Our metadata with another certificate: these octets of it, in hexadecimal, are others."""
    changed = base64.b64decode(CERTIFICATE).replace(bytes.fromhex(before), bytes.fromhex(after), 1)
    return OURS.replace(CERTIFICATE, base64.b64encode(changed).decode())


REAL = RealSamlProvider(OURS, NOW, NOW + timedelta(days=36_500), "Allowed")


def saml(**changes: Any) -> RealSamlProvider:
    return replace(REAL, **changes)


@pytest.mark.parametrize(
    ("real", "told"),
    [
        (REAL, []),
        (None, []),
        (saml(encryption=None, valid_until=None), []),
        (saml(metadata=OURS.replace(' use="signing"', "")), []),
        (saml(metadata=OURS.replace(CERTIFICATE, f"\n {CERTIFICATE}\n")), []),
        (saml(metadata=WITH_OTHER), [("wider", "a key that is not the bridge's")]),
        (saml(metadata=WITH_OTHER.replace(KEY, "")), [("fails", "does not have the key"), ("wider", "is not the")]),
        (saml(metadata=OURS.replace(KEY, "")), [("fails", "does not have the key with which the bridge signs")]),
        (saml(metadata=OURS.replace("bridge.example.com/saml", "old.example/saml")), [("fails", "is of 'https://old")]),
        (saml(metadata="<x/>"), [("unsure", "cannot be read")]),
        (saml(metadata="<!DOCTYPE a [<!ENTITY b 'c'>]>"), [("unsure", "cannot be read")]),
        (saml(metadata=OURS.replace(CERTIFICATE, "AAAA")), [("unsure", "cannot be read")]),
        (saml(metadata=OURS.replace(CERTIFICATE, "é")), [("unsure", "cannot be read")]),
        # A kind of key, and a version of certificates, that nobody knows.
        (saml(metadata=certificate("2a864886f70d010101", "2a864886f70d01017f")), [("unsure", "cannot be read")]),
        (saml(metadata=certificate("a003020102", "a003020107")), [("unsure", "cannot be read")]),
        (saml(valid_until=NOW), [("fails", "the provider ended at 2026-03-01 00:00 UTC")]),
        (saml(valid_until=NOW + timedelta(days=30)), [("unsure", "the provider ends at 2026-03-31")]),
        (saml(valid_until=NOW + timedelta(days=31)), []),
        (saml(encryption="Required"), [("fails", "encrypted assertions only")]),
        (RealOidcProvider("x", ()), []),
    ],
    ids=range(20),
)
def test_what_is_said_of_a_saml_provider(real: RealProvider | None, told: list[tuple[str, str]]) -> None:
    found = list(of_provider(SAML, real))
    assert [kind for kind, _ in found] == [kind for kind, _ in told], found
    assert all(words in sentence for (_, words), (_, sentence) in zip(told, found, strict=True)), found


def test_a_key_that_is_only_published_is_wanted_but_nobody_is_refused_for_it_yet() -> None:
    assert isinstance(SAML, SamlProvider)
    planned = replace(SAML, metadata=WITH_OTHER)
    assert [kind for kind, _ in of_provider(planned, REAL)] == ["unsure"]
    assert not list(of_provider(planned, saml(metadata=WITH_OTHER)))


HOST = ISSUER.removeprefix("https://")


@pytest.mark.parametrize(
    ("real", "told"),
    [
        (RealOidcProvider(HOST, ("sts.amazonaws.com",)), ""),
        (RealOidcProvider(ISSUER, ("a", "sts.amazonaws.com")), ""),
        (None, ""),
        (REAL, ""),
        (RealOidcProvider(HOST, ()), "client ids are nothing; sts.amazonaws.com has to be among them"),
        (RealOidcProvider(HOST, ("a", "b")), "client ids are 'a' and 'b'; sts.amazonaws.com has to be"),
        (RealOidcProvider(HOST, ("STS.amazonaws.com",)), "has to be among them"),
        (RealOidcProvider(HOST + "/", ("sts.amazonaws.com",)), f"URL is '{HOST}/', and the bridge publishes {HOST}"),
    ],
    ids=range(8),
)
def test_what_is_said_of_an_openid_connect_provider(real: RealProvider | None, told: str) -> None:
    found = list(of_provider(OIDC, real))
    assert [kind for kind, _ in found] == (["fails"] if told else [])
    assert told in "".join(sentence for _, sentence in found)
