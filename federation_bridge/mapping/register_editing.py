"""Accounts of a register's text are added, changed or taken out; every other line stays as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from federation_bridge.mapping.document import read_document
from federation_bridge.mapping.item_editing import Item, Listing, edited, items_of
from federation_bridge.mapping.plain import plain_of

_ORDER = ("id", "name", "aliases", "description", "environment", "color", "tags", "links")
_AWS = ("partition", "provider", "region", "sign_in_regions", "roles")
_ACCOUNTS = Listing("accounts", "account", (*_ORDER, *_AWS))


def accounts_of(written: str) -> dict[str, Item]:
    """Each account of the text as it is written, by its id; ConfigurationInvalid where the text is none of ours."""
    return {str(item["id"]): item for item in _items(written) if item}


def with_accounts(written: str, changed: Mapping[str, Item | None], added: Sequence[Item] = ()) -> str:
    """The text with these accounts changed, by their ids, or taken out (None), and these behind the last one.

    Raises as `item_editing.edited`. What has an id that no account has is left aside.
    """
    at = {item.get("id"): position for position, item in enumerate(_items(written))}
    return edited(written, _ACCOUNTS, {at[id_]: item for id_, item in changed.items() if id_ in at}, added)


def _items(written: str) -> list[Item]:
    document = read_document(written.removeprefix("\ufeff"))
    found = (plain_of(item) for item in items_of(document, _ACCOUNTS))
    return [item if isinstance(item, dict) and isinstance(item.get("id"), str) else {} for item in found]
