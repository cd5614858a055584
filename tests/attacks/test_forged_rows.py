"""Somebody writes the database who is not the bridge: no row of theirs signs anybody in or lets anything out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from databases import HeldClock
from every_row import ELSEWHERE, every_row
from family_factories import BROWSER, USER_CODE, family, pair
from forged_rows import change, rows_of, write_macs_anew
from sqlalchemy import Boolean, Column, Integer, Table
from store_factories import IDLE

from federation_bridge.model import LiveGrantQuery
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.row_mac import COVERED, NOT_DECIDING, UNCOVERED, RowMac
from federation_bridge.store.tables import (
    AUTHORIZATION_CODES,
    BLOCKS,
    DEVICE_CODES,
    KEPT_DOCUMENTS,
    LIVE_GRANTS,
    METADATA,
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
    Instant,
)

# ------------------------------------------------------------------------------------------------------ what is covered


def test_every_column_of_every_table_is_covered_or_listed_with_a_reason() -> None:
    reasons = {**UNCOVERED, **NOT_DECIDING}
    assert all(reasons.values())
    covered = {f"{table.name}.{name}" for table, names in COVERED.items() for name in names}
    columns = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.c
        if table.name not in UNCOVERED and column.name != "mac"
    }
    assert columns == covered | set(NOT_DECIDING)
    assert not covered & set(NOT_DECIDING)
    assert set(METADATA.tables) == {table.name for table in COVERED} | set(UNCOVERED)


def test_no_two_rows_give_the_same_octets() -> None:
    """None is not "", a boundary between two columns is none within one, and a table is not another."""
    mac = RowMac(b"k" * 32)
    instant = datetime.fromisoformat("2026-03-04T12:00:00+00:00")

    def of(table: Table, **values: Any) -> str:
        row = {column.name: instant if isinstance(column.type, Instant) else "" for column in table.c}
        return str(mac.with_mac(table, {**row, **values})["mac"])

    rows = [
        of(SESSION_NAMES),
        of(KEPT_DOCUMENTS),
        of(KEPT_DOCUMENTS, kind="ab"),
        of(KEPT_DOCUMENTS, kind="a", name="b"),
        of(KEPT_DOCUMENTS, kind="", name="ab"),
        of(KEPT_DOCUMENTS, kind=None),
        of(KEPT_DOCUMENTS, kind=1),
        of(KEPT_DOCUMENTS, kind=True),
        of(KEPT_DOCUMENTS, kind="i1"),
    ]
    assert len(set(rows)) == len(rows)


# ------------------------------------------------------------------------------------------- one column after the other


def _redeem(store: Store, now: datetime) -> object:
    store.device_codes.approve(USER_CODE, BROWSER, family(now, "by device"))
    return store.device_codes.redeem("device", "fedbridge", None, pair(now, "by device"))


READS: dict[Table, Callable[[Store, datetime], bool]] = {
    SESSIONS: lambda store, _: store.sessions.live(BROWSER, IDLE) is not None,
    PEOPLE: lambda store, now: bool(store.people.seen_since(now - timedelta(days=1))),
    TOKEN_FAMILIES: lambda store, now: (
        store.token_families.rotate("refresh family", "fedbridge", None, pair(now, "2")) is not None
    ),
    TOKENS: lambda store, now: (
        store.token_families.rotate("refresh family", "fedbridge", None, pair(now, "2")) is not None
        and store.token_families.live("access family") is not None
    ),
    DEVICE_CODES: lambda store, now: not isinstance(_redeem(store, now), Poll),
    AUTHORIZATION_CODES: lambda store, _: store.authorization_codes.family_of("code family") is not None,
    SESSION_NAMES: lambda store, _: not store.session_names.claim("alice", "corp/mallory"),
    LIVE_GRANTS: lambda store, _: bool(store.live_grants.living(LiveGrantQuery(), 9)[0]),
    PROVIDER_MATERIAL: lambda store, _: store.provider_material.of(ELSEWHERE) is not None,
    SIGNAL_STREAMS: lambda store, _: store.signal_streams.of("corp") is not None,
    KEPT_DOCUMENTS: lambda store, _: store.documents.last_good("rules", "r") is not None,
    RULEBOOK_VERSIONS: lambda store, _: bool(store.rulebook_versions.history(9)),
    RULEBOOK_PROPOSALS: lambda store, _: all(
        [store.rulebook_proposals.find("change") is not None, bool(store.rulebook_proposals.waiting(9))]
    ),
    # It refuses all the same (tests/conformance/test_blocked_people.py); what it says of itself is not believed.
    BLOCKS: lambda store, _: any(one.is_ours for one in store.blocks.standing()),
    RULEBOOK_IN_FORCE: lambda store, _: getattr(store.sessions.live(BROWSER, IDLE), "rulebook", 0) != 0,
    REVOCATIONS: lambda store, _: bool(store.revocations.newest(9)),
    SCIM_TOKENS: lambda store, _: bool(store.scim_tokens.of("corp")),
    SCIM_USERS: lambda store, _: bool(store.provisioned.users("corp", most=9)),
    SCIM_GROUPS: lambda store, _: bool(store.provisioned.groups("corp", most=9)),
    SCIM_MEMBERS: lambda store, _: bool(store.provisioned.members("corp", "g1")),
}
"""For each table a question that is answered with yes only where the row is believed."""

_HELD_FAST = {
    (TOKEN_FAMILIES, "id"),
    *((table, name) for table in (SCIM_USERS, SCIM_GROUPS) for name in ("connection", "id")),
    (SCIM_MEMBERS, "connection"),
}
"""Columns that children hold fast, or parents: the swap of families is below."""
_CHANGES = [(table, name) for table, names in COVERED.items() for name in names if (table, name) not in _HELD_FAST]
_ASKED_FOR = {
    "token_hash",
    "token",
    "code",
    "device_code",
    "user_code",
    "client_id",
    "kind",
    "state",
    "claimed_in",
    "name",
}
_ASKED_FOR |= {"used_at", "dpop_jkt"}
"""Columns by which the questions look for their row: where one was changed, none is found that could be told."""


_KEYS_ASKED_FOR = {(PROVIDER_MATERIAL, "session"), (SIGNAL_STREAMS, "connection")}
_KEYS_ASKED_FOR |= {(SCIM_TOKENS, "connection"), (SCIM_MEMBERS, "group_id")}


def _other(column: Column[Any], value: Any) -> Any:
    if column.name == "session":
        return BROWSER  # what is kept with one session, moved to another
    if column.name == "family":
        return "family" if value == "other" else "other"
    if column.name in ("group_id", "user_id"):
        return f"{value[:-1]}2"
    if isinstance(column.type, Instant):
        return (value or datetime.fromisoformat("2026-03-04T12:00:00+00:00")) + timedelta(microseconds=1)
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer):
        return value + 1
    return "0" * 64 if value is None else f"{value[:-1]}~"


@pytest.mark.parametrize("table", COVERED, ids=lambda table: table.name)
def test_a_row_of_our_own_is_believed(store: Store, clock: HeldClock, table: Table) -> None:
    every_row(store, clock(), table)
    assert READS[table](store, clock())
    assert "row.forged" not in {entry.event for entry in store.audit.entries()}


@pytest.mark.usefixtures("as_owner")  # whoever writes there may more than the service
@pytest.mark.parametrize(("table", "name"), _CHANGES, ids=lambda of: of if isinstance(of, str) else of.name)
def test_a_row_in_which_one_column_was_changed_is_as_if_absent_and_is_told(
    store: Store, clock: HeldClock, table: Table, name: str
) -> None:
    every_row(store, clock(), table)
    for row in rows_of(store, table):
        change(store, table, row, **{name: _other(table.c[name], row[name])})
    assert not READS[table](store, clock())
    if name not in _ASKED_FOR and (table, name) not in _KEYS_ASKED_FOR:
        assert "row.forged" in {entry.event for entry in store.audit.entries()}


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("table", COVERED, ids=lambda table: table.name)
@pytest.mark.parametrize("mac", ["", "0" * 64, "\u00e9"])
def test_a_row_with_a_mac_of_somebodys_own_is_as_if_absent(
    store: Store, clock: HeldClock, table: Table, mac: str
) -> None:
    every_row(store, clock(), table)
    for row in rows_of(store, table):
        change(store, table, row, mac=mac)
    assert not READS[table](store, clock())


# -------------------------------------------------------------------------------------------------------- whole stories


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("table", COVERED, ids=lambda table: table.name)
def test_rows_whose_mac_is_written_anew_with_our_key_are_believed(store: Store, clock: HeldClock, table: Table) -> None:
    """The twin of them all: it is the key that decides, not the way by which a row came."""
    every_row(store, clock(), table)
    for row in rows_of(store, table):
        change(store, table, row, mac="")
    write_macs_anew(store, table)
    assert READS[table](store, clock())
