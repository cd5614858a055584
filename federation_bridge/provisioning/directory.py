"""What was told by SCIM, for sign-ins: the directory of each connection that takes it."""

from __future__ import annotations

from functools import partial

from federation_bridge.directories.provisioned import ProvisionedDirectory, Told
from federation_bridge.model import Clock, Groups, Identity, ProvisionedUser, RequestOrigin
from federation_bridge.provisioning.joining import Joining
from federation_bridge.provisioning.reaching import completed, reach_one
from federation_bridge.settings import Settings
from federation_bridge.store import Store
from federation_bridge.store.provisioned_changes import ProvisionedChanges


class ProvisionedPeople:
    """The people of all connections that take SCIM, as they were told."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        found = (Joining.of(name, connection) for name, connection in settings.connections.items())
        self._joinings = {joining.connection: joining for joining in found if joining is not None}
        self._store = store
        self._clock = clock

    def directories(self) -> dict[str, ProvisionedDirectory]:
        """The directory of each connection."""
        return {
            name: ProvisionedDirectory(
                partial(self._told, joining),
                known_only=joining.scim.known_only,
                is_source=joining.scim.groups == "source",
            )
            for name, joining in self._joinings.items()
        }

    def settle(self, identity: Identity, origin: RequestOrigin) -> None:
        """Gives all sessions of this person the groups that were told by now, in a transaction of its own."""
        joining = self._joinings.get(identity.connection)
        if joining is None or joining.scim.groups == "none":
            return
        user = self._user(joining, identity)
        if user is None:
            return

        def work(changes: ProvisionedChanges) -> None:
            now = changes.user(user.id)
            if now is not None:
                reach_one(changes, joining, now, frozenset(), self._clock(), origin)

        self._store.provisioned.change(joining.connection, work)

    def _user(self, joining: Joining, identity: Identity) -> ProvisionedUser | None:
        """Who this person is, exactly: a `userName` that differs in case is somebody else's for a sign-in."""
        asked = joining.asked(identity.subject)
        found = [] if asked is None else self._store.provisioned.users(joining.connection, asked, most=2)
        return next((user for user in found if joining.person(user) == identity.person), None)

    def _told(self, joining: Joining, identity: Identity) -> Told | None:
        user = self._user(joining, identity)
        if user is None:
            return None
        told = self._store.provisioned.groups_of(joining.connection, user.id)

        def complete(held: Groups) -> Groups:
            if joining.scim.groups == "none":
                return held
            return completed(joining, held, told, frozenset(), self._clock())

        return Told(user.is_active, complete)
