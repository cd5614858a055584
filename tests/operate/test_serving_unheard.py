"""The service in a process of its own, whose log and second place nobody reads: it goes on, and loses nothing."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import begun_programs
import pytest
import yaml
from web_factories import write_files

_SMALL = 4096
"""Bytes that a pipe of ours takes: a dozen lines."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Served:
    """The service, running."""

    def __init__(self, folder: Path, port: int, **streams: Any) -> None:
        self.folder = folder
        self.port = port
        command = [sys.executable, "-m", "federation_bridge.operate", "serve", "--settings", "federation-bridge.yaml"]
        self.process = begun_programs.begin(command, cwd=folder, stdin=subprocess.DEVNULL, **streams)

    def ask(self, method: str, path: str, address: str = "192.0.2.1", **fields: str) -> int:
        """The status of the answer, which comes within ten seconds."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, urlencode(fields), {**_FORM, "X-Forwarded-For": address})
            return connection.getresponse().status

    def dropped(self, kind: str) -> float:
        """How many lines of this kind /metrics says were dropped."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", "/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
            text = connection.getresponse().read().decode()
        name = f'bridge_lines_dropped_total{{kind="{kind}"}} '
        return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    def wait_until_up(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None
            try:
                assert self.ask("GET", "/readyz") == 200
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("it does not come up")

    def begin_devices(self, count: int) -> None:
        """So many audit entries."""
        for number in range(count):
            fields = {"client_id": "fedbridge", "client_label": "laptop"}
            assert self.ask("POST", "/oauth/device_authorization", f"198.51.{number}.1", **fields) == 200

    def audited(self, event: str) -> list[int]:
        """The numbers of these entries in the database, the lowest first."""
        with closing(sqlite3.connect(self.folder / "bridge.db")) as database:
            found = database.execute("SELECT number FROM audit WHERE event = ? ORDER BY number", (event,)).fetchall()
        return [number for (number,) in found]


@contextmanager
def served(folder: Path, port: int, also_to: str, **streams: Any) -> Iterator[Served]:
    settings = write_files(folder)
    told = yaml.safe_load(settings.read_text())
    told["base_url"] = f"http://127.0.0.1:{port}"
    told["serving"] = {"listen": f"127.0.0.1:{port}", "workers": 1, "trusted_proxies": ["127.0.0.1/32"]}
    told["audit"] = {"also_to": also_to}
    settings.write_text(yaml.safe_dump(told))
    service = Served(folder, port, **streams)
    try:
        service.wait_until_up()
        yield service
    finally:
        service.process.kill()
        service.process.wait(60)


@contextmanager
def small_pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _SMALL)
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            os.close(end)


def test_a_log_and_a_second_place_that_nobody_reads_hold_up_no_request_and_no_end(
    tmp_path: Path, free_port: int
) -> None:
    with (
        small_pipe() as (_, log),
        small_pipe() as (lines, out),
        served(tmp_path, free_port, "stdout", stdout=out, stderr=log) as service,
    ):
        service.begin_devices(40)
        assert service.ask("GET", "/healthz") == 200
        assert len(service.audited("device.begun")) == 40
        told: list[str] = []
        with os.fdopen(os.dup(lines), encoding="ascii") as reading:
            while len([line for line in told if "device.begun" in line]) < 40:
                told.append(reading.readline())
        assert [json.loads(line)["number"] for line in told if "device.begun" in line] == service.audited(
            "device.begun"
        )
        service.begin_devices(40)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(40) == 0


@pytest.mark.parametrize("kind", ["gone", "full"])
def test_a_log_and_a_second_place_whose_far_end_is_gone_or_full_fail_no_request(
    tmp_path: Path, free_port: int, kind: str
) -> None:
    reading, broken = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    place = broken if kind == "gone" else full
    try:
        with served(tmp_path, free_port, "stdout", stdout=place, stderr=place) as service:
            service.begin_devices(20)
            assert service.ask("GET", "/healthz") == 200
            assert service.ask("GET", "/no-such-page") == 404
            assert len(service.audited("device.begun")) == 20
            assert service.dropped("log") > 0
            assert service.dropped("audit") > 0
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(40) == 0
    finally:
        os.close(broken)
        os.close(full)


def test_a_service_begun_with_closed_streams_serves_and_keeps_its_database_whole(
    tmp_path: Path, free_port: int
) -> None:
    def close_all() -> None:
        for number in (0, 1, 2):
            os.close(number)

    with served(tmp_path, free_port, "stdout", preexec_fn=close_all) as service:
        service.begin_devices(5)
        assert service.ask("GET", "/no-such-page") == 404
        assert len(service.audited("device.begun")) == 5
        for number in (1, 2):
            assert str(Path(f"/proc/{service.process.pid}/fd/{number}").readlink()) == os.devnull


def test_what_a_file_could_not_take_is_sent_again_when_it_can(tmp_path: Path, free_port: int) -> None:
    place, log = tmp_path / "audit.jsonl", tmp_path / "log"
    place.mkdir()
    with log.open("wb") as errors, served(tmp_path, free_port, "audit.jsonl", stderr=errors) as service:
        service.begin_devices(5)
        place.rmdir()
        end = time.monotonic() + 30
        while time.monotonic() < end and not (place.exists() and "audit.lines_resent" in log.read_text()):
            assert service.ask("GET", "/healthz") == 200
            time.sleep(0.05)
        numbers = [json.loads(line)["number"] for line in place.read_text().splitlines()]
        assert set(numbers) >= set(service.audited("device.begun"))
        assert len(numbers) >= 5
        assert '"audit.line_lost"' in log.read_text()
        assert all(json.loads(line) for line in log.read_text().splitlines())
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(40) == 0
