"""A Debian of its own for the walk of docs/deployment.md: this machine's root, but what is written goes to memory.

It has processes and a network of its own, so that ports 80, 443 and 5432 are free, whoever holds them here, and all
that was started ends with it. Needs root.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from documents.blocks import ROOT

UNIT = ROOT / "deploy" / "systemd" / "federation-bridge.service"
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
}
# The first process of a space of processes buries those that were left alone; a shell does.
_SETUP = """
set -eu
mount -t tmpfs none "$1"
mkdir "$1"/upper "$1"/work "$1"/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1"/root
for one in sys dev; do mount --rbind "/$one" "$1/root/$one"; done
for one in tmp run root; do mount -t tmpfs none "$1/root/$one"; done
chmod 1777 "$1/root/tmp"
mount -t proc proc "$1/root/proc"
ip link set lo up
echo ready
while :; do sleep 1000 & wait $!; done
"""
_DONE = "=done="


@dataclass
class Node:
    """A shell of root there, into which commands are typed."""

    entered: list[str]
    name: str
    shell: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.shell = subprocess.Popen(
            [*self.entered, "bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_ENVIRONMENT,
        )  # fmt: skip
        self.run("cd /root")

    def run(self, command: str) -> str:
        """What a command says; AssertionError where its status is not 0."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{{ {command}\n}} < /dev/null\nprintf '\\n%s %s\\n' {_DONE} $?\n")
        self.shell.stdin.flush()
        said: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(f"{_DONE} "):
                assert line.split()[1] == "0", f"{self.name}: {command}\n{''.join(said)}"
                return "".join(said).strip("\n")
            said.append(line)
        raise AssertionError(f"{self.name}: the shell ended: {command}\n{''.join(said)}")

    def start_unit(self) -> None:
        """What systemd does of the unit: its command, as its user, with its state."""
        read = configparser.ConfigParser(interpolation=None, strict=False)
        read.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names keep their case
        read.read_string(UNIT.read_text(encoding="utf-8"))
        unit, state = read["Service"], "/var/lib/federation-bridge"
        self.run(f"install -d -m {unit['StateDirectoryMode']} -o {unit['User']} -g {unit['Group']} {state}")
        user = f"env -i STATE_DIRECTORY={state} setpriv --reuid {unit['User']} --regid {unit['Group']} --init-groups"
        self.run(
            f"( cd / && umask {unit['UMask']} && exec {user} --no-new-privs {unit['ExecStart']} ) "
            f"> /var/log/{self.name} 2>&1 &\necho $! > /run/{self.name}.pid"
        )

    def is_serving(self, address: str) -> None:
        """Waits until the node answers there that it is ready."""
        give_up_at = time.monotonic() + 60
        while True:
            try:
                self.run(f"curl --fail --silent http://{address}/readyz")
            except AssertionError:
                assert time.monotonic() < give_up_at, self.run(f"cat /var/log/{self.name}")
                time.sleep(0.2)
            else:
                return


@dataclass(frozen=True)
class BareMachine:
    """Where the walk goes on."""

    folder: Path
    first: int
    """The process that is the first one there."""
    _nodes: list[Node] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Its root, seen from here."""
        return Path(f"/proc/{self.first}/root{self.folder}/root")

    def node(self, name: str) -> Node:
        """A shell there."""
        return self._noted(Node([*self._inside("--net"), *self._chroot], name))

    def other_node(self, name: str) -> Node:
        """A shell of another machine: settings, program and state are others, copies; all else is the same."""
        apart = ("unshare", "--mount", "--propagation", "private")
        node = self._noted(Node([*self._inside("--net"), *self._chroot, *apart], name))
        for own in ("/etc/federation-bridge", "/opt/federation-bridge", "/var/lib/federation-bridge"):
            node.run(f"mkdir -p {own} && cp -a {own} {own}.{name} && mount --bind {own}.{name} {own}")
        return node

    def _noted(self, node: Node) -> Node:
        self._nodes.append(node)
        return node

    def close(self) -> None:
        """Ends the shells."""
        for node in self._nodes:
            node.shell.kill()
            node.shell.communicate()

    def install(self, command: str, folder: str = "/root") -> None:
        """A command that asks a package registry: with the network and pip's own configuration of the machine below."""
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        done = subprocess.run(
            [*self._inside(), *self._chroot, "bash", "-c", f"cd {folder} && {command}"],
            env=_ENVIRONMENT | pip, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def write(self, path: str, text: str) -> None:
        """A file there."""
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)

    def beside(self, *command: str, **environ: str) -> subprocess.Popen[str]:
        """A program of the machine below in the network there, as a person's browser is."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.first), "--net", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environ},
        )  # fmt: skip

    def _inside(self, *more: str) -> list[str]:
        return ["nsenter", "--target", str(self.first), "--mount", "--pid", *more]

    @property
    def _chroot(self) -> list[str]:
        return ["chroot", f"{self.folder}/root"]


@contextmanager
def bare_machine(folder: Path) -> Iterator[BareMachine]:
    """The machine, until the block ends; then nothing of it is left."""
    assert os.geteuid() == 0, "the walk needs root: it makes users, mounts and a network of its own"
    holder = subprocess.Popen(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c",
         _SETUP, "bash", str(folder)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        (first,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        machine = BareMachine(folder, int(first))
        try:
            yield machine
        finally:
            # All that runs there ends with it. Only then do the shells' pipes: what was started there holds them, too.
            holder.kill()
            machine.close()
    finally:
        holder.kill()
        holder.communicate()
