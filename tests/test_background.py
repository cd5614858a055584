"""What runs beside the requests: the first grant finds everything made, and no failure of it ends the rest."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from database_place import HeldClock
from web_material import door_of, made_app

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
        assert done.wait(10)
    finally:
        background.stop()
        door_of(app).store.close()
    assert prepared == [("aws", False)]


def test_what_cannot_be_made_ready_ahead_does_not_stop_the_sweep() -> None:
    def fail() -> None:
        raise Unavailable("the database is away")

    store: Any = _Swept()
    background = Background((), store, fail, every=timedelta(milliseconds=1))
    background.start()
    try:
        assert store.done.wait(10)
    finally:
        background.stop()
