"""What the bridge makes public of itself, as files for those who publish them elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from federation_bridge.aws import issuer, trust_policies
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Account, JsonObject
from federation_bridge.operate.opening import looking_at
from federation_bridge.operate.written_files import write_below
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose


def export(settings: Settings, folder: Path) -> tuple[Path, ...]:
    """Writes metadata, discovery and keys below `folder`, at the paths at which they have to be served.

    Raises:
        ConfigurationInvalid: a file cannot be written, or the settings are wrong.
    """
    with looking_at(settings) as parts:
        documents: dict[str, bytes] = {
            "saml/metadata.xml": issuer.saml_metadata(parts.keys, settings.saml_entity_id, settings.base_url),
            ".well-known/openid-configuration": _json(issuer.openid_configuration(settings.issuer)),
            ".well-known/jwks.json": _json(issuer.jwks(parts.keys)),
        }
    return tuple(write_below(folder, name, document) for name, document in documents.items())


def public_keys(settings: Settings) -> JsonObject:
    """For each purpose the public JWKs and certificates of our keys; ConfigurationInvalid where none is made yet."""
    with looking_at(settings) as parts:
        made = {purpose.value: parts.keys.made(purpose) for purpose in Purpose}
    if not any(made.values()):
        raise ConfigurationInvalid("there are no keys yet: `federation-bridge migrate` makes them")
    return {
        purpose: [{"jwk": key.public_jwk(), "certificate": key.certificate_pem} for key in keys]
        for purpose, keys in made.items()
    }


def trust_policy(settings: Settings, account: str, role: str, *, is_pinned: bool = False) -> JsonObject:
    """The trust policy of a registered role; ConfigurationInvalid for any other account or role.

    `is_pinned`: as it has to be before the register may say `web_identity_file`; there is none on the SAML road.
    """
    with looking_at(settings) as parts:
        accounts = parts.rulebook.in_force.register.accounts
    if account not in accounts:
        raise ConfigurationInvalid(f"account {account!r} is not in the register")
    found = accounts[account]
    if is_pinned:
        found = _with_web_identity_file(found, role)
    return trust_policies.for_role(found, role, entity_id=settings.saml_entity_id, issuer=settings.issuer)


def _with_web_identity_file(account: Account, role: str) -> Account:
    if account.road != "oidc":
        raise ConfigurationInvalid(
            f"account {account.id} believes assertions: web identity files need an OIDC provider"
        )
    roles = {
        name: replace(one, web_identity_file=one.web_identity_file or name == role)
        for name, one in account.roles.items()
    }
    return replace(account, roles=roles)


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()
