"""Whether what a rule fills in can ever be legal at AWS, for each role that the rule can reach.

What claims hold is not known when rules are loaded, but the names of connection, account and role are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from federation_bridge.mapping import source_identities
from federation_bridge.mapping.filling import Filling
from federation_bridge.mapping.session_tags import Tag
from federation_bridge.mapping.templates import Piece
from federation_bridge.model import Account
from federation_bridge.sentence import Sentence

_KNOWN = frozenset({"connection", "account", "account_name", "role"})


@dataclass(frozen=True, slots=True)
class Reached:
    """A role that a rule can reach, and the connection whose people it is for."""

    connection: str
    account: Account
    role: str

    def put_into(self, filling: Filling) -> tuple[Piece, ...]:
        """The filling's parts, with all that is known now in place of its placeholders."""
        known = {
            "connection": self.connection,
            "account": self.account.id,
            "account_name": self.account.name,
            "role": self.role,
        }
        return tuple(
            Piece(known[piece.text]) if piece.is_placeholder and piece.text in known else piece
            for piece in filling.pieces
        )


@dataclass(frozen=True, slots=True)
class Fillable:
    """One thing that a rule fills: its name in the rule, its filling, and what judges the parts."""

    key: str
    filling: Filling
    never: Callable[[tuple[Piece, ...]], Sentence | None]

    def never_for(self, reached: Iterator[Reached]) -> Iterator[tuple[Reached, Sentence]]:
        """The roles for which it can never be legal, each with the reason; none where all of it comes from claims."""
        if _KNOWN.isdisjoint(self.filling.placeholders):
            return
        for one in reached:
            if mistake := self.never(one.put_into(self.filling)):
                yield one, mistake


def fillables(tags: tuple[Tag, ...], source_identity: Filling | None) -> Iterator[Fillable]:
    """All that a rule fills."""
    for tag in tags:
        yield Fillable(tag.key, tag.value, tag.never)
    if source_identity is not None:
        yield Fillable("", source_identity, source_identities.never_legal)
