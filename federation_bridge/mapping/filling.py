"""Values that a rule fills from claims: `team-{attribute.department}`.

The placeholders are a closed list, looked up by name; what a claim holds is put in as it is and never read again, so
that braces or attribute names in it mean nothing. A value that is missing, ambiguous or not legal at AWS is not
repaired: the role is not granted, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from federation_bridge.mapping.document import Node, did_you_mean, refuse, text
from federation_bridge.mapping.templates import Piece, pieces_of
from federation_bridge.mapping.verdicts import Facts, no_attribute
from federation_bridge.model import Account, Identity
from federation_bridge.sentence import Sentence

_ATTRIBUTE = "attribute."


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Why a value could not be made."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class Target:
    """Whom and what a value is filled for."""

    facts: Facts
    account: Account
    role: str

    @property
    def identity(self) -> Identity:
        """The person's identity."""
        return self.facts.identity


def _email(target: Target) -> str | Unfilled:
    # Whoever can choose their address would otherwise choose their tags.
    if not target.identity.email or target.identity.email_is_verified is not True:
        return Unfilled(Sentence("your e-mail address is not verified by your company's sign-in"))
    return target.identity.email


FILLINGS: Mapping[str, Callable[[Target], str | Unfilled]] = {
    "subject": lambda target: target.identity.subject,
    "connection": lambda target: target.identity.connection,
    "email": _email,
    "name": lambda target: target.identity.name,
    "account": lambda target: target.account.id,
    "account_name": lambda target: target.account.name,
    "role": lambda target: target.role,
}
_NAMES_THE_PERSON = frozenset({"subject", "email"})


@dataclass(frozen=True, slots=True)
class Filling:
    """A text with placeholders for claims. `parse` makes it."""

    written: str
    pieces: tuple[Piece, ...]

    @classmethod
    def parse(cls, node: Node, what: str) -> Filling:
        """The filling in this text; ConfigurationInvalid for an unknown placeholder."""
        pieces = pieces_of(node, what)
        for piece in pieces:
            if piece.is_placeholder and piece.text not in FILLINGS and not _attribute_name(piece.text):
                known = [*FILLINGS, "attribute.NAME"]
                refuse(
                    node,
                    "unknown placeholder {%(text)s} in %(what)s%(near)s",
                    text=piece.text,
                    what=what,
                    near=did_you_mean(piece.text, known),
                )
        return cls(text(node, what), pieces)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names between braces."""
        return tuple(piece.text for piece in self.pieces if piece.is_placeholder)

    @property
    def names_the_person(self) -> bool:
        """Whether different people can get different values."""
        return any(name in _NAMES_THE_PERSON or _attribute_name(name) for name in self.placeholders)

    def fill(self, target: Target) -> str | Unfilled:
        """The text with every placeholder filled, or the first reason why not."""
        parts = []
        for piece in self.pieces:
            part = _value(piece.text, target) if piece.is_placeholder else piece.text
            if isinstance(part, Unfilled):
                return part
            parts.append(part)
        return "".join(parts)


def _attribute_name(placeholder: str) -> str:
    return placeholder[len(_ATTRIBUTE) :] if placeholder.startswith(_ATTRIBUTE) else ""


def _value(placeholder: str, target: Target) -> str | Unfilled:
    attribute = _attribute_name(placeholder)
    if not attribute:
        value = FILLINGS[placeholder](target)
        return value or Unfilled(Sentence("your sign-in carries no %(name)s", name=placeholder))
    values = target.identity.attributes.get(attribute, ())
    if len(values) > 1:
        return Unfilled(
            Sentence(
                "your attribute %(name)s has %(count)s values where one is needed",
                name=repr(attribute),
                count=str(len(values)),
            )
        )
    # An empty value would be legal at AWS, but a policy that names the tag would then mean nobody or everybody.
    if not values or not values[0]:
        return Unfilled(no_attribute(attribute))
    return values[0]
