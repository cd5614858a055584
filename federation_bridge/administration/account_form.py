"""An account of the register as fields of a form, and back: what no field shows stays as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from federation_bridge.mapping.document import Node, read_document
from federation_bridge.mapping.item_editing import Item
from federation_bridge.mapping.plain import Plain

SINGLE = ("name", "environment", "color", "description")
SEVERAL = ("aliases", "tags")
"""A line for each; a tag is `key=value`."""


def fields_of(account: Item) -> dict[str, tuple[str, ...]]:
    """What the fields show."""
    found: dict[str, tuple[str, ...]]
    found = {name: (value,) for name in SINGLE if isinstance(value := account.get(name), str)}
    aliases, tags = account.get("aliases", []), account.get("tags", {})
    found["aliases"] = (aliases,) if isinstance(aliases, str) else tuple(map(str, aliases))
    found["tags"] = tuple(f"{key}={value}" for key, value in tags.items()) if isinstance(tags, dict) else ()
    return found


def account_of(fields: Mapping[str, tuple[str, ...]], old: Item) -> Item:
    """The account with what the fields say; a field that is empty takes its key out."""
    wanted: dict[str, Plain] = {name: values[0] for name in SINGLE if (values := fields.get(name))}
    if aliases := list(fields.get("aliases", ())):
        wanted["aliases"] = aliases[0] if [old.get("aliases")] == aliases else list[Plain](aliases)
    if tags := fields.get("tags"):
        pairs = (line.partition("=") for line in tags)
        wanted["tags"] = {key.strip(): value.strip() for key, _, value in pairs}
    return {key: value for key, value in old.items() if key not in (*SINGLE, *SEVERAL)} | wanted


def field_at(written: str, account: str, line: int, column: int) -> str:
    """The key of this account in whose value, or at whose name, something begins there; "" where nothing does."""
    document = read_document(written, names_placed=True).value
    listed = document.get("accounts") if isinstance(document, Mapping) else None
    for one in listed.value if listed is not None and isinstance(listed.value, tuple) else ():
        entries = one.value if isinstance(one.value, Mapping) else {}
        if "id" in entries and entries["id"].value == account:
            return next((key for key, node in entries.items() if _is_in(node, line, column)), "")
    return ""


def _is_in(node: Node, line: int, column: int) -> bool:
    inner: Iterable[Node] = node.value if isinstance(node.value, tuple) else ()
    if isinstance(node.value, Mapping):
        inner = node.value.values()
    places = {one[:2] for one in (node.position, node.name)}
    return (line, column) in places or any(_is_in(one, line, column) for one in inner)
