"""Served bridges that are killed under load: three nodes on one PostgreSQL, or one on SQLite."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer
from tests import postgresql
from tests.benchmarks.bridge import BridgeFiles, make_place
from tests.benchmarks.processes import ROOT
from tests.chaos.books import Books
from tests.chaos.lives import private_file
from tests.chaos.obliging_sts import ObligingSts
from tests.free_ports import free_port
from tests.service_factories import Service, until


@dataclass
class Fleet:
    """The nodes, and all that is around them."""

    place: BridgeFiles
    """What people know of: the address and names that all nodes share."""
    signer: Signer
    sts: ObligingSts
    nodes: list[Service]
    books: Books
    server: postgresql.Server | None

    def kill_a_worker(self, chance: random.Random) -> None:
        """`kill -9`; which one is by chance. Nothing where the node is just replacing all."""
        node = chance.choice(self.nodes)
        if workers := sorted(node.workers()):
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)

    def kill_the_database(self) -> None:
        """`kill -9` of PostgreSQL, and a start after it; SQLite has no process of its own."""
        if self.server is None:
            return
        postgresql.kill(self.server)
        until(self.database_is_back, "PostgreSQL does not start again")

    def database_is_back(self) -> bool:
        """Tries to start PostgreSQL again; whether it runs."""
        # It refuses to start while a child of the killed one still holds the shared memory.
        assert self.server is not None
        try:
            postgresql.start_again(self.server)
        except RuntimeError:
            return False
        return True

    def wait_until_ready(self) -> None:
        for node in self.nodes:
            until(node.is_answering, f"a node is not ready again: {node.log[-2000:]}", within=60)


@contextmanager
def fleet_on_postgresql(folder: Path, sts: ObligingSts, nodes: int = 3) -> Iterator[Fleet]:
    """Nodes of two workers each, and a PostgreSQL of their own that waits for the disk."""
    with postgresql.running_postgresql() as server:
        server.make_database("bridge")
        place, signer = _files(folder, sts, server)
        first = Service(place.folder, place.port)
        settings = ("--settings", str(place.settings))
        subprocess.run([sys.executable, "-m", "federation_bridge.operate", "migrate", *settings], check=True, cwd=ROOT)
        others = [_node_beside(place, folder / f"node{number}") for number in range(1, nodes)]
        books = Books(server.url("bridge"), server.password)
        with _serving(Fleet(place, signer, sts, [first, *others], books, server)) as fleet:
            yield fleet


@contextmanager
def fleet_on_sqlite(folder: Path, sts: ObligingSts, **settings: Any) -> Iterator[Fleet]:
    """One node of two workers."""
    place, signer = _files(folder, sts, None)
    document = json.loads(place.settings.read_text())
    for part, changes in settings.items():
        document[part] |= changes
    place.settings.write_text(json.dumps(document))
    books = Books(f"sqlite:///{place.folder / 'bridge.db'}", None)
    with _serving(Fleet(place, signer, sts, [Service(place.folder, place.port)], books, None)) as fleet:
        yield fleet


def _files(folder: Path, sts: ObligingSts, server: postgresql.Server | None) -> tuple[BridgeFiles, Signer]:
    signer = make_signer()
    place = make_place(folder / "node0", signer, sts.port, None)
    settings = json.loads(place.settings.read_text())
    settings["serving"]["workers"] = 2
    private_file(place.folder / "sealing", base64.b64encode(secrets.token_bytes(32)).decode())
    if server is None:
        settings["database"] = f"sqlite:///{place.folder / 'bridge.db'}"
    else:
        private_file(place.folder / "password", server.password)
        settings |= {
            "database": server.url("bridge"),
            "database_password": {"file": "password"},
            "keys": {"sealing_key": {"file": "sealing"}},
            "rulebook": {"files_on_many_nodes": True},
        }
    place.settings.write_text(json.dumps(settings))
    return place, signer


def _node_beside(place: BridgeFiles, folder: Path) -> Service:
    shutil.copytree(place.folder, folder)
    node = Service(folder, free_port())
    settings = json.loads(place.settings.read_text())
    settings["serving"]["listen"] = f"127.0.0.1:{node.port}"
    (folder / "settings.yaml").write_text(json.dumps(settings))
    return node


@contextmanager
def _serving(fleet: Fleet) -> Iterator[Fleet]:
    begun: list[Service] = []
    try:
        for node in fleet.nodes:
            node.start()
            begun.append(node)
        fleet.wait_until_ready()
        yield fleet
    finally:
        for node in begun:
            node.stop()
