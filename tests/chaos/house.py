"""A whole house: people, a proxy with TLS, some nodes behind it, one PostgreSQL, an identity provider of each kind."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer
from tests import postgresql
from tests.benchmarks.bridge import ACCOUNT, ROLE, BridgeFiles, make_place
from tests.benchmarks.processes import ROOT
from tests.chaos.books import Books
from tests.chaos.employees import GROUP, OIDC, SAML, Employees
from tests.chaos.haproxy import Proxy, serving_proxy
from tests.chaos.lives import private_file
from tests.chaos.obliging_provider import SECRET, ObligingProvider, obliging_provider
from tests.chaos.obliging_sts import ObligingSts
from tests.free_ports import free_port
from tests.network_factories import Authority
from tests.openid_provider import CLIENT_ID
from tests.service_factories import Service, until

DRAIN = 4.0
"""Seconds that a node goes on after it was told to stop: longer than the proxy needs to notice."""


class PublicPlace(BridgeFiles):
    """The address that people know is the proxy's."""

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@dataclass
class House:
    """The nodes, and all that is around them."""

    place: PublicPlace
    signer: Signer
    provider: ObligingProvider
    sts: ObligingSts
    server: postgresql.Server
    nodes: list[Service]
    books: Books
    trusted: ssl.SSLContext
    workers: int
    """Of each node."""
    proxy: Proxy = field(init=False)

    @property
    def folder(self) -> Path:
        """Where all of it lies, for as long as it is served."""
        return self.place.folder.parent

    def employees(self, seed: int) -> Employees:
        return Employees(self.place, self.signer, self.provider, self.trusted, seed)

    def start(self, node: Service, **environ: str) -> None:
        """Starts a node, and waits until the proxy sends people to every node."""
        node.start(**environ)
        self.wait_until_ready(node)

    def wait_until_ready(self, *nodes: Service) -> None:
        for node in nodes or self.nodes:
            until(node.is_answering, f"a node is not ready: {node.log[-2000:]}", within=60)
        self.proxy.wait_for(len(self.nodes))

    def migrate(self, **environ: str) -> None:
        """`federation-bridge migrate` with the first node's settings."""
        command = [sys.executable, "-m", "federation_bridge.operate", "migrate", "--settings"]
        settings = self.nodes[0].folder / "settings.yaml"
        told = {**os.environ, **environ}
        done = subprocess.run(
            [*command, str(settings)], cwd=ROOT, env=told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def step(self) -> str:
        """The last migration step that the database has seen."""
        return str(self.books.rows("SELECT version_num FROM alembic_version")[0][0])


@contextmanager
def house(folder: Path, sts: ObligingSts, nodes: int = 2, workers: int = 1) -> Iterator[House]:
    """All of it served and ready, as long as the block lasts."""
    with ExitStack() as stack:
        server = stack.enter_context(postgresql.running_postgresql())
        server.make_database("bridge")
        provider = stack.enter_context(obliging_provider())
        signer, authority = make_signer(), Authority(folder)
        first = make_place(folder / "node1", signer, sts.port, None)
        place = PublicPlace(first.folder, free_port(), first.settings)
        _write_settings(place, provider, server, workers)
        services = [Service(first.folder, first.port)]
        for number in range(2, nodes + 1):
            beside = folder / f"node{number}"
            shutil.copytree(first.folder, beside)
            services.append(Service(beside, free_port()))
        for service in services:
            settings = json.loads(place.settings.read_text())
            settings["serving"]["listen"] = f"127.0.0.1:{service.port}"
            (service.folder / "settings.yaml").write_text(json.dumps(settings))
        trusted = ssl.create_default_context(cafile=str(authority.file))
        books = Books(server.url("bridge"), server.password)
        made = House(place, signer, provider, sts, server, services, books, trusted, workers)
        made.migrate()
        for service in services:
            service.start()
            stack.callback(service.stop)
        for service in services:
            until(service.is_answering, f"a node is not ready: {service.log[-2000:]}", within=60)
        certificate = authority.certified("127.0.0.1")
        ports = [service.port for service in services]
        made.proxy = stack.enter_context(serving_proxy(folder / "proxy", certificate, place.port, ports))
        yield made


def _write_settings(place: PublicPlace, provider: ObligingProvider, server: postgresql.Server, workers: int) -> None:
    private_file(place.folder / "password", server.password)
    private_file(place.folder / "sealing", base64.b64encode(secrets.token_bytes(32)).decode())
    private_file(place.folder / "client_secret", SECRET)
    document: dict[str, Any] = json.loads(place.settings.read_text())
    document["connections"][OIDC] = {
        "title": "Partner",
        "protocol": "oidc",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": {"file": "client_secret"},
        "networks": ["127.0.0.0/8"],
        "verified_email_domains": ["example.com"],
    }
    document["serving"] = {
        "workers": workers,
        "trusted_proxies": ["127.0.0.1"],
        "drain_time": f"{DRAIN:.0f}s",
        "metrics_networks": [],
    }
    document |= {
        "base_url": place.address,
        "database": server.url("bridge"),
        "database_password": {"file": "password"},
        "keys": {"sealing_key": {"file": "sealing"}},
        "rulebook": {"files_on_many_nodes": True},
    }
    place.settings.write_text(json.dumps(document))
    rules = [
        {
            "id": f"developers-of-{connection}",
            "connection": connection,
            "when": {"group": GROUP},
            "grant": {"role": f"{ACCOUNT}/{ROLE}", "max_duration": "1h"},
        }
        for connection in (SAML, OIDC)
    ]
    (place.folder / "rules.yaml").write_text(json.dumps({"version": 1, "rules": rules}))
