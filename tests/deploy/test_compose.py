"""deploy/compose: what refers to something finds it, everything is shut in, and it works, as far as a machine without
a registry of images can see: its own scripts, its nginx and its settings, in front of a real bridge and PostgreSQL.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from absent_software import program
from documents.blocks import ROOT, blocks
from documents.readme_files import three_files
from free_ports import free_port
from postgresql import Server, running_postgresql
from service_factories import Service, until
from threaded_server import serving

from federation_bridge.settings import load_settings

FOLDER = ROOT / "deploy" / "compose"
COMPOSE: Mapping[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
EXAMPLE = yaml.safe_load((FOLDER / "example" / "federation-bridge.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")
NAME = "aws.example.com"
NGINX = "apt-get install nginx"

each_service = pytest.mark.parametrize("name", SERVICES)


# --------------------------------------------------------------------------------------------- the file by itself


@each_service
def test_a_service_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service) == set()


@each_service
def test_what_a_service_refers_to_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", ())) <= set(SERVICES)
    for volume in service.get("volumes", ()):
        source, target, *options = volume.split(":")
        assert Path(target).is_absolute()
        if source.startswith("."):
            assert options == ["ro"]
            assert (FOLDER / source).exists() or source == "./settings"
        else:
            assert source in COMPOSE["volumes"]


@each_service
def test_a_service_waits_for_what_is_healthy_and_says_whether_it_is(name: str) -> None:
    service = SERVICES[name]
    for other, wanted in service.get("depends_on", {}).items():
        ends_by_itself = SERVICES[other]["restart"] == "no"
        wanted_of = "service_completed_successfully" if ends_by_itself else "service_healthy"
        assert wanted == {"condition": wanted_of}
        assert ends_by_itself or SERVICES[other]["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


@each_service
def test_an_image_is_named_with_a_version_and_can_be_replaced_by_one_with_a_digest(name: str) -> None:
    found = re.fullmatch(r"\$\{(\w+)_IMAGE:-([\w./-]+):([\w.-]+)\}", SERVICES[name]["image"])
    assert found
    is_ours = found[2] == "federation-bridge"
    assert (found[3] == "latest") == is_ours
    assert is_ours or re.search(r"\d", found[3])


def test_every_secret_network_and_volume_is_used() -> None:
    for kind in ("secrets", "networks"):
        assert {one for service in SERVICES.values() for one in service.get(kind, ())} == set(COMPOSE[kind])
    volumes = {one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", ())}
    assert {one for one in volumes if not one.startswith(".")} == set(COMPOSE["volumes"])


def test_the_database_is_reached_by_the_bridge_alone_and_reaches_nobody() -> None:
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "database" in service["networks"]} == {
        "database",
        "migrate",
        "bridge",
    }
    assert list(SERVICES["database"]["networks"]) == ["database"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_the_superuser_and_the_owner_s_password_do_not_reach_the_service() -> None:
    assert set(SERVICES["bridge"]["secrets"]) == {"sealing-key", "bridge-password"}
    assert "superuser-password" not in SERVICES["migrate"]["secrets"]
    assert set(SERVICES["proxy"]["secrets"]) == {"tls-certificate", "tls-key"}


def test_the_example_trusts_the_proxy_s_address_and_no_other() -> None:
    inside = {name: service["networks"]["inside"]["ipv4_address"] for name, service in SERVICES.items()
              if "inside" in service["networks"]}  # fmt: skip
    assert EXAMPLE["serving"]["trusted_proxies"] == [inside["proxy"]]
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    addresses = [*inside.values(), network["gateway"]]
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.ip_address(one) in ipaddress.ip_network(network["subnet"]) for one in addresses)


def test_the_example_fits_the_containers() -> None:
    mounted = {f"/run/secrets/{name}" for name in SERVICES["bridge"]["secrets"]}
    assert {EXAMPLE["database_password"]["file"], EXAMPLE["keys"]["sealing_key"]["file"]} == mounted
    assert EXAMPLE["database"] == "postgresql+psycopg://bridge@database/bridge"
    assert EXAMPLE["serving"]["listen"] == "0.0.0.0:8400"
    assert "server bridge:8400 " in (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    assert SERVICES["bridge"]["user"] == re.search(r"^USER (\S+)$", CONTAINERFILE, re.MULTILINE)[1]  # type: ignore[index]
    assert f"state:{EXAMPLE['data']}" in SERVICES["bridge"]["volumes"]


def test_the_containers_are_given_the_time_that_the_bridge_takes_to_stop() -> None:
    stopping = load_settings_of_example().serving
    needed = (stopping.drain_time + stopping.shutdown_timeout).total_seconds() + 5
    assert int(SERVICES["bridge"]["stop_grace_period"].removesuffix("s")) > needed


def load_settings_of_example() -> Any:
    return load_settings(FOLDER / "example" / "federation-bridge.yaml")


def test_the_health_check_is_the_image_s_own() -> None:
    (shown,) = re.findall(r"^HEALTHCHECK .* CMD \[(.*)\]$", CONTAINERFILE, re.MULTILINE)
    assert SERVICES["bridge"]["healthcheck"]["test"] == ["CMD", *re.findall(r'"([^"]*)"', shown)]


def test_secrets_and_settings_of_an_operator_are_never_committed() -> None:
    asked = [f"deploy/compose/secrets/{one}" for one in COMPOSE["secrets"]] + ["deploy/compose/settings/rules.yaml"]
    ignored = subprocess.run(
        ["git", "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ignored.stdout.split() == asked


@pytest.mark.parametrize("file", ["accounts.yaml", "rules.yaml"])
def test_the_example_s_rules_are_those_of_the_readme(file: str) -> None:
    block = {"accounts.yaml": "README.md yaml 2", "rules.yaml": "README.md yaml 3"}[file]
    assert yaml.safe_load((FOLDER / "example" / file).read_text()) == yaml.safe_load(blocks()[block].text)


# ------------------------------------------------------------------------------------------------ what it starts with


IS_ROOT = os.geteuid() == 0


def _prepare(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
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


def _owner(folder: Path, secret: str) -> str:
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
    done = _prepare(folder, NAME)
    assert done.returncode == 0, done.stderr
    return folder


def test_one_command_makes_every_secret_for_the_one_user_that_reads_it(prepared: Path) -> None:
    assert {path.name for path in (prepared / "secrets").iterdir()} == set(COMPOSE["secrets"])
    for name, service in SERVICES.items():
        for secret in service.get("secrets", ()):
            mode = stat.S_IMODE((prepared / COMPOSE["secrets"][secret]["file"]).stat().st_mode)
            assert (_owner(prepared, secret), mode) == (service["user"], 0o400), name
    assert stat.S_IMODE((prepared / "secrets").stat().st_mode) == 0o700
    read = {path.name: path.read_text() for path in (prepared / "secrets").iterdir()}
    assert read["bridge-password"] == read["database-bridge-password"]
    assert len(set(read.values())) == len(read) - 2


def test_the_same_command_again_replaces_nothing(prepared: Path) -> None:
    (prepared / "settings" / "rules.yaml").write_text("edited")
    files = {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()}
    assert _prepare(prepared, "other.example.com").returncode == 0
    assert {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("name", ["", "https://aws.example.com", "a b", "x;id", "$(id)"])
def test_what_is_no_name_of_a_machine_is_refused(prepared: Path, name: str) -> None:
    said = _prepare(prepared, name)
    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1


# ------------------------------------------------------------------------------------------------- what it comes to


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


def _ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def _nginx_files(prepared: Path, folder: Path, ports: Mapping[str, int]) -> Path:
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
def _nginx(prepared: Path, folder: Path, bridge: int) -> Iterator[tuple[int, int]]:
    """The proxy in front of this port, as long as the block lasts: its ports for HTTPS and HTTP."""
    nginx = program("nginx", NGINX)
    ports = dict(zip(("http", "https", "health"), _ports(3), strict=True))
    path = _nginx_files(prepared, folder, {**ports, "bridge": bridge})
    words = [nginx, "-e", "stderr", "-c", str(path), "-g", "daemon off; master_process off;"]
    process = subprocess.Popen(words)
    try:
        # What the container's health check asks.
        until(lambda: Service(folder, ports["health"]).is_answering("/", 204), "no proxy")
        yield ports["https"], ports["http"]
    finally:
        process.terminate()
        process.wait(60)


class _Recorder(BaseHTTPRequestHandler):
    """In the bridge's place: remembers the last request, and answers with text that could be compressed."""

    protocol_version = "HTTP/1.1"
    headers_of_last: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        _Recorder.headers_of_last = {name.lower(): value for name, value in self.headers.items()}
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    server.daemon_threads = True  # nginx keeps connections open
    with (
        serving(server),
        _nginx(prepared, tmp_path_factory.mktemp("recorded"), server.server_port) as (https, _),
    ):
        yield https


