"""What runs beside the requests: the first grant finds everything made, and no failure of it ends the rest."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import door_of, made_app

from federation_bridge import background as background_module
from federation_bridge.app import start_background
from federation_bridge.aws.sts import StsClients
from federation_bridge.background import Background
from federation_bridge.errors import Unavailable


class _Swept:
    """A store whose sweep can be awaited."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def sweep(self) -> int:
        self.done.set()
        return 0


def test_the_clients_of_the_registered_partitions_are_made_beside_the_requests(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, done = [], threading.Event()

    def prepare(_: StsClients, partition: str) -> None:
        prepared.append((partition, threading.current_thread() is threading.main_thread()))
        done.set()

    monkeypatch.setattr(StsClients, "prepare", prepare)
    app = made_app(tmp_path, clock)
    background = start_background(app)
    try:
        assert done.wait(60)
    finally:
        background.stop()
        door_of(app).store.close()
    assert prepared == [("aws", False)]


def test_a_worker_that_nobody_asks_notices_changed_rules(tmp_path: Path, clock: HeldClock) -> None:
    app = made_app(tmp_path, clock)
    rulebook, noticed = door_of(app).rulebook, threading.Event()
    before = rulebook.in_force

    def watch() -> None:
        rulebook.watch()
        if rulebook.in_force is not before:
            noticed.set()

    background = Background((), door_of(app).store, watches=(watch,), watch_every=timedelta(milliseconds=5))
    background.start()
    try:
        rules = tmp_path / "rules.yaml"
        rules.write_text(rules.read_text().replace("max_duration: ", "max_duration:  1"), encoding="utf-8")
        assert noticed.wait(60)
    finally:
        background.stop()
        door_of(app).store.close()


def test_a_watcher_that_fails_once_looks_again() -> None:
    looked, again = [], threading.Event()

    def watch() -> None:
        looked.append(1)
        if len(looked) > 1:
            again.set()
        raise Unavailable("the rules are still being read")

    store: Any = _Swept()
    background = Background((), store, watches=(watch,), watch_every=timedelta(milliseconds=1))
    background.start()
    try:
        assert again.wait(60)
    finally:
        background.stop()


def test_what_cannot_be_made_ready_ahead_does_not_stop_the_sweep() -> None:
    def fail() -> None:
        raise Unavailable("the database is away")

    store: Any = _Swept()
    background = Background((), store, fail, every=timedelta(milliseconds=1))
    background.start()
    try:
        assert store.done.wait(60)
    finally:
        background.stop()


@pytest.mark.parametrize("apart", ["each_second_apart", "each_minute_apart"])
def test_what_is_under_way_when_the_process_ends_is_waited_for(apart: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in the middle it keeps its lease, and no other node does it for minutes."""
    monkeypatch.setattr(background_module, "_SECOND", 0.001)
    monkeypatch.setattr(background_module, "_MINUTE", 0.001)
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert may_end.wait(60)
        ended.set()

    store: Any = _Swept()
    background = Background((), store)
    setattr(background, apart, (work,))
    background.start()
    assert begun.wait(60)
    stopping = threading.Thread(target=background.stop)
    stopping.start()
    stopping.join(0.2)
    assert stopping.is_alive()
    may_end.set()
    stopping.join(60)
    assert not stopping.is_alive()
    assert ended.is_set()
