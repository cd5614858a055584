"""Values that a rule fills from claims: `team-{attribute.department}`.

The placeholders are a closed list, looked up by name; what a claim holds is put in as it is and never read again, so
that braces or attribute names in it mean nothing. A value that is missing, ambiguous or not legal at AWS is not
repaired: the role is not granted, with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from federation_bridge.mapping.document import Node, did_you_mean, refuse, text
from federation_bridge.mapping.templates import Piece, pieces_of
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Account, Identity
from federation_bridge.sentence import Sentence
from federation_bridge.shown_text import is_shown

_ATTRIBUTE = "attribute."
_SOURCE_IDENTITY = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_LONGEST_TAG = 256
_TAG_SIGNS = frozenset("_.:/=+-@ ")


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
                refuse(node, f"{what} knows no {{{piece.text}}}{did_you_mean(piece.text, known)}")
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
    if not values or not values[0]:
        return Unfilled(Sentence("your sign-in carries no attribute %(name)s", name=repr(attribute)))
    return values[0]


def tag_mistake(value: str) -> Sentence | None:
    """Why AWS would not take this as a session tag's value (or, apart from its length, key); None where it would."""
    for character in value:
        if not is_shown(character) or not (character in _TAG_SIGNS or unicodedata.category(character)[0] in "LN"):
            return Sentence("has %(sign)s, which AWS allows in no tag", sign=repr(character))
    if value.lower().startswith("aws:"):
        return Sentence("begins with aws:, which AWS keeps for itself")
    if not value or value != value.strip():
        return Sentence("is empty or begins or ends with a blank")
    return Sentence("has more than 256 characters") if len(value) > _LONGEST_TAG else None


def source_identity_mistake(value: str) -> Sentence | None:
    """Why AWS would not take this as a source identity (2 to 64 of A-Z a-z 0-9 and _+=,.@-); None where it would."""
    if not _SOURCE_IDENTITY.fullmatch(value):
        return Sentence("is not 2 to 64 of A-Z a-z 0-9 and _+=,.@-")
    return None
