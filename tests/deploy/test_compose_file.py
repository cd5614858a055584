"""deploy/compose, the file by itself: what refers to something finds it, and everything is shut in."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_fixtures import COMPOSE, EXAMPLE, FOLDER, SERVICES
from documents.blocks import ROOT, blocks

from federation_bridge.settings import load_settings

CONTAINERFILE = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")


each_service = pytest.mark.parametrize("name", SERVICES)


@each_service
def test_a_service_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service) == set()


@each_service
def test_what_a_service_refers_to_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", ())) <= set(SERVICES)
    for volume in service.get("volumes", ()):
        source, target, *options = volume.split(":")
        assert Path(target).is_absolute()
        if source.startswith("."):
            assert options == ["ro"]
            assert (FOLDER / source).exists() or source == "./settings"
        else:
            assert source in COMPOSE["volumes"]


@each_service
def test_a_service_waits_for_what_is_healthy_and_says_whether_it_is(name: str) -> None:
    service = SERVICES[name]
    for other, wanted in service.get("depends_on", {}).items():
        ends_by_itself = SERVICES[other]["restart"] == "no"
        wanted_of = "service_completed_successfully" if ends_by_itself else "service_healthy"
        assert wanted == {"condition": wanted_of}
        assert ends_by_itself or SERVICES[other]["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


@each_service
def test_an_image_is_named_with_a_version_and_can_be_replaced_by_one_with_a_digest(name: str) -> None:
    found = re.fullmatch(r"\$\{(\w+)_IMAGE:-([\w./-]+):([\w.-]+)\}", SERVICES[name]["image"])
    assert found
    is_ours = found[2] == "federation-bridge"
    assert (found[3] == "latest") == is_ours
    assert is_ours or re.search(r"\d", found[3])


def test_every_secret_network_and_volume_is_used() -> None:
    for kind in ("secrets", "networks"):
        assert {one for service in SERVICES.values() for one in service.get(kind, ())} == set(COMPOSE[kind])
    volumes = {one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", ())}
    assert {one for one in volumes if not one.startswith(".")} == set(COMPOSE["volumes"])


def test_the_database_is_reached_by_the_bridge_alone_and_reaches_nobody() -> None:
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "database" in service["networks"]} == {
        "database",
        "migrate",
        "bridge",
    }
    assert list(SERVICES["database"]["networks"]) == ["database"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_the_superuser_and_the_owner_s_password_do_not_reach_the_service() -> None:
    assert set(SERVICES["bridge"]["secrets"]) == {"sealing-key", "bridge-password"}
    assert "superuser-password" not in SERVICES["migrate"]["secrets"]
    assert set(SERVICES["proxy"]["secrets"]) == {"tls-certificate", "tls-key"}


def test_the_example_trusts_the_proxy_s_address_and_no_other() -> None:
    inside = {name: service["networks"]["inside"]["ipv4_address"] for name, service in SERVICES.items()
              if "inside" in service["networks"]}  # fmt: skip
    assert EXAMPLE["serving"]["trusted_proxies"] == [inside["proxy"]]
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    addresses = [*inside.values(), network["gateway"]]
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.ip_address(one) in ipaddress.ip_network(network["subnet"]) for one in addresses)


def test_the_example_fits_the_containers() -> None:
    mounted = {f"/run/secrets/{name}" for name in SERVICES["bridge"]["secrets"]}
    assert {EXAMPLE["database_password"]["file"], EXAMPLE["keys"]["sealing_key"]["file"]} == mounted
    assert EXAMPLE["database"] == "postgresql+psycopg://bridge@database/bridge"
    assert EXAMPLE["serving"]["listen"] == "0.0.0.0:8400"
    assert "server bridge:8400 " in (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    assert SERVICES["bridge"]["user"] == re.search(r"^USER (\S+)$", CONTAINERFILE, re.MULTILINE)[1]  # type: ignore[index]
    assert f"state:{EXAMPLE['data']}" in SERVICES["bridge"]["volumes"]


def test_the_containers_are_given_the_time_that_the_bridge_takes_to_stop() -> None:
    stopping = load_settings_of_example().serving
    needed = (stopping.drain_time + stopping.shutdown_timeout).total_seconds() + 5
    assert int(SERVICES["bridge"]["stop_grace_period"].removesuffix("s")) > needed


def load_settings_of_example() -> Any:
    return load_settings(FOLDER / "example" / "federation-bridge.yaml")


def test_the_health_check_is_the_image_s_own() -> None:
    (shown,) = re.findall(r"^HEALTHCHECK .* CMD \[(.*)\]$", CONTAINERFILE, re.MULTILINE)
    assert SERVICES["bridge"]["healthcheck"]["test"] == ["CMD", *re.findall(r'"([^"]*)"', shown)]


def test_secrets_and_settings_of_an_operator_are_never_committed() -> None:
    asked = [f"deploy/compose/secrets/{one}" for one in COMPOSE["secrets"]] + ["deploy/compose/settings/rules.yaml"]
    ignored = subprocess.run(
        ["git", "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ignored.stdout.split() == asked


@pytest.mark.parametrize("file", ["accounts.yaml", "rules.yaml"])
def test_the_example_s_rules_are_those_of_the_readme(file: str) -> None:
    block = {"accounts.yaml": "README.md yaml 2", "rules.yaml": "README.md yaml 3"}[file]
    assert yaml.safe_load((FOLDER / "example" / file).read_text()) == yaml.safe_load(blocks()[block].text)
