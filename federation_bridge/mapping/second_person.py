"""Which changes of the rulebook wait for a second person: said in the rules, and judged by what both texts mean.

Pure. Marks are looked at before and after the change: whoever takes a mark away changes marks, and that waits too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME
from federation_bridge.mapping.changes import appointments_of, changed_rules
from federation_bridge.mapping.document import Node, did_you_mean, placed_texts, refuse
from federation_bridge.mapping.entries import Entries
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.register import Register
from federation_bridge.sentence import Sentence

if TYPE_CHECKING:
    from federation_bridge.mapping.rules import RuleSet

_FIELDS = ("accounts", "roles", "rules")
_MOST_REASONS = 20
"""So that a change of everything stays readable; one reason is enough to wait."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What only two people together may change. Nothing marked is the usual case."""

    accounts: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    """As written: `111111111111/Name` or `*/Name`."""
    rules: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is marked."""
        return bool(self.accounts or self.roles or self.rules)

    def covers(self, key: str) -> bool:
        """Whether this role (`account/role`) is marked, by itself or with its account."""
        account, _, role = key.partition("/")
        return account in self.accounts or key in self.roles or f"*/{role}" in self.roles

    def __or__(self, other: Marks) -> Marks:
        """What is marked here or there."""
        return Marks(self.accounts | other.accounts, self.roles | other.roles, self.rules | other.rules)


def reasons_to_wait(before: RuleSet, after: RuleSet) -> tuple[Sentence, ...]:
    """Why a change from one rulebook to another waits for a second person; nothing where it does not."""
    marks = before.marks | after.marks
    if not marks:
        return ()
    return tuple(islice(_reasons(before, after, marks), _MOST_REASONS))


def _reasons(before: RuleSet, after: RuleSet, marks: Marks) -> Iterator[Sentence]:
    if before.marks != after.marks:
        yield Sentence("the change is about what waits for a second person")
    if appointments_of(before) != appointments_of(after):
        yield Sentence("the change is about who administers")
    for account in sorted(before.register.accounts.keys() | after.register.accounts.keys()):
        if _is_marked_account(account, before, after, marks):
            yield Sentence("account %(account)s is marked, and changes in the register", account=account)
    for name, reach in sorted(changed_rules(before, after).items()):
        touched = sorted(key for key in reach if marks.covers(key))
        if name in marks.rules:
            yield Sentence("rule %(rule)s is marked", rule=name)
        elif touched:
            yield Sentence(
                "rule %(rule)s changes what it says of role %(role)s, which is marked", rule=name, role=touched[0]
            )


def _is_marked_account(account: str, before: RuleSet, after: RuleSet, marks: Marks) -> bool:
    here, there = before.register.accounts.get(account), after.register.accounts.get(account)
    if here == there:
        return False
    roles = {role for one in (here, there) if one is not None for role in one.roles}
    return account in marks.accounts or any(marks.covers(f"{account}/{role}") for role in roles)


def parse_marks(node: Node, register: Register, rules: Collection[str], mistakes: Mistakes) -> Marks:
    """What `second_person` marks; every mistake is kept in `mistakes`. ConfigurationInvalid where it marks nothing."""
    entry = Entries.of(node, "`second_person`", _FIELDS, mistakes)
    if not entry.values:
        refuse(node, "`second_person` names accounts, roles or rules")
    return Marks(
        _marked(entry, "accounts", lambda name, where: _check_known(name, where, register.accounts, "account")),
        _marked(entry, "roles", lambda role, where: _check_role(role, where, register)),
        _marked(entry, "rules", lambda name, where: _check_known(name, where, rules, "rule")),
    )


def _marked(entry: Entries, key: str, check: Callable[[str, Node], None]) -> frozenset[str]:
    what = f"a marked {key.removesuffix('s')}"
    listed: Sequence[tuple[str, Node]] = entry.read(key, lambda node: placed_texts(node, what), ())
    for name, where in listed:
        with entry.mistakes.collected():
            check(name, where)
    return frozenset(name for name, _ in listed)


def _check_known(name: str, where: Node, known: Collection[str], what: str) -> None:
    if name not in known:
        refuse(
            where, "there is no %(what)s %(name)s%(near)s", what=what, name=repr(name), near=did_you_mean(name, known)
        )


def _check_role(written: str, node: Node, register: Register) -> None:
    account, slash, role = written.partition("/")
    if not slash or not (account == "*" or ACCOUNT_ID.fullmatch(account)) or not ROLE_NAME.fullmatch(role):
        refuse(node, "%(written)s is not a role to mark: write 111111111111/Name or */Name", written=repr(written))
    known = register.role_names if account == "*" else frozenset(_roles_of(account, register))
    if role not in known:
        refuse(
            node, "the register has no role %(written)s%(near)s", written=repr(written), near=did_you_mean(role, known)
        )


def _roles_of(account: str, register: Register) -> Iterable[str]:
    found = register.accounts.get(account)
    return () if found is None else found.roles


def marks_schema() -> dict[str, Any]:
    """JSON schema of `second_person`."""
    properties = {
        name: {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]}
        for name, one in {
            "accounts": {"type": "string", "pattern": "^[0-9]{12}$"},
            "roles": {"type": "string", "pattern": r"^(\*|[0-9]{12})/[A-Za-z0-9_+=,.@-]{1,64}$"},
            "rules": {"type": "string", "minLength": 1},
        }.items()
    }
    return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": properties}
