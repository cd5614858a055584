"""Session tags of a rule: their keys as written, their values filled, and what of them could never be legal at AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federation_bridge.aws_limits import (
    LONGEST_TAG_VALUE,
    MOST_TAGS,
    tag_key_mistake,
    tag_text_mistake,
    tag_value_mistake,
)
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, refuse, text, texts
from federation_bridge.mapping.filling import Filling, Target, Unfilled
from federation_bridge.mapping.templates import Piece
from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Tag:
    """A session tag: its key as written, its value filled, perhaps only from a closed set."""

    key: str
    value: Filling
    one_of: tuple[str, ...] = ()

    def fill(self, target: Target) -> str | Unfilled:
        """The tag's value for this person, or why there is none."""
        value = self.value.fill(target)
        if isinstance(value, Unfilled):
            return Unfilled(
                Sentence("tag %(tag)s cannot be filled: %(reason)s", tag=repr(self.key), reason=value.reason)
            )
        mistake = tag_value_mistake(value)
        if mistake is None and self.one_of and value not in self.one_of:
            mistake = Sentence("is not a value that the rule allows")
        if mistake is None:
            return value
        return Unfilled(
            Sentence(
                "tag %(tag)s cannot be filled: %(value)s %(mistake)s",
                tag=repr(self.key),
                value=repr(value),
                mistake=mistake,
            )
        )

    def never(self, pieces: tuple[Piece, ...]) -> Sentence | None:
        """Why no claim can make this tag legal, where its value has these parts; None where one can."""
        if mistake := never_legal(pieces):
            return Sentence("the value of tag %(tag)s %(mistake)s", tag=repr(self.key), mistake=mistake)
        return None


def never_legal(pieces: tuple[Piece, ...]) -> Sentence | None:
    """Why AWS accepts no value of these parts, whatever fills the placeholders; None where it accepts one."""
    literal = "".join(piece.text for piece in pieces if not piece.is_placeholder)
    open_parts = sum(piece.is_placeholder for piece in pieces)
    if not open_parts:
        return tag_value_mistake(literal)
    if mistake := tag_text_mistake(literal):
        return mistake
    if len(literal) + open_parts > LONGEST_TAG_VALUE:
        return Sentence("is longer than AWS takes, whatever is filled in")
    # A letter in place of what is open at either end shows what the written ends alone come to.
    return tag_value_mistake("x".join(_ends(pieces)))


def _ends(pieces: tuple[Piece, ...]) -> tuple[str, str]:
    first, last = pieces[0], pieces[-1]
    return "" if first.is_placeholder else first.text, "" if last.is_placeholder else last.text


def parse_tags(node: Node) -> tuple[Tag, ...]:
    """The `tags` of a rule; ConfigurationInvalid with the place."""
    if not isinstance(node.value, Mapping):
        refuse(node, "`tags` must be written as `key: value` lines")
    tags: dict[str, Tag] = {}
    for key, value in node.value.items():
        # AWS tells keys apart without regard to case.
        if key.casefold() in tags:
            refuse(value, "tag %(key)s stands here twice (AWS does not tell case apart)", key=repr(key))
        if mistake := tag_key_mistake(key):
            refuse(value, "tag %(key)s %(mistake)s", key=repr(key), mistake=mistake)
        tags[key.casefold()] = _tag(key, value)
    if len(tags) > MOST_TAGS:
        refuse(node, "`tags` has %(count)s tags; AWS takes %(most)s", count=str(len(tags)), most=str(MOST_TAGS))
    return tuple(tags.values())


def parse_transitive(node: Node, tags: tuple[Tag, ...]) -> tuple[str, ...]:
    """The `transitive_tags` of a rule, each of them a key of its `tags`; ConfigurationInvalid with the place."""
    names = texts(node, "`transitive_tags`")
    keys = [tag.key for tag in tags]
    for name in names:
        if name not in keys:
            refuse(
                node,
                "`transitive_tags` names %(name)s, which is not among `tags`%(near)s",
                name=repr(name),
                near=did_you_mean(name, keys),
            )
    return names


def _tag(key: str, node: Node) -> Tag:
    if isinstance(node.value, str):
        tag = Tag(key, _filling(node))
    else:
        entry = fields(node, "a tag", ("value", "one_of"), ("value", "one_of"))
        tag = Tag(key, _filling(entry["value"]), _choices(entry["one_of"]))
    for value in tag.one_of:
        _check_choice(tag, value, node)
    if mistake := tag.never(tag.value.pieces):
        refuse(node, mistake)
    return tag


def _filling(node: Node) -> Filling:
    return Filling("", ()) if _is_empty(node) else Filling.parse(node, "a tag")


def _choices(node: Node) -> tuple[str, ...]:
    listed = (node,) if isinstance(node.value, str) else items(node, "`one_of`")
    choices = tuple("" if _is_empty(one) else text(one, "`one_of`") for one in listed)
    if len(set(choices)) != len(choices):
        refuse(node, "`one_of` names the same twice")
    return choices


def _is_empty(node: Node) -> bool:
    # The one text that may be empty: AWS takes a tag without a value, and quotes show that it is meant.
    return node.value == "" and not node.is_plain


def _check_choice(tag: Tag, value: str, node: Node) -> None:
    if mistake := tag_value_mistake(value):
        refuse(
            node,
            "the value %(value)s of tag %(key)s %(mistake)s",
            value=repr(value),
            key=repr(tag.key),
            mistake=mistake,
        )
    begin, end = _ends(tag.value.pieces) if tag.value.placeholders else (tag.value.written, tag.value.written)
    if not value.startswith(begin) or not value.endswith(end):
        refuse(
            node,
            "tag %(key)s can never be %(value)s: its value is written as %(written)s",
            key=repr(tag.key),
            value=repr(value),
            written=repr(tag.value.written),
        )
