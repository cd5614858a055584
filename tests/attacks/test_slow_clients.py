"""Clients that are slow, silent or too many: they cost themselves their connection, and nobody else a thread."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from chaos.slow_clients import KINDS, slow_clients
from service_factories import Service, make_service, serving_bridge, until

from federation_bridge.operate.serving.pools import Pools

RESERVED = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/openid-configuration",
    "/.well-known/jwks.json",
    "/saml/metadata",
]


@pytest.fixture(scope="module")
def far_side() -> Iterator[socket.socket]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, far_side: socket.socket) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service") / "bridge"
    port = far_side.getsockname()[1]
    with serving_bridge(
        folder, "tests.holding_bridge", far_side=port, threads=2, waiting_requests=2, request_timeout="5s"
    ) as running:
        yield running
        assert "Traceback" not in running.log


def _holding(folder: Path, far_side: socket.socket) -> AbstractContextManager[Service]:
    return serving_bridge(folder / "bridge", "tests.holding_bridge", far_side=far_side.getsockname()[1])


def _threads(service: Service) -> int:
    return len(list(Path(f"/proc/{service.workers()[0]}/task").iterdir()))


def _ask(wire: socket.socket, raw: bytes) -> bytes:
    """What comes back until the server ends the connection."""
    wire.sendall(raw)
    return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.mark.parametrize("sent", KINDS.values(), ids=KINDS)
def test_slow_clients_cost_no_thread_and_nobody_waits_for_them(service: Service, sent: bytes) -> None:
    service.get("/")
    before, worker = _threads(service), service.workers()
    with slow_clients(service.address, 200, sent):
        assert service.get("/healthz", timeout=10)[0] == 200
        if sent != KINDS["never read"]:  # those ask for something, and many at once may be too many
            assert service.get("/", timeout=10)[0] == 200
        # Work beside the requests may have a thread of its own just now; 200 clients would have 200.
        assert _threads(service) < before + 10
    until(lambda: service.is_answering("/", 200), "the service did not come back")
    assert service.workers() == worker


@pytest.mark.parametrize("kind", ["silent", "half a head", "half a body"])
def test_a_request_has_to_arrive_in_time(service: Service, kind: str) -> None:
    with slow_clients(service.address, 1, KINDS[kind]) as (wire,):
        wire.settimeout(20)
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"" if kind == "silent" else b"HTTP/1.1 408 ")
    assert bool(answer) is (kind != "silent")


def _held(service: Service, far_side: socket.socket, stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """A request that a thread works for, and the far side that it waits for.

    Slow clients of the test before may still stand in the queue: then "busy" is right, and it is asked again.
    """
    while True:
        wire = stack.enter_context(service.connect())
        wire.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        ready, _, _ = select.select([far_side, wire], [], [], 20)
        assert ready, "neither held nor refused"
        if far_side in ready:
            return wire, stack.enter_context(far_side.accept()[0])
        assert wire.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_health_and_what_aws_reads_answer_while_every_thread_waits_for_a_silent_far_side(
    service: Service, far_side: socket.socket
) -> None:
    with ExitStack() as stack:
        held, silent = zip(*(_held(service, far_side, stack) for _ in range(2)), strict=True)
        for path in RESERVED:
            assert service.get(path, timeout=10)[0] == 200, path
        waiting = [stack.enter_context(service.connect()) for _ in range(2)]
        for wire in waiting:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        refused = service.get("/", timeout=10)  # the queue is bounded
        assert (refused[0], refused[1]["Retry-After"]) == (503, "2")
        assert service.get("/healthz", timeout=10)[0] == 200
        for far in silent:
            far.close()
        assert all(_ask(wire, b"").endswith(b"let go") for wire in held)
        assert all(_ask(wire, b"").startswith(b"HTTP/1.1 200 ") for wire in waiting)


def test_a_client_that_went_away_while_it_waited_is_not_worked_for(service: Service, far_side: socket.socket) -> None:
    with ExitStack() as stack:
        silent = [_held(service, far_side, stack)[1] for _ in range(2)]
        with service.connect() as gone:
            gone.sendall(b"GET /nothing-here HTTP/1.1\r\nHost: x\r\n\r\n")
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
        assert service.get("/healthz")[0] == 200
        for far in silent:
            far.close()
    until(lambda: service.is_answering("/", 200), "the service did not come back")
    assert "/nothing-here" not in service.log


def test_requests_sent_ahead_are_answered_one_after_the_other(service: Service) -> None:
    asked = ["/healthz", "/readyz", "/saml/metadata", "/healthz"]
    lines = [f"GET {path} HTTP/1.1\r\nHost: x\r\n" for path in asked]
    raw = "\r\n".join(lines).encode() + b"Connection: close\r\n\r\n"
    with service.connect() as wire:
        answer = _ask(wire, raw)
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    kinds = [b"ok", b"ready", b"EntityDescriptor", b"ok"]
    bodies = answer.split(b"HTTP/1.1 200 OK")[1:]
    assert all(kind in body for kind, body in zip(kinds, bodies, strict=True))


def test_a_body_that_waits_for_a_word_gets_it(service: Service) -> None:
    with service.connect() as wire:
        wire.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert _ask(wire, b"a=1").startswith(b"HTTP/1.1 403 ")


def test_a_request_in_flight_is_answered_when_the_service_stops(tmp_path: Path, far_side: socket.socket) -> None:
    with (
        _holding(tmp_path, far_side) as service,
        service.connect() as wire,
    ):
        wire.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        with far_side.accept()[0]:
            service.process.terminate()
            until(lambda: not service.is_answering("/healthz"), "still answering")
            with pytest.raises(ConnectionRefusedError):
                service.connect()
        answer = _ask(wire, b"")
        assert b"Connection: close" in answer
        assert answer.endswith(b"let go")
        assert service.process.wait(60) == 0


def test_where_descriptors_run_out_room_is_made_and_nothing_dies(tmp_path: Path) -> None:
    with serving_bridge(tmp_path / "bridge", files=400) as service:
        worker = service.workers()
        assert "raise the limit on open files" in service.log
        with slow_clients(service.address, 600):
            assert all(service.get("/healthz", timeout=10)[0] == 200 for _ in range(5))
        assert service.workers() == worker


def test_with_hardly_any_descriptors_it_says_what_to_do_and_does_not_start(tmp_path: Path) -> None:
    service = make_service(tmp_path / "bridge", serving={})
    service.start(files=100)
    assert service.process.wait(60) == 1
    assert "LimitNOFILE" in service.log


def test_bodies_together_are_bounded_and_the_oldest_gives_way(service: Service) -> None:
    """40 MB on their way at once: the first of them is refused, and a whole message still arrives."""
    post = b"POST /sign-in/company/saml HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
    with slow_clients(service.address, 45, post + b"900000\r\n\r\n" + b"a" * 899_999) as wires:
        with service.connect() as wire:
            assert _ask(wire, post + b"3\r\n\r\na=1").startswith(b"HTTP/1.1 403 ")
        assert wires[0].recv(100).startswith(b"HTTP/1.1 503 ")


def test_what_has_threads_of_its_own_exists() -> None:
    assert Pools(1, 1).reserved_paths == set(RESERVED)
