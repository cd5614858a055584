"""Templates of group names: `aws#{account}#{role}` says which account and role a group stands for.

No regular expression and no search: `{account}` is exactly 12 digits and at most one part has an open length, so every
part's place follows from the length of the whole name. What is bound must be registered, or it is not bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME
from federation_bridge.mapping.document import Node, did_you_mean, refuse, text

Placeholder = Literal["account", "role"]
PLACEHOLDERS: tuple[Placeholder, ...] = ("account", "role")
_ACCOUNT_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text with placeholders: a literal, or the name between braces."""

    text: str
    is_placeholder: bool = False


def pieces_of(node: Node, what: str) -> tuple[Piece, ...]:
    """The parts of a text with `{placeholders}`; braces have no other use and cannot be escaped."""
    rest = text(node, what)
    pieces: list[Piece] = []
    while rest:
        literal, brace, rest = rest.partition("{")
        if "}" in literal:
            refuse(node, "%(what)s closes a brace that it did not open", what=what)
        if literal:
            pieces.append(Piece(literal))
        if not brace:
            break
        name, closed, rest = rest.partition("}")
        if not closed or not name or "{" in name:
            refuse(node, "%(what)s opens a brace and names nothing in it", what=what)
        pieces.append(Piece(name, is_placeholder=True))
    return tuple(pieces)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a group name says: an account id, a role name, or both. Not yet looked up in the register."""

    account: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class GroupTemplate:
    """A template of group names. `parse` makes it."""

    written: str
    pieces: tuple[Piece, ...]

    @classmethod
    def parse(cls, node: Node) -> GroupTemplate:
        """The template in this text; ConfigurationInvalid where it binds nothing, or one thing twice."""
        pieces = pieces_of(node, "a group template")
        names = [piece.text for piece in pieces if piece.is_placeholder]
        for name in names:
            if name not in PLACEHOLDERS:
                refuse(
                    node,
                    "unknown placeholder {%(name)s} in a group template%(near)s",
                    name=name,
                    near=did_you_mean(name, PLACEHOLDERS),
                )
        if not names:
            refuse(node, "a group template needs {account} or {role}; for one group by name write `group:`")
        if len(set(names)) != len(names):
            refuse(node, "a group template names each placeholder once")
        return cls(text(node, "a group template"), pieces)

    @property
    def prefix(self) -> str:
        """The literal text that every matching name begins with; empty where a placeholder comes first."""
        first = self.pieces[0]
        return "" if first.is_placeholder else first.text

    @property
    def placeholders(self) -> frozenset[Placeholder]:
        """What a match binds."""
        named = {piece.text for piece in self.pieces if piece.is_placeholder}
        return frozenset(name for name in PLACEHOLDERS if name in named)

    def match(self, group: str) -> Binding | None:
        """What the whole of this group name binds, code point by code point; None where it has another form."""
        literals = sum(len(piece.text) for piece in self.pieces if not piece.is_placeholder)
        open_length = len(group) - literals - _ACCOUNT_LENGTH * ("account" in self.placeholders)
        if open_length < 0 or (open_length > 0 and "role" not in self.placeholders):
            return None
        lengths = {"account": _ACCOUNT_LENGTH, "role": open_length}
        bound: dict[str, str] = {}
        for piece in self.pieces:
            length = lengths[piece.text] if piece.is_placeholder else len(piece.text)
            part, group = group[:length], group[length:]
            if piece.is_placeholder:
                bound[piece.text] = part
            elif part != piece.text:
                return None
        return _binding(bound)


def _binding(bound: dict[str, str]) -> Binding | None:
    account, role = bound.get("account"), bound.get("role")
    if account is not None and not ACCOUNT_ID.fullmatch(account):
        return None
    if role is not None and not ROLE_NAME.fullmatch(role):
        return None
    return Binding(account, role)
