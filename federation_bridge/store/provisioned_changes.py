"""What SCIM clients told, as it is changed: one transaction for each request, and one at a time of a connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import and_, bindparam, delete, select

from federation_bridge.audit import Entry
from federation_bridge.model import ProvisionedGroup, ProvisionedUser
from federation_bridge.store.name_keys import name_key
from federation_bridge.store.scim_tokens import lock_in
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import SCIM_GROUPS, SCIM_MEMBERS, SCIM_USERS
from federation_bridge.store.writing import Writing

_AT_ONCE = 100

_IS_USER = and_(SCIM_USERS.c.connection == bindparam("whose"), SCIM_USERS.c.id == bindparam("which"))
_IS_GROUP = and_(SCIM_GROUPS.c.connection == bindparam("whose"), SCIM_GROUPS.c.id == bindparam("which"))
_USER, _GROUP = select(SCIM_USERS).where(_IS_USER), select(SCIM_GROUPS).where(_IS_GROUP)
_REMOVE_USER, _REMOVE_GROUP = delete(SCIM_USERS).where(_IS_USER), delete(SCIM_GROUPS).where(_IS_GROUP)
_USERS_BY_NAME = select(SCIM_USERS).where(
    SCIM_USERS.c.connection == bindparam("whose"), SCIM_USERS.c.user_name_key == bindparam("asked")
)
_USERS_BY_EXTERNAL_ID = select(SCIM_USERS).where(
    SCIM_USERS.c.connection == bindparam("whose"), SCIM_USERS.c.external_id == bindparam("asked")
)
_GROUPS_BY_NAME = select(SCIM_GROUPS).where(
    SCIM_GROUPS.c.connection == bindparam("whose"), SCIM_GROUPS.c.display_name_key == bindparam("asked")
)
_GROUPS_BY_EXTERNAL_ID = select(SCIM_GROUPS).where(
    SCIM_GROUPS.c.connection == bindparam("whose"), SCIM_GROUPS.c.external_id == bindparam("asked")
)
_MEMBERS = select(SCIM_MEMBERS).where(
    SCIM_MEMBERS.c.connection == bindparam("whose"), SCIM_MEMBERS.c.group_id == bindparam("which")
)
_REMOVE_MEMBER = delete(SCIM_MEMBERS).where(
    SCIM_MEMBERS.c.connection == bindparam("whose"),
    SCIM_MEMBERS.c.group_id == bindparam("which"),
    SCIM_MEMBERS.c.user_id == bindparam("who"),
)
GROUPS_OF = (
    select(SCIM_GROUPS, SCIM_MEMBERS)
    .join(
        SCIM_MEMBERS,
        and_(SCIM_MEMBERS.c.connection == SCIM_GROUPS.c.connection, SCIM_MEMBERS.c.group_id == SCIM_GROUPS.c.id),
    )
    .where(SCIM_MEMBERS.c.connection == bindparam("whose"), SCIM_MEMBERS.c.user_id == bindparam("which"))
    .order_by(SCIM_GROUPS.c.id)
)
"""The groups of the user `which` at the connection `whose`, each beside the membership."""
_SEVERAL_USERS = select(SCIM_USERS).where(
    SCIM_USERS.c.connection == bindparam("whose"),
    SCIM_USERS.c.id.in_([bindparam(f"id_{place}") for place in range(_AT_ONCE)]),
)


@dataclass(frozen=True, slots=True)
class ProvisionedChanges:
    """An open transaction over one connection's users, groups and members, which nobody else changes meanwhile."""

    writing: Writing
    connection: str
    tokens: frozenset[str]
    """The ids of the connection's tokens that hold at this moment."""

    @classmethod
    def begun(cls, writing: Writing, connection: str) -> ProvisionedChanges:
        """The changes of a transaction that has just begun: it waits for those of others."""
        return cls(writing, connection, frozenset(lock_in(writing, connection)))

    def user(self, user_id: str) -> ProvisionedUser | None:
        """The user with this id."""
        row = self.writing.row(_USER, self._which(user_id), SCIM_USERS)
        return None if row is None else user_of(row)

    def users_named(self, user_name: str) -> list[ProvisionedUser]:
        """The users with this name, without case."""
        return self._users(_USERS_BY_NAME, name_key(user_name))

    def users_with(self, external_id: str) -> list[ProvisionedUser]:
        """The users with this `externalId`."""
        return self._users(_USERS_BY_EXTERNAL_ID, external_id)

    def users_among(self, ids: Iterable[str]) -> list[ProvisionedUser]:
        """The users with these ids; those that there are."""
        found: list[ProvisionedUser] = []
        for some in _by_hundreds(ids):
            # A statement's text may not depend on how many there are: the last one fills the rest.
            padded = [*some, *[some[-1]] * (_AT_ONCE - len(some))]
            values = {"whose": self.connection, **{f"id_{place}": one for place, one in enumerate(padded)}}
            found += map(user_of, self.writing.rows(_SEVERAL_USERS, values, SCIM_USERS))
        return found

    def put_user(self, user: ProvisionedUser) -> None:
        """Writes a user, new or in place of what was told before."""
        row = self.writing.row(_USER, self._which(user.id), SCIM_USERS)
        if row is None:
            self.writing.insert(SCIM_USERS, _user_row(user))
        else:
            self.writing.change(SCIM_USERS, row, **_changes(_user_row(user)))

    def remove_user(self, user_id: str) -> None:
        """Removes a user, from all groups too."""
        self.writing.execute(_REMOVE_USER, self._which(user_id))

    def group(self, group_id: str) -> ProvisionedGroup | None:
        """The group with this id."""
        row = self.writing.row(_GROUP, self._which(group_id), SCIM_GROUPS)
        return None if row is None else group_of(row)

    def groups_named(self, display_name: str) -> list[ProvisionedGroup]:
        """The groups with this name, without case."""
        return self._groups(_GROUPS_BY_NAME, name_key(display_name))

    def groups_with(self, external_id: str) -> list[ProvisionedGroup]:
        """The groups with this `externalId`."""
        return self._groups(_GROUPS_BY_EXTERNAL_ID, external_id)

    def put_group(self, group: ProvisionedGroup) -> None:
        """Writes a group, new or in place of what was told before."""
        row = self.writing.row(_GROUP, self._which(group.id), SCIM_GROUPS)
        if row is None:
            self.writing.insert(SCIM_GROUPS, _group_row(group))
        else:
            self.writing.change(SCIM_GROUPS, row, **_changes(_group_row(group)))

    def remove_group(self, group_id: str) -> None:
        """Removes a group with its memberships."""
        self.writing.execute(_REMOVE_GROUP, self._which(group_id))

    def members(self, group_id: str) -> set[str]:
        """The ids of the users in a group."""
        return {row.user_id for row in self.writing.rows(_MEMBERS, self._which(group_id), SCIM_MEMBERS)}

    def add_members(self, group_id: str, user_ids: Iterable[str]) -> None:
        """Adds users that are not in the group."""
        for user_id in user_ids:
            row = {"connection": self.connection, "group_id": group_id, "user_id": user_id}
            self.writing.insert(SCIM_MEMBERS, row)

    def remove_members(self, group_id: str, user_ids: Iterable[str]) -> None:
        """Removes users from the group."""
        for user_id in user_ids:
            self.writing.execute(_REMOVE_MEMBER, {**self._which(group_id), "who": user_id})

    def groups_of(self, user_id: str) -> list[ProvisionedGroup]:
        """The groups in which a user is."""
        rows = self.writing.rows(GROUPS_OF, self._which(user_id), SCIM_GROUPS, SCIM_MEMBERS)
        return list(map(group_of, rows))

    def record(self, *entries: Entry) -> None:
        """Audit entries that stand if and only if the rest does."""
        self.writing.record(*entries)

    def _which(self, one_id: str) -> dict[str, str]:
        return {"whose": self.connection, "which": one_id}

    def _users(self, statement: Any, asked: str) -> list[ProvisionedUser]:
        return list(map(user_of, self.writing.rows(statement, {"whose": self.connection, "asked": asked}, SCIM_USERS)))

    def _groups(self, statement: Any, asked: str) -> list[ProvisionedGroup]:
        found = self.writing.rows(statement, {"whose": self.connection, "asked": asked}, SCIM_GROUPS)
        return list(map(group_of, found))


