"""Who tells, and what the verbs work with."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.ending import Endings
from federation_bridge.errors import NotSignedIn
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Clock, Randomness, RequestOrigin
from federation_bridge.provisioning.joining import Joining
from federation_bridge.store import Store
from federation_bridge.store.provisioned_changes import ProvisionedChanges


@dataclass(frozen=True, slots=True)
class Client:
    """A connection's SCIM client, whose token was believed."""

    joining: Joining
    token_id: str
    origin: RequestOrigin

    @property
    def connection(self) -> str:
        """The connection whose people it tells of, and no other's."""
        return self.joining.connection


@dataclass(frozen=True, slots=True)
class Parts:
    """What the verbs work with; `app.py` joins them."""

    store: Store
    endings: Endings
    clock: Clock
    randomness: Randomness
    rules: RuleSet | None = None
    """The rules in force, which say what roles a person still has. Read before a transaction: reading may write."""


def demand_token(changes: ProvisionedChanges, client: Client) -> None:
    """NotSignedIn where the token was revoked since the request began: nothing is changed by it any more."""
    if client.token_id not in changes.tokens:
        raise NotSignedIn("the SCIM token was revoked meanwhile")
