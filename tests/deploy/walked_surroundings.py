"""What the walked pages take for granted: names, an authority that is believed, people, and their identity provider."""

from __future__ import annotations

import json
import sys
import time

from deploy.bare_machine import BareMachine
from deploy.walked_pages import Walk
from deploy.walking_person import BY_KEY, BY_SECRET, CONNECTION, FIRST_SECRET
from documents.blocks import ROOT

_PAIR = "/etc/nginx/tls/federation-bridge"
_NAMES = "127.0.0.1 aws.example.com db.example.com idp.example.com"


def _signed(key: str, certificate: str) -> tuple[str, ...]:
    return (
        f"openssl req -newkey rsa:2048 -noenc -subj /CN=aws.example.com -keyout {key} -out csr",
        "echo subjectAltName=DNS:aws.example.com,DNS:idp.example.com > names",
        f"openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out {certificate}",
    )


SECOND_PAIR = _signed("new.key", "new.pem")
_AUTHORITY = (
    "mkdir -p /etc/nginx/tls",
    "openssl req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=walk -keyout ca.key -out ca.pem",
    *_signed(f"{_PAIR}.key", f"{_PAIR}.pem"),
    "cp ca.pem /usr/local/share/ca-certificates/walk.crt",
    "update-ca-certificates",
)
_PROVIDER = """\
pid /run/provider.pid;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:8443 ssl;
        ssl_certificate /etc/nginx/tls/federation-bridge.pem;
        ssl_certificate_key /etc/nginx/tls/federation-bridge.key;
        location / { proxy_pass http://localhost:8401; proxy_set_header Host $host:8443; }
    }
}
"""
"""Speaks TLS for the identity provider."""
_SECRET = "install -m 0440 -g federation-bridge client-secret /etc/federation-bridge/client-secret"
CONNECTIONS = (CONNECTION, BY_SECRET, BY_KEY)


class People:
    """Whoever uses what is walked, and the administrator of their identity provider."""

    def __init__(self, machine: BareMachine) -> None:
        self.program = machine.beside(
            sys.executable, "tests/deploy/walking_person.py",
            PYTHONPATH=str(ROOT), SSL_CERT_FILE=str(machine.root / "root" / "ca.pem"),
        )  # fmt: skip
        assert self.program.stdout is not None
        self.metadata = self.program.stdout.readline().strip()

    def asked(self, what: str) -> str:
        """What they see, or are told."""
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(f"{what}\n")
        self.program.stdin.flush()
        return str(json.loads(self.program.stdout.readline()))

    def are_signed_in(self) -> None:
        """Who signed in first still is, at each node."""
        for where in ("look", "node 127.0.0.11:8400", "node 127.0.0.12:8400"):
            assert "Administrator" in self.asked(where), where

    def can_sign_in(self) -> None:
        """In a new browser, by each connection. Each process knows within seconds what changed: so long they try."""
        give_up_at = time.monotonic() + 60
        for connection in CONNECTIONS:
            while "Ada Moss" not in (said := self.asked(f"visit {connection}")):
                assert time.monotonic() < give_up_at, f"{connection}: {said}"


def prepare(walk: Walk) -> None:
    """What the pages take for granted: a fresh cluster, names, an authority that is believed, a provider's secret."""
    node = walk.node
    node.run(f"echo {_NAMES} >> /etc/hosts")
    node.run("pg_lsclusters --no-header | grep -q . && pg_dropcluster 15 main; pg_createcluster 15 main")
    node.run("userdel federation-bridge 2> /dev/null; rm -rf /opt/federation-bridge; mkdir -p /etc/systemd/system")
    for command in _AUTHORITY:
        node.run(command)
    walk.machine.write("/root/provider.conf", _PROVIDER)
    node.run("nginx -c /root/provider.conf")
    walk.machine.write("/root/client-secret", FIRST_SECRET)
    walk.before["chmod 644 /etc/federation-bridge"] = lambda: node.run(_SECRET)
