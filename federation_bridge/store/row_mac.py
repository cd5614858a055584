"""A MAC on every row that says who somebody is or what they may carry: a row is ours, or not there (ADR 0010).

It is HMAC-SHA256, under a key derived from the sealing key, over the table's name, the row's key and every column that
decides anything. Who can write the database but has no sealing key can make no such row, change none, and carry none to
another key or table.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from federation_bridge.store.statements import Row
from federation_bridge.store.tables import (
    AUTHORIZATION_CODES,
    BLOCKS,
    DEVICE_CODES,
    KEPT_DOCUMENTS,
    LIVE_GRANTS,
    PEOPLE,
    PROVIDER_MATERIAL,
    REVOCATIONS,
    RULEBOOK_IN_FORCE,
    RULEBOOK_PROPOSALS,
    RULEBOOK_VERSIONS,
    SCIM_GROUPS,
    SCIM_MEMBERS,
    SCIM_TOKENS,
    SCIM_USERS,
    SESSION_NAMES,
    SESSIONS,
    SIGNAL_STREAMS,
    TOKEN_FAMILIES,
    TOKENS,
    microseconds,
)

USE = "rows"
"""The use for which `signing.derived_key` makes our key."""

NOT_DECIDING: Mapping[str, str] = {
    "device_codes.interval": "how fast a program may poll: changed by each poll, and lets nobody in",
    "device_codes.next_poll_at": "the same",
    "session_names.claimed_at": "tells when; whose the name is does not hang on it",
    "people.first_seen_at": "tells since when; it stays over later sign-ins, and nothing hangs on it",
    "people.groups_digest": "when the row is kept as it is; the groups are told by the identity",
    "device_codes.kept_until": "when the row is swept: a code that is expired is refused whether it is there or not",
    "scim_tokens.last_used_at": "tells when; written beside each minute of use, and opens nothing",
    "rulebook_proposals.foreseen": "what people were shown: it is shown again, and decides nothing",
    "rulebook_versions.foreseen": "the same",
    "rulebook_proposals.text": "the digest is under the MAC, and a text of another digest is not read",
    "rulebook_versions.text": "the digest is under the MAC, and a text of another digest is not read",
}
"""Columns of covered tables that the MAC leaves out, and why; a test asks for a reason for each."""

UNCOVERED: Mapping[str, str] = {
    "spent_messages": "a row refuses: a forged one locks its forger out, and a removed one no MAC can show",
    "provider_endings": "the same: a mark ends a sign-in that is on its way",
    "ended_holdings": "tells who held something why it ended: it chooses a sentence, and decides nothing",
    "role_habits": "which of their roles a person sees first; whether they may have one is decided at each use",
    "tries": "the same; counts let nobody in",
    "sealed_keys": "AES-GCM under the sealing key, which authenticates the purpose; which of ours signs lets nobody in",
    "errands": "what nodes have to do once more: whatever it says, they do what other rows ask for",
    "restorations": "a row refuses what is older: a forged one locks its forger out, as of a spent message",
    "service_marks": "what nodes tell each other: a forged one can make them not ready, and lets nobody in",
    "group_changes": "each is a row of `people` as it was, and is believed by the MAC that it had there",
    "refusals": "tells what was refused to nobody we know, and decides nothing",
    "audit_seals": "a signature is on each",
    "audit": "tells what was decided and decides nothing; triggers keep it, and its lines go elsewhere",
}
"""Tables without a MAC, and why."""

_TABLES = (
    SESSIONS,
    PROVIDER_MATERIAL,
    SIGNAL_STREAMS,
    PEOPLE,
    TOKEN_FAMILIES,
    TOKENS,
    DEVICE_CODES,
    AUTHORIZATION_CODES,
    BLOCKS,
    SESSION_NAMES,
    LIVE_GRANTS,
    KEPT_DOCUMENTS,
    RULEBOOK_VERSIONS,
    RULEBOOK_IN_FORCE,
    RULEBOOK_PROPOSALS,
    REVOCATIONS,
    SCIM_TOKENS,
    SCIM_USERS,
    SCIM_GROUPS,
    SCIM_MEMBERS,
)


def _decides(table: Table, column: str) -> bool:
    return column != "mac" and f"{table.name}.{column}" not in NOT_DECIDING


COVERED: Mapping[Table, tuple[str, ...]] = {
    table: tuple(column.name for column in table.c if _decides(table, column.name)) for table in _TABLES
}
"""Each table whose rows carry a MAC, and the columns under it: keys, and whatever decides."""

_HEADS = {table: f"{table.name}({','.join(names)})".encode() for table, names in COVERED.items()}
_PLACES = {table: tuple(list(table.c.keys()).index(name) for name in names) for table, names in COVERED.items()}
_MAC_PLACES = {table: list(table.c.keys()).index("mac") for table in COVERED}


class RowMac:
    """Makes and checks MACs. Rows that do not hold are remembered, to be told once each."""

    def __init__(self, key: bytes, most_told: int = 1_000) -> None:
        self._key = key
        self._most = most_told
        self._known: set[tuple[str, str]] = set()
        self._untold: list[tuple[str, str]] = []

    def with_mac(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its MAC. Every covered column has to be named: no default of the database is under it."""
        return {**values, "mac": self._mac(table, [values[name] for name in COVERED[table]])}

    def holds(self, table: Table, row: Sequence[Any]) -> bool:
        """Whether this whole row (all columns, in the table's order) was written by us, for this key and table."""
        found = row[_MAC_PLACES[table]]
        made = self._mac(table, [row[place] for place in _PLACES[table]])
        if isinstance(found, str) and hmac.compare_digest(found.encode(), made.encode()):
            return True
        self._notice(table, row)
        return False

    def whole(self, rows: Sequence[Row], *tables: Table) -> list[Row]:
        """Of rows that are all columns of these tables side by side, those of which every part holds."""
        return [row for row in rows if self._all_hold(row, tables)]

    def _all_hold(self, row: Row, tables: tuple[Table, ...]) -> bool:
        at = 0
        for table in tables:
            width = len(table.c)
            if not self.holds(table, row[at : at + width]):
                return False
            at += width
        return True

    def untold(self) -> list[tuple[str, str]]:
        """Table and key of rows that did not hold and were not told yet; after this, they count as told."""
        if not self._untold:
            return []
        told, self._untold = self._untold, []
        return told

    def _notice(self, table: Table, row: Sequence[Any]) -> None:
        keys = [str(row[place]) for place, column in enumerate(table.c) if column.primary_key]
        forged = (table.name, " ".join(keys))
        # Bounded: who can write rows could write many.
        if forged not in self._known and len(self._known) < self._most:
            self._known.add(forged)
            self._untold.append(forged)

    def _mac(self, table: Table, values: Sequence[Any]) -> str:
        parts = [_HEADS[table], *(_encoded(value) for value in values)]
        # Each part with its length and its type: no two rows give the same octets.
        return hmac.digest(self._key, b"".join([b"%d:%b" % (len(part), part) for part in parts]), "sha256").hex()


def _encoded(value: object) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, datetime):
        return b"t%d" % microseconds(value)
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b%d" % value
    if isinstance(value, int):
        return b"i%d" % value
    raise TypeError(f"no encoding for {type(value).__name__}")
