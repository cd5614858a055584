"""Making what an account holds, held to IAM's rules; the IAM API and whoever seeds a local AWS both come here."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.refusals import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.saml_metadata import read_metadata
from federation_bridge.sandbox.aws.state import (
    AccessKey,
    AccountState,
    Bucket,
    EncryptionMode,
    OidcProvider,
    PrivateKey,
    Role,
    SamlProvider,
    State,
    StoredObject,
    User,
)
from federation_bridge.sandbox.aws.trust import demand_trust_policy

Document = str | Mapping[str, Any]
"""A policy as JSON text, or as the mapping that it stands for."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_PROVIDER_NAME = re.compile(r"[\w._-]{1,128}", re.ASCII)
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"/([\x21-\x7e]{1,510}/)?")
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}")
_LONGEST_ROLE_NAME = 64
_LONGEST_TRUST = 4_096
_MAX_CLIENT_IDS, _MAX_THUMBPRINTS, _MAX_PROVIDERS = 100, 5, 100
_LONGEST_URL = 255
_MAX_PRIVATE_KEYS, _LONGEST_KEY = 2, 16_384
_SHORTEST_MAX, _LONGEST_MAX = timedelta(hours=1), timedelta(hours=12)
_VALID_FOR_YEARS = 100


def text_of(document: Document) -> str:
    """A policy document as JSON text."""
    return document if isinstance(document, str) else json.dumps(document)


def add_account(state: State, account_id: str, *, partition: str = "aws", alias: str = "") -> AccountState:
    """A new, empty account."""
    if not _ACCOUNT.fullmatch(account_id):
        raise validation_error(f"{account_id!r} is not an account number of 12 digits")
    with state.lock:
        return state.accounts.setdefault(account_id, AccountState(account_id, partition, alias))


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


def put_role(  # noqa: PLR0913 - IAM's own parameters
    state: State,
    account: AccountState,
    name: str,
    trust: Document,
    *,
    permissions: Mapping[str, Document] | None = None,
    attached: Iterable[str] = (),
    max_session: timedelta = _SHORTEST_MAX,
    path: str = "/",
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> Role:
    """A new role (IAM CreateRole, with its inline policies at once)."""
    _demand_name(name, path, _LONGEST_ROLE_NAME)
    demand_max_session(max_session)
    role = Role(
        account.arn(f"role{path}{name}"),
        name,
        path,
        state.new_id("AROA", 17),
        trust_policy(text_of(trust)),
        state.now(),
        max_session,
        description,
        {key: parse_policy(text_of(document)) for key, document in (permissions or {}).items()},
        tuple(attached),
        tags or {},
    )
    with state.lock:
        if name in account.roles:
            raise Refused("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        account.roles[name] = role
    return role


def trust_policy(text: str) -> Any:
    """A trust policy as IAM takes it."""
    if len(text) > _LONGEST_TRUST:
        raise Refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 4096", 409)
    policy = parse_policy(text, "trust")
    demand_trust_policy(policy)
    return policy


def demand_max_session(span: timedelta) -> None:
    """Refused unless a role's MaxSessionDuration may be this."""
    if not _SHORTEST_MAX <= span <= _LONGEST_MAX:
        raise validation_error(
            f"1 validation error detected: Value '{int(span.total_seconds())}' at 'maxSessionDuration' failed to "
            "satisfy constraint: Member must have value between 3600 and 43200"
        )


def _demand_name(name: str, path: str, longest: int = 128) -> None:
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise validation_error("The specified value for the name is invalid. It must contain only [\\w+=,.@-].")
    if not _PATH.fullmatch(path):
        raise validation_error("The specified value for path is invalid.")


def put_policy(
    state: State, account: AccountState, name: str, document: Document, *, path: str = "/", description: str = ""
) -> ManagedPolicy:
    """A new customer managed policy (IAM CreatePolicy)."""
    _demand_name(name, path)
    policy = ManagedPolicy(
        account.arn(f"policy{path}{name}"),
        name,
        path,
        state.new_id("ANPA", 17),
        parse_policy(text_of(document)),
        state.now(),
        description,
    )
    with state.lock:
        if policy.arn in account.policies:
            raise Refused("EntityAlreadyExists", f"A policy called {name} already exists.", 409)
        account.policies[policy.arn] = policy
    return policy


def add_user(
    state: State,
    account: AccountState,
    name: str,
    permissions: Mapping[str, Document] | None = None,
    tags: Mapping[str, str] | None = None,
) -> User:
    """A new IAM user with inline policies (IAM CreateUser)."""
    _demand_name(name, "/", 64)
    policies = {key: parse_policy(text_of(document)) for key, document in (permissions or {}).items()}
    user = User(account.arn(f"user/{name}"), name, "/", state.new_id("AIDA", 17), state.now(), policies, (), tags or {})
    with state.lock:
        if name in account.users:
            raise Refused("EntityAlreadyExists", f"User with name {name} already exists.", 409)
        account.users[name] = user
    return user


def put_user(
    state: State, account: AccountState, name: str, permissions: Mapping[str, Document] | None = None
) -> AccessKey:
    """A new IAM user with inline policies, and a key pair of theirs."""
    return put_access_key(state, account, add_user(state, account, name, permissions).name)


def put_access_key(state: State, account: AccountState, user: str = "") -> AccessKey:
    """A new long-term key pair: of a user, or of the account's root."""
    key = AccessKey(state.new_id("AKIA"), state.new_secret(), account.id, user, state.now())
    with state.lock:
        state.access_keys[key.id] = key
    return key


def put_bucket(
    state: State,
    account: AccountState,
    name: str,
    objects: Mapping[str, bytes] | None = None,
    region: str = "us-east-1",
) -> Bucket:
    """A bucket with objects."""
    now = state.now().replace(microsecond=0)
    bucket = Bucket(name, account.id, region, now)
    for key, body in (objects or {}).items():
        etag = f'"{uuid.uuid5(uuid.NAMESPACE_OID, key).hex}"'
        bucket.objects[key] = StoredObject(body, "binary/octet-stream", etag, now)
    with state.lock:
        state.buckets[name] = bucket
    return bucket
