"""A grant of which nobody heard again is marked once, by one of many nodes, and found."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import aws_factories
import pytest
from databases import HeldClock, OwnDatabase
from store_factories import entry

from federation_bridge.audit import (
    ConsoleOpened,
    Event,
    GrantFailed,
    GrantHandedOver,
    GrantMade,
    GrantRedeemed,
    SignedOut,
)
from federation_bridge.signing import derived_key
from federation_bridge.store import Store, unknown_outcomes

LATER = timedelta(minutes=10, seconds=1)
TESTS = Path(__file__).parent.parent


def make(store: Store, now: datetime, grant_id: str = "_g") -> None:
    made = entry(now, GrantMade.of(aws_factories.grant(id=grant_id)))
    assert store.session_names.claim("alice@example.com", "corp/alice", made)


def unknown(store: Store) -> list[str]:
    return [str(one.details["grant_id"]) for one in store.audit.entries(event="grant.outcome_unknown")]


def test_a_grant_without_an_outcome_is_marked_once_and_found(store: Store, clock: HeldClock) -> None:
    make(store, clock())
    made_at = clock()
    clock.advance(LATER)
    for _ in range(3):
        store.sweep()
        clock.advance(LATER)
    (found,) = store.audit.entries(event="grant.outcome_unknown")
    assert found == store.audit.entries(grant_id="_g")[0] == store.audit.entries(reference="ref-1")[0]
    assert (found.person, found.connection, found.at) == ("corp/alice", "corp", made_at + LATER)
    assert found.details == {
        "grant_id": "_g",
        "account": aws_factories.ACCOUNT_ID,
        "role": "Admin",
        "session_name": "alice@example.com",
        "made_at": "2026-03-04T12:00:00.000Z",
    }


def _redeemed(now: datetime) -> Event:
    found = aws_factories.CREDENTIALS
    return GrantRedeemed.of(aws_factories.grant(id="_g"), found, "request", "us-east-1", now)


OUTCOMES: dict[str, Callable[[datetime], Event]] = {
    "redeemed": _redeemed,
    "failed": lambda _: GrantFailed("_g", "aws_refused", "no"),
    "handed over": lambda now: GrantHandedOver("_g", "web identity", now),
    "form": lambda _: ConsoleOpened("_g", "form", "https://console.aws.amazon.com/"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_grant_with_any_outcome_is_not(store: Store, clock: HeldClock, outcome: str) -> None:
    make(store, clock())
    make(store, clock(), "_other")
    store.audit.record(entry(clock(), OUTCOMES[outcome](clock())), durable=False)
    clock.advance(LATER)
    store.sweep()
    assert unknown(store) == ["_other"]


def test_nothing_is_marked_while_an_outcome_may_still_come(store: Store, clock: HeldClock) -> None:
    make(store, clock())
    clock.advance(LATER - timedelta(seconds=2))
    make(store, clock(), "_younger")
    store.sweep()
    assert unknown(store) == []
    clock.advance(timedelta(seconds=2))
    store.sweep()
    assert unknown(store) == ["_g"]
    clock.advance(LATER)
    store.sweep()
    assert unknown(store) == ["_younger", "_g"]


def test_many_nodes_mark_it_once(own_database: OwnDatabase, clock: HeldClock) -> None:
    nodes = [own_database.open() for _ in range(4)]
    for number in range(30):
        make(nodes[0], clock(), f"_{number}")
    clock.advance(LATER)
    together = Barrier(len(nodes))

    def sweep(node: Store) -> None:
        together.wait(60)
        node.sweep()

    with ThreadPoolExecutor(len(nodes)) as threads:
        list(threads.map(sweep, nodes))
    assert sorted(unknown(nodes[0])) == sorted(f"_{number}" for number in range(30))


def test_a_node_that_comes_while_another_marks_does_nothing_twice(own_database: OwnDatabase, clock: HeldClock) -> None:
    first, second = own_database.open(), own_database.open()
    first.sweep()  # the mark is there
    make(first, clock())
    clock.advance(LATER)
    with ThreadPoolExecutor(1) as threads:
        with first.audit.writing() as writing:
            dialect = "sqlite" if own_database.is_sqlite else "postgresql"
            assert unknown_outcomes._followed(writing, dialect, clock()) == 1
            other = threads.submit(second.sweep)
            if not own_database.is_sqlite:
                other.result(30)  # it waits for nobody; on SQLite there is one writer at a time
        other.result(30)
    assert unknown(first) == ["_g"]


def test_a_long_audit_is_followed_in_parts(store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_outcomes, "_AT_ONCE", 3)
    for number in range(10):
        make(store, clock(), f"_{number}")
        store.audit.record(entry(clock(), SignedOut()))
    clock.advance(LATER)
    store.sweep()
    assert len(unknown(store)) == 10


def test_an_entry_of_a_clock_that_is_wrong_holds_up_nobody(store: Store, clock: HeldClock) -> None:
    store.audit.record(entry(clock() + timedelta(days=400), SignedOut()))
    make(store, clock())
    clock.advance(LATER)
    store.sweep()
    assert unknown(store) == ["_g"]


def test_a_process_killed_between_awss_answer_and_the_audit_leaves_a_mark(
    own_database: OwnDatabase, clock: HeldClock, tmp_path: Path
) -> None:
    store = own_database.open(integrity_key=derived_key(bytes(range(32)), "rows"))
    folder = tmp_path / "bridge"
    folder.mkdir()
    (folder / "sealing").write_text(base64.b64encode(bytes(range(32))).decode())
    (folder / "password").write_text(own_database.password or "none")
    (folder / "sealing").chmod(0o600)
    (folder / "password").chmod(0o600)
    changes = {"database": own_database.url, "keys": {"sealing_key": {"file": "sealing"}}}
    if own_database.password:
        changes |= {"database_password": {"file": "password"}, "rulebook": {"files_on_many_nodes": True}}
    killed = subprocess.run(
        [sys.executable, str(TESTS / "killed_grant.py"), str(folder), clock().isoformat(), json.dumps(changes)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (made,) = store.audit.entries(event="grant.made")
    (live,) = store.live_grants.of_person("corp/ada")
    assert live.id == made.details["grant_id"]
    assert live.access_key_id is None
    assert live.ends_at == clock() + timedelta(hours=1)
    clock.advance(LATER)
    store.sweep()
    store.sweep()
    (mark,) = store.audit.entries(event="grant.outcome_unknown")
    assert mark.details["grant_id"] == made.details["grant_id"]
    assert replace(mark, number=None).reference == made.reference == "ref-killed"
