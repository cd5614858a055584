"""deploy/proxy/nginx.conf: nginx takes it, and it does what docs/deployment.md asks of a proxy."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from absent_software import program
from documents.blocks import ROOT
from service_factories import until

CONF = ROOT / "deploy" / "proxy" / "nginx.conf"
SITE = CONF.read_text(encoding="utf-8")


def _pair(folder: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=aws.example.com"]
    pair = ["-keyout", str(folder / "federation-bridge.key"), "-out", str(folder / "federation-bridge.pem")]
    subprocess.run([*made, *pair], check=True, capture_output=True, timeout=60)


def _configured(folder: Path, port: int, nobody: int) -> Path:
    """The site for this machine: TLS at this port, and nodes where nobody listens."""
    _pair(folder)
    site = SITE.replace("/etc/nginx/tls", str(folder)).replace("/var/log/nginx", str(folder))
    site = re.sub(r"server 10\.0\.0\.\d+:8400", f"server 127.0.0.1:{nobody}", site)
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}").replace("listen 80;", f"listen 127.0.0.1:{port + 1};")
    written = folder / "nginx.conf"
    written.write_text(f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{site}}}\n")
    return written


def test_nginx_takes_the_file(tmp_path: Path, free_port: int) -> None:
    nginx = program("nginx", "apt-get install nginx")
    done = subprocess.run(
        [nginx, "-t", "-q", "-p", str(tmp_path), "-c", str(_configured(tmp_path, free_port, 1))],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_error_log_holds_no_code_either(tmp_path: Path, free_port: int) -> None:
    """It takes whole lines of requests, and no setting takes the query out of them."""
    nginx = program("nginx", "apt-get install nginx")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        written = _configured(tmp_path, free_port, nobody.getsockname()[1])
        written.write_text(
            re.sub(r"server \{\s+listen [^;]+:\d+;.*?\n\}\n", "", written.read_text(), count=1, flags=re.DOTALL)
        )
        words = [nginx, "-p", str(tmp_path), "-c", str(written), "-g", "daemon off; master_process off;"]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
            try:
                until(lambda: _asked(free_port, "/sign-in?seen=hunter1") == 502, "no proxy")
                assert _asked(free_port, "/sign-in/corp/oidc?code=hunter2&state=x") == 502
            finally:
                process.terminate()
    told = (tmp_path / "error.log").read_text()
    assert "hunter1" in told  # it is this log
    assert "hunter2" not in told
    access = (tmp_path / "federation-bridge.log").read_text()
    assert '"GET /sign-in/corp/oidc" 502' in access
    assert "hunter" not in access


def _asked(port: int, path: str) -> int:
    """The status of the answer; 0 where nobody answers."""
    unproved = ssl.create_default_context()
    unproved.check_hostname, unproved.verify_mode = False, ssl.CERT_NONE
    asked = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=unproved)
    try:
        asked.request("GET", path)
        return asked.getresponse().status
    except OSError:
        return 0
    finally:
        asked.close()


@pytest.mark.parametrize(
    "line",
    [
        "gzip off;",
        "underscores_in_headers on;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        'proxy_set_header Forwarded "";',
        'proxy_set_header X-Real-IP "";',
        "ssl_session_tickets off;",
    ],
)
def test_it_does_what_the_page_asks_of_a_proxy(line: str) -> None:
    assert line in SITE


def test_no_log_of_it_holds_a_query() -> None:
    """An identity provider writes codes into the query of the way back."""
    (written,) = re.findall(r"log_format \w+ '(.*)';", SITE)
    assert "$request_uri" not in written
    assert not re.search(r"\$(request|args|query_string)\b", written)
    assert set(re.findall(r"access_log (.*);", SITE)) == {"off", "/var/log/nginx/federation-bridge.log without_query"}
