"""What the register says of an account beside what AWS needs: by what people find it, and what account sets go by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, TypedDict

from federation_bridge.aws_limits import MOST_TAGS, tag_key_mistake, tag_value_mistake
from federation_bridge.mapping.document import Node, did_you_mean, placed_texts, refuse, text
from federation_bridge.mapping.entries import Entries
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.sentence import Sentence

DETAILS = ("environment", "tags", "description", "color", "aliases")
"""The keys of an account that this module reads."""
COLORS = ("blue", "brown", "cyan", "gray", "green", "orange", "pink", "purple", "red", "yellow")
"""By name, so that each page draws a shade that can be read on its own ground."""
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 500
_MOST_ALIASES = 10
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


class AccountDetails(TypedDict):
    """The members of an `Account` that decide nothing by themselves."""

    environment: str
    tags: Mapping[str, str]
    description: str
    color: str
    aliases: tuple[str, ...]


def parse_details(entry: Entries) -> AccountDetails:
    """The details among an account's entries; every mistake is kept among theirs."""
    return AccountDetails(
        environment=entry.read("environment", parse_environment, ""),
        tags=entry.read("tags", lambda node: parse_tags(node, entry.mistakes), {}),
        description=entry.read("description", parse_description, ""),
        color=entry.read("color", parse_color, ""),
        aliases=entry.read("aliases", _aliases, ()),
    )


def parse_environment(node: Node) -> str:
    """The name of an environment, such as `production`: one form, so that no two names only look alike."""
    written = text(node, "an environment")
    if not _ENVIRONMENT.fullmatch(written):
        refuse(
            node,
            "%(written)s is not an environment: at most 32 of a-z 0-9 and -, the first a letter",
            written=repr(written),
        )
    return written


def parse_description(node: Node) -> str:
    """A sentence for people."""
    written = text(node, "a description")
    if len(written) > LONGEST_DESCRIPTION:
        refuse(node, "a description has at most %(most)s characters", most=str(LONGEST_DESCRIPTION))
    return written


def parse_tags(node: Node, mistakes: Mistakes) -> Mapping[str, str]:
    """Tags of an account; what is wrong with one of them is kept in `mistakes`."""
    if not isinstance(node.value, Mapping):
        refuse(node, "`tags` must be written as `key: value` lines")
    if len(node.value) > MOST_TAGS:
        refuse(node, "`tags` has %(count)s tags; AWS takes %(most)s", count=str(len(node.value)), most=str(MOST_TAGS))
    tags: dict[str, str] = {}
    for key, value in node.value.items():
        with mistakes.collected():
            # AWS tells keys of accounts apart by case, and people do not.
            if key.casefold() in {one.casefold() for one in tags}:
                refuse(value.name, "tag %(key)s stands here twice, in other letters", key=repr(key))
            if mistake := tag_key_mistake(key):
                refuse(value.name, "tag %(key)s %(mistake)s", key=repr(key), mistake=mistake)
        tags[key] = mistakes.read(partial(_tag_value, key, value), "")
    return tags


def _tag_value(key: str, node: Node) -> str:
    is_empty = node.value == "" and not node.is_plain
    written = "" if is_empty else text(node, Sentence("tag %(key)s", key=repr(key)))
    if mistake := tag_value_mistake(written):
        refuse(
            node,
            "the value %(value)s of tag %(key)s %(mistake)s",
            value=repr(written),
            key=repr(key),
            mistake=mistake,
        )
    return written


def parse_color(node: Node) -> str:
    """The name of a color."""
    written = text(node, "a color")
    if written not in COLORS:
        refuse(
            node,
            "%(written)s is not one of the colors %(known)s%(near)s",
            written=repr(written),
            known=", ".join(COLORS),
            near=did_you_mean(written, COLORS),
        )
    return written


def _aliases(node: Node) -> tuple[str, ...]:
    aliases = placed_texts(node, "an alias")
    if len(aliases) > _MOST_ALIASES:
        refuse(node, "an account has at most %(most)s aliases", most=str(_MOST_ALIASES))
    for alias, where in aliases:
        if len(alias) > LONGEST_NAME:
            refuse(where, "an alias has at most %(most)s characters", most=str(LONGEST_NAME))
    return tuple(alias for alias, _ in aliases)


def details_schema() -> dict[str, Any]:
    """JSON schema of the details, by key."""
    alias = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
    return {
        "environment": environment_schema(),
        "tags": {"type": "object", "maxProperties": MOST_TAGS, "additionalProperties": {"type": "string"}},
        "description": description_schema(),
        "color": {"enum": list(COLORS)},
        "aliases": {
            "anyOf": [alias, {"type": "array", "minItems": 1, "maxItems": _MOST_ALIASES, "items": alias}],
            "description": "Other names by which people find the account.",
        },
    }


def environment_schema() -> dict[str, Any]:
    """JSON schema of an environment."""
    return {"type": "string", "pattern": f"^{_ENVIRONMENT.pattern}$"}


def description_schema() -> dict[str, Any]:
    """JSON schema of a description."""
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_DESCRIPTION}
