"""A provider that accepts and never answers, or is down: few wait for it, nobody behind another's fetch (O01)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from openid_provider import DirectOutgoing, World, joined, world
from saml_factories import ENTITY_ID, IDP, NOW, Kept, Wire, idp_signer, key_ring, sign_in

from federation_bridge.connectors.attempts import MOST_WAITING, Attempts, Waiting
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.connectors.slots import Slots, slots_of_a_connection, slots_of_the_house
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.outgoing import Fetched
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml
from federation_bridge.settings import SamlConnection

WITHIN = 60
"""Seconds after which a test that waits for an event has failed."""
AT_ONCE = timedelta(0)


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


class Silence:
    """Somebody who has been asked and does not answer until the test lets go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        self.asked.release()
        assert self.let_go.wait(WITHIN)

    def is_asked(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=WITHIN)


@contextmanager
def threads(*silences: Silence) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        try:
            yield pool
        finally:
            for silence in silences:
                silence.let_go.set()


def sorted_out(futures: list[Future[Any]]) -> list[str]:
    return sorted(type(one.exception(WITHIN)).__name__ for one in futures)


def until_waiting(attempts: Attempts, futures: list[Future[Any]]) -> None:
    with attempts._changed:
        assert attempts._changed.wait_for(lambda: attempts._waiting == len(futures), WITHIN)


# ---------------------------------------------------------------------------------------------------------- one attempt


def attempts_of(work: Callable[[], None], clock: Any = lambda: NOW, **more: Any) -> Attempts:
    return Attempts(work, clock, lambda: timedelta(seconds=5), Slots(30, "test", patience=AT_ONCE), **more)


def test_one_attempts_a_few_wait_and_all_others_are_told_at_once() -> None:
    silence = Silence()
    attempts = attempts_of(silence)
    with threads(silence) as pool:
        first = pool.submit(attempts.have_one)
        silence.is_asked()
        waiting = [pool.submit(attempts.have_one) for _ in range(MOST_WAITING)]
        until_waiting(attempts, waiting)
        others = [pool.submit(attempts.have_one) for _ in range(24)]
        assert sorted_out(others) == ["ProviderBusy"] * 24, "and that while the first one still waits"
        assert not first.done()
        silence.let_go.set()
        assert sorted_out([first, *waiting]) == ["NoneType"] * (1 + MOST_WAITING)
    assert silence.count == 1


def test_a_pause_counts_from_the_end_of_an_attempt() -> None:
    now, begun = [NOW], []

    def slow() -> None:
        begun.append(now[0])
        now[0] += timedelta(seconds=30)

    attempts = attempts_of(slow, lambda: now[0])
    for wait in (0, 0, 4, 1, 4):
        now[0] += timedelta(seconds=wait)
        attempts.have_one()
    assert begun == [NOW, NOW + timedelta(seconds=35)]


def test_who_has_something_good_begins_one_beside_and_goes_on() -> None:
    silence, done = Silence(), threading.Event()

    def work() -> None:
        silence()
        done.set()

    attempts = attempts_of(work)
    for _ in range(8):
        attempts.begin_beside()
    silence.is_asked()
    assert not done.is_set()
    silence.let_go.set()
    assert done.wait(WITHIN)
    assert silence.count == 1


def test_an_attempt_that_fails_leaves_the_way_open_for_the_next() -> None:
    now = [NOW]

    def broken() -> None:
        raise ProviderUnreachable("the audit is down")

    attempts = attempts_of(broken, lambda: now[0], beside=lambda work: work())
    for _ in range(2):
        with pytest.raises(ProviderUnreachable):
            attempts.have_one()
        now[0] += timedelta(seconds=5)
        attempts.begin_beside()
        now[0] += timedelta(seconds=5)


# ------------------------------------------------------------------------------------------------ whole connections


class Quiet(DirectOutgoing):
    """Its documents or its token endpoint are silent, where a test says so."""

    def __init__(self, provider: Any, silence: Silence) -> None:
        super().__init__(provider)
        self.silence, self.silent_at = silence, ""

    def fetch(self, url: str, **kwargs: Any) -> Fetched:
        if self.silent_at and self.silent_at in url:
            self.silence()
            raise ProviderUnreachable(f"{url}: no answer within 5 s")
        return super().fetch(url, **kwargs)


def quiet_world(silence: Silence) -> tuple[World, Quiet]:
    around = world()
    outgoing = Quiet(around.provider, silence)
    again = joined(
        around.preset, around.provider, around.connector._settings, outgoing, around.memory, around.clock,
        waiting=Waiting.in_a_process(8),
    )  # fmt: skip
    return again, outgoing


