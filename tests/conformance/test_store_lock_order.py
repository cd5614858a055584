"""Every two verbs that write the same tables meet, on both databases: both are served, and an end wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from typing import NamedTuple
from uuid import uuid4

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, family, let_in, pair, request, signed_in, told_anew
from forged_rows import rows_of
from sqlalchemy import text
from store_factories import NOBODY, entry, live_grant, session

from federation_bridge.errors import NotSignedIn, RoleWithheld, Unavailable
from federation_bridge.model import AuthorizationCode, Groups
from federation_bridge.store import Store, failures
from federation_bridge.store.failures import Repeatable, repeated
from federation_bridge.store.tables import TOKEN_FAMILIES, TOKENS

SUCCESSOR = "b" * 64
FAMILIES = ("family 0", "family 1", "family 2")


class Verb(NamedTuple):
    """A call, by the racer of this number, and the tables in which it writes or locks."""

    call: Callable[[Store, datetime, int], object]
    tables: str
    ends_all: bool = False
    """Whether no command line may be left after it, whatever it met."""


def _rotate_all(store: Store, now: datetime, number: int) -> None:
    """As programs and a thief would: each family, in an order of one's own."""
    for name in FAMILIES if number else reversed(FAMILIES):
        new = pair(now, f"{name} {number}")
        store.token_families.rotate(f"refresh {name}", "fedbridge", None, new, lambda _: entry(now))


def _issue(store: Store, now: datetime, number: int) -> None:
    made = family(now, f"new {number}")
    given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", made.id, now + timedelta(minutes=1))
    store.authorization_codes.issue(f"new code {number}", given, made, entry(now))


def _admit(store: Store, now: datetime, number: int) -> None:
    store.sessions.admit(session(now, f"new {number}", "bob"), "issuer", f"_new {number}", now, entry(now))


VERBS = {
    "sign-in": Verb(_admit, "sessions spent_messages people"),
    "sign-out": Verb(
        lambda store, now, _: store.sessions.end(BROWSER, entry(now)), "sessions token_families tokens codes", True
    ),
    "operator's end": Verb(
        lambda store, now, _: store.sessions.end_of_person("corp/alice", lambda _: [entry(now)]),
        "sessions token_families tokens codes",
        True,
    ),
    "sign-in anew": Verb(
        lambda store, _, __: store.sessions.succeed(BROWSER, SUCCESSOR), "sessions token_families tokens codes"
    ),
    "confirm": Verb(lambda store, now, _: store.sessions.confirm(BROWSER, entry(now)), "sessions"),
    "seen": Verb(lambda store, _, __: store.sessions.seen(BROWSER), "sessions"),
    "end of all families": Verb(
        lambda store, now, number: [
            store.token_families.end(name, entry(now)) for name in (FAMILIES if number else reversed(FAMILIES))
        ],
        "token_families tokens codes",
    ),
    "renewal": Verb(_rotate_all, "token_families tokens"),
    "replay": Verb(
        lambda store, now, _: store.token_families.stale("refresh used", "fedbridge", now + timedelta(days=1)),
        "token_families tokens codes",
    ),
    "collection": Verb(
        lambda store, now, number: store.token_families.collect("waiting", None, pair(now, f"collected {number}")),
        "token_families tokens",
    ),
    "approval by code": Verb(_issue, "sessions token_families codes"),
    "code taken": Verb(lambda store, _, __: store.authorization_codes.take("code waiting"), "codes"),
    "claim": Verb(lambda store, _, __: store.device_codes.claim(USER_CODE, BROWSER), "codes"),
    "approval": Verb(
        lambda store, now, number: store.device_codes.approve(USER_CODE, BROWSER, family(now, f"device {number}")),
        "sessions token_families codes",
    ),
    "denial": Verb(lambda store, _, __: store.device_codes.deny(USER_CODE, BROWSER), "codes"),
    "device code redeemed": Verb(
        lambda store, now, number: store.device_codes.redeem("approved", "fedbridge", None, pair(now, f"got {number}")),
        "token_families tokens codes",
    ),
    "poll": Verb(
        lambda store, now, number: store.device_codes.redeem("device", "fedbridge", None, pair(now, f"poll {number}")),
        "token_families tokens codes",
    ),
    "groups told anew": Verb(
        lambda store, _, number: told_anew(store, "corp/alice", Groups((f"g{number}",))),
        "sessions token_families",
    ),
    "sweep": Verb(
        lambda store, _, __: store.sweep(), "sessions people token_families tokens codes spent_messages live_grants"
    ),
    "grant": Verb(
        lambda store, now, _: store.session_names.claim(
            "alice", "corp/alice", entry(now), live=live_grant(now, uuid4().hex), within=session(now, BROWSER)
        ),
        "sessions token_families session_names live_grants",
    ),
    "grant redeemed": Verb(
        lambda store, now, _: store.live_grants.completed(live_grant(now), entry(now), NOBODY),
        "live_grants",
    ),
    "documents": Verb(lambda store, _, number: store.documents.keep("rules", "r", f"text {number}"), "documents"),
}


def _meet(one: str, other: str) -> bool:
    return bool(set(VERBS[one].tables.split()) & set(VERBS[other].tables.split()))


PAIRS = [names for names in combinations_with_replacement(VERBS, 2) if _meet(*names)]


