"""What the local AWS knows: accounts with their providers, roles, policies and users, buckets, and live sessions.

Records are frozen and replaced as a whole under one lock, so that a request never sees half of a change.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from federation_bridge.model import Clock, Randomness
from federation_bridge.sandbox.aws.changes import as_heard_of
from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy, policy_of_aws
from federation_bridge.sandbox.aws.policy.document import Policy
from federation_bridge.sandbox.aws.saml_metadata import SamlMetadata

EncryptionMode = Literal["Allowed", "Required"]
SessionKind = Literal["assumed-role", "federated-user", "session-token"]

_KEPT_AFTER_EXPIRY = timedelta(hours=1)
"""An ended session is remembered that long, so that its holder hears ExpiredToken and not InvalidClientTokenId."""
_SWEEP_EVERY = 512


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that decrypts assertions (IAM: PrivateKeyList)."""

    id: str
    pem: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SamlProvider:
    """An IAM SAML provider."""

    arn: str
    name: str
    uuid: str
    metadata_text: str = field(repr=False)
    metadata: SamlMetadata
    created_at: datetime
    valid_until: datetime
    encryption: EncryptionMode | None = None
    private_keys: tuple[PrivateKey, ...] = ()
    """Newest first."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An IAM OpenID Connect provider; `url` without its `https://`, as IAM keeps it."""

    arn: str
    url: str
    client_ids: tuple[str, ...]
    thumbprints: tuple[str, ...]
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role with its trust policy, its inline policies by name and the ARNs of its attached ones."""

    arn: str
    name: str
    path: str
    id: str
    trust: Policy
    created_at: datetime
    max_session: timedelta = timedelta(hours=1)
    description: str = ""
    inline: Mapping[str, Policy] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    boundary: str = ""
    """ARN of the managed policy that is its permissions boundary."""
    changed_at: datetime | None = None
    before: Role | None = None
    """What it was until `changed_at`, as those see it who have not heard of the change yet."""


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user: someone with long-term keys, who may call AssumeRole, GetSessionToken and GetFederationToken."""

    arn: str
    name: str
    path: str
    id: str
    created_at: datetime
    inline: Mapping[str, Policy] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term key pair. An empty `user` stands for the account's root."""

    id: str
    secret: str = field(repr=False)
    account_id: str
    user: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """What STS handed out, and all that is decided by it later. The permissions stay with role and user."""

    kind: SessionKind
    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    account_id: str
    arn: str
    user_id: str
    issued_at: datetime
    expires_at: datetime
    role: str = ""
    """Name of the role, for an assumed role."""
    role_arn: str = ""
    role_id: str = ""
    user: str = ""
    """Name of the user on whose permissions a session token or federation token rests."""
    policy: Policy | None = None
    """Inline session policy."""
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: tuple[str, ...] = ()
    source_identity: str = ""
    federated_provider: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Context keys of the provider that survive into the session (`saml:sub`, `<issuer>:aud` ...)."""
    is_chained: bool = False
    has_mfa: bool = False

    @property
    def has_session_policies(self) -> bool:
        """Whether anything narrows the role's or user's permissions for this session."""
        return self.policy is not None or bool(self.policy_arns)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a bucket."""

    body: bytes = field(repr=False)
    content_type: str
    etag: str
    modified_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """A bucket and its objects by key."""

    name: str
    account_id: str
    region: str
    created_at: datetime
    objects: dict[str, StoredObject] = field(default_factory=dict)


@dataclass(slots=True)
class AccountState:
    """One AWS account."""

    id: str
    partition: str = "aws"
    alias: str = ""
    saml_providers: dict[str, SamlProvider] = field(default_factory=dict)
    """By name."""
    oidc_providers: dict[str, OidcProvider] = field(default_factory=dict)
    """By URL without scheme."""
    roles: dict[str, Role] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    policies: dict[str, ManagedPolicy] = field(default_factory=dict)
    """By ARN."""

    def arn(self, resource: str) -> str:
        """ARN of an IAM resource of this account."""
        return f"arn:{self.partition}:iam::{self.id}:{resource}"


