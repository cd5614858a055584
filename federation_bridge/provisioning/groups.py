"""Groups as a SCIM client tells them. What it tells holds at the next decision of everybody whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from federation_bridge.audit import Entry, ScimGroupChanged
from federation_bridge.claimed import is_plain
from federation_bridge.errors import NotFound, ScimRefused
from federation_bridge.model import ProvisionedGroup
from federation_bridge.provisioning.client import Client, Parts, demand_token
from federation_bridge.provisioning.reaching import reach
from federation_bridge.store.provisioned_changes import ProvisionedChanges


@dataclass(frozen=True, slots=True)
class ToldGroup:
    """What a client says of a group, and who it says is in it."""

    display_name: str
    external_id: str | None
    members: frozenset[str] | None = None
    """The ids of all users in it, in place of those before; None: only as the rest says."""
    added: frozenset[str] = field(default=frozenset())
    removed: frozenset[str] = field(default=frozenset())


Make = Callable[[ProvisionedGroup], ToldGroup]
"""Makes what is told of a group from what was told before."""


Check = Callable[[ProvisionedGroup, ProvisionedChanges], None]
"""Raises where something is against a change of what stands, as the open transaction sees it."""


def _nothing_against(_: ProvisionedGroup, __: ProvisionedChanges) -> None:
    return None


class GroupVerbs:
    """The verbs. Each is one transaction. Raises ScimRefused, NotFound for an id that is not the connection's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, client: Client, told: ToldGroup) -> ProvisionedGroup:
        """A new group."""
        group_id, now = self._parts.randomness(16).hex(), self._parts.clock()

        def work(changes: ProvisionedChanges) -> ProvisionedGroup:
            demand_token(changes, client)
            group = _group(client.connection, group_id, told, now, now)
            self._demand_unique(changes, client, group)
            changes.put_group(group)
            self._follow(changes, client, None, group, told)
            return group

        return self._parts.store.provisioned.change(client.connection, work)

    def change(self, client: Client, group_id: str, make: Make, check: Check = _nothing_against) -> ProvisionedGroup:
        """The group as `make` has it, from what was told before; what raises in it or in `check` undoes all."""
        now = self._parts.clock()

        def work(changes: ProvisionedChanges) -> ProvisionedGroup:
            demand_token(changes, client)
            before = _found(changes, group_id)
            check(before, changes)
            told = make(before)
            after = _group(client.connection, group_id, told, before.created_at, now)
            self._demand_unique(changes, client, after)
            is_same = _named(before) == _named(after)
            if not is_same:
                changes.put_group(after)
            return after if self._follow(changes, client, before, after, told) else before

        return self._parts.store.provisioned.change(client.connection, work)

    def delete(self, client: Client, group_id: str, check: Check = _nothing_against) -> None:
        """The group is gone, if `check` has nothing against it: nobody is in it any more."""

        def work(changes: ProvisionedChanges) -> None:
            demand_token(changes, client)
            before = _found(changes, group_id)
            check(before, changes)
            members = changes.members(group_id)
            changes.remove_group(group_id)
            self._record(changes, client, "deleted", before, (set(), members))
            self._reach(changes, client, (before, None), set(), members)

        self._parts.store.provisioned.change(client.connection, work)

    def _follow(
        self,
        changes: ProvisionedChanges,
        client: Client,
        before: ProvisionedGroup | None,
        after: ProvisionedGroup,
        told: ToldGroup,
    ) -> bool:
        """Changes who is in the group, and everything that follows; whether anything changed."""
        is_renamed = before is not None and client.joining.name_of(before) != client.joining.name_of(after)
        is_whole = told.members is not None or is_renamed
        members = changes.members(after.id) if is_whole or told.added or told.removed else set()
        wanted = (members if told.members is None else set(told.members)) - told.removed | told.added
        gained, lost = _known(changes, wanted - members, told), members - wanted
        changes.remove_members(after.id, sorted(lost))
        changes.add_members(after.id, sorted(gained))
        is_same = before is not None and _named(before) == _named(after)
        if is_same and not gained and not lost:
            return False
        self._record(changes, client, "created" if before is None else "changed", after, (gained, lost))
        self._reach(changes, client, (before, after), gained | (members - lost if is_renamed else set()), lost)
        return True

    def _reach(
        self,
        changes: ProvisionedChanges,
        client: Client,
        groups: tuple[ProvisionedGroup | None, ProvisionedGroup | None],
        inside: Collection[str],
        outside: Collection[str],
    ) -> None:
        """Users inside lose the old name where the group has a new one; users outside lose both."""
        names = [None if group is None else client.joining.name_of(group) for group in groups]
        before = frozenset({names[0]} - {names[1], None})
        both = frozenset({*names} - {None})
        reached: dict[str, Collection[str]] = {one: [name for name in before if name] for one in inside}
        reached |= {one: [name for name in both if name] for one in outside}
        reach(self._parts, changes, client, reached)

    def _demand_unique(self, changes: ProvisionedChanges, client: Client, group: ProvisionedGroup) -> None:
        """ScimRefused for a group that rules could not tell from another: its people would have what both give."""
        by_id = client.joining.group_name == "externalId"
        if by_id and group.external_id is None:
            return
        others = changes.groups_with(group.external_id or "") if by_id else changes.groups_named(group.display_name)
        if any(one.id != group.id for one in others):
            attribute = client.joining.group_name
            raise ScimRefused(f"another group has this {attribute}, by which rules name groups", "uniqueness", 409)

    def _record(
        self,
        changes: ProvisionedChanges,
        client: Client,
        change: str,
        group: ProvisionedGroup,
        moved: tuple[Iterable[str], Iterable[str]],
    ) -> None:
        gained, lost = (len(list(some)) for some in moved)
        event = ScimGroupChanged(change, group.id, group.display_name, gained, lost, client.token_id)
        changes.record(Entry(self._parts.clock(), client.origin, event, connection=client.connection))


def _known(changes: ProvisionedChanges, gained: set[str], told: ToldGroup) -> set[str]:
    """Those of the connection; ScimRefused where one that was added is none of its users.

    In a whole list an unknown id is left out. To refuse the list would keep everybody in who is no longer on it.
    """
    # No id of ours holds a zero byte. A database would refuse the whole question for it.
    known = {user.id for user in changes.users_among(sorted(filter(is_plain, gained)))}
    if unknown := sorted((gained & told.added) - known):
        raise ScimRefused(f"{len(unknown)} of these members are no users that were told here", "invalidValue")
    return known


def _named(group: ProvisionedGroup) -> tuple[str, str | None]:
    return group.display_name, group.external_id


def _group(
    connection: str, group_id: str, told: ToldGroup, created_at: datetime, changed_at: datetime
) -> ProvisionedGroup:
    return ProvisionedGroup(
        connection=connection,
        id=group_id,
        display_name=told.display_name,
        external_id=told.external_id,
        created_at=created_at,
        changed_at=changed_at,
    )


def _found(changes: ProvisionedChanges, group_id: str) -> ProvisionedGroup:
    found = changes.group(group_id)
    if found is None:
        raise NotFound("the connection has no group with this id")
    return found
