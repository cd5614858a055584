"""Session names, documents and sealed keys; what runs out is swept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from database_traffic import commits
from databases import HeldClock, OwnDatabase
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import SignInExpired
from federation_bridge.model import Acceptance
from federation_bridge.store import Store, sweeping

MINUTE = timedelta(minutes=1)


def test_a_session_name_belongs_to_whoever_claims_it_first_for_good(own_database: OwnDatabase) -> None:
    store = own_database.open()
    assert store.session_names.claim("alice", "corp/alice")
    assert not store.session_names.claim("alice", "corp/mallory")
    assert own_database.open().session_names.claim("alice", "corp/alice")


@pytest.mark.parametrize("other", ["Alice", "ALICE", "alice.", "a_lice"])
def test_session_names_are_told_apart_byte_by_byte(store: Store, other: str) -> None:
    assert store.session_names.claim("alice", "corp/alice")
    assert store.session_names.claim(other, "corp/other")


@pytest.mark.parametrize("other", ["corp/Alice", "corp/alice ", "corq/alice", "corp/alice\x00"])
def test_persons_are_told_apart_byte_by_byte(store: Store, other: str) -> None:
    assert store.session_names.claim("alice", "corp/alice")
    assert not store.session_names.claim("alice", other)


def test_a_claim_records_its_grant_and_a_failed_claim_records_nothing(store: Store, clock: HeldClock) -> None:
    assert store.session_names.claim("alice", "corp/alice", entry(clock()))
    assert not store.session_names.claim("alice", "corp/mallory", entry(clock(), person="corp/mallory"))
    assert [row.person for row in store.audit.entries()] == ["corp/alice"]


def test_the_document_kept_last_is_the_last_good_one_over_a_restart(own_database: OwnDatabase) -> None:
    store = own_database.open()
    store.documents.keep("rules", "rules.yaml", "first")
    store.documents.keep("rules", "rules.yaml", "second")
    store.documents.keep("rules", "Rules.yaml", "another name")
    store.documents.keep("metadata", "rules.yaml", "another kind")
    store.close()
    assert own_database.open().documents.last_good("rules", "rules.yaml") == "second"


def test_a_document_never_kept_is_none(store: Store) -> None:
    assert store.documents.last_good("rules", "rules.yaml") is None


def test_a_document_comes_back_to_the_byte(store: Store) -> None:
    text = "é 👩‍🚀 \r\n\t' \" \\ %s :name " * 20_000
    store.documents.keep("metadata", "corp", text)
    assert store.documents.last_good("metadata", "corp") == text


def test_keeping_the_same_document_again_writes_nothing(store: Store) -> None:
    store.documents.keep("rules", "r", "text")
    with commits(store) as made:
        store.documents.keep("rules", "r", "text")
        assert made == []
        store.documents.keep("rules", "r", "other text")
        assert made == ["durable"]


def test_the_first_sealed_key_of_a_purpose_stands(own_database: OwnDatabase) -> None:
    store = own_database.open()
    assert store.sealed_keys.sealed("tokens") == ()
    assert store.sealed_keys.put_first("tokens", b"one\x00").sealed == b"one\x00"
    assert store.sealed_keys.put_first("tokens", b"two").sealed == b"one\x00"
    assert store.sealed_keys.put_first("aws-saml", b"three").sealed == b"three"
    assert [key.sealed for key in own_database.open().sealed_keys.sealed("tokens")] == [b"one\x00"]


def test_the_sweep_removes_what_has_run_out_and_nothing_else(store: Store, clock: HeldClock) -> None:
    later = replace(sign_in(clock()), handle="later", expires_at=clock() + timedelta(days=2))
    store.sessions.take(sign_in(clock()))
    store.sessions.take(later)
    short = replace(session(clock(), "short"), ends_at=clock() + timedelta(minutes=1))
    lasting = replace(session(clock(), "lasting"), ends_at=clock() + timedelta(days=2))
    store.sessions.admit(short, "issuer", "_1", clock())
    store.sessions.admit(lasting, "issuer", "_2", clock() + timedelta(days=2))
    store.audit.record(entry(clock()))
    assert store.sweep() == 0
    clock.advance(timedelta(days=1))
    assert store.sweep() == 2
    assert store.sweep() == 0
    with pytest.raises(SignInExpired):
        store.sessions.take(later)
    store.sessions.take(sign_in(clock()))
    assert store.sessions.live("lasting", timedelta(days=2))
    assert len(store.audit.entries()) == 1


def test_the_sweep_goes_on_until_all_is_gone(store: Store, clock: HeldClock) -> None:
    for number in range(5):
        store.sessions.admit(session(clock(), f"t{number}"), "issuer", f"_{number}", clock())
    clock.advance(timedelta(days=2))
    assert sweeping.sweep(store._database, store.audit, clock(), batch=2) == 10
    assert store.sessions.live("t0", IDLE) is None


# --------------------------------------------------------------------------------- what waits, and what is looked for


_YES = Acceptance("corp", "metadata-held", "waits", "metadata", "accepted")


def test_a_version_changes_with_the_document_and_with_nothing_else(own_database: OwnDatabase) -> None:
    here, there = own_database.open(), own_database.open()
    assert here.documents.version("metadata", "corp") is None
    seen = []
    for text in ("one", "two"):
        assert here.documents.keep("metadata", "corp", text)
        seen.append(there.documents.version("metadata", "corp"))
        assert not here.documents.keep("metadata", "corp", text)
        here.documents.keep("metadata", "partner", text * 2)
        assert there.documents.version("metadata", "corp") == seen[-1]
    assert len(set(seen)) == 2


def test_a_yes_puts_in_force_what_waits_with_its_entry_and_nothing_waits_then(store: Store, clock: HeldClock) -> None:
    store.documents.keep("metadata-held", "corp", "waits")
    assert store.documents.accept(_YES, entry(clock()))
    assert store.documents.last_good("metadata", "corp") == "accepted"
    assert store.documents.last_good("metadata-held", "corp") == ""
    assert not store.documents.accept(_YES, entry(clock()))
    assert len(store.audit.entries()) == 1


def test_a_document_is_kept_with_its_entries_and_the_same_again_with_none(store: Store, clock: HeldClock) -> None:
    for _ in range(2):
        store.documents.keep("metadata", "corp", "text", entry(clock()))
    assert len(store.audit.entries()) == 1


def test_a_yes_to_what_waits_no_more_changes_nothing(store: Store, clock: HeldClock) -> None:
    store.documents.keep("metadata-held", "corp", "something else by now")
    assert not store.documents.accept(_YES, entry(clock()))
    assert store.documents.last_good("metadata", "corp") is None
    assert store.documents.last_good("metadata-held", "corp") == "something else by now"
    assert store.audit.entries() == ()


def test_one_node_looks_in_a_minute_and_the_others_learn_when_it_has(own_database: OwnDatabase) -> None:
    here, there = own_database.open().documents, own_database.open().documents
    ours = here.begin_look("corp", MINUTE)
    assert ours.is_ours
    assert there.begin_look("corp", MINUTE) == replace(ours, is_ours=False)
    assert there.begin_look("partner", MINUTE).is_ours, "each provider by itself"
    own_database.clock.advance(timedelta(seconds=3))
    here.end_look("corp", ours)
    ended = there.look("corp")
    assert ended is not None
    assert ended.ended_at == own_database.clock()
    own_database.clock.advance(timedelta(seconds=59))
    assert not there.begin_look("corp", MINUTE).is_ours
    own_database.clock.advance(timedelta(seconds=1))
    assert there.begin_look("corp", MINUTE).is_ours


def test_a_look_whose_process_was_ended_holds_up_the_next_for_the_pause_alone(own_database: OwnDatabase) -> None:
    assert own_database.open().documents.begin_look("corp", MINUTE).is_ours
    there = own_database.open().documents
    own_database.clock.advance(MINUTE)
    assert there.begin_look("corp", MINUTE).is_ours


@pytest.mark.parametrize("mark", ["", "x y", "2999-01-01T00:00:00+00:00 ", "2026-03-04"])
def test_a_mark_that_nobody_of_us_wrote_stops_no_look(store: Store, mark: str) -> None:
    store.service_marks.change("look for documents of corp", None, mark)
    assert store.documents.begin_look("corp", MINUTE).is_ours


def test_something_is_told_by_one_node_until_something_else_is_told(own_database: OwnDatabase) -> None:
    here, there = own_database.open().service_marks, own_database.open().service_marks
    assert [here.told("end", "30 days"), there.told("end", "30 days"), here.told("end", "30 days")] == [
        True,
        False,
        False,
    ]
    assert there.told("end", "7 days")
    assert not here.told("end", "7 days")
