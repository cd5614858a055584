"""docs/deployment.md alone leads from bare Debian to the first sign-in: its blocks are run, in their order.

Not run, because no machine can: systemd itself (the unit's command is started as its user), DNS (/etc/hosts), a
certificate that the world believes (an authority made here), a company's identity provider (the sandbox's), AWS.
Software of Debian has to be there: `.ci/run` installs it. Not part of `make test`: it asks a package registry.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deploy.bare_machine import BareMachine, bare_machine
from documents.blocks import ROOT

pytestmark = pytest.mark.walk

PAGE = ROOT / "docs" / "deployment.md"
FIRST, KEYS = "From bare Debian to the first sign-in", "Change each key"
_SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"(?:^(?P<before>[^\n]+)\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`(/[^`]+)`[^`]*:$|^`(/[^`]+)` \(")
_OURS = {
    "10.0.0.10": "127.0.0.1", "10.0.0.11": "127.0.0.11", "10.0.0.12": "127.0.0.12", "10.0.0.0/24": "127.0.0.0/8",
    "6f1b4f0e-0000-0000-0000-000000000000": "platform-admins",
}  # fmt: skip
"""What the page says is the reader's own, and what the walk has there; the identity provider's address comes to it."""
_TENANT = re.compile(r"https://login\.microsoftonline\.com/TENANT/\S+")
_PAIR = "/etc/nginx/tls/federation-bridge"
_NAMES = "127.0.0.1 aws.example.com db.example.com idp.example.com"
_STOP = "kill $(cat /run/{name}.pid); while kill -0 $(cat /run/{name}.pid) 2> /dev/null; do sleep 0.1; done"
_SITE = "/etc/nginx/sites-enabled/federation-bridge"
_AUTHORITY = (
    "mkdir -p /etc/nginx/tls",
    "openssl req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=walk -keyout ca.key -out ca.pem",
    f"openssl req -newkey rsa:2048 -noenc -subj /CN=aws.example.com -keyout {_PAIR}.key -out csr",
    "echo subjectAltName=DNS:aws.example.com,DNS:idp.example.com > names",
    f"openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out {_PAIR}.pem",
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


def released(folder: Path) -> None:
    """The files of a release, as `make dist` makes them, but for the list of libraries that nobody installs."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        cwd=folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    shutil.copy(ROOT / "deploy" / "requirements" / "server.txt", folder)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums))


class Walk:
    """The page, walked block by block."""

    def __init__(self, machine: BareMachine, metadata: str) -> None:
        self.machine = machine
        self.node = machine.node("node1")
        self.nodes = [self.node]
        self.metadata = metadata
        self.said: dict[str, str] = {}

    def prepare(self) -> None:
        """What the page takes for granted: a fresh cluster, names, an authority that is believed."""
        node = self.node
        node.run(f"echo {_NAMES} >> /etc/hosts")
        node.run("pg_lsclusters --no-header | grep -q . && pg_dropcluster 15 main; pg_createcluster 15 main")
        node.run("userdel federation-bridge 2> /dev/null; rm -rf /opt/federation-bridge; mkdir -p /etc/systemd/system")
        for command in _AUTHORITY:
            node.run(command)
        self.machine.write("/root/provider.conf", _PROVIDER)
        node.run("nginx -c /root/provider.conf")

    def go(self, section: str) -> None:
        """Runs every block of the section."""
        for block in _BLOCK.finditer(dict(_SECTION.findall(PAGE.read_text("utf-8")))[section]):
            text = self._with_ours(block["text"])
            if block["language"] == "console":
                # What is reloaded is done on each node.
                here, everywhere = self.node, "systemctl reload federation-bridge" in text
                for node in self.nodes if everywhere else [here]:
                    self.node = node
                    for line in text.splitlines():
                        self._type(line.removeprefix("$ "))
                self.node = here if everywhere else self.node
            else:
                named = _FILE.search(block["before"] or "")
                assert named, f"which file is this?\n{block[0]}"
                self.machine.write(named[1] or named[2], text)

    def _with_ours(self, text: str) -> str:
        text = _TENANT.sub(f'{self.metadata}\n    networks: [127.0.0.0/8, "::1/128"]', text)
        for shown, ours in _OURS.items():
            text = text.replace(shown, ours)
        return text

    def _type(self, command: str) -> None:
        known: list[tuple[str, Callable[[str], None]]] = [
            ("apt-get install", self._installed_by_apt),
            ("/opt/federation-bridge/bin/pip", self.machine.install),
            ("systemctl daemon-reload", lambda _: None),
            ("systemctl restart postgresql@15-main", lambda _: self._run("pg_ctlcluster 15 main restart")),
            ("systemctl enable --now federation-bridge", lambda _: self._start()),
            ("systemctl reload federation-bridge", lambda _: self._reload()),
            ("systemctl restart nginx", lambda _: self._run("nginx")),
            ("sed --in-place", self._on_the_second_node),
            ("install -m 0644 release/deploy/proxy/nginx.conf", self._proxy),
        ]  # fmt: skip
        do = next((do for words, do in known if command.startswith(words)), self._run)
        do(command)

    def _run(self, command: str) -> None:
        self.said[command] = self.node.run(command)

    def _installed_by_apt(self, command: str) -> None:
        for package in command.split("--yes ")[1].split():
            assert "ok installed" in self.node.run(f"dpkg-query --show --showformat '${{Status}}' {package}"), package

    def _start(self) -> None:
        self.node.start_unit()
        self.node.is_serving(f"127.0.0.1{len(self.nodes)}:8400")

    def _reload(self) -> None:
        pid = f"$(cat /run/{self.node.name}.pid)"
        before = self.node.run(f"cat /proc/{pid}/task/{pid}/children")
        self.node.run(f"kill -HUP {pid}")
        # Every worker is another one: it came to the database with what its file says now.
        gone = " && ".join(f"! kill -0 {worker} 2> /dev/null" for worker in before.split())
        self.node.run(f"for _ in $(seq 600); do if {gone}; then break; fi; sleep 0.1; done; {gone}")

    def _on_the_second_node(self, command: str) -> None:
        self.node = self.machine.other_node("node2")
        self.nodes.append(self.node)
        self._run(command)

    def _proxy(self, command: str) -> None:
        self.node = self.nodes[0]
        self._run(command)
        for shown, ours in _OURS.items():
            self._run(f"sed -i s,{re.escape(shown)},{ours}, {_SITE}")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[BareMachine]:
    (tmp_path / "machine").mkdir()
    with bare_machine(tmp_path / "machine") as made:
        yield made