def _prepare(store: Store, now: datetime) -> None:
    signed_in(store, now)
    signed_in(store, now, SUCCESSOR)
    for name in FAMILIES:
        let_in(store, now, name)
    store.authorization_codes.issue("code waiting", _waiting(now), family(now, "waiting"))
    let_in(store, now, "used")
    store.token_families.rotate("refresh used", "fedbridge", None, pair(now, "after used"))
    for device, code in (("device", USER_CODE), ("approved", "d" * 64)):
        assert store.device_codes.begin(device, code, request(now))
        assert store.device_codes.claim(code, BROWSER)
    assert store.device_codes.approve("d" * 64, BROWSER, family(now, "by device"))


def _waiting(now: datetime) -> AuthorizationCode:
    return AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "waiting", now + timedelta(minutes=1))


def _clear(own_database: OwnDatabase) -> None:
    for table in ("device_codes", "authorization_codes", "tokens", "token_families", "sessions", "spent_messages"):
        own_database.admin(f"DELETE FROM {table}")


def _race(stores: list[Store], now: datetime, verbs: list[Verb]) -> None:
    barrier = threading.Barrier(len(verbs))

    def run(number: int) -> None:
        barrier.wait(30)
        try:
            verbs[number].call(stores[number], now, number)
        except NotSignedIn:
            # The approving session has ended: a refusal, and the right one.
            assert any(verb.ends_all or verb is VERBS["sign-in anew"] for verb in verbs)
        except RoleWithheld:
            # It was decided for groups that the session does not hold any more.
            assert VERBS["groups told anew"] in verbs

    with ThreadPoolExecutor(len(verbs)) as threads:
        for future in [threads.submit(run, number) for number in range(len(verbs))]:
            future.result(60)


@pytest.mark.parametrize("pair_of_verbs", PAIRS, ids=" and ".join)
def test_two_verbs_that_meet_are_both_served(
    own_database: OwnDatabase, clock: HeldClock, pair_of_verbs: tuple[str, str]
) -> None:
    stores = [own_database.open(), own_database.open()]
    verbs = [VERBS[name] for name in pair_of_verbs]
    _prepare(stores[0], clock())
    clock.advance(timedelta(minutes=2))
    _race(stores, clock(), verbs)
    # A sign-out that comes after its session was succeeded ends nothing: the command lines are the successor's.
    if any(verb.ends_all for verb in verbs) and set(pair_of_verbs) != {"sign-out", "sign-in anew"}:
        assert [row["id"] for row in rows_of(stores[0], TOKEN_FAMILIES)] == []
        assert rows_of(stores[0], TOKENS) == []


@pytest.mark.parametrize("end", ["sign-out", "operator's end", "end of all families"])
def test_an_end_wins_against_many_that_renew(own_database: OwnDatabase, clock: HeldClock, end: str) -> None:
    """As programs renew while somebody signs out; before, one of five was answered 503 on PostgreSQL."""
    stores = [own_database.open() for _ in range(4)]
    for _ in range(8):
        _prepare(stores[0], clock())
        _race(stores, clock(), [VERBS[end], *[VERBS["renewal"]] * 3])
        assert {row["id"] for row in rows_of(stores[0], TOKEN_FAMILIES)}.isdisjoint(FAMILIES)
        assert {row["family"] for row in rows_of(stores[0], TOKENS)}.isdisjoint(FAMILIES)
        _clear(own_database)


# ------------------------------------------------------------------------------------------------ what may be repeated


def test_a_deadlock_is_tried_again_and_both_stand(postgresql_database: OwnDatabase, clock: HeldClock) -> None:
    """Two that lock in a circle on purpose: PostgreSQL undoes one, and it is done again."""
    stores = [postgresql_database.open(), postgresql_database.open()]
    for name in ("a" * 64, "b" * 64):
        signed_in(stores[0], clock(), name)
    both_hold_one = threading.Barrier(2)
    attempts: list[int] = []

    def work(number: int) -> None:
        def locks(writing: object) -> None:
            attempts.append(number)
            order = ("a", "b") if number else ("b", "a")
            for place_, letter in enumerate(order):
                wanted = {"token": letter * 64}
                statement = text("SELECT 1 FROM sessions WHERE token_hash = :token FOR UPDATE")
                writing.execute(statement, wanted)  # type: ignore[attr-defined]
                if place_ == 0 and attempts.count(number) == 1:
                    both_hold_one.wait(60)
            writing.record(entry(clock()))  # type: ignore[attr-defined]

        stores[number].audit.transact(locks)

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(work, number) for number in (0, 1)]:
            future.result(120)
    assert len(attempts) >= 3  # more where the machine is slow: PostgreSQL may undo either, again
    assert len([row for row in stores[0].audit.entries() if row.person == "corp/alice"]) == 2


def test_what_is_undone_again_and_again_is_unavailable_in_the_end() -> None:
    tries: list[None] = []

    def attempt() -> None:
        tries.append(None)
        raise Repeatable("undone")

    with pytest.raises(Unavailable):
        repeated(attempt)
    assert len(tries) == failures._TRIES


def test_what_failed_for_another_reason_is_not_repeated() -> None:
    tries: list[None] = []

    def attempt() -> None:
        tries.append(None)
        raise Unavailable("the connection broke while it committed: nobody knows")

    with pytest.raises(Unavailable):
        repeated(attempt)
    assert len(tries) == 1
