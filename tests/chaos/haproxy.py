"""HAProxy in front of nodes, by the very file that deploy/ shows: only names, ports and places are changed."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.absent_software import program
from tests.benchmarks.processes import ROOT
from tests.free_ports import free_port
from tests.service_factories import until

SHOWN = ROOT / "deploy" / "proxy" / "haproxy.cfg"
REMEDY = "apt-get install haproxy"
_SERVER = re.compile(r"^    server .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Proxy:
    """One that runs: where people come with TLS, where without, and where its operator asks it."""

    port: int
    plain_port: int
    control: Path

    def told(self, command: str) -> str:
        """What it answers at its socket for operators."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(self.control))
            wire.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: wire.recv(65_536), b"")).decode()

    def nodes_up(self) -> int:
        """To how many nodes it sends people."""
        servers = [line.split(",") for line in self.told("show stat").splitlines() if line.startswith("bridge,node")]
        return sum(one[17] == "UP" for one in servers)

    def wait_for(self, nodes: int) -> None:
        until(lambda: self.nodes_up() == nodes, f"the proxy never had {nodes} nodes: {self.told('show stat')}")


def configuration(folder: Path, certificate: Path, port: int, plain_port: int, nodes: Sequence[int]) -> str:
    """The shown file for this machine; ValueError where it does not say what is to be changed."""
    text = SHOWN.read_text("utf-8")
    servers = "".join(f"    server node{number} 127.0.0.1:{one}\n" for number, one in enumerate(nodes, 1))
    text, found = _SERVER.subn("", text)
    if found < 1:
        raise ValueError("no server stands in the shown file")
    for shown, here in (
        ("log /dev/log local0", "log stdout format raw local0"),
        ("/run/haproxy/admin.sock", str(folder / "control")),
        ("bind :80\n", f"bind 127.0.0.1:{plain_port}\n"),
        ("bind :443 ", f"bind 127.0.0.1:{port} "),
        ("/etc/haproxy/federation-bridge.pem", str(certificate)),
    ):
        if text.count(shown) != 1:
            raise ValueError(f"{shown!r} does not stand in the shown file once")
        text = text.replace(shown, here)
    return text.rstrip("\n") + "\n" + servers


@contextmanager
def serving_proxy(
    folder: Path, certificate: Path, port: int, nodes: Sequence[int], up: int | None = None
) -> Iterator[Proxy]:
    """The proxy with TLS at `port` before nodes at these ports, as long as the block lasts; so many of them are up."""
    wanted = len(nodes) if up is None else up
    haproxy = program("haproxy", REMEDY)
    folder.mkdir()
    proxy = Proxy(port, free_port(), folder / "control")
    file = folder / "haproxy.cfg"
    file.write_text(configuration(folder, certificate, port, proxy.plain_port, nodes), "utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([haproxy, "-db", "-f", str(file)], stdout=log, stderr=subprocess.STDOUT)
    try:
        until(
            lambda: process.poll() is not None or (proxy.control.exists() and proxy.nodes_up() == wanted),
            f"the proxy never had its nodes: {(folder / 'log').read_text()}",
        )
        assert process.poll() is None, (folder / "log").read_text()
        yield proxy
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
