"""Somebody writes the database who is not the bridge: no row of theirs signs anybody in or lets anything out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from every_row import ELSEWHERE, every_row
from family_factories import BROWSER, USER_CODE, family, let_in, pair, request, signed_in
from forged_rows import change, rows_of, write_macs_anew
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, keys, rule, rules_text
from sqlalchemy import Boolean, Column, Integer, Table, insert
from store_factories import IDLE, session

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.model import (
    AuthorizationCode,
    LiveGrantQuery,
)
from federation_bridge.notices import VersionsAndNotices
from federation_bridge.rulebook import FilesSource, Known, Rulebook, Versions
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


def _forged_session(store: Store, now: datetime, token_hash: str, mac: str) -> None:
    signed_in(store, now)
    [mine] = rows_of(store, SESSIONS)
    with store._database.writing() as connection:
        connection.execute(insert(SESSIONS).values({**mine, "token_hash": token_hash, "mac": mac or mine["mac"]}))


@pytest.mark.parametrize("mac", ["", "f" * 64], ids=["the MAC of another row", "a MAC of their own"])
def test_nobody_writes_a_session_for_themselves(store: Store, clock: HeldClock, mac: str) -> None:
    _forged_session(store, clock(), "e" * 64, mac)
    assert store.sessions.live("e" * 64, IDLE) is None
    assert store.sessions.live(BROWSER, IDLE) is not None
    assert [one.key for one in store.sessions.living()] == [BROWSER]
    [told] = [entry for entry in store.audit.entries() if entry.event == "row.forged"]
    assert told.details["table"] == "sessions"
    # The audit shortens what looks like a secret; the rest is enough to find the row.
    assert str(told.details["row"]).startswith("eeeeee")


def test_a_forged_session_approves_nothing(store: Store, clock: HeldClock) -> None:
    _forged_session(store, clock(), "e" * 64, "")
    given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "family", clock())
    with pytest.raises(Exception, match="ended"):
        store.authorization_codes.issue("code", given, family(clock(), approved_in="e" * 64))
    store.authorization_codes.issue("code", given, family(clock()))


def test_a_row_written_under_another_key_is_not_ours(own_database: OwnDatabase, clock: HeldClock) -> None:
    ours, theirs = own_database.open(), own_database.open(integrity_key=b"t" * 32)
    theirs.sessions.admit(session(clock()), "issuer", "_m", clock())
    assert theirs.sessions.live(BROWSER, IDLE) is not None
    assert ours.sessions.live(BROWSER, IDLE) is None


def test_a_token_opens_no_other_family(store: Store, clock: HeldClock) -> None:
    """Mallory's own token, moved to Alice's family."""
    let_in(store, clock(), "alice")
    let_in(store, clock(), "mallory")
    assert store.token_families.live("access mallory") is not None
    for row in rows_of(store, TOKENS):
        change(store, TOKENS, row, family="alice" if row["family"] == "mallory" else "mallory")
    assert store.token_families.live("access mallory") is None
    assert store.token_families.holding("access mallory") is None
    assert store.token_families.usable("refresh mallory", "fedbridge", None) is None
    assert store.token_families.rotate("refresh mallory", "fedbridge", None, pair(clock(), "2")) is None


def test_a_used_refresh_token_is_not_made_fresh(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    assert store.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "2"))
    for row in rows_of(store, TOKENS):
        change(store, TOKENS, row, used_at=None)
    assert store.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "3")) is None
    assert store.token_families.rotate("refresh 2", "fedbridge", None, pair(clock(), "4")) is not None


def test_an_approval_is_not_written_into_a_device_code(store: Store, clock: HeldClock) -> None:
    let_in(store, clock(), "alice")
    store.device_codes.begin("device", USER_CODE, request(clock()))
    [row] = rows_of(store, DEVICE_CODES)
    change(store, DEVICE_CODES, row, state="approved", family="alice")
    assert store.device_codes.redeem("device", "fedbridge", None, pair(clock(), "2")) is Poll.UNKNOWN


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("is_forged", [False, True], ids=["as we kept them", "forged"])
def test_forged_rules_are_not_the_last_good_ones_of_a_restart_with_broken_files(
    store: Store, clock: HeldClock, tmp_path: Path, is_forged: bool
) -> None:
    good = rules_text(rule("{group: g}"))
    files = tmp_path / "rules.yaml", tmp_path / "accounts.yaml"
    for file, content in zip(files, (good, REGISTER_TEXT), strict=True):
        file.write_text(content, encoding="utf-8")

    def started() -> RuleSet:
        known = Known(frozenset(CONNECTIONS))
        kept = VersionsAndNotices(store.rulebook_versions, clock)
        return Rulebook(FilesSource(*files), Versions(kept), known, lambda _: None).current()

    assert keys(started(), identity(groups=("g",)))
    files[0].write_text(good.replace("when", "wen"), encoding="utf-8")
    if is_forged:
        [row] = rows_of(store, RULEBOOK_VERSIONS)
        forged = row["text"].replace("group: g", "group: mallory")
        assert forged != row["text"]
        change(store, RULEBOOK_VERSIONS, row, text=forged)
        with pytest.raises(ConfigurationInvalid):
            started()
    else:
        assert keys(started(), identity(groups=("g",)))


def test_an_instant_that_no_clock_shows_is_no_failure(
    store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    signed_in(store, clock())
    own_database.admin("UPDATE sessions SET ends_at = 9223372036854775807, last_seen_at = 9223372036854775807")
    assert store.sessions.live(BROWSER, IDLE) is None


def test_what_is_forged_is_told_once_and_within_bounds() -> None:
    mac = RowMac(b"k" * 32, most_told=2)
    instant = datetime.fromisoformat("2026-03-04T12:00:00+00:00")
    for name in ("a", "a", "b", "c"):
        assert not mac.holds(SESSION_NAMES, (name, "person", instant, "no mac"))
    assert mac.untold() == [("session_names", "a"), ("session_names", "b")]
    assert mac.untold() == []


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("table", COVERED, ids=lambda table: table.name)
def test_rows_whose_mac_is_written_anew_with_our_key_are_believed(store: Store, clock: HeldClock, table: Table) -> None:
    """The twin of them all: it is the key that decides, not the way by which a row came."""
    every_row(store, clock(), table)
    for row in rows_of(store, table):
        change(store, table, row, mac="")
    write_macs_anew(store, table)
    assert READS[table](store, clock())
