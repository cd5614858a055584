"""Pages, walked: each block of a section is typed where the words before it say, or becomes the file that they name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from deploy.bare_machine import BareMachine, Node
from deploy.walking_person import BY_KEY, BY_SECRET, PROVIDER
from documents.blocks import ROOT

DEPLOYMENT, BACKUP = "deployment.md", "backup.md"
_HEADING = re.compile(r"^(#{2,6}) (.+)$", re.MULTILINE)
_BLOCK = re.compile(
    r"(?P<before>(?:^[^\n]+\n)+)\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)  # fmt: skip
_FILE = re.compile(r"`(/[^`]+)`[^`]*:$|^`(/[^`]+)` \(")
_OURS = {
    "10.0.0.10": "127.0.0.1", "10.0.0.11": "127.0.0.11", "10.0.0.12": "127.0.0.12", "10.0.0.0/24": "127.0.0.0/8",
    "6f1b4f0e-0000-0000-0000-000000000000": "platform-admins",
}  # fmt: skip
"""What the page says is the reader's own, and what the walk has there; the identity provider's address comes to it."""
_TENANT = re.compile(r"https://login\.microsoftonline\.com/TENANT/\S+")
_LOOPBACK = 'networks: [127.0.0.0/8, "::1/128"]'
_MORE = f"""
    {_LOOPBACK}
    scim: {{}}
  {BY_SECRET}:
    protocol: oidc
    title: With a secret
    issuer: {PROVIDER}
    client_id: {BY_SECRET}
    client_secret: {{file: /etc/federation-bridge/client-secret}}
    {_LOOPBACK}
  {BY_KEY}:
    protocol: oidc
    title: With a key of ours
    issuer: {PROVIDER}
    client_id: {BY_KEY}
    {_LOOPBACK}"""
"""What the walk has besides, so that each key has somebody who believes it."""
_CODE = re.compile(r"restore --confirm (\w+) ")
_STOP = "kill $(cat /run/{name}.pid); while kill -0 $(cat /run/{name}.pid) 2> /dev/null; do sleep 0.1; done"
_SITE = "/etc/nginx/sites-enabled/federation-bridge"


@dataclass(frozen=True)
class Shown:
    """A fenced block, and the paragraph before it."""

    before: str
    language: str
    text: str


def shown(page: str, heading: str) -> list[Shown]:
    """The blocks below a heading, those of its own headings included."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    (begins,) = (found for found in _HEADING.finditer(text) if found[2] == heading)
    after = (found for found in _HEADING.finditer(text, begins.end()) if len(found[1]) <= len(begins[1]))
    ends = next(after, None)
    section = text[begins.end() : ends.start() if ends else len(text)]
    return [
        Shown(" ".join(block["before"].split()), block["language"], block["text"]) for block in _BLOCK.finditer(section)
    ]


class Walk:
    """Pages, walked block by block, on one machine after the other."""

    def __init__(self, machine: BareMachine, metadata: str) -> None:
        self.machine = machine
        self.node = machine.node("node1")
        self.nodes = [self.node]
        self.metadata = metadata
        self.said: dict[str, str] = {}
        self.filled_in: dict[str, str] = {}
        """What stands on a page in capitals, for the reader's own."""
        self.before: dict[str, Callable[[], object]] = {}
        """What others do before a command that begins so is typed for the first time."""
        self.when_one_is_stopped: Callable[[], object] = lambda: None
        self._running: list[Node] = []

    def go(self, page: str, heading: str) -> None:
        """Runs every block of the section; then all nodes that run are ready."""
        for block in shown(page, heading):
            text = self._with_ours(block.text)
            if block.language == "console":
                for node in self._where(block.before):
                    self.node = node
                    for line in text.splitlines():
                        self._type(line.removeprefix("$ "))
            else:
                named = _FILE.search(block.before)
                assert named, f"which file is this?\n{block}"
                self.machine.write(named[1] or named[2], text)
        self.node = self.nodes[0]
        self.are_ready()

    def are_ready(self) -> None:
        """Waits until all nodes that run are."""
        for node in self._running:
            node.is_serving(self.address(node))

    def address(self, node: Node) -> str:
        """Where it listens."""
        return f"127.0.0.1{self.nodes.index(node) + 1}:8400"

    def stop(self, node: Node) -> None:
        """As `systemctl stop` does: it comes back when the node has ended."""
        node.run(_STOP.format(name=node.name))
        self._running.remove(node)
        if self._running:
            self.when_one_is_stopped()

    def _where(self, before: str) -> list[Node]:
        before = before.lower()
        if before.endswith("on each node:"):
            return self.nodes
        return self.nodes[1:] if before.endswith("on each other node:") else self.nodes[:1]

    def _with_ours(self, text: str) -> str:
        text = _TENANT.sub(f"{self.metadata}{_MORE}", text)
        for given, ours in _OURS.items():
            text = text.replace(given, ours)
        return text

    def _type(self, command: str) -> None:
        if beginning := next((words for words in self.before if command.startswith(words)), ""):
            self.before.pop(beginning)()
        known: list[tuple[str, Callable[[str], None]]] = [
            ("apt-get install", self._installed_by_apt),
            ("/opt/federation-bridge/bin/pip", self._pip),
            ("systemctl daemon-reload", lambda _: None),
            ("systemctl restart postgresql@15-main", lambda _: self._run("pg_ctlcluster 15 main restart")),
            ("systemctl reload postgresql@15-main", lambda _: self._run("pg_ctlcluster 15 main reload")),
            ("systemctl enable --now federation-bridge", self._enabled),
            ("systemctl start federation-bridge", lambda _: self._start()),
            ("systemctl stop federation-bridge", lambda _: self.stop(self.node)),
            ("systemctl reload federation-bridge", lambda _: self._reload()),
            ("systemctl restart nginx", lambda _: self._run("nginx")),
            ("systemctl reload nginx", lambda _: self._run("nginx -s reload")),
            ("sed --in-place", self._on_the_second_node),
            ("install -m 0644 release/deploy/proxy/nginx.conf", self._proxy),
            # There is no AWS here: the same command without these words follows.
            ("federation-bridge restore --confirm CODE --in-aws", lambda _: None),
        ]  # fmt: skip
        do = next((do for words, do in known if command.startswith(words)), self._run)
        do(command)

    def _run(self, command: str) -> None:
        for placeholder, value in self.filled_in.items():
            command = re.sub(rf"\b{placeholder}\b", value, command)
        said = self.said[command] = self.node.run(command)
        if code := _CODE.search(said):
            self.filled_in["CODE"] = code[1]

    def _installed_by_apt(self, command: str) -> None:
        for package in command.split("--yes ")[1].split():
            assert "ok installed" in self.node.run(f"dpkg-query --show --showformat '${{Status}}' {package}"), package

    def _pip(self, command: str) -> None:
        # Of the next release's libraries all are there: nothing has to be fetched.
        if self._running:
            self._run(command)
        else:
            self.machine.install(command)

    def _enabled(self, _: str) -> None:
        # Whoever goes on to the proxy by hand takes longer than a node to its first answer.
        self._start()
        self.node.is_serving(self.address(self.node))

    def _start(self) -> None:
        self.node.start_unit()
        self._running.append(self.node)

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
        self._run(command)
        for given, ours in _OURS.items():
            self._run(f"sed -i s,{re.escape(given)},{ours}, {_SITE}")