def user_of(row: Row) -> ProvisionedUser:
    """The user whom a row keeps."""
    return ProvisionedUser(
        connection=row.connection,
        id=row.id,
        user_name=row.user_name,
        external_id=row.external_id,
        is_active=row.active,
        resource=row.resource,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def group_of(row: Row) -> ProvisionedGroup:
    """The group that a row keeps."""
    names = ("connection", "id", "display_name", "external_id", "created_at", "changed_at")
    return ProvisionedGroup(**{name: getattr(row, name) for name in names})


def _user_row(user: ProvisionedUser) -> dict[str, Any]:
    return {
        "connection": user.connection,
        "id": user.id,
        "user_name": user.user_name,
        "user_name_key": name_key(user.user_name),
        "external_id": user.external_id,
        "active": user.is_active,
        "resource": user.resource,
        "created_at": user.created_at,
        "changed_at": user.changed_at,
    }


def _group_row(group: ProvisionedGroup) -> dict[str, Any]:
    return {
        "connection": group.connection,
        "id": group.id,
        "display_name": group.display_name,
        "display_name_key": name_key(group.display_name),
        "external_id": group.external_id,
        "created_at": group.created_at,
        "changed_at": group.changed_at,
    }


def _changes(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("connection", "id")}


def _by_hundreds(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, _AT_ONCE)):
        yield some
