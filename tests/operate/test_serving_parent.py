"""The parent of the workers: its start, and where the system is short of something, or slept. No fork happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from web_factories import write_files

from federation_bridge.observers.sinks import Nowhere
from federation_bridge.operate import preparation
from federation_bridge.operate.logs import LogLines
from federation_bridge.operate.serving import bridge
from federation_bridge.operate.serving import parent as parent_module
from federation_bridge.operate.serving import shared as shared_module
from federation_bridge.operate.serving.parent import Parent, Times
from federation_bridge.operate.serving.shared import Shared
from federation_bridge.settings import Settings, load_settings

PID = 4_000_000
"""Of no process: nothing is sent to it, and nobody waits for it."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Watched(Parent):
    """Forks as it is told, and notes what it sends."""

    def __init__(self, listener: socket.socket, shared: Shared) -> None:
        times = Times(timedelta(seconds=1), timedelta(seconds=20))
        super().__init__(listener, 1, times, shared, lambda _: None)
        self.sent: list[tuple[int, int]] = []

    def _send(self, pid: int, number: int) -> None:
        self.sent.append((pid, number))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (parent_module, shared_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def shared() -> Shared:
    return Shared(2)


@pytest.fixture
def parent(shared: Shared) -> Iterator[Watched]:
    with socket.socket() as listener:
        made = Watched(listener, shared)
        with made._woken, made._waker:
            yield made


def _look_for(parent: Watched, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        parent._end_silent()


def test_where_the_system_gives_no_process_it_tries_again(
    parent: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "no process left")

    monkeypatch.setattr(os, "fork", refuse)
    parent._start_missing()
    assert not parent._workers
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    monkeypatch.setattr(os, "fork", lambda: PID)
    parent._start_missing()
    assert not parent._workers  # the machine is spared
    clock.now += 1
    parent._start_missing()
    assert list(parent._workers) == [PID]


def test_a_silent_worker_is_ended(
    parent: Watched, shared: Shared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: PID)
    parent._start_missing()
    shared.beat(0)
    _look_for(parent, clock, 59)
    assert not parent.sent
    _look_for(parent, clock, 3)
    assert (PID, signal.SIGKILL) in parent.sent


def test_a_worker_that_never_begins_is_ended_and_another_one_begins(
    parent: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It beats as soon as it answers anything, be it that it cannot serve yet: one that does not hangs."""
    monkeypatch.setattr(os, "fork", lambda: PID)
    parent._start_missing()
    _look_for(parent, clock, 299)
    assert not parent.sent
    _look_for(parent, clock, 3)
    assert (PID, signal.SIGKILL) in parent.sent


def test_who_serves_stays_for_as_long_as_a_successor_does_not(
    parent: Watched, shared: Shared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the old one went after half a minute: on a busy machine a reload was an outage."""
    pids = iter(range(PID, PID + 10))
    monkeypatch.setattr(os, "fork", lambda: next(pids))
    parent._start_missing()
    shared.beat(0)
    parent._to_replace = [PID]
    parent._start_missing()
    for _ in range(290):
        clock.now += 1
        shared.beat(0)
        parent._replace_next()
        parent._end_silent()
    assert not parent.sent
    shared.beat(1)
    parent._replace_next()
    assert parent.sent == [(PID, signal.SIGTERM)]


def test_a_reload_within_a_reload_replaces_everybody_all_the_same(
    parent: Watched, shared: Shared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The successor of the first is to be replaced as well: with nobody left who stays, all waited for one another."""
    pids = iter(range(PID, PID + 10))
    monkeypatch.setattr(os, "fork", lambda: next(pids))

    def look(*, serving: bool) -> None:
        """A round of the parent: who was told to go is gone at the next, who is there serves."""
        for pid in [pid for pid, number in parent.sent if number == signal.SIGTERM]:
            parent._workers.pop(pid, None)
        parent._start_missing()
        parent._replace_next()
        clock.now += 1
        for worker in parent._workers.values() if serving else ():
            shared.beat(worker.slot)

    look(serving=True)
    parent._to_replace = [PID]
    look(serving=False)
    assert list(parent._workers) == [PID, PID + 1]
    parent._to_replace = [PID, PID + 1]
    for _ in range(6):
        look(serving=True)
    assert [pid for pid, _ in parent.sent] == [PID + 1, PID]  # the one that did not serve yet went first
    assert list(parent._workers) == [PID + 2]
    assert not parent._to_replace


@pytest.mark.parametrize("is_told", [False, True])
def test_after_a_sleep_of_all_nobody_is_taken_for_silent(
    parent: Watched, shared: Shared, clock: Clock, monkeypatch: pytest.MonkeyPatch, *, is_told: bool
) -> None:
    """A container that is paused for minutes, Ctrl-Z: the workers could not beat, and the parent could not look."""
    monkeypatch.setattr(os, "fork", lambda: PID)
    parent._start_missing()
    shared.beat(0)
    if is_told:
        parent._tell(PID)
    _look_for(parent, clock, 3)
    clock.now += 600
    parent._end_silent()
    assert (PID, signal.SIGKILL) not in parent.sent
    _look_for(parent, clock, 62)  # who stays silent is ended after all
    assert (PID, signal.SIGKILL) in parent.sent


@pytest.mark.parametrize(("number", "held"), [(signal.SIGINT, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_IGN)])
def test_ctrl_c_ends_the_start_and_a_reload_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, held: signal.Handlers
) -> None:
    """Python's exception for Ctrl-C is lost in callbacks of the garbage collector: the service went on without it."""

    class Prepared(Exception):
        pass

    def prepare(_: Settings) -> None:
        found.append(signal.getsignal(number))
        raise Prepared

    found: list[object] = []
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGHUP)}
    monkeypatch.setattr(preparation, "prepare", prepare)
    try:
        with pytest.raises(Prepared):
            bridge.serve(load_settings(write_files(tmp_path)), LogLines(Nowhere()))
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert found == [held]


_TOLD_WHILE_IT_IMPORTS = """
import os, signal, sys
from federation_bridge.operate import entry
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever ran this may ignore it, and a program inherits that
entry._run = lambda: os.kill(os.getpid(), signal.SIGHUP)
entry.main()
"""


@pytest.mark.parametrize(("command", "status"), [("serve", 0), ("check", -signal.SIGHUP)])
def test_a_reload_does_not_end_serve_from_its_first_line_on(command: str, status: int) -> None:
    """Before any library is imported; who closes the terminal of another command ends it."""
    done = subprocess.run([sys.executable, "-c", _TOLD_WHILE_IT_IMPORTS, command], check=False, timeout=60)
    assert done.returncode == status


def test_the_parent_hears_signals_before_it_says_that_it_listens(
    parent: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ready(Exception):
        pass

    def ready() -> None:
        heard.extend(callable(signal.getsignal(one)) for one in (signal.SIGHUP, signal.SIGTERM))
        raise Ready

    heard: list[bool] = []
    monkeypatch.setattr(os, "fork", lambda: PID)
    before = {one: signal.getsignal(one) for one in parent_module._SIGNALS}
    try:
        with pytest.raises(Ready):
            parent.run(ready)
    finally:
        signal.set_wakeup_fd(-1)
        for one, handler in before.items():
            signal.signal(one, handler)
    assert heard == [True, True]


def test_what_is_told_of_a_database_is_its_place_without_a_password() -> None:
    url = "postgresql+psycopg://bridge@db.example.com:5433/bridge?sslmode=verify-full"
    assert bridge.told_of(url) == "PostgreSQL bridge@db.example.com:5433/bridge"
    assert bridge.told_of("sqlite:////var/lib/bridge.db") == "SQLite /var/lib/bridge.db"
