"""The local AWS as one object: its state, its mode and its parts; what is seeded, and what `app` serves."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from federation_bridge.model import Clock, Randomness
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.cloudtrail.events import Events
from federation_bridge.sandbox.aws.console_sessions import ConsoleSessions
from federation_bridge.sandbox.aws.faults import Faults
from federation_bridge.sandbox.aws.openid_keys import OpenIdKeys, fetch_from_loopback
from federation_bridge.sandbox.aws.state import AccountState, State

Mode = Literal["aws", "paranoid"]
"""`aws` takes what AWS takes; `paranoid` also refuses what a careful issuer never sends."""


def system_clock() -> datetime:
    """The present instant of this machine."""
    return datetime.now(UTC)


def _nothing() -> None:
    """What is done after a change when nothing is kept."""


@dataclass(slots=True)
class LocalAws:
    """Everything behind one address. `issuers` says where on this machine an https issuer really answers."""

    state: State
    mode: Mode = "aws"
    issuers: dict[str, str] = field(default_factory=dict)
    thumbprints: dict[str, str] = field(default_factory=dict)
    """Issuers whose certificate AWS is to know by its thumbprint only: loopback itself has no certificates."""
    fetch: Callable[[str], bytes] = fetch_from_loopback
    after_change: Callable[[], None] = _nothing
    """Called after every request that may have changed what accounts hold."""
    events: Events = field(default_factory=Events)
    consoles: ConsoleSessions = field(init=False)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.consoles = ConsoleSessions(self.state)
        self.faults = Faults(self.state)

    @property
    def keys(self) -> OpenIdKeys:
        """Finds the keys of issuers, through the table."""
        return OpenIdKeys(self.issuers, self.fetch, self.thumbprints)

    def account(self, account_id: str, *, partition: str = "aws", alias: str = "") -> AccountState:
        """The account with this number, made when it is new."""
        return provisioning.add_account(self.state, account_id, partition=partition, alias=alias)


def make_local_aws(
    *,
    clock: Clock = system_clock,
    randomness: Randomness = secrets.token_bytes,
    mode: Mode = "aws",
    issuers: Mapping[str, str] | None = None,
) -> LocalAws:
    """An empty local AWS. Fill it with `provisioning` or over its IAM API; serve it with `app.serve_local_aws`."""
    return LocalAws(State(clock, randomness), mode, dict(issuers or {}))
