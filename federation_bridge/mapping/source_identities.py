"""The source identity of a rule: it names the person, and what of it could never be legal at AWS."""

from __future__ import annotations

from federation_bridge.aws_limits import (
    LONGEST_PERSON_NAME,
    PERSON_NAME_CHARACTER,
    source_identity_mistake,
)
from federation_bridge.mapping.document import Node, refuse
from federation_bridge.mapping.filling import Filling, Target, Unfilled
from federation_bridge.mapping.templates import Piece
from federation_bridge.sentence import Sentence


def parse_source_identity(node: Node) -> Filling:
    """The `source_identity` of a rule; ConfigurationInvalid with the place where it could never be one."""
    filling = Filling.parse(node, "`source_identity`")
    if not filling.names_the_person:
        refuse(node, "`source_identity` must name the person: use {subject}, {email} or {attribute.NAME}")
    if mistake := never_legal(filling.pieces):
        refuse(node, mistake)
    return filling


def fill_source_identity(filling: Filling, target: Target) -> str | Unfilled:
    """The source identity for this person, or why there is none."""
    value = filling.fill(target)
    mistake = value.reason if isinstance(value, Unfilled) else source_identity_mistake(value)
    if mistake is None:
        return value
    return Unfilled(Sentence("the source identity cannot be filled: %(reason)s", reason=mistake))


def never_legal(pieces: tuple[Piece, ...]) -> Sentence | None:
    """Why AWS accepts no source identity of these parts, whatever fills the placeholders; None where it accepts one."""
    literal = "".join(piece.text for piece in pieces if not piece.is_placeholder)
    mistake = None
    if not all(PERSON_NAME_CHARACTER.fullmatch(one) for one in literal):
        mistake = source_identity_mistake(literal)
    elif len(literal) + sum(piece.is_placeholder for piece in pieces) > LONGEST_PERSON_NAME:
        mistake = Sentence("is longer than AWS takes, whatever is filled in")
    return Sentence("the source identity %(mistake)s", mistake=mistake) if mistake else None
