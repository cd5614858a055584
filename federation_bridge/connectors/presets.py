"""What identity providers merely name differently, as data. What truly differs in logic is named here by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class OidcPreset:
    """How one kind of identity provider fills an ID token. A connection's own settings go before it."""

    subject: tuple[str, ...] = ("sub",)
    """Claims that together identify a person for good, joined by a dot."""
    groups: str | None = "groups"
    """Claim with the groups; None: this provider sends none."""
    tenancy: Literal["any", "entra", "hosted_domain"] = "any"
    """What `tenants` means: nothing, Entra tenant ids (`tid`), or Google's hosted domains (`hd`)."""
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    """`aud` of a private_key_jwt: the issuer, except where the provider knows only its token endpoint."""
    other_issuer_spelling: bool = False
    """Older tokens write the issuer without `https://`."""


OIDC_PRESETS: Mapping[str, OidcPreset] = {
    "generic": OidcPreset(),
    "entra": OidcPreset(subject=("tid", "oid"), tenancy="entra", assertion_audience="token_endpoint"),
    "okta": OidcPreset(assertion_audience="token_endpoint"),
    "google": OidcPreset(groups=None, tenancy="hosted_domain", other_issuer_spelling=True),
}