class State:
    """Everything that lasts from one request to the next. Change it under `lock`."""

    def __init__(self, clock: Clock, randomness: Randomness = secrets.token_bytes) -> None:
        self.clock = clock
        self.randomness = randomness
        self.skew = timedelta(0)
        """How far the local AWS's clock is ahead of everybody's (a fault on demand)."""
        self.propagation = timedelta(0)
        """How long what is new in IAM stays unknown to STS (a fault on demand)."""
        self.lock = threading.RLock()
        self.accounts: dict[str, AccountState] = {}
        self.access_keys: dict[str, AccessKey] = {}
        self.buckets: dict[str, Bucket] = {}
        self.sessions: dict[str, Session] = {}
        """By access key id."""
        self.spent: set[str] = set()
        """Statements that were used, in paranoid mode."""

    def now(self) -> datetime:
        """The present instant of the local AWS."""
        return self.clock().astimezone(UTC) + self.skew

    def is_known_everywhere(self, *made: Role | SamlProvider | OidcProvider) -> bool:
        """Whether STS has heard of all of these by now: IAM's changes take their time to arrive."""
        known_until = self.now() - self.propagation
        return not self.propagation or all(one.created_at <= known_until for one in made)

    def new_id(self, prefix: str, length: int = 16) -> str:
        """A fresh identifier such as `AROA...`: the prefix and that many of A-Z and 2-7."""
        letters = base64.b32encode(self.randomness(length)).decode("ascii")
        return prefix + letters[:length]

    def new_secret(self) -> str:
        """A fresh secret access key: 40 characters."""
        return base64.b64encode(self.randomness(30)).decode("ascii")

    def new_request_id(self) -> str:
        """A fresh request id in the shape of a UUID."""
        digits = self.randomness(16).hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def admit(self, session: Session) -> None:
        """Remembers a session that was handed out, and forgets those that ended long ago."""
        with self.lock:
            self.sessions[session.access_key_id] = session
            if len(self.sessions) % _SWEEP_EVERY == 0:
                horizon = self.now() - _KEPT_AFTER_EXPIRY
                ended = [key for key, one in self.sessions.items() if one.expires_at < horizon]
                for key in ended:
                    del self.sessions[key]

    def managed_policy(self, account: AccountState, arn: str) -> ManagedPolicy | None:
        """The managed policy with this ARN as this account sees it, or None."""
        return account.policies.get(arn) or policy_of_aws(arn)

    def identity_policies(self, session: Session) -> tuple[Policy, ...]:
        """The permissions on which a session rests, as they stand now; none once the role or user is gone."""
        account = self.accounts.get(session.account_id)
        holder = self._holder(session)
        if not account or not holder:
            return ()
        return (*holder.inline.values(), *self.managed_policies(account, holder.attached))

    def boundary(self, session: Session) -> tuple[Policy, ...] | None:
        """The permissions boundary of a session's role; None where it has none, empty where the policy is gone."""
        account, holder = self.accounts.get(session.account_id), self._holder(session)
        if not account or not isinstance(holder, Role) or not holder.boundary:
            return None
        return self.managed_policies(account, (holder.boundary,))

    def _holder(self, session: Session) -> Role | User | None:
        """The role or user on which a session rests, as it is known everywhere."""
        account = self.accounts.get(session.account_id)
        if account is None:
            return None
        if not session.role:
            return account.users.get(session.user)
        role = account.roles.get(session.role)
        return None if role is None or role.id != session.role_id else as_heard_of(role, self.now() - self.propagation)

    def managed_policies(self, account: AccountState, arns: Iterable[str]) -> tuple[Policy, ...]:
        """Those of the managed policies that exist."""
        found = (self.managed_policy(account, arn) for arn in arns)
        return tuple(as_heard_of(one, self.now() - self.propagation).policy for one in found if one is not None)