def test_in_an_outage_departures_and_known_keys_go_on_with_the_documents_at_hand() -> None:
    silence = Silence()
    around, outgoing = quiet_world(silence)
    assert around.sign_in().identity.subject
    around.clock[0] += timedelta(hours=2)
    outgoing.silent_at = "/.well-known/"
    with threads(silence) as pool:
        departures = [pool.submit(around.begin) for _ in range(8)]
        assert sorted_out(departures) == ["NoneType"] * 8, "all of them while the refresh is silent"
        silence.is_asked()
        assert silence.count == 1
        outgoing.silent_at = "/keys"
        assert pool.submit(around.sign_in).result(WITHIN).identity.subject
        silence.is_asked()
        assert silence.count == 2
        assert not silence.let_go.is_set()


def test_documents_that_were_never_had_hold_few_requests() -> None:
    silence = Silence()
    around, outgoing = quiet_world(silence)
    outgoing.silent_at = "/.well-known/"
    with threads(silence) as pool:
        first = pool.submit(around.begin)
        silence.is_asked()
        attempts = around.connector._provider._metadata._attempts
        waiting = [pool.submit(around.begin) for _ in range(MOST_WAITING)]
        until_waiting(attempts, waiting)
        clicks = [pool.submit(around.begin) for _ in range(24)]
        assert sorted_out(clicks) == ["ProviderBusy"] * 24
        assert not first.done()
    assert sorted_out([first, *waiting]) == ["ProviderUnreachable"] * 3
    assert silence.count == 1


def test_a_saml_address_that_is_silent_holds_few_requests() -> None:
    silence = Silence()

    class QuietWire(Wire):
        def fetch(self, url: str, **kwargs: Any) -> Fetched:
            silence()
            return super().fetch(url, **kwargs)

    url = "https://idp.example.test/metadata"
    wire = QuietWire({url: metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()])})
    chosen = SamlConnection(protocol="saml", title="Company", metadata_url=url)
    around = Surroundings(wire, Kept(), lambda: NOW, lambda *_: None)  # type: ignore[arg-type]
    company = SamlConnector("company", chosen, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)
    with threads(silence) as pool:
        first = pool.submit(company.depart, sign_in())
        silence.is_asked()
        waiting = [pool.submit(company.depart, sign_in()) for _ in range(MOST_WAITING)]
        until_waiting(company._source._attempts, waiting)
        clicks = [pool.submit(company.depart, sign_in()) for _ in range(24)]
        assert sorted_out(clicks) == ["ProviderBusy"] * 24
        silence.let_go.set()
        assert [one.result(WITHIN).url[:28] for one in (first, *waiting)] == ["https://idp.example.test/sso"] * 3
    assert silence.count == 1


@pytest.mark.parametrize("threads_of_the_process", [2, 8, 16])
def test_a_silent_token_endpoint_cannot_hold_every_thread(threads_of_the_process: int) -> None:
    silence = Silence()
    around, outgoing = quiet_world(silence)
    around.sign_in()
    house = Slots(threads_of_the_process * 3 // 4, "house", patience=AT_ONCE)
    most = threads_of_the_process // 2
    around.connector._exchanges = Slots(most, "company", patience=AT_ONCE, within=house)
    outgoing.silent_at = "/token"
    with threads(silence) as pool:
        held = [pool.submit(around.sign_in) for _ in range(most)]
        silence.is_asked(most)
        more = [pool.submit(around.sign_in) for _ in range(threads_of_the_process)]
        assert sorted_out(more) == ["ProviderBusy"] * threads_of_the_process
        assert not any(one.done() for one in held)
    assert sorted_out(held) == ["ProviderUnreachable"] * most
    outgoing.silent_at = ""
    assert around.sign_in().identity.subject, "the slots are free again"


# --------------------------------------------------------------------------------------------------------------- slots


def test_while_a_provider_answers_who_finds_no_slot_waits_for_one() -> None:
    slots, silence = Slots(1, "test", patience=timedelta(hours=1)), Silence()

    def use() -> None:
        with slots.one():
            silence()

    with threads(silence) as pool:
        first = pool.submit(use)
        silence.is_asked()
        second = pool.submit(use)
        assert not second.done()
        silence.let_go.set()
        assert sorted_out([first, second]) == ["NoneType"] * 2


def test_after_a_silence_nobody_waits_until_somebody_was_answered() -> None:
    slots, silence = Slots(1, "test", patience=timedelta(hours=1)), Silence()

    def use() -> None:
        with slots.one():
            silence()

    with pytest.raises(ProviderUnreachable), slots.one():
        raise ProviderUnreachable("no answer within 5 s")
    with threads(silence) as pool:
        held = pool.submit(use)
        silence.is_asked()
        assert sorted_out([pool.submit(use)]) == ["ProviderBusy"]
        silence.let_go.set()
        assert sorted_out([held]) == ["NoneType"]
    with slots.one():
        assert not slots._is_silent


def test_two_silent_providers_together_leave_threads_free() -> None:
    for count in range(2, 65):
        house = slots_of_the_house(count)
        assert house._most < count
        assert slots_of_a_connection("company", count, house)._most <= house._most
