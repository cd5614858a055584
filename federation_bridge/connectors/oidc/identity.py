"""Who the verified claims say it is. Pure. What is shaped wrongly is never guessed at: it grants nothing (I14)."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from federation_bridge.claimed import are_plain, groups_of, is_plain, name_for_people
from federation_bridge.connectors.oidc.claims import bare_issuer
from federation_bridge.connectors.oidc.id_token import IdToken
from federation_bridge.connectors.oidc.logout_token import usable_sid
from federation_bridge.connectors.presets import OidcPreset
from federation_bridge.errors import SignInRejected
from federation_bridge.model import Groups, Identity, JsonObject, ProviderSession
from federation_bridge.settings import OidcConnection
from federation_bridge.shown_text import quoted

_MOST_TOLD = 8
_LONGEST_EMAIL = 254

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUBJECT = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MOST_GROUPS = 5000
_ABSENT = object()
_PROTOCOL_CLAIMS = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "jti", "at_hash", "c_hash", "s_hash", "auth_time", "acr"}
    | {"amr", "acrs", "email", "email_verified", "xms_edov", "_claim_names", "_claim_sources", "hasgroups"}
    | {"aio", "rh", "uti", "sid", "ver"}
)
"""Claims that are read for what they mean, or mean nothing to a rule: never offered as attributes."""


def identity_from(
    token: IdToken,
    connection: str,
    settings: OidcConnection,
    preset: OidcPreset,
    userinfo: JsonObject | None = None,
) -> Identity:
    """The person of this ID token. SignInRejected where the tenant may not sign in or the subject is not to be had.

    `userinfo`: where the groups are read, and nothing else; None: they stand in the ID token. A gap in the groups is
    told in `Groups.gap`, and then there are none.
    """
    claims = token.claims
    _check_tenant(token, settings, preset)
    told, name = _with_groups_on_top(claims if userinfo is None else userinfo, settings.groups or preset.groups)
    email = _email(claims, settings.email or "email")
    subject = _subject(claims, (settings.subject,) if settings.subject else preset.subject)
    return Identity(
        connection=connection,
        subject=subject,
        name=_name(claims, settings.name) or subject,
        email=email,
        email_is_verified=email is not None and _is_verified(email, claims, settings, preset),
        groups=_groups(told, name),
        attributes=_attributes(claims, name),
        authn_methods=_methods(claims),
        authenticated_at=_authenticated_at(claims),
    )


def provider_session(token: IdToken) -> ProviderSession:
    """By which names the provider would end this: `sub`, and `sid` where it is a plain text.

    A `sid` of another shape refuses nobody: no logout token could name it either, and `sub` ends the session.
    """
    session = token.claims.get("sid")
    return ProviderSession(bare_issuer(token.issuer), str(token.claims["sub"]), session if usable_sid(session) else "")


def _check_tenant(token: IdToken, settings: OidcConnection, preset: OidcPreset) -> None:
    if preset.tenancy == "entra":
        _check_entra_tenant(token, settings)
    elif preset.tenancy == "hosted_domain" and settings.tenants:
        # the request's own `hd` only steers the account chooser: a consumer account has no such claim
        domain = token.claims.get("hd")
        if not isinstance(domain, str) or domain not in settings.tenants:
            raise SignInRejected(
                f"ID token: hosted domain {quoted(domain, 80)} may not sign in here; these may:"
                f" {_some(settings.tenants)}"
            )


def _check_entra_tenant(token: IdToken, settings: OidcConnection) -> None:
    """`tid` is a tenant, the one in the issuer's path, and one that may sign in (attack I06)."""
    tenant, person = token.claims.get("tid"), token.claims.get("oid")
    if not all(isinstance(value, str) and _GUID.fullmatch(value) for value in (tenant, person)):
        told = f"{quoted(tenant, 80)} and {quoted(person, 80)}"
        raise SignInRejected(f"ID token: `tid` and `oid` are not both GUIDs: {told}")
    if urlsplit(token.issuer).path.split("/")[1:2] != [tenant]:
        raise SignInRejected(f"ID token: `tid` {quoted(tenant)} is not the tenant of its issuer {quoted(token.issuer)}")
    if settings.tenants and tenant not in settings.tenants:
        raise SignInRejected(
            f"ID token: tenant {quoted(tenant)} may not sign in here; these may: {_some(settings.tenants)}"
        )


def _some(tenants: Collection[str]) -> str:
    return ", ".join(list(tenants)[:_MOST_TOLD]) + (", and more" if len(tenants) > _MOST_TOLD else "")