@pytest.fixture(scope="module")
def stack(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started in the file's order: the database, its users, `migrate`, the bridge, the proxy."""
    program("nginx", NGINX)
    folder = tmp_path_factory.mktemp("stack")
    (bridge_port,) = _ports(1)
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
        subprocess.run([*operate, *words, "--settings", settings], cwd=ROOT, timeout=120, check=True)
        bridge = Service(folder, bridge_port)
        (folder / "settings.yaml").symlink_to(settings)
        bridge.start()
        try:
            with _nginx(prepared, folder, bridge_port) as (https, http_port):
                until(lambda: bridge.process.poll() is not None or bridge.is_answering(), "never ready", within=60)
                assert bridge.process.poll() is None, bridge.log
                yield Stack(bridge, https, http_port, server)
        finally:
            bridge.stop()


def test_nginx_understands_its_file(prepared: Path, tmp_path: Path) -> None:
    nginx = program("nginx", NGINX)
    path = _nginx_files(prepared, tmp_path, dict(zip(("bridge", "http", "https", "health"), _ports(4), strict=True)))
    said = subprocess.run(
        [nginx, "-t", "-q", "-e", "stderr", "-c", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_people_reach_the_bridge_by_tls_and_are_sent_there(stack: Stack, prepared: Path) -> None:
    context = ssl.create_default_context(cafile=prepared / "secrets" / "tls-certificate")
    with (
        socket.create_connection(("127.0.0.1", stack.https), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=NAME) as spoken,
    ):
        assert spoken.version() in {"TLSv1.2", "TLSv1.3"}
    assert stack.get("/readyz")[0] == 200
    with closing(http.client.HTTPConnection("127.0.0.1", stack.http, timeout=60)) as plain:
        plain.request("GET", "/sign-in?x=1", headers={"Host": NAME})
        answer = plain.getresponse()
        assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/sign-in?x=1")


def test_the_service_s_user_owns_nothing_and_cannot_change_the_audit(stack: Stack) -> None:
    with stack.server.admin("bridge") as connection:
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        (may,) = connection.execute("SELECT has_table_privilege('bridge', 'audit', 'UPDATE')").fetchone() or (None,)
        (makes,) = connection.execute("SELECT has_schema_privilege('bridge', 'public', 'CREATE')").fetchone() or (None,)
    assert (owners, may, makes) == ([("bridge_owner",)], False, False)


def test_metrics_stay_inside(stack: Stack) -> None:
    assert stack.get("/metrics")[0] == 404
    assert stack.bridge.get("/metrics")[0] == 200


def test_the_header_of_stock_aws_clients_passes_and_no_client_says_where_it_comes_from(recorded: int) -> None:
    lies = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert ask(recorded, "POST", "/", b"x", **{"x-amz-sso_bearer_token": "token"}, **lies)[0] == 200
    arrived = _Recorder.headers_of_last
    assert arrived["x-amz-sso_bearer_token"] == "token"
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert (arrived["host"], arrived["x-forwarded-proto"]) == (NAME, "https")
    assert not {"x-real-ip", "forwarded"} & set(arrived)


def test_a_body_in_chunks_reaches_the_bridge_with_its_length(recorded: int) -> None:
    """A SCIM client may send so, and the bridge takes none in chunks."""
    answered = ask(recorded, "POST", "/", iter([b"one", b"two"]), **{"Transfer-Encoding": "chunked"})
    assert answered[2] == 1000 * b"onetwo"
    assert _Recorder.headers_of_last["content-length"] == "6"
    assert "transfer-encoding" not in _Recorder.headers_of_last


def test_nothing_is_compressed_on_the_way(recorded: int) -> None:
    answered = ask(recorded, "POST", "/", b"text", **{"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in answered[1], answered[2]) == (False, 1000 * b"text")


def test_a_message_of_saml_s_greatest_length_passes_and_a_longer_one_does_not(recorded: int) -> None:
    assert ask(recorded, "POST", "/", b"x" * 1_000_000)[0] == 200
    assert ask(recorded, "POST", "/", b"", **{"Content-Length": "1100000"})[0] == 413


def test_a_bridge_that_is_not_there_is_told_as_the_bridge_would(prepared: Path, tmp_path: Path) -> None:
    (nobody,) = _ports(1)
    with _nginx(prepared, tmp_path, nobody) as (https, _):
        status, headers, body = ask(https, "GET", "/?seen=hunter1")
        # Its error log takes whole lines of requests, and the query of the way back holds a code.
        assert ask(https, "GET", "/sign-in/corp/oidc?code=hunter2&state=x")[0] == 503
    told = (tmp_path / "error.log").read_text()
    assert "hunter1" in told
    assert "hunter2" not in told
    assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "5", "no-store")
    assert b"not available" in body


def test_whoever_begins_too_many_sign_ins_waits_and_is_served_all_else(recorded: int) -> None:
    trusting = ssl._create_unverified_context()
    with closing(http.client.HTTPSConnection("127.0.0.1", recorded, timeout=60, context=trusting)) as asked:
        answers: list[int] = []
        while len(answers) < 2000 and 429 not in answers:
            asked.request("POST", "/sign-in" if len(answers) % 2 else "/go/111111111111/ReadOnly", b"x")
            answer = asked.getresponse()
            answer.read()
            answers.append(answer.status)
    assert set(answers) == {200, 429}
    assert len(answers) > 100
    assert ask(recorded, "POST", "/roles/list", b"x")[0] == 200
