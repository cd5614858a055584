"""Reads the metadata of an identity provider: its entityID, its signing keys, where it takes requests.

Only `IDPSSODescriptor` counts; what other roles publish verifies nothing here. A pinned certificate, where one is
set, makes the signature of the document's root a condition, and then only what that signature covers is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.gate import parsed
from federation_bridge.connectors.saml.names import ds, md
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.connectors.saml.policy import POLICY, Limits, Policy
from federation_bridge.connectors.saml.reader import tree_of
from federation_bridge.connectors.saml.shape import check_shape
from federation_bridge.connectors.saml.shapes import SIGNATURE_SHAPES
from federation_bridge.connectors.saml.signature import signature_of
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key, verify
from federation_bridge.errors import ConfigurationInvalid, SignInRejected
from federation_bridge.settings import is_loopback
from federation_bridge.shown_text import quoted
from federation_bridge.spelling import differing, nearest

METADATA_LIMITS = Limits(message_bytes=1_000_000, prefixes=64, namespaces=64)
_MOST_CERTIFICATES = 32
_MOST_COMPARED = 200
_FARTHEST = timedelta(days=3653)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What we need to know of an identity provider."""

    entity_id: str
    keys: tuple[TrustedKey, ...]
    """Every signing key that it publishes; several while it rotates. Their order means nothing."""
    sign_on: Mapping[str, str]
    """Binding URI to the address that takes AuthnRequests."""
    valid_until: datetime | None
    sign_out: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Binding URI to the addresses that take LogoutRequests, and LogoutResponses."""
    weak: tuple[str, ...] = ()
    """Sentences about published keys that were left out."""


def read_metadata(
    document: bytes,
    now: datetime | None,
    *,
    entity_id: str | None = None,
    signed_by: Sequence[TrustedKey] = (),
    policy: Policy = POLICY,
) -> IdpMetadata:
    """The identity provider that `document` describes (SAML metadata 2.4.3).

    `now` refuses what has expired (None: it may have). `entity_id` chooses among several and must match where there is
    one; `signed_by` demands a signature of the root by one of these keys. ConfigurationInvalid says what is wrong.
    """
    try:
        root = parsed(document, METADATA_LIMITS, with_comments=True)
        trusted = _signed_part(root, signed_by, policy) if signed_by else root
    except SignInRejected as refusal:
        raise ConfigurationInvalid(f"metadata: {refusal.detail}") from None
    entity = _entity(trusted, entity_id)
    until = _valid_until(entity, now, is_demanded=bool(signed_by))
    role = _role(entity)
    keys, weak = _keys(role, policy)
    return IdpMetadata(_entity_id(entity), keys, _sign_on(role), until, _sign_out(role), weak)


def _signed_part(root: etree._Element, keys: Sequence[TrustedKey], policy: Policy) -> etree._Element:
    found = root.find(ds("Signature"))
    if found is None:
        raise ConfigurationInvalid("metadata: not signed, though this connection pins who signs it")
    check_shape(found, SIGNATURE_SHAPES, policy.limits)
    signature = signature_of(root, policy)
    if signature is None:
        raise ConfigurationInvalid("metadata: not signed")
    return tree_of(verify(signature, keys, policy).canonical)


def _entity(root: etree._Element, entity_id: str | None) -> etree._Element:
    entities = [one for one in _entities(root) if entity_id is None or one.get("entityID") == entity_id]
    providers = [one for one in entities if one.find(md("IDPSSODescriptor")) is not None]
    if not providers:
        raise ConfigurationInvalid(f"metadata: describes no identity provider{_nearest_to(entity_id, root)}")
    if len(providers) > 1:
        known = ", ".join(quoted(one.get("entityID")) for one in providers[:5])
        raise ConfigurationInvalid(f"metadata: describes several; set `idp_entity_id` to one of {known}")
    return providers[0]


def _nearest_to(entity_id: str | None, root: etree._Element) -> str:
    if entity_id is None:
        return ""
    known = [str(one.get("entityID")) for one in _entities(root) if one.find(md("IDPSSODescriptor")) is not None]
    near = nearest(entity_id, known[:_MOST_COMPARED]) or (known[0] if len(known) == 1 else None)
    if near is None:
        return f" with the entityID {quoted(entity_id)} (`idp_entity_id`), but {len(known)} others"
    return f" with this entityID: {differing('idp_entity_id', entity_id, near)}"


def _entities(root: etree._Element) -> Iterator[etree._Element]:
    if root.tag == md("EntityDescriptor"):
        yield root
    elif root.tag == md("EntitiesDescriptor"):
        for child in root:
            yield from _entities(child)


def _entity_id(entity: etree._Element) -> str:
    entity_id = entity.get("entityID", "")
    if not 0 < len(entity_id) <= 1024 or "{tenant" in entity_id:  # noqa: PLR2004 - SAML metadata 2.2.1
        raise ConfigurationInvalid(
            f"metadata: entityID {quoted(entity_id)} is missing, too long, or a template for many tenants"
        )
    return str(entity_id)


def _valid_until(entity: etree._Element, now: datetime | None, *, is_demanded: bool) -> datetime | None:
    """The earliest validUntil on the entity, its role and what encloses them."""
    holders = [*entity.iterancestors(), entity, *entity.findall(md("IDPSSODescriptor"))]
    ends = [_instant(str(one.get("validUntil"))) for one in holders if one.get("validUntil") is not None]
    if not ends and is_demanded:
        raise ConfigurationInvalid("metadata: signed metadata without validUntil could be replayed for ever")
    if not ends:
        return None
    if now is None:
        return min(ends)
    if min(ends) <= now:
        raise ConfigurationInvalid(
            f"metadata: was valid until {min(ends).isoformat()}, and here it is {now.isoformat()}; fetch it anew"
        )
    if is_demanded and min(ends) > now + _FARTHEST:
        raise ConfigurationInvalid(
            f"metadata: validUntil {min(ends).isoformat()} lies more than ten years ahead of {now.isoformat()}"
        )
    return min(ends)


def _instant(text: str) -> datetime:
    if _INSTANT.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text).astimezone(UTC)
    raise ConfigurationInvalid(f"metadata: validUntil {quoted(text, 60)} is not an instant in UTC")


def _role(entity: etree._Element) -> etree._Element:
    roles = [
        role
        for role in entity.iterfind(md("IDPSSODescriptor"))
        if names.PROTOCOL in role.get("protocolSupportEnumeration", "").split()
    ]
    if len(roles) != 1:
        raise ConfigurationInvalid(f"metadata: {len(roles)} IDPSSODescriptors that speak SAML 2.0, where one is meant")
    return roles[0]


def _keys(role: etree._Element, policy: Policy) -> tuple[tuple[TrustedKey, ...], tuple[str, ...]]:
    certificates = list(_certificates(role))
    if len(certificates) > _MOST_CERTIFICATES:
        raise ConfigurationInvalid(f"metadata: more than {_MOST_CERTIFICATES} signing certificates")
    keys: dict[str, TrustedKey] = {}
    weak: list[str] = []
    for text in certificates:
        try:
            key = trusted_key(octets_of(text), policy)
            keys[key.fingerprint] = key
        except (ConfigurationInvalid, ValueError) as problem:
            detail = problem.detail if isinstance(problem, ConfigurationInvalid) else "a certificate is not base64"
            weak.append(f"metadata: {detail}")
    if not keys:
        raise ConfigurationInvalid("; ".join(weak[:3]) or "metadata: publishes no signing certificate")
    return tuple(keys.values()), tuple(weak)


def _certificates(role: etree._Element) -> Iterator[str]:
    for descriptor in role.iterfind(md("KeyDescriptor")):
        if descriptor.get("use", "signing") == "signing":
            for certificate in descriptor.iterfind(f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}"):
                yield certificate.text or ""


def _sign_out(role: etree._Element) -> dict[str, tuple[str, str]]:
    """The first good address of each binding that we speak; others are passed over: nobody is sent there."""
    addresses: dict[str, tuple[str, str]] = {}
    for service in role.iterfind(md("SingleLogoutService")):
        binding, location = service.get("Binding", ""), service.get("Location", "")
        answers = service.get("ResponseLocation") or location
        if binding in (names.REDIRECT_BINDING, names.POST_BINDING) and _is_good(location) and _is_good(answers):
            addresses.setdefault(binding, (location, answers))
    return addresses


def _is_good(location: str) -> bool:
    is_plain_local = location.startswith("http://") and is_loopback(location)
    return (location.startswith("https://") or is_plain_local) and not any(ch <= " " for ch in location)


def _sign_on(role: etree._Element) -> dict[str, str]:
    """The first https address of each binding; http only on this machine. Another scheme refuses the document."""
    addresses: dict[str, str] = {}
    for service in role.iterfind(md("SingleSignOnService")):
        location = service.get("Location", "")
        if not _is_good(location):
            raise ConfigurationInvalid(f"metadata: the sign-on address {quoted(location)} is not https")
        addresses.setdefault(service.get("Binding", ""), location)
    return addresses