def _subject(claims: JsonObject, names: tuple[str, ...]) -> str:
    values = [claims.get(name) for name in names]
    if not all(isinstance(value, str) and _SUBJECT.fullmatch(value) for value in values):
        raise SignInRejected(f"ID token: the subject ({', '.join(names)}) is missing or not plain text")
    return ".".join(str(value) for value in values)


def _with_groups_on_top(claims: JsonObject, place: str | tuple[str, ...] | None) -> tuple[JsonObject, str | None]:
    """The claims with the one that a list leads to among them, and the name under which it stands there.

    A claim of the provider's own that bears this name by chance is none of what the list leads to.
    """
    if not isinstance(place, tuple):
        return claims, place
    value: Any = claims
    for step in place:
        value = value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT
    name = " > ".join(place)
    others = {other: kept for other, kept in claims.items() if other != name}
    return (others if value is _ABSENT else {**others, name: value}), name


def _groups(claims: JsonObject, name: str | None) -> Groups:
    """The groups, why they are not all there, and why single ones were left out.

    A text is one group, whatever is in it: so providers write a single one (ADFS, JumpCloud, IdentityServer).
    """
    elsewhere = claims.get("_claim_names")
    if (elsewhere is not None and _names_groups(elsewhere, name)) or claims.get("hasgroups", False) is not False:
        return Groups(gap="the identity provider left the groups out because they are too many (overage)")
    if name is None:
        return Groups()
    if name not in claims:
        hint = "; a claim inside others is named by a list" if "." in name and name.partition(".")[0] in claims else ""
        return Groups(gap=f"the identity provider's answer has no claim {name!r}{hint}")
    value = claims[name]
    values: Any = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        return Groups(gap=f"the claim {name!r} is neither a list nor a text")
    if len(values) > _MOST_GROUPS:
        return Groups(gap=f"the claim {name!r} holds more than {_MOST_GROUPS} groups")
    return groups_of(values, f"the claim {name!r}")


def _names_groups(elsewhere: Any, name: str | None) -> bool:
    """Whether `_claim_names` says that the groups are elsewhere; one that cannot be read says so too."""
    return not isinstance(elsewhere, dict) or "groups" in elsewhere or name in elsewhere


def _email(claims: JsonObject, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= _LONGEST_EMAIL and _EMAIL.fullmatch(value) else None


def _is_verified(email: str, claims: JsonObject, settings: OidcConnection, preset: OidcPreset) -> bool:
    """Whether somebody who may say so says that the address is this person's."""
    domain = email.rpartition("@")[2].lower()
    if domain in settings.verified_email_domains:
        # What the setting says of a domain yields to what the provider says of this address.
        said = claims.get("email_verified", True)
        return said is True or (settings.email_verified_text and said == "true")
    if (settings.email or "email") != "email":
        return False  # `email_verified` speaks of the claim `email` alone
    if preset.tenancy == "entra":
        owner = claims.get("xms_edov")
        return owner is True or (type(owner) is int and owner == 1)
    if preset.tenancy == "hosted_domain" and domain != claims.get("hd"):
        return False  # a consumer account can be opened on anybody's address
    said = claims.get("email_verified")
    return said is True or (settings.email_verified_text and said == "true")


def _name(claims: JsonObject, chosen: str | None) -> str | None:
    for name in (chosen,) if chosen else ("name", "preferred_username"):
        if found := name_for_people(claims.get(name)):
            return found
    return None


def _attributes(claims: JsonObject, groups: str | None) -> dict[str, tuple[str, ...]]:
    """Every other claim that is a text, whole number, truth or a list of texts."""
    offered = {name: value for name, value in claims.items() if name not in _PROTOCOL_CLAIMS | {groups, "groups"}}
    texts = {name: _texts(value) for name, value in offered.items()}
    return {name: found for name, found in texts.items() if found and is_plain(name)}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, int):
        return (str(value),)
    values: list[Any] = value if isinstance(value, list) else [value]
    return tuple(values) if len(values) <= _MOST_GROUPS and are_plain(values) else ()


def _methods(claims: JsonObject) -> tuple[str, ...]:
    """`acr`, `amr` and Entra's `acrs`, each as it is written."""
    found = [one for name in ("acr", "amr", "acrs") for one in _texts(claims.get(name))]
    return tuple(dict.fromkeys(found))


def _authenticated_at(claims: JsonObject) -> datetime | None:
    return datetime.fromtimestamp(claims["auth_time"], UTC) if "auth_time" in claims else None
