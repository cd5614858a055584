"""deploy/compose with processes of this machine for its containers; import these where they are needed."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import begun_programs
import pytest
import yaml
from absent_software import program
from documents.blocks import ROOT
from documents.readme_files import three_files
from free_ports import free_port
from postgresql import Server, running_postgresql
from service_factories import Service, until
from threaded_server import serving

FOLDER = ROOT / "deploy" / "compose"
COMPOSE: Mapping[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
EXAMPLE = yaml.safe_load((FOLDER / "example" / "federation-bridge.yaml").read_text(encoding="utf-8"))


NAME = "aws.example.com"
NGINX = "apt-get install nginx"


IS_ROOT = os.geteuid() == 0


def prepare(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Runs `prepare.sh`. Not as root: with an `id` that says so, and a `chown` that notes what it is asked."""
    stubs = folder.parent / "stubs"
    stubs.mkdir(exist_ok=True)
    written = {"id": "echo 0", "chown": f'echo "$1 $(basename "$2" .new)" >> {folder.parent}/given'}
    for stub, text in ({} if IS_ROOT else written).items():
        (stubs / stub).write_text(f"#!/bin/sh\n{text}\n")
        (stubs / stub).chmod(0o755)
    environment = {**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}"}
    return subprocess.run(
        [folder / "prepare.sh", name], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def owner_of(folder: Path, secret: str) -> str:
    """User and group to whom the secret was given."""
    if IS_ROOT:
        found = (folder / COMPOSE["secrets"][secret]["file"]).stat()
        return f"{found.st_uid}:{found.st_gid}"
    lines = [line.split() for line in (folder.parent / "given").read_text().splitlines()]
    given = {name: owner for owner, name in lines}
    return given[secret]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder in which `prepare.sh` was run."""
    folder = tmp_path_factory.mktemp("compose") / "compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secrets", "settings"))
    program("openssl", "apt-get install openssl")
    done = prepare(folder, NAME)
    assert done.returncode == 0, done.stderr
    return folder


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """An answer by way of the proxy; `body` may be chunks."""
    trusting = ssl._create_unverified_context()  # the certificate is looked at by a test of its own
    with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trusting)) as asked:
        chunks = "Transfer-Encoding" in headers
        asked.request(method, path, body, {"Host": NAME, **headers}, encode_chunked=chunks)
        answer = asked.getresponse()
        return answer.status, dict(answer.headers), answer.read()


@dataclass(frozen=True)
class Stack:
    """The services of the file, as processes of this machine."""

    bridge: Service
    https: int
    http: int
    server: Server

    def get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """An answer by way of the proxy."""
        return ask(self.https, "GET", path)


def distinct_ports(count: int) -> list[int]:
    """As many, no two of them the same."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def nginx_file(prepared: Path, folder: Path, ports: Mapping[str, int]) -> Path:
    """The configuration with places of this machine for those of its container."""
    text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    replaced = {
        "listen 127.0.0.1:8081": f"listen 127.0.0.1:{ports['health']}",
        "listen 8080": f"listen 127.0.0.1:{ports['http']}",
        "listen 8443 ssl": f"listen 127.0.0.1:{ports['https']} ssl",
        "bridge:8400": f"127.0.0.1:{ports['bridge']}",
        "/run/secrets/": f"{prepared}/secrets/",
        "/tmp/": f"{folder}/",
        "/dev/stdout": f"{folder}/access.log",
        "error_log stderr": f"error_log {folder}/error.log",
    }
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return path


def _make_database(server: Server, prepared: Path, folder: Path) -> None:
    """What PostgreSQL's container runs at its first start; psql asks the server of the test."""
    psql = program("psql", "apt-get install postgresql-client")
    superuser = folder / "superuser-password"
    superuser.write_text(server.admin_password)
    text = (FOLDER / "database.sh").read_text(encoding="utf-8")
    text = text.replace("/run/secrets/superuser-password", str(superuser))
    text = text.replace("/run/secrets/", f"{prepared}/secrets/")
    for name in ("roles.sql", "database.sql"):
        assert f"/etc/federation-bridge/{name}" in text
        text = text.replace(f"/etc/federation-bridge/{name}", str(ROOT / "deploy" / "postgresql" / name))
    text = text.replace("psql ", f"{psql} --host 127.0.0.1 --port {server.port} --dbname postgres ", 1)
    script = folder / "database.sh"
    script.write_text(text)
    with server.admin() as connection:  # the test's own server has roles of these names already
        connection.execute("DROP ROLE IF EXISTS bridge")
        connection.execute("DROP ROLE IF EXISTS bridge_owner")
    subprocess.run(["sh", script], timeout=60, check=True)


@contextmanager
def nginx_before(prepared: Path, folder: Path, bridge: int) -> Iterator[tuple[int, int]]:
    """The proxy in front of this port, as long as the block lasts: its ports for HTTPS and HTTP."""
    nginx = program("nginx", NGINX)
    ports = dict(zip(("http", "https", "health"), distinct_ports(3), strict=True))
    path = nginx_file(prepared, folder, {**ports, "bridge": bridge})
    words = [nginx, "-e", "stderr", "-c", str(path), "-g", "daemon off; master_process off;"]
    process = subprocess.Popen(words)
    try:
        # What the container's health check asks.
        until(lambda: Service(folder, ports["health"]).is_answering("/", 204), "no proxy")
        yield ports["https"], ports["http"]
    finally:
        process.terminate()
        process.wait(60)


class Recorder(BaseHTTPRequestHandler):
    """In the bridge's place: remembers the last request, and answers with text that could be compressed."""

    protocol_version = "HTTP/1.1"
    headers_of_last: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        Recorder.headers_of_last = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(self.headers["Content-Length"]))[:10]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(1000 * len(body)))
        self.end_headers()
        self.wfile.write(1000 * body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def recorded(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The proxy's port for HTTPS, in front of a recorder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.daemon_threads = True  # nginx keeps connections open
    with (
        serving(server),
        nginx_before(prepared, tmp_path_factory.mktemp("recorded"), server.server_port) as (https, _),
    ):
        yield https


@pytest.fixture(scope="module")
def stack(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started in the file's order: the database, its users, `migrate`, the bridge, the proxy."""
    program("nginx", NGINX)
    folder = tmp_path_factory.mktemp("stack")
    (bridge_port,) = distinct_ports(1)
    with running_postgresql(durable=False) as server:
        _make_database(server, prepared, folder)
        changed = {
            **EXAMPLE,
            "data": str(folder / "state"),
            "database": EXAMPLE["database"].replace("@database/", f"@127.0.0.1:{server.port}/"),
            "database_password": {"file": str(prepared / "secrets" / "bridge-password")},
            "keys": {"sealing_key": {"file": str(prepared / "secrets" / "sealing-key")}},
            "serving": EXAMPLE["serving"]
            | {"listen": f"127.0.0.1:{bridge_port}", "trusted_proxies": ["127.0.0.1"], "workers": 1},
            "audit": {"also_to": "audit.jsonl"},
        }
        (folder / "state").mkdir()
        settings = three_files(folder, **{name: value for name, value in changed.items() if name != "connections"})
        words = [one.replace("/run/secrets/", f"{prepared}/secrets/") for one in SERVICES["migrate"]["command"]]
        operate = [sys.executable, "-m", "federation_bridge.operate"]
        begun_programs.run([*operate, *words, "--settings", str(settings)], cwd=ROOT, timeout=120, check=True)
        bridge = Service(folder, bridge_port)
        (folder / "settings.yaml").symlink_to(settings)
        bridge.start()
        try:
            with nginx_before(prepared, folder, bridge_port) as (https, http_port):
                until(lambda: bridge.process.poll() is not None or bridge.is_answering(), "never ready", within=60)
                assert bridge.process.poll() is None, bridge.log
                yield Stack(bridge, https, http_port, server)
        finally:
            bridge.stop()
