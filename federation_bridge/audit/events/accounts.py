"""AWS's side: the accounts are looked at."""

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
