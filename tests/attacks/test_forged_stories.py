"""Whole stories of somebody who writes the database: no session, token or rule of theirs counts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, family, let_in, pair, request, signed_in
from forged_rows import change, rows_of
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, keys, rule, rules_text
from sqlalchemy import insert
from store_factories import IDLE, session

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.model import AuthorizationCode
from federation_bridge.notices import VersionsAndNotices
from federation_bridge.rulebook import FilesSource, Known, Rulebook, Versions
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.tables import DEVICE_CODES, RULEBOOK_VERSIONS, SESSION_NAMES, SESSIONS, TOKENS


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
