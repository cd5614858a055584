"""What SCIM clients told of a connection's users and groups, as it is read; `provisioned_changes` changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Table, and_, bindparam, func, select

from federation_bridge.model import ProvisionedGroup, ProvisionedUser
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.name_keys import name_key
from federation_bridge.store.provisioned_changes import GROUPS_OF, ProvisionedChanges, group_of, user_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.tables import SCIM_GROUPS, SCIM_MEMBERS, SCIM_USERS
from federation_bridge.store.writing import Writing

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of a connection's resources are meant. Every member that is given has to hold, by equality."""

    id: str | None = None
    name: str | None = None
    """`userName` of users, `displayName` of groups: without case."""
    external_id: str | None = None
    member: str | None = None
    """Of groups: the id of a user who is in it."""


@dataclass(frozen=True, slots=True)
class UserCounts:
    """How many users a connection's client told of."""

    users: int
    disabled: int
    without_external_id: int


class _Kind:
    """How the resources of one table are asked for: compiled once for each combination of what is asked."""

    def __init__(self, table: Table, name_key: str) -> None:
        self.table = table
        self._by = {"id": table.c.id, "name": table.c[name_key], "external_id": table.c.external_id}
        self._statements: dict[tuple[str, ...], Any] = {}

    def _where(self, names: tuple[str, ...]) -> Any:
        conditions = [self.table.c.connection == bindparam("whose")]
        conditions += [self._by[name] == bindparam(f"asked_{name}") for name in names if name in self._by]
        if "member" in names:
            users = select(SCIM_MEMBERS.c.group_id).where(
                SCIM_MEMBERS.c.connection == bindparam("whose"), SCIM_MEMBERS.c.user_id == bindparam("asked_member")
            )
            conditions.append(self.table.c.id.in_(users))
        return and_(*conditions)

    def counted(self, names: tuple[str, ...]) -> Any:
        return self._made(("count", *names), lambda: select(func.count()).where(self._where(names)))

    def page(self, names: tuple[str, ...]) -> Any:
        def make() -> Any:
            found = select(self.table).where(self._where(names)).order_by(self.table.c.id)
            return found.limit(bindparam("most")).offset(bindparam("skipped"))

        return self._made(("page", *names), make)

    def _made(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if key not in self._statements:
            self._statements[key] = make()
        return self._statements[key]


_USERS, _GROUPS = _Kind(SCIM_USERS, "user_name_key"), _Kind(SCIM_GROUPS, "display_name_key")
_MEMBERS = (
    select(SCIM_MEMBERS)
    .where(SCIM_MEMBERS.c.connection == bindparam("whose"), SCIM_MEMBERS.c.group_id == bindparam("asked_group"))
    .order_by(SCIM_MEMBERS.c.user_id)
)
_WALKED = 500
_OF_CONNECTION = SCIM_USERS.c.connection == bindparam("whose")
_COUNTS = select(
    func.count().label("users"),
    func.count().filter(SCIM_USERS.c.active.is_(False)).label("disabled"),
    func.count().filter(SCIM_USERS.c.external_id.is_(None)).label("without_external_id"),
).where(_OF_CONNECTION)
_USERS_OF = {
    unjoined: select(SCIM_USERS)
    .where(_OF_CONNECTION, *([SCIM_USERS.c.external_id.is_(None)] if unjoined else []))
    .order_by(SCIM_USERS.c.user_name_key)
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
    for unjoined in (False, True)
}


class Provisioned:
    """Users, groups and members by connection. A row whose MAC does not hold is as if absent."""

    def __init__(self, database: Database, rows: Rows, audit: AuditTable) -> None:
        self._database = database
        self._rows = rows
        self._audit = audit

    def count_users(self, connection: str, asked: Asked = Asked()) -> int:
        """How many users of the connection are meant."""
        return self._count(_USERS, connection, asked)

    def count_groups(self, connection: str, asked: Asked = Asked()) -> int:
        """How many groups of the connection are meant."""
        return self._count(_GROUPS, connection, asked)

    def users(self, connection: str, asked: Asked = Asked(), *, skipped: int = 0, most: int) -> list[ProvisionedUser]:
        """The users that are meant, in one order that stays, without the first `skipped` and no more than `most`."""
        return list(map(user_of, self._page(_USERS, connection, asked, skipped, most)))

    def groups(self, connection: str, asked: Asked = Asked(), *, skipped: int = 0, most: int) -> list[ProvisionedGroup]:
        """The groups that are meant, likewise."""
        return list(map(group_of, self._page(_GROUPS, connection, asked, skipped, most)))

    def counts(self, connection: str) -> UserCounts:
        """How many users there are, and how many of some kinds."""
        row = self._database.row(_COUNTS, {"whose": connection})
        return UserCounts(0, 0, 0) if row is None else UserCounts(*map(int, row))

    def users_of(self, connection: str, *, unjoined: bool, skipped: int, most: int) -> list[ProvisionedUser]:
        """The users by their names, or those alone that have no `externalId`."""
        values = {"whose": connection, "skipped": skipped, "most": most}
        return list(map(user_of, self._rows.all(_USERS_OF[unjoined], values, SCIM_USERS)))

    def each_user(self, connection: str, most: int) -> Iterator[ProvisionedUser]:
        """The first `most` users, a page in memory at a time."""
        for skipped in range(0, most, _WALKED):
            found = self.users(connection, skipped=skipped, most=min(_WALKED, most - skipped))
            yield from found
            if len(found) < _WALKED:
                return

    def members(self, connection: str, group_id: str) -> list[str]:
        """The ids of the users in a group."""
        found = self._rows.all(_MEMBERS, {"whose": connection, "asked_group": group_id}, SCIM_MEMBERS)
        return [row.user_id for row in found]

    def groups_of(self, connection: str, user_id: str) -> list[ProvisionedGroup]:
        """The groups in which a user is."""
        values = {"whose": connection, "which": user_id}
        return list(map(group_of, self._rows.all(GROUPS_OF, values, SCIM_GROUPS, SCIM_MEMBERS)))

    def change(self, connection: str, work: Callable[[ProvisionedChanges], _T]) -> _T:
        """What `work` gives in a durable transaction of its own, one at a time of this connection.

        It may be done again from its beginning, so it may do nothing but read and change here.
        """

        def locked(writing: Writing) -> _T:
            return work(ProvisionedChanges.begun(writing, connection))

        return self._audit.transact(locked)

    def _count(self, kind: _Kind, connection: str, asked: Asked) -> int:
        values = _values(connection, asked)
        row = self._database.row(kind.counted(_names(values)), values)
        return 0 if row is None else int(row[0])

    def _page(self, kind: _Kind, connection: str, asked: Asked, skipped: int, most: int) -> list[Any]:
        values = _values(connection, asked)
        statement = kind.page(_names(values))
        return self._rows.all(statement, {**values, "most": most, "skipped": skipped}, kind.table)


def _values(connection: str, asked: Asked) -> dict[str, Any]:
    given = {
        "asked_id": asked.id,
        "asked_name": None if asked.name is None else name_key(asked.name),
        "asked_external_id": asked.external_id,
        "asked_member": asked.member,
    }
    return {"whose": connection, **{name: value for name, value in given.items() if value is not None}}


def _names(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name.removeprefix("asked_") for name in values if name != "whose")
