"""How the three big providers tell the same person: what they sign, which names their attributes and claims have."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from federation_bridge.sandbox.directory import Person
from federation_bridge.sandbox.identity_provider.saml_message import EMAIL_FORMAT, Signed, Style

StyleName = Literal["entra", "okta", "google"]
TENANT = "00000000-0000-4000-8000-00000000c0de"
"""The example company's tenant id where one plays the part of Entra ID."""

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com"
_UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


@dataclass(frozen=True, slots=True)
class SamlAnswer:
    """The parts of a Response that depend on whose product writes it."""

    style: Style
    signed: Signed
    name_id: str
    name_id_format: str
    attributes: Mapping[str, tuple[str, ...]]


def object_id(person: Person) -> str:
    """The person's object id in Entra ID: a GUID for good."""
    return str(uuid.uuid5(uuid.UUID(TENANT), person.subject))


def saml_answer(style: StyleName, person: Person) -> SamlAnswer:
    """What is told about `person` over SAML. Attributes without a value are left out, as the real ones do."""
    attributes = {name: values for name, values in _ATTRIBUTES[style](person).items() if values}
    if style == "okta":
        return SamlAnswer("okta", "both", person.email, _UNSPECIFIED, attributes)
    return SamlAnswer(style, "assertion", person.email, EMAIL_FORMAT, attributes)


def _entra_attributes(person: Person) -> dict[str, tuple[str, ...]]:
    return {
        f"{_MICROSOFT}/identity/claims/tenantid": (TENANT,),
        f"{_MICROSOFT}/identity/claims/objectidentifier": (object_id(person),),
        f"{_MICROSOFT}/identity/claims/displayname": (person.name,),
        f"{_MICROSOFT}/ws/2008/06/identity/claims/groups": person.groups,
        f"{_MICROSOFT}/claims/authnmethodsreferences": (
            f"{_MICROSOFT}/ws/2008/06/identity/authenticationmethod/password",
        ),
        f"{_CLAIMS}/emailaddress": (person.email,),
        f"{_CLAIMS}/name": (person.email,),
        "department": (person.department,),
    }


def _plain_attributes(person: Person) -> dict[str, tuple[str, ...]]:
    return {
        "id": (person.subject,),
        "email": (person.email,),
        "displayName": (person.name,),
        "department": (person.department,),
        "groups": person.groups,
    }


_ATTRIBUTES = {"entra": _entra_attributes, "okta": _plain_attributes, "google": _plain_attributes}


def oidc_claims(style: StyleName, person: Person, scopes: frozenset[str]) -> dict[str, Any]:
    """The claims about `person` in an ID token and at the userinfo endpoint (OIDC core 5.1), `sub` among them."""
    claims: dict[str, Any] = {"sub": person.subject}
    if "profile" in scopes:
        claims |= {"name": person.name, "preferred_username": person.email}
    if "email" in scopes:
        claims |= {"email": person.email}
    return claims | _CLAIMS_OF_STYLE[style](person, scopes)


def _entra_claims(person: Person, _scopes: frozenset[str]) -> dict[str, Any]:
    groups = {"groups": list(person.groups)} if person.groups else {}
    return {"oid": object_id(person), "tid": TENANT, "ver": "2.0", "department": person.department, **groups}


def _okta_claims(person: Person, scopes: frozenset[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {"ver": 1, "amr": ["pwd"], "department": person.department}
    if "groups" in scopes and person.groups:
        claims["groups"] = list(person.groups)
    if "email" in scopes:
        claims["email_verified"] = True
    return claims


def _google_claims(_person: Person, scopes: frozenset[str]) -> dict[str, Any]:
    return {"hd": "example.com"} | ({"email_verified": True} if "email" in scopes else {})


_CLAIMS_OF_STYLE = {"entra": _entra_claims, "okta": _okta_claims, "google": _google_claims}
