"""What the settings of one connection mean before anybody signs in: which issuers may speak, and what is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

from federation_bridge.connectors.oidc.discovery import ENTRA_SHARED_AUTHORITIES, expected_issuer
from federation_bridge.connectors.presets import REASSIGNABLE, OidcPreset
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import OidcConnection


def issuers_of(settings: OidcConnection, preset: OidcPreset) -> frozenset[str]:
    """Every spelling of the issuer that a token may carry, complete: no pattern is ever matched."""
    issuer = expected_issuer(settings.issuer, preset.tenancy)
    spellings = {issuer}
    if issuer != settings.issuer:
        spellings = {issuer.replace("{tenantid}", tenant) for tenant in settings.tenants}
    if preset.other_issuer_spelling:
        spellings |= {issuer.removeprefix("https://")}
    return frozenset(spellings)


def check_settings(connection: str, settings: OidcConnection, preset: OidcPreset) -> None:
    """ConfigurationInvalid where these settings would let in people whom nobody meant."""
    where = f"connections.{connection}"
    if settings.subject in REASSIGNABLE:
        raise ConfigurationInvalid(
            f"{where}.subject: `{settings.subject}` can pass to another person; name a stable claim"
        )
    authority = urlsplit(settings.issuer).path.split("/")[1:2]
    is_shared = preset.tenancy == "entra" and bool(set(authority) & (ENTRA_SHARED_AUTHORITIES | {"consumers"}))
    if is_shared and not settings.tenants:
        raise ConfigurationInvalid(
            f"{where}.tenants: this issuer stands for everybody; name the tenants that may sign in"
        )
    if preset.tenancy == "hosted_domain" and not settings.tenants:
        raise ConfigurationInvalid(f"{where}.tenants: name the hosted domains that may sign in, else anybody may")
    if settings.groups_from == "userinfo" and (settings.groups or preset.groups) is None:
        raise ConfigurationInvalid(f"{where}.groups: name the claim of userinfo that holds the groups")
    if settings.email_verified_text and not preset.truth_as_text:
        raise ConfigurationInvalid(
            f"{where}.email_verified_text: a provider of preset `{settings.preset}` writes a truth value; leave it out"
        )
