"""Which roles a rule names: one by one, by a placeholder that its condition binds, or in sets of accounts.

Sets are expanded when the rules are loaded, against the register that they are loaded with: a decision sees only roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME
from federation_bridge.mapping.account_sets import AccountSet, account_set_schema
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, refuse, text, texts
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.templates import Placeholder
from federation_bridge.model import Account, Role

_ROLE = "[A-Za-z0-9_+=,.@-]{1,64}"


@dataclass(frozen=True, slots=True)
class RolePattern:
    """`account/role`, where either may be a placeholder (None) that the rule's condition binds."""

    account: str | None
    role: str | None

    @property
    def placeholders(self) -> frozenset[Placeholder]:
        """What the condition has to bind."""
        named: set[Placeholder] = set()
        if self.account is None:
            named.add("account")
        if self.role is None:
            named.add("role")
        return frozenset(named)

    def reachable(self, register: Register) -> Iterator[tuple[Account, Role]]:
        """Every registered role that this can ever name."""
        accounts = register.accounts if self.account is None else (self.account,)
        for account in accounts:
            names = register.accounts[account].roles if self.role is None else (self.role,)
            for name in names:
                if found := register.role(account, name):
                    yield found


@dataclass(frozen=True, slots=True)
class RoleSet:
    """A set as it is written: what it comes to changes with the register."""

    accounts: AccountSet | str
    """A set of accounts, or the id of one."""
    role: str
    """A role's name; `*` for all."""


@dataclass(frozen=True, slots=True)
class RolesNamed:
    """What stands under `role` or `roles`, and the sets in it that name no role now, each in a sentence."""

    patterns: tuple[RolePattern, ...]
    empty_sets: tuple[str, ...] = ()
    sets: frozenset[RoleSet] = frozenset()


def parse_roles(node: Node, register: Register) -> RolesNamed:
    """The roles of a `grant`; ConfigurationInvalid with the place."""
    if isinstance(node.value, str):
        return _granted(node, register)
    listed = (node,) if isinstance(node.value, Mapping) else items(node, "`roles`")
    written = [item.value for item in listed if isinstance(item.value, str)]
    if len(set(written)) != len(written):
        refuse(node, "a role names the same twice")
    found = [_granted(item, register) for item in listed]
    if len(found) == 1:
        return found[0]  # shared between rules that name the same set
    return joined(found)


def joined(found: Iterable[RolesNamed]) -> RolesNamed:
    """All of them as one, each role and each sentence once."""
    each = tuple(found)
    patterns = dict.fromkeys(pattern for one in each for pattern in one.patterns)
    empty_sets = dict.fromkeys(empty for one in each for empty in one.empty_sets)
    return RolesNamed(tuple(patterns), tuple(empty_sets), frozenset(written for one in each for written in one.sets))


def _granted(node: Node, register: Register) -> RolesNamed:
    if not isinstance(node.value, str):
        return parse_role_set(node, register)
    written = text(node, "a role")
    account, slash, role = written.partition("/")
    if slash and account == "*" and ROLE_NAME.fullmatch(role):
        return _expanded(AccountSet(), role, node, register)
    if slash and role == "*":
        # A role that is registered later would be granted without anybody having named it.
        refuse(
            node,
            "%(written)s names no role: a rule grants roles by name, and only `deny` takes %(account)s/*",
            written=repr(written),
            account=account,
        )
    return RolesNamed((_literal(written, node, register),))


def _literal(written: str, node: Node, register: Register) -> RolePattern:
    account, slash, role = written.partition("/")
    is_account = account == "{account}" or ACCOUNT_ID.fullmatch(account)
    if not slash or not is_account or not (role == "{role}" or ROLE_NAME.fullmatch(role)):
        refuse(
            node,
            "%(written)s is not a role: write 111111111111/Name, */Name, {account}/Name or {account}/{role}",
            written=repr(written),
        )
    pattern = RolePattern(None if account == "{account}" else account, None if role == "{role}" else role)
    if pattern.account is not None and pattern.account not in register.accounts:
        refuse(
            node,
            "account %(account)s is not in the register%(near)s",
            account=account,
            near=did_you_mean(account, register.accounts),
        )
    if next(pattern.reachable(register), None) is None:
        known_roles = register.accounts[pattern.account].roles if pattern.account else register.role_names
        refuse(
            node,
            "the register allows no role %(role)s there%(near)s",
            role=repr(role),
            near=did_you_mean(role, known_roles),
        )
    return pattern


def parse_role_set(node: Node, register: Register, *, takes_all: bool = False) -> RolesNamed:
    """The roles in `{accounts: {...}, role: NAME}`; where all are taken, `*` stands for every role of an account."""
    entry = fields(node, "a set of roles", ("accounts", "role", "roles"), ("accounts",))
    if ("role" in entry) == ("roles" in entry):
        refuse(node, "a set of roles needs either `role` or `roles`")
    accounts = AccountSet.parse(entry["accounts"])
    listed = entry["role"] if "role" in entry else entry["roles"]
    found = [_expanded(accounts, role, listed, register, takes_all=takes_all) for role in texts(listed, "a role")]
    return found[0] if len(found) == 1 else joined(found)


def _expanded(
    accounts: AccountSet, role: str, node: Node, register: Register, *, takes_all: bool = False
) -> RolesNamed:
    if not (takes_all and role == "*"):
        if not ROLE_NAME.fullmatch(role):
            refuse(node, "%(name)s is not a role name: at most 64 of A-Z a-z 0-9 and _+=,.@-", name=repr(role))
        if role not in register.role_names:
            near = did_you_mean(role, register.role_names)
            refuse(node, "the register allows no role %(role)s in any account%(near)s", role=repr(role), near=near)
    # Many rules name few sets, each of perhaps a thousand accounts: they share what these come to.
    return register.once((accounts, role), lambda: _named(accounts, role, register))


def _named(accounts: AccountSet, role: str, register: Register) -> RolesNamed:
    found = tuple(
        RolePattern(account.id, name)
        for account in register.accounts.values()
        if accounts.holds(account)
        for name in (account.roles if role == "*" else (role,))
        if name in account.roles
    )
    empty_sets = () if found else (f"it names no role now: {accounts.empty(role, register)}",)
    return RolesNamed(found, empty_sets, frozenset({RoleSet(accounts, role)}))


def roles_schema(*, takes_all: bool = False) -> dict[str, Any]:
    """JSON schemas of `role` and `roles`, of a `grant` or of what takes `*` for every role."""
    granted = rf"^([0-9]{{12}}|\{{account\}}|\*)/({_ROLE}|\{{role\}})$"
    role = {"type": "string", "pattern": rf"^(\*|[0-9]{{12}})/(\*|{_ROLE})$" if takes_all else granted}
    name = {"type": "string", "pattern": rf"^(\*|{_ROLE})$" if takes_all else f"^{_ROLE}$"}
    names = {"anyOf": [name, {"type": "array", "minItems": 1, "uniqueItems": True, "items": name}]}
    in_set = {
        "type": "object",
        "additionalProperties": False,
        "required": ["accounts"],
        "oneOf": [{"required": ["role"]}, {"required": ["roles"]}],
        "properties": {"accounts": account_set_schema(), "role": name, "roles": names},
    }
    one = {"anyOf": [role, in_set]}
    return {
        "role": one,
        "roles": {"anyOf": [role, in_set, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]},
    }
