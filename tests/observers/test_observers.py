"""What only observes: it keeps the order, tears no line, forgets nothing, and nobody waits for it."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation_bridge.observers.queue import ObserverQueue
from federation_bridge.observers.sinks import AppendedFile, Outcome, Stream, Turns


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


# -------------------------------------------------------------------------------------------------------- the queue


def test_things_come_in_order_from_a_thread_beside_the_request() -> None:
    seen: list[tuple[int, str]] = []
    queue = ObserverQueue[int](
        "test", lambda things: seen.extend((one, threading.current_thread().name) for one in things), most=1000
    )
    queue.start()
    for number in range(500):
        queue.put(number)
    assert queue.close(30)
    assert seen == [(number, "test") for number in range(500)]


def test_who_puts_into_a_full_queue_does_not_wait_and_what_is_dropped_is_told() -> None:
    goes_on, is_working, dropped, done = threading.Event(), threading.Event(), list[int](), list[int]()

    def work(things: list[int]) -> None:
        is_working.set()
        goes_on.wait(60)
        done.extend(things)

    queue = ObserverQueue("test", work, most=3, dropped=dropped.append)
    queue.start()
    queue.put(0)
    assert is_working.wait(60)
    for number in range(1, 7):
        queue.put(number)
    assert dropped == [4, 5, 6]
    goes_on.set()
    assert queue.close(30)
    assert done == [0, 1, 2, 3]


def test_a_flush_waits_no_longer_than_it_is_told() -> None:
    goes_on = threading.Event()

    def work(_: list[int]) -> None:
        goes_on.wait(60)

    queue = ObserverQueue("test", work, most=3)
    queue.start()
    queue.put(1)
    assert not queue.close(0.05)
    goes_on.set()


def test_work_that_raises_ends_neither_the_thread_nor_who_put_it_and_its_batch_counts_as_dropped() -> None:
    seen, dropped = list[int](), list[int]()

    def work(things: list[int]) -> None:
        seen.extend(things)
        raise RuntimeError("broken")

    queue = ObserverQueue("test", work, most=10, dropped=dropped.append)
    queue.put(1)
    queue.start()
    queue.put(2)
    assert queue.flush(30)
    queue.put(3)
    assert queue.close(30)
    assert seen == dropped == [1, 2, 3]


def test_a_forked_child_works_in_a_thread_of_its_own_on_what_it_put_itself(pipe: tuple[int, int]) -> None:
    def write(things: list[bytes]) -> None:
        for one in things:
            os.write(pipe[1], one)

    queue = ObserverQueue[bytes]("test", write, most=10)
    queue.start()
    queue.put(b"parent ")
    assert queue.flush(30)
    child = os.fork()
    if child == 0:
        queue.put(b"child")
        os._exit(0 if queue.close(30) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert queue.close(30)
    assert os.read(pipe[0], 100) == b"parent child"


# --------------------------------------------------------------------------------------------------------- the places


def test_a_file_is_appended_to_for_the_owner_alone_and_may_be_rotated(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    place = AppendedFile(path)
    assert place.write([b"1\n"]) == Outcome(1)
    path.rename(tmp_path / "rotated")
    assert place.write([b"2\n", b"3\n"]) == Outcome(2)
    assert path.read_bytes() == b"2\n3\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_last_line_of_a_file_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"whole":1}\n{"to')
    assert AppendedFile(path).write([b"next\n"]) == Outcome(1)
    assert path.read_bytes() == b'{"whole":1}\n{"to\nnext\n'


def test_a_file_follows_no_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert AppendedFile(tmp_path / "link").write([b"1\n"]).written == 0
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_is_told_and_raises_nothing() -> None:
    outcome = AppendedFile(Path("/dev/full")).write([b"1\n"])
    assert (outcome.written, type(outcome.problem)) == (0, OSError)


def test_a_stream_whose_reader_is_gone_or_that_is_closed_raises_nothing(pipe: tuple[int, int]) -> None:
    turns = Turns()
    reading, writing = os.pipe()
    os.close(reading)
    assert isinstance(Stream(writing, turns).write([b"1\n"]).problem, BrokenPipeError)
    os.close(writing)
    assert Stream(writing, turns).write([b"1\n"]).problem is not None
    assert Stream(pipe[1], turns).write([b"1\n"]) == Outcome(1)


def test_a_stream_that_somebody_made_non_blocking_gets_every_line(pipe: tuple[int, int]) -> None:
    fcntl.fcntl(pipe[1], fcntl.F_SETFL, os.O_NONBLOCK)
    lines = [b"x" * 20_000 + b"\n"] * 20
    writer = threading.Thread(target=Stream(pipe[1], Turns()).write, args=(lines,))
    writer.start()
    got = b""
    while len(got) < 20 * 20_001:
        got += os.read(pipe[0], 65_536)
    writer.join(30)
    assert got == b"".join(lines)


def test_long_lines_of_several_processes_do_not_mix(pipe: tuple[int, int]) -> None:
    stream = Stream(pipe[1], Turns())
    children = []
    for name in (b"a", b"b", b"c"):
        child = os.fork()
        if child == 0:
            written = sum(stream.write([name * 30_000 + b"\n", name * 10 + b"\n"]).written for _ in range(20))
            os._exit(0 if written == 40 else 1)
        children.append(child)
    got = b""
    while got.count(b"\n") < 120:
        got += os.read(pipe[0], 65_536)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert {len(set(line)) for line in got.splitlines()} == {1}


def test_a_line_that_a_killed_process_left_torn_swallows_nothing(pipe: tuple[int, int]) -> None:
    stream = Stream(pipe[1], Turns())
    child = os.fork()
    if child == 0:
        stream.write([b"x" * 200_000 + b"\n"])
        os._exit(1)
    got = os.read(pipe[0], 10)
    os.kill(child, 9)
    os.waitpid(child, 0)
    written = threading.Thread(target=stream.write, args=([b"next\n"],))
    written.start()
    while not got.endswith(b"next\n"):
        got += os.read(pipe[0], 65_536)
    written.join(30)
    assert got.strip(b"x") == b"\nnext\n"
