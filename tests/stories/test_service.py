"""The service as its operator sees it: it outlives its processes, and says what it does when it is told to stop."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_factories import Service, make_service, serving_bridge, until

from federation_bridge import __version__


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_bridge(tmp_path_factory.mktemp("service") / "bridge", workers=2) as running:
        yield running


def test_it_says_once_where_it_listens_and_what_it_is(service: Service) -> None:
    lines = [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]
    (told,) = (line for line in lines if line["event"] == "listening")
    assert told.pop("timestamp")
    assert told == {
        "event": "listening",
        "level": "info",
        "address": f"127.0.0.1:{service.port}",
        "workers": 2,
        "database": f"SQLite {service.folder / 'bridge.db'}",
        "version": __version__,
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT, signal.SIGKILL], ids=lambda one: one.name)
def test_a_worker_that_ends_takes_nothing_with_it(service: Service, number: int) -> None:
    """Attack on availability: what a worker inherited from its parent was once cleaned up by the worker's exit."""
    before = service.workers()
    counted = service.requests_of("health.healthz")
    service.signal(before[0], number)
    until(lambda: len(service.workers()) == 2 and before[0] not in service.workers(), "the worker was not replaced")
    until(service.is_answering, "the service does not answer any more")
    for _ in range(20):
        assert service.get("/healthz")[0] == 200
    assert service.requests_of("health.healthz") >= counted + 20
    assert service.process.poll() is None


def test_all_workers_are_replaced_when_the_parent_is_told_to_reload(service: Service) -> None:
    before = set(service.workers())
    service.signal(service.process.pid, signal.SIGHUP)
    until(lambda: len(service.workers()) == 2 and not before & set(service.workers()), "no new workers")
    until(service.is_answering, "the service does not answer any more")
    assert all(service.get("/healthz")[0] == 200 for _ in range(20))


def test_told_to_reload_twice_it_replaces_all_workers(tmp_path: Path) -> None:
    """The second comes while the first is under way: once, nobody was replaced any more until the service's end."""
    with serving_bridge(tmp_path / "bridge", workers=2) as service:
        service.signal(service.process.pid, signal.SIGHUP)
        until(lambda: len(service.workers()) > 2, "no successor")  # one to be replaced, and one that does not serve yet
        before = set(service.workers())  # the successor, too, may have read what was changed since
        service.signal(service.process.pid, signal.SIGHUP)
        until(lambda: len(service.workers()) == 2 and not before & set(service.workers()), "no new workers")
        until(service.is_answering, "the service does not answer any more")
        assert all(service.get("/healthz")[0] == 200 for _ in range(20))


def test_it_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    with serving_bridge(tmp_path / "bridge") as service:
        assert service.stop() == 0
        assert "Traceback" not in service.log


def test_a_worker_that_cannot_begin_is_alive_and_not_ready_until_it_can(tmp_path: Path) -> None:
    with serving_bridge(tmp_path / "bridge") as service:
        database, elsewhere = service.folder / "bridge.db", service.folder / "elsewhere"
        elsewhere.mkdir()
        there = [path for path in service.folder.iterdir() if path.name.startswith(database.name)]
        for path in there:
            path.rename(elsewhere / path.name)
        service.signal(service.workers()[0], signal.SIGKILL)
        until(lambda: service.is_answering("/healthz"), "not alive")
        until(lambda: service.is_answering("/readyz", status=503), "ready without a database")
        assert service.get("/")[0] == 503
        for path in (*service.folder.glob("bridge.db*"), *elsewhere.iterdir()):
            path.rename(service.folder / path.name) if path.parent == elsewhere else path.unlink()
        until(service.is_answering, "never ready again")
        assert service.get("/")[0] == 200


class CountedClient(threading.Thread):
    """Asks one thing after the other, each on a connection of its own or all on one; counts what becomes of them."""

    def __init__(self, service: Service, *, keeps_open: bool) -> None:
        super().__init__(daemon=True)
        self.outcomes: Counter[str] = Counter()
        self.is_enough = threading.Event()
        self._service = service
        self._keeps_open = keeps_open

    def run(self) -> None:
        wire: http.client.HTTPConnection | None = None
        while not self.is_enough.is_set():
            try:
                wire = wire or http.client.HTTPConnection(*self._service.address, timeout=60)
                wire.request("GET", "/healthz", headers={} if self._keeps_open else {"Connection": "close"})
                answer = wire.getresponse()
                answer.read()
                self.outcomes[str(answer.status)] += 1
                wire = wire if wire.sock else None  # None: the answer said that the connection ends
            except OSError as problem:
                self.outcomes[type(problem).__name__] += 1
                if wire:
                    wire.close()
                wire = None
                if isinstance(problem, ConnectionRefusedError):
                    return
        if wire:
            wire.close()


@pytest.mark.parametrize("keeps_open", [True, False], ids=["one connection", "many"])
def test_nobody_is_lost_while_workers_are_replaced(service: Service, *, keeps_open: bool) -> None:
    client = CountedClient(service, keeps_open=keeps_open)
    client.start()
    for number in (signal.SIGTERM, signal.SIGHUP):
        before = service.workers()
        service.signal(before[0] if number == signal.SIGTERM else service.process.pid, number)
        # All whom it concerns: the next test finds a service at rest.
        gone = set(before[:1] if number == signal.SIGTERM else before)
        until(
            lambda gone=gone: len(service.workers()) == 2 and not gone & set(service.workers()),  # type: ignore[misc]  # no type is inferred for defaults
            "no new worker",
        )
    until(lambda: client.outcomes["200"] > 200 or not client.is_alive(), "the client came to a stop")
    client.is_enough.set()
    client.join(60)
    assert set(client.outcomes) == {"200"}


@pytest.mark.parametrize("keeps_open", [True, False], ids=["one connection", "many"])
def test_when_the_service_stops_everybody_is_answered_or_refused_at_once(tmp_path: Path, *, keeps_open: bool) -> None:
    with serving_bridge(tmp_path / "bridge", workers=2) as service:
        clients = [CountedClient(service, keeps_open=keeps_open) for _ in range(3)]
        for client in clients:
            client.start()
        until(lambda: all(client.outcomes["200"] > 20 for client in clients), "the clients came to a stop")
        assert service.stop() == 0
        for client in clients:
            client.join(60)
            # The kernel resets a connection that comes between the last look for new ones and the listener's end: no
            # server can see it. Who had an open one meets it only on the next, as the last answer said that it ended.
            # Nobody meets it twice.
            resets = client.outcomes.pop("ConnectionResetError", 0)
            assert set(client.outcomes) == {"200", "ConnectionRefusedError"}
            assert resets <= 1


def test_readiness_goes_first_and_the_service_goes_on_for_as_long_as_a_balancer_needs(tmp_path: Path) -> None:
    with serving_bridge(tmp_path / "bridge", drain_time="6s") as service:
        service.process.terminate()
        until(lambda: service.is_answering("/readyz", status=503), "still ready")
        status, headers, _ = service.get("/")
        assert (status, headers["Connection"]) == (200, "close")
        assert service.process.poll() is None
        assert service.process.wait(60) == 0
        with pytest.raises(ConnectionRefusedError):
            service.get("/healthz")


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "192.0.2.1:8400"])
def test_where_it_cannot_listen_it_says_so_and_does_not_start(tmp_path: Path, address: str) -> None:
    service = make_service(tmp_path / "bridge", serving={"listen": address})
    service.start()
    try:
        assert service.process.wait(60) == 1
    finally:
        service.process.kill()
    assert "serving.listen: " in service.log
    assert "Traceback" not in service.log
