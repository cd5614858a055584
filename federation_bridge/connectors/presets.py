"""What identity providers merely name differently, as data. What truly differs in logic is named here by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_WS_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MS_CLAIMS = "http://schemas.microsoft.com/identity/claims/"

REASSIGNABLE = frozenset(
    {"email", "mail", "preferred_username", "upn", "unique_name", "name", "nickname"}
    | {"userPrincipalName", "urn:oid:0.9.2342.19200300.100.1.3"}
    | {_WS_CLAIMS + name for name in ("emailaddress", "upn", "name")}
)
"""Claims and attributes that can pass to another person: never the lasting subject without a word of the settings."""


@dataclass(frozen=True, slots=True)
class PresetMethod:
    """What one kind of identity provider calls a method of authentication."""

    accept: tuple[str, ...]
    """What in an answer says that it was used; any one does."""
    request: tuple[str, ...] = ()
    """What asks for it, the preferred first; empty: the provider passes over such a wish, or refuses people for it."""


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
    endpoint_hosts: frozenset[str] = frozenset()
    """Hosts besides the issuer's on which the first discovery may find endpoints."""
    truth_as_text: bool = False
    """Whether a connection may say that this provider writes `email_verified` as the text `true`."""
    other_issuer_spelling: bool = False
    """Older tokens write the issuer without `https://`."""
    authentication_methods: Mapping[str, PresetMethod] = field(default_factory=dict)
    """Methods that an ID token truly tells, by the names that rules use."""
    context_claim: Literal["acr", "acrs"] = "acr"
    """How a method is asked for: `acr_values`, or Entra's `acrs` among the claims that are asked for."""


OIDC_PRESETS: Mapping[str, OidcPreset] = {
    "generic": OidcPreset(truth_as_text=True),
    "entra": OidcPreset(
        subject=("tid", "oid"), tenancy="entra", assertion_audience="token_endpoint", context_claim="acrs"
    ),
    "okta": OidcPreset(
        assertion_audience="token_endpoint",
        authentication_methods={"mfa": PresetMethod(("mfa",), ("urn:okta:loa:2fa:any",))},
    ),
    "google": OidcPreset(
        groups=None,
        tenancy="hosted_domain",
        other_issuer_spelling=True,
        endpoint_hosts=frozenset({"oauth2.googleapis.com", "www.googleapis.com"}),
    ),
}


@dataclass(frozen=True, slots=True)
class SamlPreset:
    """How one kind of identity provider names what an assertion tells. A connection's own settings go before it."""

    subject: str | None = None
    """Attribute that identifies a person for good; None: the NameID."""
    groups: str = "groups"
    groups_link: str | None = None
    """Attribute that stands in the groups' place when they are too many."""
    most_groups: int | None = None
    """So many are sent at most: with that many, some may be missing."""
    email: tuple[str, ...] = ("email", "mail", "urn:oid:0.9.2342.19200300.100.1.3")
    """Attributes with the address, the first that is there; then the NameID, if its format says that it is one."""
    name: tuple[str, ...] = ("displayName", "name", "urn:oid:2.16.840.1.113730.3.1.241")
    methods: str | None = None
    """Attribute with the provider's own names of how the person was authenticated."""
    format_is_true: bool = True
    """Whether the NameID's Format tells the truth; where it does not, `transient` refuses nobody."""
    authentication_methods: Mapping[str, PresetMethod] = field(default_factory=dict)
    """Methods that an assertion truly tells, by the names that rules use. Okta and Google tell none: their
    AuthnContextClassRef is what the application is set to, or `unspecified`."""


SAML_PRESETS: Mapping[str, SamlPreset] = {
    "generic": SamlPreset(),
    "entra": SamlPreset(
        subject=_MS_CLAIMS + "objectidentifier",
        groups="http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        groups_link="http://schemas.microsoft.com/claims/groups.link",
        email=(_WS_CLAIMS + "emailaddress",),
        name=(_MS_CLAIMS + "displayname", _WS_CLAIMS + "name"),
        methods="http://schemas.microsoft.com/claims/authnmethodsreferences",
        # Without `request`: Entra ID refuses people whose live session was begun in another way (AADSTS75011), and has
        # no AuthnContextClassRef of its documents for a second factor.
        authentication_methods={"mfa": PresetMethod(("http://schemas.microsoft.com/claims/multipleauthn",))},
    ),
    "okta": SamlPreset(),
    "google": SamlPreset(most_groups=75, format_is_true=False),
}
