"""Identity providers of an account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.saml_metadata import read_metadata
from federation_bridge.sandbox.aws.state import (
    AccountState,
    EncryptionMode,
    OidcProvider,
    PrivateKey,
    SamlProvider,
    State,
)

_PROVIDER_NAME = re.compile(r"[\w._-]{1,128}", re.ASCII)
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}")
_MAX_CLIENT_IDS, _MAX_THUMBPRINTS, _MAX_PROVIDERS = 100, 5, 100
_LONGEST_URL = 255
_MAX_PRIVATE_KEYS, _LONGEST_KEY = 2, 16_384
_VALID_FOR_YEARS = 100


def put_saml_provider(  # noqa: PLR0913 - IAM's own parameters
    state: State,
    account: AccountState,
    name: str,
    metadata: bytes,
    *,
    encryption: EncryptionMode | None = None,
    private_key: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> SamlProvider:
    """A new SAML provider (IAM CreateSAMLProvider)."""
    if not _PROVIDER_NAME.fullmatch(name):
        raise validation_error(f"Value '{name[:128]}' at 'name' failed to satisfy constraint: [\\w._-]+")
    read, now = read_metadata(metadata), state.now()
    provider = SamlProvider(
        arn=account.arn(f"saml-provider/{name}"),
        name=name,
        uuid=state.new_id("SAMLSP", 20),
        metadata_text=metadata.decode("utf-8"),
        metadata=read,
        created_at=now,
        valid_until=_years_after(now, _VALID_FOR_YEARS),
        encryption=encryption,
        private_keys=() if private_key is None else (_private_key(state, private_key),),
        tags=tags or {},
    )
    with state.lock:
        if name in account.saml_providers:
            raise Refused("EntityAlreadyExists", f"SAMLProvider {name} already exists.", 409)
        if len(account.saml_providers) >= _MAX_PROVIDERS:
            raise Refused("LimitExceeded", "Cannot exceed quota for SAMLProvidersPerAccount: 100", 409)
        account.saml_providers[name] = provider
    return provider


def _years_after(now: datetime, years: int) -> datetime:
    return now + timedelta(days=365 * years)


def _private_key(state: State, pem: str) -> PrivateKey:
    if len(pem) > _LONGEST_KEY:
        raise validation_error("Value at 'addPrivateKey' failed to satisfy constraint: at most 16384 characters")
    try:
        load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise Refused("InvalidInput", "Unable to parse the private key.") from None
    return PrivateKey(state.new_id("", 22), pem, state.now())


def change_saml_provider(  # noqa: PLR0913 - IAM's own parameters
    state: State,
    account: AccountState,
    name: str,
    *,
    metadata: bytes | None = None,
    encryption: EncryptionMode | None = None,
    add_private_key: str | None = None,
    remove_private_key: str | None = None,
) -> SamlProvider:
    """A SAML provider changed (IAM UpdateSAMLProvider): what is None stays."""
    if add_private_key is not None and remove_private_key is not None:
        raise Refused("InvalidInput", "A private key cannot be added and removed in one request.")
    with state.lock:
        provider = account.saml_providers.get(name)
        if provider is None:
            raise no_such_entity(f"SAMLProvider {name} not found.")
        keys = tuple(key for key in provider.private_keys if key.id != remove_private_key)
        if add_private_key is not None:
            if len(keys) >= _MAX_PRIVATE_KEYS:
                raise Refused("LimitExceeded", "A SAML provider holds at most 2 private keys.", 409)
            keys = (_private_key(state, add_private_key), *keys)
        changed = replace(provider, private_keys=keys, encryption=encryption or provider.encryption)
        if metadata is not None:
            changed = replace(changed, metadata=read_metadata(metadata), metadata_text=metadata.decode("utf-8"))
        account.saml_providers[name] = changed
    return changed


def put_oidc_provider(
    state: State,
    account: AccountState,
    url: str,
    client_ids: Iterable[str] = (),
    thumbprints: Iterable[str] = (),
    tags: Mapping[str, str] | None = None,
) -> OidcProvider:
    """A new OpenID Connect provider (IAM CreateOpenIDConnectProvider)."""
    parts = urlsplit(url)
    has_port = ":" in parts.netloc
    if parts.scheme != "https" or not parts.hostname or has_port or parts.query or len(url) > _LONGEST_URL:
        raise validation_error("Invalid Open ID Connect Provider URL")
    name = url.removeprefix("https://")
    provider = OidcProvider(
        account.arn(f"oidc-provider/{name}"), name, tuple(client_ids), tuple(thumbprints), state.now(), tags or {}
    )
    demand_client_ids(provider.client_ids)
    demand_thumbprints(provider.thumbprints)
    with state.lock:
        if name in account.oidc_providers:
            raise Refused("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
        if len(account.oidc_providers) >= _MAX_PROVIDERS:
            raise Refused("LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100", 409)
        account.oidc_providers[name] = provider
    return provider


def demand_client_ids(client_ids: tuple[str, ...]) -> None:
    """Refused unless these can be a provider's client ids."""
    if len(client_ids) > _MAX_CLIENT_IDS:
        raise Refused("LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100", 409)
    if not all(1 <= len(one) <= _LONGEST_URL for one in client_ids):
        raise validation_error("Value at 'clientIDList' failed to satisfy constraint: between 1 and 255 characters")


def demand_thumbprints(thumbprints: tuple[str, ...]) -> None:
    """Refused unless these can be a provider's thumbprints."""
    if len(thumbprints) > _MAX_THUMBPRINTS:
        raise Refused("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    if not all(THUMBPRINT.fullmatch(one) for one in thumbprints):
        raise validation_error("Value at 'thumbprintList' failed to satisfy constraint: 40 hexadecimal characters")
