"""Who may administer the bridge: said in the rules, by the same conditions that say who may have a role in AWS.

One file says who may do what, so that one review finds both. An entry that is not met, or whose condition cannot be
known, gives nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from federation_bridge.mapping.combinations import AnyOf
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import ID_PATTERN, Node, did_you_mean, identifier, placed_texts, refuse, text
from federation_bridge.mapping.entries import Entries, each_item
from federation_bridge.mapping.language import ConditionReader
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.positions import Position
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.verdicts import Answer, Facts
from federation_bridge.sentence import Sentence

_FIELDS = ("id", "as", "connection", "when", "accounts", "description")
_NEEDED = ("id", "as", "connection", "when")
_NOBODY: Condition = AnyOf(())
"""Stands in where a condition has a mistake."""


class AdministrativeRole(StrEnum):
    """What somebody may do here; each may also do what the later ones may."""

    ADMINISTRATOR = "administrator"
    """Changes everything: rules, accounts, who administers."""
    AUTHOR = "author"
    """Proposes and changes rules for the accounts that are named."""
    AUDITOR = "auditor"
    """Reads everything and changes nothing."""


_ORDER = tuple(AdministrativeRole)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One entry of `administration`: who is meant, and what they may do."""

    id: str
    role: AdministrativeRole
    connection: str
    when: Condition
    accounts: frozenset[str] = frozenset()
    """Of an author: the accounts whose rules they may write."""
    description: str = ""
    line: int = 0
    document: str = ""
    """The name of the text where it stands, where there are several."""


@dataclass(frozen=True, slots=True)
class AdministrativeRights:
    """What a person may do here, and why."""

    role: AdministrativeRole
    accounts: frozenset[str]
    """The accounts whose rules an author may write; empty for the others."""
    appointments: tuple[str, ...]
    """The ids of the entries that say so."""
    because: tuple[Sentence, ...]

    def includes(self, role: AdministrativeRole) -> bool:
        """Whether whoever has these rights may do what this role may."""
        return _ORDER.index(self.role) <= _ORDER.index(role)


def rights_of(appointments: Iterable[Appointment], facts: Facts) -> AdministrativeRights | None:
    """The highest rights that an entry of the person's own connection gives them now; None where none does.

    Accounts of several entries for authors add up, as each of them was written for this person.
    """
    held: list[tuple[Appointment, tuple[Sentence, ...]]] = []
    for appointment in appointments:
        if appointment.connection != facts.identity.connection:
            continue
        verdict = appointment.when.check(facts)
        if verdict.answer is Answer.YES:
            held.append((appointment, verdict.ways[0].because))
    if not held:
        return None
    role = min((one.role for one, _ in held), key=_ORDER.index)
    deciding = [(one, because) for one, because in held if one.role is role]
    return AdministrativeRights(
        role,
        frozenset(account for one, _ in deciding for account in one.accounts),
        tuple(one.id for one, _ in deciding),
        tuple(sentence for _, because in deciding for sentence in because),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What an entry is held to."""

    register: Register
    connections: Collection[str]
    read: ConditionReader


def parse_appointments(
    node: Node, register: Register, connections: Collection[str], read: ConditionReader, mistakes: Mistakes
) -> tuple[Appointment, ...]:
    """The entries of `administration`, sorted by id; every mistake is kept in `mistakes`."""
    found: dict[str, Appointment] = {}
    known = _Known(register, connections, read)
    for item in each_item(node, "`administration`", mistakes):
        with mistakes.collected():
            entry = Entries.of(item, "an entry of `administration`", _FIELDS, mistakes, _NEEDED)
            appointment = _appointment(entry, known)
            first = found.setdefault(appointment.id, appointment)
            if appointment.id and first is not appointment:
                refuse(
                    entry.where("id"),
                    "the entry %(id)s stands here twice, first in %(where)s",
                    id=repr(appointment.id),
                    where=Position(first.line, 1, first.document).words,
                )
    return tuple(found[name] for name in sorted(found))


def _appointment(entry: Entries, known: _Known) -> Appointment:
    name = entry.read("id", lambda node: identifier(node, "an entry"), "")
    connection = entry.read("connection", lambda node: _connection(node, known.connections), "")
    role = entry.read("as", _role, None)
    when = entry.read("when", lambda node: _who(node, known.read), _NOBODY)
    if role is not None and (role is AdministrativeRole.AUTHOR) != ("accounts" in entry):
        with entry.mistakes.collected():
            refuse(entry.where("as"), "an author needs `accounts`, and nobody else may have them")
    accounts: frozenset[str] = entry.read("accounts", lambda node: _accounts(node, known.register), frozenset())
    description = entry.read("description", lambda node: text(node, "a description"), "")
    return Appointment(
        name, role or AdministrativeRole.AUDITOR, connection, when, accounts, description, *_position(entry.node)
    )


def _position(node: Node) -> tuple[int, str]:
    return node.line, node.position.document


def _connection(node: Node, connections: Collection[str]) -> str:
    connection = text(node, "a connection")
    if connection not in connections:
        refuse(
            node,
            "there is no connection %(connection)s%(near)s",
            connection=repr(connection),
            near=did_you_mean(connection, connections),
        )
    return connection


def _who(node: Node, read: ConditionReader) -> Condition:
    when = read(node)
    # A name that people choose for a group must never make an administrator (templates are for accounts and roles), and
    # neither must a condition that everybody at the connection meets.
    anchors = when.anchors()
    if when.may_bind() or anchors is None or any(kind == "prefix" for kind, *_ in anchors):
        refuse(node, "every branch has to say who administers: by a group, a person, an attribute or a method")
    return when


def _role(node: Node) -> AdministrativeRole:
    written = text(node, "`as`")
    try:
        return AdministrativeRole(written)
    except ValueError:
        known = [role.value for role in AdministrativeRole]
        refuse(
            node,
            "`as` is one of %(known)s, not %(written)s%(near)s",
            known=", ".join(known),
            written=repr(written),
            near=did_you_mean(written, known),
        )


def _accounts(node: Node, register: Register) -> frozenset[str]:
    mistakes = Mistakes()
    named = placed_texts(node, "an account")
    for account, where in named:
        if account not in register.accounts:
            with mistakes.collected():
                refuse(
                    where,
                    "account %(account)s is not registered%(near)s",
                    account=repr(account),
                    near=did_you_mean(account, register.accounts),
                )
    mistakes.told()
    return frozenset(account for account, _ in named)


def appointments_schema() -> dict[str, Any]:
    """JSON schema of `administration`."""
    name = {"type": "string", "minLength": 1}
    accounts = {"type": "string", "pattern": "^[0-9]{12}$"}
    author = {"properties": {"as": {"const": AdministrativeRole.AUTHOR.value}}}
    entry = {
        "type": "object",
        "additionalProperties": False,
        "required": [*_NEEDED],
        "properties": {
            "id": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
            "as": {"enum": [role.value for role in AdministrativeRole]},
            "connection": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"},
            "when": {"$ref": "#/$defs/condition"},
            "accounts": {"anyOf": [accounts, {"type": "array", "minItems": 1, "uniqueItems": True, "items": accounts}]},
            "description": name,
        },
        "if": author,
        "then": {"required": ["accounts"]},
        "else": {"properties": {"accounts": False}},
    }
    return {"type": "array", "minItems": 1, "items": entry}
