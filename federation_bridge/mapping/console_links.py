"""Pages of the console that the register names, for people to go to: of one account, or of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from federation_bridge.console_pages import checked_page
from federation_bridge.errors import NoConsolePage
from federation_bridge.mapping.account_details import LONGEST_NAME
from federation_bridge.mapping.document import Node, refuse, text
from federation_bridge.mapping.entries import Entries, each_item
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.model import ConsoleLink

_MOST = 20
_LONGEST_PAGE = 1_000
"""Characters: with what a bookmark holds besides, an address that every browser and proxy takes."""


def parse_links(entry: Entries, partition: str, region: str, of_all: Sequence[ConsoleLink] = ()) -> list[ConsoleLink]:
    """The links of an account, before those of all accounts; every mistake is kept among those of the entry."""
    own = _links(entry, partial(_page, partition=partition, region=region))
    names = {one.name.casefold() for one in own}
    return [*own, *(one for one in of_all if one.name.casefold() not in names)]


def parse_links_of_all(entry: Entries) -> list[ConsoleLink]:
    """The links of all accounts: paths, since accounts lie in different partitions and regions."""
    return _links(entry, _path)


def _links(entry: Entries, parse_page: Callable[[Node], str]) -> list[ConsoleLink]:
    found: dict[str, ConsoleLink] = {}
    listed = each_item(entry.values.get("links"), "`links`", entry.mistakes)
    if len(listed) > _MOST:
        with entry.mistakes.collected():
            refuse(entry.where("links"), "`links` has at most %(most)s links", most=str(_MOST))
    for item in listed[:_MOST]:
        with entry.mistakes.collected():
            link = _link(item, entry.mistakes, parse_page)
            if link.name and found.setdefault(link.name.casefold(), link) is not link:
                refuse(item, "two links are named %(name)s", name=repr(link.name))
    return list(found.values())


def _link(node: Node, mistakes: Mistakes, parse_page: Callable[[Node], str]) -> ConsoleLink:
    entry = Entries.of(node, "a link", ("name", "page"), mistakes, ("name", "page"))
    return ConsoleLink(entry.read("name", _name, ""), entry.read("page", parse_page, ""))


def _name(node: Node) -> str:
    name = text(node, "the name of a link")
    if len(name) > LONGEST_NAME:
        refuse(node, "the name of a link has at most %(most)s characters", most=str(LONGEST_NAME))
    return name


def _page(node: Node, partition: str, region: str) -> str:
    page = text(node, "the page of a link")
    if len(page) > _LONGEST_PAGE:
        refuse(node, "the page of a link has at most %(most)s characters", most=str(_LONGEST_PAGE))
    try:
        checked_page(partition, page, region)
    except NoConsolePage:
        refuse(
            node,
            "%(page)s is no page of the console of partition %(partition)s: write its https address, or a path such as "
            "/s3/buckets",
            page=repr(page),
            partition=partition,
        )
    return page


def _path(node: Node) -> str:
    page = text(node, "the page of a link")
    if not page.startswith("/"):
        refuse(node, "the page of a link of all accounts is a path such as /s3/buckets, not %(page)s", page=repr(page))
    return _page(node, "aws", "us-east-1")


def links_schema() -> Mapping[str, Any]:
    """JSON schema of `links`."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": _MOST,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "page"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
                "page": {"type": "string", "minLength": 1, "maxLength": _LONGEST_PAGE},
            },
        },
        "description": "Pages of the console for people to go to: an https address of it, or a path.",
    }
