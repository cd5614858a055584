"""What an identity provider ends: once, all that it names and nothing else, and also what is on its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import NoReturn

import pytest
from databases import HeldClock
from family_factories import USER_CODE, let_in, pair, request
from store_factories import AT_PROVIDER, IDLE, ended_at_provider, session

from federation_bridge.errors import MessageReplayed, Unavailable
from federation_bridge.model import Ended, EndedAtProvider, ProviderSession
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll

ALICE, ALICE_ELSEWHERE, ALICE_UNNAMED, BOB = "a" * 64, "b" * 64, "c" * 64, "d" * 64
ISSUER, ALICE_THERE = AT_PROVIDER.issuer, AT_PROVIDER.subject
KEYS = (ALICE, ALICE_ELSEWHERE, ALICE_UNNAMED, BOB)


@pytest.fixture
def store(store: Store, clock: HeldClock) -> Store:
    """Alice in three browsers, one of whose sign-ins named no session of the provider, and Bob; each with a program."""
    named = {
        ALICE: AT_PROVIDER,
        ALICE_ELSEWHERE: ProviderSession(ISSUER, ALICE_THERE, "provider-session-2"),
        ALICE_UNNAMED: ProviderSession(ISSUER, ALICE_THERE),
        BOB: ProviderSession(ISSUER, "00u-bob", "provider-session-9"),
    }
    for key, names in named.items():
        whose = "bob" if key == BOB else "alice"
        store.sessions.admit(session(clock(), key, whose, names), "issuer", f"_{key}", clock())
    let_in(store, clock(), "family", approved_in=ALICE)
    let_in(store, clock(), "family elsewhere", approved_in=ALICE_ELSEWHERE)
    return store


def _end(store: Store, ended: EndedAtProvider, connection: str = "corp") -> Ended:
    return store.provider_endings.end(connection, ended, lambda *_: ())[1]


def _living(store: Store) -> set[str]:
    return {key for key in KEYS if store.sessions.live(key, IDLE)}


@pytest.mark.parametrize(
    ("subject", "provider_session", "ends", "command_lines"),
    [
        ("", "provider-session-1", {ALICE}, 1),
        (ALICE_THERE, "", {ALICE, ALICE_ELSEWHERE, ALICE_UNNAMED}, 2),
        (ALICE_THERE, "provider-session-1", {ALICE, ALICE_UNNAMED}, 1),
        ("00u-bob", "", {BOB}, 0),
        ("00u-bob", "provider-session-1", set(), 0),
        ("somebody", "", set(), 0),
        ("", "provider-session-7", set(), 0),
    ],
)
def test_all_that_is_named_ends_and_nothing_else(
    store: Store, clock: HeldClock, subject: str, provider_session: str, ends: set[str], command_lines: int
) -> None:
    told = ended_at_provider(clock(), subject=subject, session=provider_session)
    persons, ended = store.provider_endings.end("corp", told, lambda *_: ())
    assert _living(store) == set(KEYS) - ends
    assert (ended.sessions, ended.command_lines) == (len(ends), command_lines)
    assert persons == tuple(sorted({"corp/bob" if key == BOB else "corp/alice" for key in ends}))


@pytest.mark.parametrize(
    ("connection", "named"),
    [("partner", AT_PROVIDER), ("corp", ProviderSession("other.example.com", ALICE_THERE, AT_PROVIDER.session))],
    ids=["another connection", "another issuer"],
)
def test_nobody_ends_what_another_provider_began(
    store: Store, clock: HeldClock, connection: str, named: ProviderSession
) -> None:
    ended = EndedAtProvider(named, "issuer", "_out", clock() + timedelta(minutes=1), clock())
    assert _end(store, ended, connection).here == 0
    assert _living(store) == set(KEYS)
    assert _end(store, ended_at_provider(clock())).here == 3


def test_a_message_to_two_connections_ends_what_each_of_them_began_and_once(store: Store, clock: HeldClock) -> None:
    assert _end(store, ended_at_provider(clock()), "partner").here == 0
    assert store.provider_endings.is_spent("partner", *_message(clock))
    assert not store.provider_endings.is_spent("corp", *_message(clock))
    assert _end(store, ended_at_provider(clock())).here == 3
    for connection in ("corp", "partner"):
        with pytest.raises(MessageReplayed):
            _end(store, ended_at_provider(clock()), connection)
    until = clock() + timedelta(minutes=1)
    spent = [store.provider_endings.spend(one, "signals", "_1", until) for one in ("corp", "partner", "corp")]
    assert spent == [True, True, False]


def _message(clock: HeldClock) -> tuple[str, str]:
    told = ended_at_provider(clock())
    return told.message_issuer, told.message_id


def test_a_message_ends_something_once(store: Store, clock: HeldClock) -> None:
    _end(store, ended_at_provider(clock()))
    store.sessions.admit(session(clock(), "e" * 64), "issuer", "_later", clock())
    with pytest.raises(MessageReplayed):
        _end(store, ended_at_provider(clock()))
    assert store.sessions.live("e" * 64, IDLE)


def test_of_many_at_once_one_spends_the_message(store: Store, clock: HeldClock) -> None:
    def tried(_: int) -> bool:
        try:
            _end(store, ended_at_provider(clock()))
        except MessageReplayed:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(tried, range(6))) == 1


def test_a_command_line_ends_with_the_sign_in_that_let_it_in_though_a_later_one_took_it_over(
    store: Store, clock: HeldClock
) -> None:
    later = ProviderSession(ISSUER, ALICE_THERE, "provider-session-3")
    store.sessions.admit(session(clock(), "e" * 64, at_provider=later), "issuer", "_later", clock())
    store.sessions.succeed(ALICE, "e" * 64)
    assert _end(store, ended_at_provider(clock(), session="provider-session-1")).command_lines == 1
    assert store.sessions.live("e" * 64, IDLE)


def test_a_command_line_ends_with_the_sign_in_that_took_it_over(store: Store, clock: HeldClock) -> None:
    later = ProviderSession(ISSUER, ALICE_THERE, "provider-session-3")
    store.sessions.admit(session(clock(), "e" * 64, at_provider=later), "issuer", "_later", clock())
    store.sessions.succeed(ALICE, "e" * 64)
    ended = _end(store, ended_at_provider(clock(), session="provider-session-3"))
    assert (ended.sessions, ended.command_lines) == (1, 1)


@pytest.mark.parametrize(
    ("subject", "provider_session", "issued_later", "is_ended"),
    [
        ("", "provider-session-1", timedelta(0), True),
        ("", "provider-session-1", timedelta(seconds=1), False),
        (ALICE_THERE, "", timedelta(seconds=-1), True),
        (ALICE_THERE, "", timedelta(seconds=1), False),
        ("", "provider-session-2", timedelta(0), False),
        ("00u-bob", "", timedelta(seconds=-1), False),
    ],
    ids=[
        "its session",
        "later in its session",
        "its subject",
        "a later sign-in of its subject",
        "another session",
        "another subject",
    ],
)
def test_what_is_on_its_way_meets_the_mark_of_its_end(
    store: Store,
    clock: HeldClock,
    subject: str,
    provider_session: str,
    issued_later: timedelta,
    is_ended: bool,
) -> None:
    _end(store, ended_at_provider(clock(), subject=subject, session=provider_session))
    asked: Callable[..., bool] = store.provider_endings.has_ended
    assert asked("corp", AT_PROVIDER, clock() + issued_later) is is_ended
    assert not asked("partner", AT_PROVIDER, clock() - timedelta(hours=1))
    assert not asked("corp", ProviderSession(ISSUER), clock() - timedelta(hours=1))


def test_marks_are_swept_after_a_day(store: Store, clock: HeldClock) -> None:
    began = clock()
    _end(store, ended_at_provider(began))
    clock.now += timedelta(hours=23)
    store.sweep()
    assert store.provider_endings.has_ended("corp", AT_PROVIDER, began)
    clock.now += timedelta(hours=2)
    store.sweep()
    assert not store.provider_endings.has_ended("corp", AT_PROVIDER, began)


def test_what_breaks_off_before_the_end_is_not_spent_and_ends_when_it_is_sent_again(
    store: Store, clock: HeldClock
) -> None:
    def breaks_off(*_: object) -> NoReturn:
        raise Unavailable("the node dies here")

    with pytest.raises(Unavailable):
        store.provider_endings.end("corp", ended_at_provider(clock()), breaks_off)
    assert _living(store) == set(KEYS)
    assert store.provider_endings.has_ended("corp", AT_PROVIDER, clock()), "what is on its way meets the mark already"
    assert _end(store, ended_at_provider(clock())).sessions == 2


def test_a_device_that_waits_in_an_ended_session_is_refused(store: Store, clock: HeldClock) -> None:
    assert store.device_codes.begin("device", USER_CODE, request(clock()))
    assert store.device_codes.claim(USER_CODE, ALICE)
    assert _end(store, ended_at_provider(clock(), session="provider-session-1")).pending == 1
    assert store.device_codes.redeem("device", "fedbridge", None, pair(clock())) is Poll.DENIED


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1)])
def test_of_a_person_only_what_began_until_then_ends(store: Store, clock: HeldClock, later: timedelta) -> None:
    began = clock()
    clock.now += later
    store.sessions.admit(session(clock(), "e" * 64), "issuer", "_later", clock())
    told = EndedAtProvider(
        ProviderSession(), ISSUER, "_out", clock() + timedelta(minutes=2), began, person="corp/alice", before=began
    )
    _end(store, told)
    assert bool(store.sessions.live("e" * 64, IDLE)) is bool(later)
    assert _living(store) == {BOB}
