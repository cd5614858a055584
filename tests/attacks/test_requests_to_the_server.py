"""Clients that attack the server itself: its memory, its places, its threads, and how it reads. In this process."""

from __future__ import annotations

import asyncio
import errno
import gc
import threading
import weakref

import pytest
from server_in_process import BIG, GET, LAST, WITHIN, serving

from federation_bridge.operate.serving import front as front_module
from federation_bridge.operate.serving.connection import Connection
from federation_bridge.operate.serving.front import Bounds, Front
from federation_bridge.operate.serving.pools import Job, Pool


def test_a_request_may_come_byte_by_byte_and_after_a_blank_line() -> None:
    async def attack() -> bytes:
        async with serving() as served:
            client = await served.client()
            for byte in b"\r\n" + LAST:
                await client.send(bytes([byte]))
                await asyncio.sleep(0.002)  # so that each arrives by itself
            return await client.rest()

    assert asyncio.run(attack()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("target", [b"http://[:::::]/", b"http://[1.2]/"])
def test_a_target_with_a_strange_host_is_answered_like_another(target: bytes) -> None:
    """Attack: an exception in the loop, with its traceback in the log, for one line of anybody."""

    async def attack() -> bytes:
        async with serving() as served:
            return await served.ask(LAST.replace(b" / ", b" " + target + b" "))

    assert asyncio.run(attack()).startswith(b"HTTP/1.1 200 ")


def test_heads_on_their_way_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: ten thousand connections with 30 kB of a head each are 300 MB, for nothing but their sending."""
    monkeypatch.setattr(front_module, "_MOST_HELD", 100_000)

    async def attack() -> tuple[bytes, bytes]:
        async with serving() as served:
            half = [await served.client() for _ in range(5)]
            for client in half:
                await client.send(b"GET / HTTP/1.1\r\nA: " + b"a" * 25_000)
            return await half[0].rest(), await served.ask(LAST)

    oldest, other = asyncio.run(attack())
    assert oldest.startswith(b"HTTP/1.1 503 ")
    assert other.startswith(b"HTTP/1.1 200 ")


def test_answers_that_nobody_takes_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who does not read loses its connection; whoever reads gets an answer of the same size."""
    monkeypatch.setattr(front_module, "_MOST_HELD", len(BIG))

    async def attack() -> tuple[bytes, bytes]:
        async with serving() as served:
            big = LAST.replace(b" / ", b" /big ")
            slow = [await served.client() for _ in range(3)]
            for client in slow:
                await client.send(big)
                await client.some()
            await asyncio.sleep(0.1)
            taken = await served.ask(big)
            return taken, await slow[0].rest()

    taken, cut_off = asyncio.run(attack())
    assert taken.endswith(BIG)
    assert len(cut_off) < len(BIG) - 65_536


def test_what_was_sent_ahead_is_answered_although_the_client_sends_no_more() -> None:
    async def attack() -> bytes:
        async with serving() as served:
            client = await served.client()
            await client.send(GET.replace(b" / ", b" /big ") + GET + GET)
            first = await client.some()
            client.send_no_more()
            await asyncio.sleep(0.05)
            return first + await client.rest()

    assert asyncio.run(attack()).count(b"HTTP/1.1 200 ") == 3


def test_requests_sent_ahead_are_read_no_further_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: 60 clients that only send took 900 MB."""
    most = 0
    hold = Front.hold

    def watched(front: Front, connection: Connection, size: int, before: int) -> None:
        nonlocal most
        most = max(most, size)
        hold(front, connection, size, before)

    monkeypatch.setattr(Front, "hold", watched)

    async def attack() -> bytes:
        async with serving() as served:
            client = await served.client()
            sending = asyncio.create_task(client.send((GET[:-2] + b"A: " + b"a" * 5_000 + b"\r\n\r\n") * 600 + LAST))
            answer = await client.rest()
            await sending
            return answer

    assert asyncio.run(attack()).count(b"HTTP/1.1 200 ") == 601
    assert most < 400_000


def test_what_goes_wrong_with_one_client_ends_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attack() -> tuple[bytes, bytes]:
        async with serving(Bounds(0.1, 2, 8, most_connections=4)) as served:
            silent = await served.client()
            cut_off = await silent.rest()
            return cut_off, await served.ask(LAST)

    def fail(_: Connection) -> None:
        raise ValueError

    monkeypatch.setattr(Connection, "expire", fail)
    cut_off, answer = asyncio.run(attack())
    assert cut_off == b""
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_who_was_refused_keeps_no_place_from_others() -> None:
    """Attack: refusals end two seconds later, so that a stream of them would fill every place, and more."""

    async def attack() -> list[bytes]:
        async with serving(Bounds(WITHIN, 2, 8, most_connections=4)) as served:
            refused = [await served.client() for _ in range(4)]
            for client in refused:
                await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
            return [await served.ask(LAST) for _ in range(4)]

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in asyncio.run(attack()))


def test_there_are_never_more_connections_than_places() -> None:
    """Attack: descriptors that are kept for the database and AWS would go to clients."""

    async def attack() -> tuple[bytes, list[bytes]]:
        async with serving(Bounds(WITHIN, 2, 8, most_connections=4)) as served:
            held = [await served.client() for _ in range(4)]
            for client in held:
                await client.send(LAST.replace(b" / ", b" /held "))
            await asyncio.sleep(0.1)
            one_more = await served.client()
            said = await one_more.some()
            served.application.let_go.set()
            return said, [await client.rest() for client in held]

    one_more, held = asyncio.run(attack())
    assert one_more == b""
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in held)


def test_whatever_the_application_raises_is_answered_and_costs_no_thread() -> None:
    async def attack() -> list[bytes]:
        async with serving() as served:
            raised = [await served.ask(GET.replace(b" / ", b" /exit ")) for _ in range(4)]
            return [*raised, await served.ask(LAST)]

    *raised, after = asyncio.run(attack())
    assert all(answer.startswith(b"HTTP/1.1 500 ") for answer in raised)
    assert after.startswith(b"HTTP/1.1 200 ")


def test_an_error_of_one_client_when_it_is_taken_ends_neither_the_service_nor_its_end() -> None:
    async def attack() -> bytes:
        async with serving() as served:
            served.listener.problem = errno.EPROTO
            broken = await served.client()
            await asyncio.wait_for(served.listener.failed.wait(), WITHIN)
            served.listener.problem = 0
            answer = await served.ask(LAST)
            await broken.close()
            served.listener.problem = errno.EPERM
            return answer

    assert asyncio.run(attack()).startswith(b"HTTP/1.1 200 ")


def test_work_that_was_taken_back_holds_nothing() -> None:
    """Attack: clients that send a megabyte and reset while the threads are busy would fill the queue with bodies."""

    class Body:
        pass

    body = Body()
    held = weakref.ref(body)
    job = Job(lambda body=body: None)  # type: ignore[misc]
    del body
    assert held()
    assert job.take_back()
    gc.collect()
    assert held() is None
    assert not job.take_back()


def test_a_thread_survives_what_its_work_raises() -> None:
    done = threading.Event()
    pool = Pool("test", 1, 8)

    def fail() -> None:
        raise SystemExit

    assert pool.offer(Job(fail))
    assert pool.offer(Job(done.set))
    assert done.wait(WITHIN)
