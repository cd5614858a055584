"""What SCIM clients told, as whoever administers looks at it: how much, when last, and who is linked to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.administration.scim_tokens import tokens
from federation_bridge.model import Clock, ProvisionedGroup, ProvisionedUser
from federation_bridge.provisioning.joining import Joining
from federation_bridge.settings import Settings
from federation_bridge.store import Store

_QUIET_AFTER, _QUIET_AFTER_ENTRA = timedelta(hours=24), timedelta(hours=3)
"""Entra ID comes by about every 40 minutes; Okta only where something changes."""


@dataclass(frozen=True, slots=True)
class ConnectionTold:
    """What one connection's client told."""

    connection: str
    users: int
    disabled: int
    unjoined: int
    """Users without the attribute by which people are joined: nothing follows from what is told of them."""
    groups: int
    tokens: int
    last_contact_at: datetime | None
    """When a token that still holds was last used; None: never."""
    is_quiet: bool
    """Whether there is a token whose last use is long ago. One that was never used counts from when it was made."""

    def quiet(self) -> str:
        """The sentence for a client that is quiet."""
        last = self.last_contact_at
        since = "never called" if last is None else f"called last {last:%Y-%m-%d %H:%M} UTC"
        return f"its SCIM client {since}: somebody who leaves is not put out before it calls"


@dataclass(frozen=True, slots=True)
class UserTold:
    """One user, and which person that is."""

    user: ProvisionedUser
    person: str | None


def standing(store: Store, settings: Settings, clock: Clock) -> tuple[ConnectionTold, ...]:
    """Of each connection that takes SCIM."""
    return tuple(_standing(store, clock, joining, _quiet_after(settings, joining)) for joining in _joinings(settings))


def users_told(store: Store, joining: Joining, *, unjoined: bool, skipped: int, most: int) -> tuple[UserTold, ...]:
    """Users of a connection in one order that stays, or those alone who are linked to nobody."""
    if unjoined and joining.scim.joined_by == "userName":
        return ()
    found = store.provisioned.users_of(joining.connection, unjoined=unjoined, skipped=skipped, most=most)
    return tuple(UserTold(user, joining.person(user)) for user in found)


def groups_told(store: Store, joining: Joining, *, skipped: int, most: int) -> tuple[ProvisionedGroup, ...]:
    """Groups of a connection, likewise."""
    return tuple(store.provisioned.groups(joining.connection, skipped=skipped, most=most))


def joining_of(settings: Settings, connection: str) -> Joining | None:
    """How a connection's users are joined; None where it is unknown or takes no SCIM."""
    found = settings.connections.get(connection)
    return None if found is None else Joining.of(connection, found)


def _joinings(settings: Settings) -> Iterator[Joining]:
    for name, connection in sorted(settings.connections.items()):
        joining = Joining.of(name, connection)
        if joining is not None:
            yield joining


def _quiet_after(settings: Settings, joining: Joining) -> timedelta:
    is_entra = settings.connections[joining.connection].preset == "entra"
    return joining.scim.quiet_after or (_QUIET_AFTER_ENTRA if is_entra else _QUIET_AFTER)


def _standing(store: Store, clock: Clock, joining: Joining, quiet_after: timedelta) -> ConnectionTold:
    held = tokens(store, joining.connection)
    last = max((one.last_used_at for one in held if one.last_used_at is not None), default=None)
    heard = last or min((one.made_at for one in held), default=None)
    counts = store.provisioned.counts(joining.connection)
    return ConnectionTold(
        connection=joining.connection,
        users=counts.users,
        disabled=counts.disabled,
        unjoined=0 if joining.scim.joined_by == "userName" else counts.without_external_id,
        groups=store.provisioned.count_groups(joining.connection),
        tokens=len(held),
        last_contact_at=last,
        is_quiet=heard is not None and clock() - heard > quiet_after,
    )
