"""deploy/proxy/nginx.conf: nginx takes it, and it does what docs/deployment.md asks of a proxy."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from absent_software import program
from documents.blocks import ROOT

CONF = ROOT / "deploy" / "proxy" / "nginx.conf"
SITE = CONF.read_text(encoding="utf-8")


def test_nginx_takes_the_file(tmp_path: Path) -> None:
    nginx = program("nginx", "apt-get install nginx")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=aws.example.com"]
    pair = ["-keyout", str(tmp_path / "federation-bridge.key"), "-out", str(tmp_path / "federation-bridge.pem")]
    subprocess.run([*made, *pair], check=True, capture_output=True, timeout=60)
    site = SITE.replace("/etc/nginx/tls", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    site = re.sub(r"listen (\d+)", r"listen 127.0.0.1:1\1", site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\nhttp {{\n{site}}}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-q", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


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
