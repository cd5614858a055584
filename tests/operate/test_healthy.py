"""`federation-bridge healthy`: says whether the bridge on this machine answers, and costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from threaded_server import serving

from federation_bridge.operate.healthy import healthy, listening_at

ANSWERS = {"/healthz": 200, "/readyz": 503}


class _Bridge(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(ANSWERS[self.path])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Path]:
    """Settings of a bridge that is alive and not ready."""
    with serving(HTTPServer(("127.0.0.1", 0), _Bridge)) as server:
        path = tmp_path / "federation-bridge.yaml"
        path.write_text(f'serving: {{listen: "0.0.0.0:{server.server_port}"}}')
        yield path


def test_a_bridge_that_answers_is_healthy_and_not_ready_where_it_says_so(settings: Path) -> None:
    alive = CliRunner().invoke(healthy, ["--settings", str(settings)])
    assert (alive.exit_code, alive.output) == (0, "")
    ready = CliRunner().invoke(healthy, ["--settings", str(settings), "--ready"])
    assert (ready.exit_code, ready.output.rpartition(": ")[2]) == (1, "answers 503\n")


def test_a_bridge_that_does_not_answer_is_told_in_one_line(tmp_path: Path, free_port: int) -> None:
    path = tmp_path / "federation-bridge.yaml"
    path.write_text(f"serving: {{listen: '127.0.0.1:{free_port}'}}")
    said = CliRunner().invoke(healthy, ["--settings", str(path)])
    assert said.exit_code == 1
    assert said.output.startswith(f"federation-bridge: /healthz at 127.0.0.1 port {free_port}: nothing listens there")
    assert len(said.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("serving: {listen: '0.0.0.0:8500'}", ("127.0.0.1", 8500)),
        ("serving: {listen: '[::]:8500'}", ("::1", 8500)),
        ("serving: {listen: ':8500'}", ("127.0.0.1", 8500)),
        ("serving: {listen: '10.0.0.7:8500'}", ("10.0.0.7", 8500)),
        ("base_url: https://aws.example.com", ("127.0.0.1", 8400)),
        ("serving: {workers: 3}", ("127.0.0.1", 8400)),
        ("serving: {listen: nonsense}", ("127.0.0.1", 8400)),
        ("- a list", ("127.0.0.1", 8400)),
        ("serving: {", ("127.0.0.1", 8400)),
        ("", ("127.0.0.1", 8400)),
    ],
)
def test_what_the_settings_listen_at_is_asked_from_this_machine(
    tmp_path: Path, written: str, asked: tuple[str, int]
) -> None:
    path = tmp_path / "federation-bridge.yaml"
    path.write_text(written)
    assert listening_at(path) == asked


def test_without_settings_the_usual_address_is_asked(tmp_path: Path) -> None:
    assert listening_at(tmp_path / "absent.yaml") == ("127.0.0.1", 8400)


def test_asking_imports_nothing_of_the_server(settings: Path) -> None:
    """By the entry that the image calls: every few seconds, on every node."""
    script = (
        "import sys\n"
        "from federation_bridge.operate.entry import main\n"
        f"sys.argv = ['federation-bridge', 'healthy', '--settings', {str(settings)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    status = end.code\n"
        "heavy = {'flask', 'sqlalchemy', 'lxml', 'pydantic', 'boto3', 'cryptography'} & set(sys.modules)\n"
        "sys.exit(f'status {status}, imported {heavy}' if status or heavy else 0)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stderr) == (0, "")
