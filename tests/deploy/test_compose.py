# ruff: noqa: F811 - fixtures are named where they are asked for
"""deploy/compose works, as far as a machine without a registry of images can see: its own scripts, its nginx and its
settings, in front of a real bridge and PostgreSQL.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from absent_software import program
from compose_fixtures import (  # noqa: F401 - fixtures
    COMPOSE,
    NAME,
    NGINX,
    SERVICES,
    Recorder,
    Stack,
    ask,
    distinct_ports,
    nginx_before,
    nginx_file,
    owner_of,
    prepare,
    prepared,
    recorded,
    stack,
)

# ------------------------------------------------------------------------------------------------ what it starts with


def test_one_command_makes_every_secret_for_the_one_user_that_reads_it(prepared: Path) -> None:
    assert {path.name for path in (prepared / "secrets").iterdir()} == set(COMPOSE["secrets"])
    for name, service in SERVICES.items():
        for secret in service.get("secrets", ()):
            mode = stat.S_IMODE((prepared / COMPOSE["secrets"][secret]["file"]).stat().st_mode)
            assert (owner_of(prepared, secret), mode) == (service["user"], 0o400), name
    assert stat.S_IMODE((prepared / "secrets").stat().st_mode) == 0o700
    read = {path.name: path.read_text() for path in (prepared / "secrets").iterdir()}
    assert read["bridge-password"] == read["database-bridge-password"]
    assert len(set(read.values())) == len(read) - 2


def test_the_same_command_again_replaces_nothing(prepared: Path) -> None:
    (prepared / "settings" / "rules.yaml").write_text("edited")
    files = {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()}
    assert prepare(prepared, "other.example.com").returncode == 0
    assert {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("name", ["", "https://aws.example.com", "a b", "x;id", "$(id)"])
def test_what_is_no_name_of_a_machine_is_refused(prepared: Path, name: str) -> None:
    said = prepare(prepared, name)
    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1


# ------------------------------------------------------------------------------------------------- what it comes to


def test_nginx_understands_its_file(prepared: Path, tmp_path: Path) -> None:
    nginx = program("nginx", NGINX)
    path = nginx_file(
        prepared, tmp_path, dict(zip(("bridge", "http", "https", "health"), distinct_ports(4), strict=True))
    )
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
    arrived = Recorder.headers_of_last
    assert arrived["x-amz-sso_bearer_token"] == "token"
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert (arrived["host"], arrived["x-forwarded-proto"]) == (NAME, "https")
    assert not {"x-real-ip", "forwarded"} & set(arrived)


def test_a_body_in_chunks_reaches_the_bridge_with_its_length(recorded: int) -> None:
    """A SCIM client may send so, and the bridge takes none in chunks."""
    answered = ask(recorded, "POST", "/", iter([b"one", b"two"]), **{"Transfer-Encoding": "chunked"})
    assert answered[2] == 1000 * b"onetwo"
    assert Recorder.headers_of_last["content-length"] == "6"
    assert "transfer-encoding" not in Recorder.headers_of_last


def test_nothing_is_compressed_on_the_way(recorded: int) -> None:
    answered = ask(recorded, "POST", "/", b"text", **{"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in answered[1], answered[2]) == (False, 1000 * b"text")


def test_a_message_of_saml_s_greatest_length_passes_and_a_longer_one_does_not(recorded: int) -> None:
    assert ask(recorded, "POST", "/", b"x" * 1_000_000)[0] == 200
    assert ask(recorded, "POST", "/", b"", **{"Content-Length": "1100000"})[0] == 413


def test_a_bridge_that_is_not_there_is_told_as_the_bridge_would(prepared: Path, tmp_path: Path) -> None:
    (nobody,) = distinct_ports(1)
    with nginx_before(prepared, tmp_path, nobody) as (https, _):
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
