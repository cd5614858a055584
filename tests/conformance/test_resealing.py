"""Another sealing key: all that hangs on the old one is made anew or ends, and nothing opens by the old one."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from every_row import every_row
from family_factories import BROWSER, pair
from forged_rows import change, rows_of
from package_modules import nodes
from sqlalchemy import LargeBinary
from store_factories import IDLE, entry

import federation_bridge
from federation_bridge import pending_sign_in, provider_material
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.store import ROWS_USE, Store, resealing
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.resealing import Anew, Resealed
from federation_bridge.store.row_mac import COVERED, RowMac
from federation_bridge.store.tables import (
    AUDIT_SEALS,
    DEVICE_CODES,
    GROUP_CHANGES,
    METADATA,
    PEOPLE,
    PROVIDER_MATERIAL,
    SEALED_KEYS,
)

NEW = b"another".ljust(32, b".")
PACKAGE = Path(federation_bridge.__file__).parent
DECISION = PACKAGE.parent / "docs" / "adr" / "0066-another-sealing-key-in-place.md"
SEALED = {SEALED_KEYS, PROVIDER_MATERIAL}
"""Tables with something that lies there sealed."""
WITH_MAC = {table for table in METADATA.tables.values() if "mac" in table.c}


def anew(**changes: Any) -> Anew:
    given: dict[str, Any] = {
        "integrity_key": NEW,
        "key": lambda purpose, sealed: sealed + purpose.encode(),
        "material": lambda session, sealed: f"{sealed} {session}",
    }
    return Anew(**{**given, **changes})


def resealed(store: Store, now: datetime, **changes: Any) -> Resealed:
    return store.resealing.reseal(anew(**changes), "bridge", lambda _: (entry(now),))


def filled(store: Store, now: datetime) -> None:
    every_row(store, now, PROVIDER_MATERIAL)
    for purpose in ("a", "b", "c"):
        store.sealed_keys.put_first(purpose, b"sealed ")


def macs(store: Store, key: bytes) -> set[tuple[str, bool]]:
    """Of each table with a MAC: whether the rows there hold under this key."""
    mac, found = RowMac(key), set()
    for table in WITH_MAC:
        shape = PEOPLE if table is GROUP_CHANGES else table
        found |= {(table.name, mac.holds(shape, list(row.values()))) for row in rows_of(store, table)}
    return found


def everything(store: Store) -> dict[str, list[str]]:
    tables = [table for table in METADATA.sorted_tables if table.name != "audit"]
    return {table.name: sorted(map(repr, rows_of(store, table))) for table in tables}


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("page", [2, 500])
def test_every_row_is_under_the_new_key_and_none_under_the_old_one(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(resealing, "_PAGE", page)
    store = own_database.open()
    filled(store, clock())
    names = {table.name for table in WITH_MAC}
    assert macs(store, INTEGRITY_KEY) == {(name, True) for name in names}
    before = {table.name: len(rows_of(store, table)) for table in METADATA.tables.values()}
    done = resealed(store, clock())
    kept = names - {DEVICE_CODES.name}
    assert macs(store, NEW) == {(name, True) for name in kept}
    assert macs(store, INTEGRITY_KEY) == {(name, False) for name in kept}
    assert done == Resealed(3, sum(before[name] for name in kept), 1)
    after = {table.name: len(rows_of(store, table)) for table in METADATA.tables.values()}
    assert after == before | {"device_codes": 0, "audit": before["audit"] + 1}


@pytest.mark.usefixtures("as_owner")
def test_all_that_is_sealed_is_sealed_anew_each_for_its_own_place(store: Store, clock: HeldClock) -> None:
    filled(store, clock())
    resealed(store, clock())
    assert [bytes(row["sealed"]) for row in rows_of(store, SEALED_KEYS)] == [b"sealed a", b"sealed b", b"sealed c"]
    [row] = rows_of(store, PROVIDER_MATERIAL)
    assert row["sealed"] == f"sealed {row['session']}"


def test_no_other_column_holds_something_sealed() -> None:
    """Whoever adds one has to say here, in ADR 66 and in `store.resealing` what becomes of it."""
    assert {table for table in METADATA.tables.values() if "sealed" in table.c} == SEALED
    binary = {table for table in METADATA.tables.values() for one in table.c if isinstance(one.type, LargeBinary)}
    assert binary == {SEALED_KEYS, AUDIT_SEALS}  # digests, under a signature


def test_every_table_with_a_mac_is_made_anew() -> None:
    assert set(COVERED) | set(resealing._COPIES) == WITH_MAC


@pytest.mark.usefixtures("as_owner")
def test_what_people_hold_goes_on_and_a_command_line_on_its_way_begins_again(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    store = own_database.open()
    filled(store, clock())
    resealed(store, clock())
    store.close()
    later = own_database.open(integrity_key=NEW)
    assert later.sessions.live(BROWSER, IDLE) is not None
    assert later.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "2")) is not None
    assert [one.is_ours for one in later.blocks.standing()] == [True]
    assert [len(later.scim_tokens.of("corp")), len(later.rulebook_versions.history(9))] == [1, 1]
    assert later.rulebook_versions.in_force() is not None
    assert later.device_codes.redeem("device", "fedbridge", None, pair(clock(), "3")) is Poll.UNKNOWN
    assert "row.forged" not in {one.event for one in later.audit.entries()}
    earlier = own_database.open()
    assert earlier.sessions.live(BROWSER, IDLE) is None
    assert earlier.rulebook_versions.in_force() is None


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("own_database", ["sqlite"], indirect=True)
def test_a_forged_row_stops_it_whichever_table_it_lies_in(store: Store, clock: HeldClock) -> None:
    """Else a row of somebody's own would become one of ours."""
    filled(store, clock())
    for table in WITH_MAC - {DEVICE_CODES}:
        row = rows_of(store, table)[-1]
        change(store, table, row, mac="f" * 64)
        before = everything(store)
        with pytest.raises(ConfigurationInvalid, match=f"a row of {table.name} was not written by the bridge") as no:
            resealed(store, clock())
        key = next(iter(table.primary_key)).name
        assert f"{key} {row[key]}"[:60] in no.value.detail
        assert everything(store) == before
        change(store, table, row, mac=row["mac"])
    assert resealed(store, clock()).rows > len(WITH_MAC)


