"""`make chaos`: rounds of load under `kill -9` of workers and of PostgreSQL, then what must hold of the whole database.

ROUNDS says how many (5 rounds take about five minutes), SEED repeats the same chances.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import threading
import time
from pathlib import Path

import pytest

from federation_bridge.store.digests import digest_of
from federation_bridge.system_clock import utc_now
from tests.chaos.fleet import Fleet, fleet_on_postgresql, fleet_on_sqlite
from tests.chaos.obliging_sts import key_of, obliging_sts
from tests.chaos.people import Crowd, Day, is_signed_in

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("ROUNDS") or 5)
SEED = int(os.environ.get("SEED") or secrets.randbelow(10**9))
_SECONDS = {"postgresql": 20.0, "sqlite": 12.0}
_FLEETS = {"postgresql": fleet_on_postgresql, "sqlite": fleet_on_sqlite}
_ASKED_AGAIN = 60
"""Sessions of a round that are tried at its end, of each kind: the newest."""


@pytest.mark.parametrize("database", _FLEETS)
def test_nothing_is_done_twice_or_lost_whatever_dies(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with obliging_sts(utc_now) as sts, _FLEETS[database](tmp_path, sts) as fleet:
        days: list[Day] = []
        for number in range(ROUNDS):
            seed = SEED + number
            killed, of_round = _round(fleet, seed, _SECONDS[database])
            days += of_round
            admitted, keys = sum(day.admissions for day in of_round), sum(len(day.keys) for day in of_round)
            with capsys.disabled():
                sys.stdout.write(
                    f"\n{database}, round {number + 1} of {ROUNDS}, SEED={SEED}: {killed} workers killed, "
                    f"{len(of_round)} sign-ins begun, {admitted} admitted, {keys} credentials "
                )
            assert killed > 0 < admitted, "nothing was tried"
            assert keys > 0, "nothing was tried"
            _check_people(fleet, of_round)
            _check_database(fleet, days)


def _round(fleet: Fleet, seed: int, seconds: float) -> tuple[int, list[Day]]:
    chance, pause = random.Random(seed), threading.Event()
    crowd = Crowd(fleet.place, [node.port for node in fleet.nodes], fleet.signer, seed)
    crowd.begin()
    killed = 0
    try:
        ends_at = time.monotonic() + seconds
        database_dies_at = time.monotonic() + chance.uniform(0.3, 0.7) * seconds
        while time.monotonic() < ends_at:
            pause.wait(chance.uniform(0.1, 1.5))
            fleet.kill_a_worker(chance)
            killed += 1
            if time.monotonic() > database_dies_at:
                fleet.kill_the_database()
                database_dies_at = ends_at
    finally:
        crowd.go_home()
    fleet.wait_until_ready()
    return killed, crowd.days


def _check_people(fleet: Fleet, days: list[Day]) -> None:
    """Who signed out stays out at every node; who did not is still in."""
    ports = [node.port for node in fleet.nodes]
    out = [day for day in days if day.signed_out is True][-_ASKED_AGAIN:]
    still_in = [day for day in days if day.session and day.signed_out is False][-_ASKED_AGAIN:]
    came_back = [day for day in out for port in ports if is_signed_in(fleet.place, port, day.session)]
    assert not came_back, "who signed out is in again"
    lost = [
        day
        for number, day in enumerate(still_in)
        if not is_signed_in(fleet.place, ports[number % len(ports)], day.session)
    ]
    assert not lost, "who was let in is out"


def _check_database(fleet: Fleet, days: list[Day]) -> None:
    books = fleet.books
    admitted, made = books.admitted(), books.grants("grant.made")
    assert set(admitted.values()) == {1}, "a message was admitted twice"
    assert all(day.admissions <= 1 for day in days), "an answer let in twice"
    assert {day.message_id for day in days if day.admissions} <= admitted.keys(), "a person is in without audit"
    audited = {digest_of("person", one.person) for one in books.audit() if one.event == "sign_in.finished"}
    sessions = [person for (person,) in books.rows("SELECT person FROM sessions")]
    assert len(sessions) == len(set(sessions)), "one answer made two sessions"
    assert set(sessions) <= audited, "a session without audit"
    assert set(made.values()) == {1}
    assert set(fleet.sts.asked) <= made.keys(), "STS was asked for what nobody had written down"
    assert {key for day in days for key in day.keys} <= {key_of(grant) for grant in made}
    outcomes = [books.grants(event) for event in ("grant.redeemed", "grant.failed", "grant.outcome_unknown")]
    assert all(set(found.values()) <= {1} and found.keys() <= made.keys() for found in outcomes)
