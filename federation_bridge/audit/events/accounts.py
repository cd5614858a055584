"""AWS's side: the accounts are looked at, and learn our keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class AccountsCheckAsked(Event):
    """An administrator wants a node to look at the accounts now."""

    name: ClassVar[str] = "accounts.check_asked"


@dataclass(frozen=True, slots=True)
class AccountsChecked(Event):
    """A node read the accounts and held them against register and rules; each number is one of differences."""

    name: ClassVar[str] = "accounts.checked"
    accounts: int
    fails: int
    wider: int
    unsure: int
    asked_by: str


@dataclass(frozen=True, slots=True)
class ProviderUpdateAsked(Event):
    """An operator is about to give an account's SAML provider our metadata, with credentials of their own."""

    name: ClassVar[str] = "provider.update_asked"
    account: str
    arn: str
    kids: tuple[str, ...]
    """The keys that AWS shall believe from then on, and no other."""


@dataclass(frozen=True, slots=True)
class ProviderUpdateSettled(Event):
    """What came of it, as AWS told it when it was read again."""

    name: ClassVar[str] = "provider.update_settled"
    account: str
    arn: str
    state: str
    """As `aws publish-keys` says it: `current`, or another word and why."""
    told: str
    kids: tuple[str, ...]
    """The keys that AWS believes now; empty where they could not be read."""
