"""deploy/kubernetes without a cluster: its settings, secrets and commands, on volumes as the kubelet lays them out."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import begun_programs
import pytest
import yaml
from kubernetes_manifests import EXAMPLES, container, lay_out, lay_out_volumes, pod, words
from postgresql import OWNER, Server
from service_factories import IDP, Service, until

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.check import Kind, Severity, surroundings
from federation_bridge.operate.check import secrets as checked_secrets
from federation_bridge.sandbox.identity_provider.saml_message import make_signer, metadata_xml
from federation_bridge.settings import load_settings

SECRETS = {"sealing-key": base64.b64encode(bytes(32)).decode(), "database-password": "x", "database-ca.pem": "x"}
VOLUMES = {"federation-bridge": SECRETS}


@pytest.fixture
def as_the_pod(monkeypatch: pytest.MonkeyPatch) -> int:
    """Makes this process the pod's user; the group that may be given to files here: the pod's where we may."""
    context = pod("example")["securityContext"]
    owner, group = os.geteuid(), os.getegid()
    if owner == 0:
        owner, group = context["runAsUser"], context["fsGroup"]
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    monkeypatch.setattr(os, "getegid", lambda: owner)
    monkeypatch.setattr(os, "getgroups", lambda: [group])
    return group


def here(root: Path, text: str) -> str:
    """The text with paths of the container below `root`."""
    return text.replace("/etc/federation-bridge", f"{root}/etc/federation-bridge").replace("/run/", f"{root}/run/")


def test_a_secret_is_read_through_the_links_of_its_volume(tmp_path: Path, as_the_pod: int) -> None:
    lay_out_volumes(tmp_path, "example", VOLUMES, as_the_pod, told=lambda text: here(tmp_path, text))
    settings = load_settings(tmp_path / "etc/federation-bridge/federation-bridge.yaml")
    assert settings.keys.sealing_key
    assert settings.keys.sealing_key.read() == SECRETS["sealing-key"]
    found = [*checked_secrets.look(settings), *surroundings.look(settings.data / "federation-bridge.yaml", settings)]
    odd = [one for one in found if one.severity in {Severity.WRONG, Severity.DOUBTFUL}]
    assert [one.sentence for one in odd if one.kind is not Kind.PORT] == []  # on this machine others may listen there


@pytest.mark.parametrize(
    ("mode", "is_our_group"), [(0o644, True), (0o444, True), (0o440, False)], ids=["usual", "read by all", "no fsGroup"]
)
def test_a_secret_that_a_volume_shows_to_others_is_refused(
    tmp_path: Path, as_the_pod: int, monkeypatch: pytest.MonkeyPatch, mode: int, is_our_group: bool
) -> None:
    lay_out_volumes(tmp_path, "example", VOLUMES, as_the_pod, told=lambda text: here(tmp_path, text))
    lay_out(tmp_path / "others", SECRETS, mode, as_the_pod)
    if not is_our_group:
        monkeypatch.setattr(os, "getgroups", list)
        monkeypatch.setattr(os, "getegid", lambda: as_the_pod + 1)
    path = tmp_path / "etc/federation-bridge/federation-bridge.yaml"
    text = path.read_text().replace(
        f"{tmp_path}/run/secrets/federation-bridge/sealing-key", f"{tmp_path}/others/sealing-key"
    )
    path.write_text(text)
    settings = load_settings(path)
    assert settings.keys.sealing_key
    with pytest.raises(ConfigurationInvalid, match="can be used by others"):
        settings.keys.sealing_key.read()


@pytest.fixture
def volumes(tmp_path: Path, postgresql_server: Server, free_port: int) -> Mapping[str, Path]:
    """For each example the folder in which its pod's volumes lie; an empty PostgreSQL, and the IdP is a file."""
    name = f"kubernetes_{os.getpid()}"
    postgresql_server.make_database(name, OWNER)
    idp = tmp_path / "idp.xml"
    idp.write_bytes(metadata_xml(IDP, f"{IDP}/sso", [make_signer()]))
    laid: dict[str, Path] = {}
    for example in EXAMPLES:
        root = laid[example] = tmp_path / example.replace("/", "-")

        def told(text: str, root: Path = root) -> str:
            if "base_url" not in text:
                return text
            said = yaml.safe_load(here(root, text))
            assert said["database"].startswith("postgresql+psycopg://bridge@db.example.com/bridge?sslmode=verify-full")
            said["database"] = postgresql_server.url(name)
            del said["connections"]["entra"]["metadata_url"]
            said["connections"]["entra"]["metadata_file"] = str(idp)
            said["serving"] |= {
                "listen": f"127.0.0.1:{free_port}",
                "drain_time": "0s",
                "metrics_networks": ["127.0.0.0/8"],
            }
            return yaml.safe_dump(said)

        kept = {
            "sealing-key": base64.b64encode(b"one key for all".ljust(32, b".")).decode(),
            "database-password": postgresql_server.password, "database-ca.pem": "x",
        }  # fmt: skip
        owner = {"database-owner-password": postgresql_server.password}
        volumes = {"federation-bridge": kept, "federation-bridge-owner": owner}
        lay_out_volumes(root, example, volumes, os.getegid(), told=told)
    return laid


def ran(example: str, root: Path) -> list[str]:
    """The container's command, as it is on this machine."""
    _, *rest = words(example)
    told = (here(root, word).replace("--owner=bridge_owner", f"--owner={OWNER}") for word in rest)
    return [sys.executable, "-m", "federation_bridge.operate", *told]


def finished(example: str, root: Path) -> str:
    done = begun_programs.run(ran(example, root), capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def service(volumes: Mapping[str, Path], free_port: int) -> Iterator[Service]:
    """The pod's one container, after both Jobs, in the order of the page."""
    assert "The database is current." in finished("example/migrate", volumes["example/migrate"])
    assert "Version 1 is in force." in finished("example/rules", volumes["example/rules"])
    served = Service(volumes["example"], free_port)
    with (volumes["example"] / "log").open("ab") as output:
        served.process = begun_programs.begin(
            ran("example", volumes["example"]), stdout=output, stderr=output, cwd=volumes["example"] / "tmp"
        )
    yield served
    if served.process.poll() is None:
        served.stop()


def test_the_page_leads_from_an_empty_database_to_a_node_that_is_ready_and_stops(service: Service) -> None:
    probes = [container("example")[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    asked = {probe["httpGet"]["path"] for probe in probes}

    def is_settled() -> bool:
        return service.process.poll() is not None or all(service.is_answering(path) for path in asked)

    until(is_settled, "never ready")
    assert service.process.poll() is None, service.log
    assert b"bridge_rulebook_info" in service.get("/metrics")[2]
    assert service.get("/")[0] in {200, 302, 303}
    assert service.stop() == 0
