"""Processes that a measurement starts and ends: how soon they answer, how much memory they hold."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STARTS_WITHIN = 30.0


class DoesNotWork(Exception):
    """Something that is to be measured does not do its work: a measurement would mean nothing."""


def python(*arguments: str) -> list[str]:
    """The command line of this interpreter; with warnings at their defaults, as an operator would run it."""
    return [sys.executable, *arguments]


@contextmanager
def running(
    command: list[str], port: int, path: str, log: Path, told: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The process, and the seconds until it answered `path` with less than 500; DoesNotWork when it never does.

    `told`: what its environment has beside ours.
    """
    environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment |= told or {}
    began = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
    try:
        _wait(process, port, path, log)
        yield process, time.perf_counter() - began
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    give_up_at = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < give_up_at and process.poll() is None:
        if _answers(port, path):
            return
        time.sleep(0.005)
    raise DoesNotWork(f"{process.args!r} did not start: {log.read_text(errors='replace')[-2000:]}")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def child_of(process: subprocess.Popen[bytes]) -> int:
    """The pid of the only child: the one worker."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    if len(children) != 1:
        raise DoesNotWork(f"{len(children)} workers where one was asked for")
    return int(children[0])


def memory_of(pid: int) -> dict[str, float]:
    """`Pss` and `Rss` in MB (proc_pid_smaps_rollup)."""
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if words[0] in ("Pss:", "Rss:")}


def cpu_seconds(pid: int) -> float:
    """CPU time that this process and all its living descendants have used, and the ended ones that were waited for."""
    return sum(_cpu_ticks(each) for each in (pid, *_descendants(pid))) / os.sysconf("SC_CLK_TCK")


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


def _cpu_ticks(pid: int) -> int:
    # proc_pid_stat: utime, stime, cutime and cstime are fields 14 to 17; the name in field 2 may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15])