def test_the_page_leads_from_bare_debian_to_the_first_sign_in_and_to_new_keys(
    machine: BareMachine, tmp_path: Path
) -> None:
    (tmp_path / "dist").mkdir()
    released(tmp_path / "dist")
    shutil.copytree(tmp_path / "dist", machine.root / "root", dirs_exist_ok=True)
    person = machine.beside(
        sys.executable, "tests/deploy/walking_person.py",
        PYTHONPATH=str(ROOT), SSL_CERT_FILE=str(machine.root / "root" / "ca.pem"),
    )  # fmt: skip
    try:
        walk_to_the_sign_in(machine, person)
    finally:
        person.kill()
        person.communicate()


def walk_to_the_sign_in(machine: BareMachine, person: subprocess.Popen[str]) -> None:
    assert person.stdout is not None
    walk = Walk(machine, person.stdout.readline().strip())
    walk.prepare()
    walk.go(FIRST)
    first, second = walk.nodes
    assert "wrong" not in walk.said["runuser -u federation-bridge -- federation-bridge check"]

    page = asked(person, "sign-in")
    assert "Administrator" in page
    assert "Administrator" in asked(person, "node 127.0.0.11:8400")
    assert "Administrator" in asked(person, "node 127.0.0.12:8400")
    assert "entra/" in first.run("federation-bridge sessions list")
    walk.node = first
    walk.go(KEYS)
    assert "Administrator" in asked(person, "node 127.0.0.11:8400")
    assert "Administrator" in asked(person, "node 127.0.0.12:8400")
    upgrade(machine, walk, person)
    # A node goes: people go on at the other one, with the session that they have.
    first.run(_STOP.format(name="node1"))
    assert "Administrator" in asked(person, "look")
    assert second.run("curl --fail --silent http://127.0.0.12:8400/readyz")


def upgrade(machine: BareMachine, walk: Walk, person: subprocess.Popen[str]) -> None:
    """As the page says it of many nodes: install, migrate once, then one node after the other; the session goes on."""
    machine.install("/opt/federation-bridge/bin/pip install --force-reinstall --no-deps ./federation_bridge-*.whl")
    walk.nodes[0].run("chmod --recursive go+rX /opt/federation-bridge")
    walk.nodes[0].run("federation-bridge migrate --owner bridge_owner --owner-password database-owner-password")
    for number, node in enumerate(walk.nodes, 1):
        node.run(_STOP.format(name=node.name))
        assert "Administrator" in asked(person, "look")
        node.start_unit()
        node.is_serving(f"127.0.0.1{number}:8400")


def asked(person: subprocess.Popen[str], what: str) -> str:
    """What the person sees."""
    assert person.stdin is not None
    assert person.stdout is not None
    person.stdin.write(f"{what}\n")
    person.stdin.flush()
    return str(json.loads(person.stdout.readline()))