@pytest.mark.usefixtures("as_owner")
def test_what_does_not_open_by_the_old_key_stops_it_and_nothing_is_written(store: Store, clock: HeldClock) -> None:
    filled(store, clock())
    before = everything(store)

    def refuses(*_: object) -> Any:
        raise ConfigurationInvalid("it does not open")

    for part in ("key", "material"):
        with pytest.raises(ConfigurationInvalid, match="does not open"):
            resealed(store, clock(), **{part: refuses})
        assert everything(store) == before


def test_a_node_that_is_connected_stops_it(postgresql_database: OwnDatabase, clock: HeldClock) -> None:
    node = postgresql_database.open()
    filled(node, clock())
    postgresql_database.be("owner")
    store = postgresql_database.open()
    with pytest.raises(ConfigurationInvalid, match=r"in use, by 1 other connections: stop all nodes first"):
        resealed(store, clock())
    node.close()
    assert resealed(store, clock()).keys == 3


def test_who_may_not_change_every_table_is_told_to_come_as_the_owner(
    postgresql_database: OwnDatabase, clock: HeldClock
) -> None:
    with pytest.raises(ConfigurationInvalid, match="--owner USER"):
        resealed(postgresql_database.open(), clock())


# ------------------------------------------------------------------------------------------------ what is derived


_NAMED = {
    "provider_material.USE": provider_material.USE,
    "USE": pending_sign_in.USE,  # in `app`
    "ROWS_USE": ROWS_USE,
}


def _uses() -> set[str]:
    """Every use for which a key is derived from the sealing key, anywhere in the product."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in nodes(path):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if name not in ("derived_key", "secret_for") or path.name == "ring.py":
                continue
            use = node.args[-1]  # type: ignore[attr-defined]
            found.add(str(use.value) if isinstance(use, ast.Constant) else _NAMED[ast.unparse(use)])
    return found


def test_what_becomes_of_each_use_of_the_sealing_key_stands_in_the_decision() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", DECISION.read_text("utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(_uses())
