"""Users as a SCIM client tells them. Who is disabled or deleted is put out in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.audit import Entry, ScimUserChanged
from federation_bridge.errors import NotFound, ScimRefused
from federation_bridge.model import Block, Cause, ProvisionedUser
from federation_bridge.provisioning.client import Client, Parts, demand_token
from federation_bridge.provisioning.reaching import end_older_answers, reach
from federation_bridge.store.blocks import lift_in
from federation_bridge.store.provisioned_changes import ProvisionedChanges


@dataclass(frozen=True, slots=True)
class ToldUser:
    """What a client says of a user."""

    user_name: str
    external_id: str | None
    is_active: bool
    resource: str


Check = Callable[[ProvisionedUser, ProvisionedChanges], None]
"""Raises where something is against a change of what stands, as the open transaction sees it."""


def _nothing_against(_: ProvisionedUser, __: ProvisionedChanges) -> None:
    return None


class UserVerbs:
    """The verbs. Each is one transaction. Raises ScimRefused, NotFound for an id that is not the connection's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, client: Client, told: ToldUser) -> ProvisionedUser:
        """A new user."""
        user_id, now = self._parts.randomness(16).hex(), self._parts.clock()

        def work(changes: ProvisionedChanges) -> ProvisionedUser:
            demand_token(changes, client)
            user = _user(client.connection, user_id, told, now, now)
            self._put(changes, client, None, user)
            return user

        return self._parts.store.provisioned.change(client.connection, work)

    def change(
        self,
        client: Client,
        user_id: str,
        make: Callable[[ProvisionedUser], ToldUser],
        check: Check = _nothing_against,
    ) -> ProvisionedUser:
        """The user as `make` has it, from what was told before; what raises in it or in `check` undoes all."""
        now = self._parts.clock()

        def work(changes: ProvisionedChanges) -> ProvisionedUser:
            demand_token(changes, client)
            before = _found(changes, user_id)
            check(before, changes)
            told = make(before)
            if told == _told(before):
                return before
            after = _user(client.connection, user_id, told, before.created_at, now)
            self._put(changes, client, before, after)
            return after

        return self._parts.store.provisioned.change(client.connection, work)

    def delete(self, client: Client, user_id: str, check: Check = _nothing_against) -> None:
        """The user is gone, if `check` has nothing against it."""

        def work(changes: ProvisionedChanges) -> None:
            demand_token(changes, client)
            before = _found(changes, user_id)
            check(before, changes)
            changes.remove_user(user_id)
            self._record(changes, client, "deleted", before)
            self._put_out(changes, client, before, "deleted at the identity provider")

        self._parts.store.provisioned.change(client.connection, work)

    def _put(
        self, changes: ProvisionedChanges, client: Client, before: ProvisionedUser | None, after: ProvisionedUser
    ) -> None:
        self._demand_unique(changes, client, after)
        changes.put_user(after)
        self._record(changes, client, "created" if before is None else "changed", after)
        was, now = client.joining.person(before), client.joining.person(after)
        if before is not None and was != now:
            # The client tells of that person no more. Who was joined by mistake gets in again once they are told.
            self._put_out(changes, client, before, "the identity provider's user is somebody else now")
        if not after.is_active:
            self._put_out(changes, client, after, "disabled at the identity provider")
        elif now is not None:
            # What SCIM blocked, and no administrator's block: that is lifted by an administrator alone.
            lift_in(changes.writing, now, "scim")
            reach(self._parts, changes, client, {after.id: frozenset()} if was != now else {})

    def _put_out(self, changes: ProvisionedChanges, client: Client, user: ProvisionedUser, reason: str) -> None:
        person = client.joining.person(user)
        if person is None:
            return
        cause = Cause("scim", f"scim token {client.token_id}", reason, client.connection)
        end_older_answers(self._parts, changes, client, [user])
        block = Block(person, "scim", cause.by, reason, self._parts.clock())
        in_aws = client.joining.scim.ends_aws
        self._parts.endings.block_in(changes.writing, block, cause, in_aws=in_aws, origin=client.origin)

    def _demand_unique(self, changes: ProvisionedChanges, client: Client, user: ProvisionedUser) -> None:
        if any(one.id != user.id for one in changes.users_named(user.user_name)):
            raise ScimRefused("another user has this userName", "uniqueness", 409)
        if user.external_id is None or client.joining.scim.joined_by != "externalId":
            return
        # Two users that are one person could contradict each other about whether that person is active.
        if any(one.id != user.id for one in changes.users_with(user.external_id)):
            raise ScimRefused("another user has this externalId, by which people are joined here", "uniqueness", 409)

    def _record(self, changes: ProvisionedChanges, client: Client, change: str, user: ProvisionedUser) -> None:
        person = client.joining.person(user)
        event = ScimUserChanged(change, user.id, user.is_active, person is not None, client.token_id)
        connection = client.connection
        changes.record(Entry(self._parts.clock(), client.origin, event, person=person or "", connection=connection))


def _user(connection: str, user_id: str, told: ToldUser, created_at: datetime, changed_at: datetime) -> ProvisionedUser:
    return ProvisionedUser(
        connection=connection,
        id=user_id,
        user_name=told.user_name,
        external_id=told.external_id,
        is_active=told.is_active,
        resource=told.resource,
        created_at=created_at,
        changed_at=changed_at,
    )


def _told(user: ProvisionedUser) -> ToldUser:
    return ToldUser(user.user_name, user.external_id, user.is_active, user.resource)


def _found(changes: ProvisionedChanges, user_id: str) -> ProvisionedUser:
    found = changes.user(user_id)
    if found is None:
        raise NotFound("the connection has no user with this id")
    return found
