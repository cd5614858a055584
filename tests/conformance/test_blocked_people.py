"""Blocks: nobody who is blocked is let in, renews or is approved, on any node, until each who blocked has lifted it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from block_factories import ALICE, BOB, appear, block, lift, put
from database_traffic import statements
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, family, let_in, pair, request, signed_in
from forged_rows import change, rows_of
from sqlalchemy import insert
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import Blocked, NotSignedIn, Unavailable
from federation_bridge.model import AuthorizationCode, Ended
from federation_bridge.store import Store
from federation_bridge.store.digests import digest_of
from federation_bridge.store.tables import BLOCKS, ENDED_HOLDINGS
from federation_bridge.store.writing import Writing


def comes_in(store: Store, now: datetime, key: str = "e" * 64, subject: str = "alice") -> bool:
    """Whether a sign-in of this person goes through; of one that does not, nothing stays."""
    left = replace(sign_in(now), handle=key)
    try:
        store.sessions.admit(session(now, key, subject), "issuer", f"_{key}", now, entry(now), sign_in=left)
    except Blocked:
        assert store.sessions.live(key, IDLE) is None
        return False
    return True


def test_a_block_ends_all_that_its_person_holds_and_nothing_of_others(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    signed_in(store, clock(), "b" * 64, "bob")
    assert put(store, clock) == Ended(sessions=1, command_lines=1)
    assert store.sessions.live(BROWSER, IDLE) is None
    assert store.token_families.live("access family") is None
    assert store.sessions.live("b" * 64, IDLE)


def test_who_is_blocked_does_not_sign_in_and_nothing_is_spent_and_after_that_they_do(
    store: Store, clock: HeldClock
) -> None:
    put(store, clock)
    assert not comes_in(store, clock())
    assert comes_in(store, clock(), "f" * 64, "bob")
    assert lift(store, clock)
    # The very answer that was refused, in the browser that left for it.
    assert comes_in(store, clock())


def test_a_session_that_came_in_at_the_very_moment_is_refused_and_ends_when_the_block_is_lifted(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    """An admission whose statement began before the block was there, and that is committed behind it."""
    store, node = own_database.open(), own_database.open()
    signed_in(store, clock())
    let_in(store, clock(), "slipped")
    appear(store, block(clock()))
    for reads in (store, node):
        assert reads.sessions.live(BROWSER, IDLE) is None
        assert reads.token_families.live("access slipped") is None
        assert reads.token_families.usable("refresh slipped", "fedbridge", None) is None
        assert reads.token_families.rotate("refresh slipped", "fedbridge", None, pair(clock(), "2")) is None
    code = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "new", clock() + timedelta(minutes=1))
    with pytest.raises(NotSignedIn):
        store.authorization_codes.issue("code", code, family(clock(), "new"))
    assert store.device_codes.begin("device", USER_CODE, request(clock()))
    assert store.device_codes.claim(USER_CODE, BROWSER)
    with pytest.raises(NotSignedIn):
        store.device_codes.approve(USER_CODE, BROWSER, family(clock(), "by device"))
    assert lift(store, clock)
    assert store.sessions.live(BROWSER, IDLE) is None
    assert store.token_families.live("access slipped") is None


def test_one_source_lifts_only_its_own_block(store: Store, clock: HeldClock) -> None:
    put(store, clock)
    put(store, clock, ALICE, "scim")
    assert lift(store, clock, ALICE, "scim")
    assert not comes_in(store, clock())
    assert [one.source for one in store.blocks.about(ALICE)] == ["administrator"]
    assert lift(store, clock, ALICE, "scim") is None
    assert lift(store, clock)
    assert comes_in(store, clock())


def test_a_block_that_is_made_again_stays_as_old_as_it_was(store: Store, clock: HeldClock) -> None:
    put(store, clock)
    began = clock()
    clock.advance(timedelta(hours=1))
    assert put(store, clock) == Ended()
    assert [one.since for one in store.blocks.standing()] == [began]


@pytest.mark.parametrize("scope", ["", "corp"])
def test_an_incident_blocks_all_but_a_list_on_every_node(
    own_database: OwnDatabase, clock: HeldClock, scope: str
) -> None:
    store, node = own_database.open(), own_database.open()
    for name in ("alice", "bob", "carol", "dave"):
        signed_in(store, clock(), name[0] * 64, name)
    let_in(store, clock(), "hers")
    assert put(node, clock, scope, "incident", BOB, "corp/carol") == Ended(sessions=2, command_lines=1)
    for reads in (store, node):
        lives = [name for name in ("alice", "bob", "carol", "dave") if reads.sessions.live(name[0] * 64, IDLE)]
        assert lives == ["bob", "carol"]
        assert not comes_in(reads, clock(), "1" * 64, "alice")
    assert comes_in(store, clock(), "2" * 64, "bob")
    let_in(store, clock(), "his", approved_in="b" * 64, identity=session(clock(), "b", "bob").identity)
    assert node.token_families.live("access his")
    assert node.token_families.rotate("refresh his", "fedbridge", None, pair(clock(), "3"))
    assert lift(node, clock, scope, "incident")
    assert comes_in(store, clock(), "3" * 64, "alice")


def test_an_incident_at_one_connection_leaves_the_others(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    assert put(store, clock, "other", "incident") == Ended()
    assert store.sessions.live(BROWSER, IDLE)
    assert comes_in(store, clock())


def test_an_incident_with_hundreds_signed_in_ends_them_all(store: Store, clock: HeldClock) -> None:
    for number in range(120):
        signed_in(store, clock(), f"{number:064d}", f"person {number}")
    assert put(store, clock, "", "incident", "corp/person 7").sessions == 119
    assert [one.identity.subject for one in store.sessions.living()] == ["person 7"]


def test_who_is_spared_by_an_incident_is_blocked_by_name_all_the_same(store: Store, clock: HeldClock) -> None:
    put(store, clock, "", "incident", ALICE)
    assert comes_in(store, clock())
    put(store, clock)
    assert not comes_in(store, clock(), "f" * 64)


# ------------------------------------------------------------------------------------------------------------- faults


def test_a_block_that_is_broken_off_blocks_nobody_and_ends_nothing(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is one transaction: what died before its commit left nothing, and done again it is done whole."""
    store, node = own_database.open(), own_database.open()
    let_in(store, clock())

    def died(*_: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as broken, pytest.raises(Unavailable):
        broken.setattr(Writing, "record", died)
        put(store, clock)
    assert node.blocks.standing() == ()
    assert node.token_families.live("access family")
    assert put(node, clock) == Ended(sessions=1, command_lines=1)


def test_two_nodes_that_block_the_same_person_at_once_leave_one_block(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    nodes = [own_database.open() for _ in range(2)]
    let_in(nodes[0], clock())
    with ThreadPoolExecutor(2) as at_once:
        ended = list(at_once.map(lambda node: put(node, clock), nodes))
    assert ended[0] + ended[1] == Ended(sessions=1, command_lines=1)
    assert len(nodes[0].blocks.standing()) == 1
    assert not comes_in(nodes[1], clock())


# ------------------------------------------------------------------------------------------------------------ attacks


def test_a_block_that_somebody_wrote_over_blocks_all_the_same_and_spares_nobody(store: Store, clock: HeldClock) -> None:
    """Whoever writes the database, or changed the sealing key, has let nobody in."""
    put(store, clock, "", "incident", BOB)
    (row,) = rows_of(store, BLOCKS)
    change(store, BLOCKS, row, excepted='["corp/mallory", "corp/bob"]')
    assert not comes_in(store, clock(), "1" * 64, "mallory")
    assert not comes_in(store, clock(), "2" * 64, "bob")
    (told,) = store.audit.entries(event="row.forged")
    assert told.details["table"] == "blocks"
    assert lift(store, clock, "", "incident")
    assert comes_in(store, clock(), "3" * 64, "bob")


# --------------------------------------------------------------------------------------------------------------- cost


def test_a_thousand_blocks_cost_a_sign_in_and_a_decision_no_statement(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    store = own_database.open()

    def counted(key: str) -> list[str]:
        with statements(store) as asked:
            assert comes_in(store, clock(), key)
            assert store.sessions.live(key, IDLE)
        return asked

    with_none = counted("1" * 64)
    appear(store, *(block(clock(), f"corp/{number}") for number in range(1_000)))
    assert counted("2" * 64) == with_none


def test_a_row_that_somebody_wrote_ahead_stops_no_block(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    signed_in(store, clock())
    row = {"holding": digest_of("ended session", BROWSER), "whose": "x", "source": "", "kept_until": clock()}
    with store._database.writing() as connection:
        connection.execute(insert(ENDED_HOLDINGS), row)
    assert put(store, clock).sessions == 1
    assert store.ended_holdings.of_session(BROWSER) == "blocked"
