# ruff: noqa: F811 - fixtures are named where they are asked for
"""A person is erased: nothing that names them stays, and the seals of the audit do, in exports too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from audit_seals_fixtures import drawer, numbers_begin_with_one, ring, sealing_of, tamper  # noqa: F401 - fixtures
from databases import HeldClock, OwnDatabase
from forged_rows import rows_of
from store_factories import session

from federation_bridge import audit as events
from federation_bridge.administration import audit, erasing
from federation_bridge.administration.sealing import opener, public_keys
from federation_bridge.audit import Entry
from federation_bridge.audit.seal import Seal, SealedRow, read_export
from federation_bridge.audit.verification import Problem, Verification, Wrong
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.model import ProvisionedGroup, ProvisionedUser, RequestOrigin
from federation_bridge.provisioning.joining import Joining
from federation_bridge.settings import Scim
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.tables import AUDIT, GROUP_CHANGES, PEOPLE, SESSIONS

pytestmark = pytest.mark.usefixtures("as_owner")
ALICE, REASON = "corp/alice", "request 17"
NAMES = ("alice", "bob", "carol")


@pytest.fixture
def store(own_database: OwnDatabase, clock: HeldClock) -> Store:
    """Alice and Bob have signed in, Bob after Alice in her browser."""
    opened = own_database.open()
    for name in ("alice", "bob"):
        _admit(opened, name, clock)
    return opened


def _admit(store: Store, name: str, clock: HeldClock) -> None:
    person, origin = f"corp/{name}", RequestOrigin(f"ref-{len(name)}", f"192.0.2.{len(name)}", f"Browser of {name}")
    done = events.SignInFinished(message_id=f"_{name}", response_id="_r", groups=2)
    entries = [Entry(clock(), origin, done, person=person, connection="corp")]
    if name == "bob":
        entries.append(Entry(clock(), origin, events.IdentityChanged(ALICE), person=person, connection="corp"))
    begun = session(clock(), f"{len(name):064}", name)
    begun = replace(begun, identity=replace(begun.identity, name=name, email=f"{name}@example.com"))
    store.sessions.admit(begun, "issuer", f"_{name}", clock() + timedelta(minutes=5), *entries)


def _verified(store: Store, ring: KeyRing) -> tuple[Verification, list[Problem]]:
    verification, problems = audit.verification(store, ring)
    return verification, list(problems)


def _erase(store: Store, ring: KeyRing, clock: HeldClock) -> erasing.Erased:
    return erasing.erase(store, ring, clock, ALICE, REASON)


def _everything(store: Store) -> str:
    return "".join(str(rows_of(store, table)) for table in (AUDIT, PEOPLE, GROUP_CHANGES, SESSIONS))


def test_nothing_names_an_erased_person_any_more_and_others_stay(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    assert "alice" in _everything(store)
    assert _erase(store, ring, clock) == erasing.Erased(sessions=1, entries=2)
    assert "alice" not in _everything(store)
    assert store.people.one(ALICE) is None
    assert [one.identity.subject for one in store.sessions.living()] == ["bob"]
    assert [row.person for row in store.audit.entries(event="sign_in.finished")] == ["corp/bob", ""]


@pytest.mark.parametrize("is_sealed", [True, False])
def test_the_seals_hold_whether_entries_were_sealed_before_or_after(
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
    *,
    is_sealed: bool,
) -> None:
    if is_sealed:
        sealing_of(store, ring, clock).seal()
    _erase(store, ring, clock)
    before = _verified(store, ring)
    sealing_of(store, ring, clock).seal()
    verification, problems = _verified(store, ring)
    assert (before[1], problems, verification.erased, verification.sealed) == ([], [], 2, 2)


def test_an_export_of_an_erased_person_verifies_too(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    sealing_of(store, ring, clock).seal()
    _erase(store, ring, clock)
    lines = [audit.json_text(one) for one in audit.sealed(store)]
    assert "alice" not in "".join(lines)
    found = list(read_export(lines))
    verification = Verification(opener(public_keys(ring)))
    seals, rows = (one for one in found if isinstance(one, Seal)), (one for one in found if isinstance(one, SealedRow))
    assert list(verification.problems(seals, rows)) == []
    assert verification.erased == 2


def test_the_audit_says_that_somebody_was_erased_and_why_and_not_whom(
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
) -> None:
    _erase(store, ring, clock)
    newest = store.audit.entries(limit=1)[0]
    assert (newest.event, newest.person, dict(newest.details)) == (
        "person.erased",
        "",
        {"reason": REASON, "entries": 2},
    )


def test_an_erasure_that_was_broken_off_is_gone_on_with(
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(erasing, "_AT_ONCE", 1)
    done = store.erasure.erase
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(type(store.erasure), "erase", _once(done))
        _erase(store, ring, clock)
    assert _erase(store, ring, clock).entries == 1
    assert "alice" not in _everything(store)


def test_what_scim_told_of_an_erased_person_goes_too_and_of_others_stays(
    store: Store, ring: KeyRing, clock: HeldClock
) -> None:
    joining = Joining("corp", Scim(), "", "displayName")
    members = {
        name: ProvisionedUser("corp", f"id-{name}", f"{name}@x", name, True, "{}", clock(), clock()) for name in NAMES
    }

    def tell(changes: ProvisionedChanges) -> None:
        changes.put_group(ProvisionedGroup("corp", "g", "admins", None, clock(), clock()))
        for one in members.values():
            changes.put_user(one)
        changes.add_members("g", [one.id for one in members.values()])

    store.provisioned.change("corp", tell)
    # Whose attributes are elsewhere, or nobody knows how to join, is not taken for the same person.
    done = erasing.erase(store, ring, clock, ALICE, REASON)
    assert (done.told, done.unknown) == (0, 3)
    other = replace(joining, connection="partner")
    with pytest.raises(NotFound):
        erasing.erase(store, ring, clock, "corp/carol", REASON, other)
    assert erasing.erase(store, ring, clock, ALICE, REASON, joining).told == 1
    assert erasing.erase(store, ring, clock, "corp/carol", REASON, joining).told == 1  # who never signed in
    assert [one.user_name for one in store.provisioned.users("corp", most=9)] == ["bob@x"]
    assert store.provisioned.members("corp", "g") == ["id-bob"]
    assert [one.display_name for one in store.provisioned.groups("corp", most=9)] == ["admins"]


def _once(done: Callable[..., int]) -> Callable[..., int]:
    calls: Iterator[int] = iter((1,))

    def erase(_: object, stated: object) -> int:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return done(stated)

    return erase


@pytest.mark.parametrize(("person", "reason", "error"), [(ALICE, " ", BadRequest), ("corp/alise", REASON, NotFound)])
def test_an_erasure_without_a_reason_or_of_nobody_is_refused(
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
    person: str,
    reason: str,
    error: type[Exception],
) -> None:
    before = _everything(store)
    with pytest.raises(error):
        erasing.erase(store, ring, clock, person, reason)
    assert _everything(store) == before
    # The twin: with a reason, and of somebody who is known.
    assert erasing.erase(store, ring, clock, ALICE, REASON).entries == 2
    assert _everything(store) != before


# ------------------------------------------------------------------------------------------------------------ attacks


BLANK = "person = '', address = '', user_agent = '', details = '{}', salt = NULL"


def _personal(store: Store) -> str:
    """The digest that an attacker who reads the database can compute before it is gone."""
    return next(iter(store.seals.rows(1, 1))).personal


def test_who_blanks_an_entry_without_the_verb_is_found(
    own_database: OwnDatabase,
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
) -> None:
    sealing_of(store, ring, clock).seal()
    # The triggers let it pass, for it looks like an erasure, and the digest is right: what lacks is our statement.
    own_database.admin(f"UPDATE audit SET {BLANK}, erased = '{_personal(store)}:forged' WHERE number = 1")
    assert [(one.wrong, one.row) for one in _verified(store, ring)[1]] == [(Wrong.ERASED, 1)]


def test_what_the_verb_blanks_is_no_finding(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    """The twin: the very same columns of the same entry, with our statement."""
    sealing_of(store, ring, clock).seal()
    _erase(store, ring, clock)
    row = next(iter(store.seals.rows(1, 1)))
    assert (row.person, row.address, row.user_agent, row.details, row.salt) == ("", "", "", "{}", None)
    assert _verified(store, ring)[1] == []


def test_the_statement_of_one_entry_erases_no_other(
    own_database: OwnDatabase,
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
) -> None:
    sealing_of(store, ring, clock).seal()
    _erase(store, ring, clock)
    # The twin: where it belongs, it holds.
    assert _verified(store, ring)[1] == []
    erased = next(iter(store.seals.rows(1, 1))).erased or ""
    own_database.admin(f"UPDATE audit SET {BLANK}, erased = '{erased}' WHERE number = 2")
    assert Wrong.CHANGED in [one.wrong for one in _verified(store, ring)[1] if one.row == 2]


def test_something_that_is_written_into_an_erased_entry_is_found(
    own_database: OwnDatabase,
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
) -> None:
    sealing_of(store, ring, clock).seal()
    _erase(store, ring, clock)
    assert _verified(store, ring)[1] == []
    tamper(own_database, "UPDATE audit SET person = 'corp/mallory' WHERE number = 1")
    assert [(one.wrong, one.row) for one in _verified(store, ring)[1]] == [(Wrong.CHANGED, 1)]


@pytest.mark.parametrize(
    "change",
    [
        "person = 'corp/bob'",
        f"{BLANK}",
        f"{BLANK}, erased = 'x', event = 'other'",
        "erased = 'x'",
        f"{BLANK}, erased = 'x', number = 99",
    ],
)
def test_the_database_lets_nothing_but_a_whole_erasure_pass(
    own_database: OwnDatabase,
    store: Store,
    ring: KeyRing,
    clock: HeldClock,
    change: str,
) -> None:
    with pytest.raises(Exception, match="append-only"):
        own_database.admin(f"UPDATE audit SET {change} WHERE number = 1")
    # The twin: a whole erasure passes, and not once more.
    assert _erase(store, ring, clock).entries == 2
    with pytest.raises(Exception, match="append-only"):
        own_database.admin("UPDATE audit SET erased = NULL WHERE number = 1")
