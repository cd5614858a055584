"""deploy/cloudformation: tasks are given what the bridge takes, and stop as the load balancer expects."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import postgresql
import psycopg
import pytest
from cloudformation_tasks import containers, environment, run, written
from cloudformation_templates import FULL, GIVEN
from documents.blocks import ROOT
from service_factories import Service, until

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.commands import commands
from federation_bridge.settings import load_settings
from federation_bridge.store.database_url import parsed_url

RULES = """\
version: 1
rules:
  - {id: readers, connection: corp, when: {group: readers}, grant: {role: 111122223333/Reader}}
"""
ACCOUNTS = """\
version: 1
accounts:
  - id: "111122223333"
    name: production
    provider: arn:aws:iam::111122223333:oidc-provider/aws.example.com
    roles: [Reader]
"""
SECRETS = {
    ("Node", "files"): {"DATABASE_CERTIFICATES"},
    ("Node", "bridge"): {"DATABASE_PASSWORD", "SEALING_KEY", "SECRET_1"},
    ("Migration", "files"): {"DATABASE_CERTIFICATES"},
    ("Migration", "user"): {"OWNER_PASSWORD", "BRIDGE_PASSWORD"},
    ("Migration", "migrate"): {"PGPASSWORD", "SEALING_KEY"},
}
"""What each container is given of what nobody may read."""
PLAIN = {"SETTINGS", "FEDERATION_BRIDGE_SETTINGS", "DATABASE"}
"""What stands in a task's description, which many may read."""

# --------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("given", [GIVEN, FULL], ids=["least", "all"])
def test_the_settings_of_a_task_are_ones_that_the_bridge_takes(tmp_path: Path, given: dict[str, str]) -> None:
    settings = load_settings(written(tmp_path, "Node", given) / "federation-bridge.yaml")
    assert settings.base_url == "https://aws.example.com"
    assert settings.issuer == given.get("AwsIssuer", "https://aws.example.com")
    assert settings.rulebook.source == "database"
    assert settings.portal.name == "Example"
    assert list(settings.connections) == ["corp"]
    assert settings.serving.trusted_proxies == ("10.64.0.0/22", "10.64.4.0/22")
    assert settings.serving.metrics_networks[1:] == (("10.64.8.0/24",) if given is FULL else ())


def test_every_secret_that_the_settings_name_is_given_to_the_bridge(tmp_path: Path) -> None:
    named = set(re.findall(r"environment\W+(\w+)", (written(tmp_path, "Node") / "federation-bridge.yaml").read_text()))
    assert named == {one["Name"] for one in containers("Node")["bridge"]["Secrets"]}


def test_the_database_is_reached_with_its_certificate_looked_at(tmp_path: Path) -> None:
    folder = written(tmp_path, "Node")
    url = parsed_url(load_settings(folder / "federation-bridge.yaml").database_url)
    assert (url.username, url.host, url.port, url.database) == ("bridge", GIVEN["DatabaseHost"], 5432, "bridge")
    assert url.query == {"sslmode": "verify-full", "sslrootcert": "/etc/federation-bridge/database-ca.pem"}
    assert (folder / "database-ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_the_task_that_migrates_has_the_settings_of_a_node() -> None:
    # Migrating reads whom `database` names: that user gets the rights.
    node, migration = (containers(task, FULL)["files"] for task in ("Node", "Migration"))
    assert node == migration


def test_a_setting_that_stands_in_the_template_already_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, "Node", GIVEN | {"MoreSettings": "serving: {listen: '0.0.0.0:1'}"})
    with pytest.raises(ConfigurationInvalid, match="serving"):
        load_settings(folder / "federation-bridge.yaml")


def test_a_first_rulebook_reaches_the_task_as_files(tmp_path: Path) -> None:
    folder = written(tmp_path, "Node", RULES="version: 1", ACCOUNTS="version: 1\n")
    assert [(folder / name).read_text() for name in ("rules.yaml", "accounts.yaml")] == ["version: 1", "version: 1\n"]
    assert (folder / "tmp").stat().st_mode & 0o7777 == 0o1777


# ---------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("task", ["Node", "Migration"])
def test_secrets_reach_the_container_that_needs_them_and_stand_nowhere_in_plain(task: str) -> None:
    for name, one in containers(task).items():
        assert {each["Name"] for each in one["Secrets"]} == SECRETS[task, name]
        assert environment(one).keys() <= PLAIN
        for each in one["Secrets"]:
            assert re.match(r"arn:aws:secretsmanager:", each["ValueFrom"])


@pytest.mark.parametrize("task", ["Node", "Migration"])
def test_containers_can_write_next_to_nothing_and_may_nothing_of_the_system(task: str) -> None:
    found = containers(task)
    for name, one in found.items():
        assert one["ReadonlyRootFilesystem"]
        assert one["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}
        assert one["User"] == ("0" if name == "files" else "65532")
        is_written = {each["ContainerPath"] for each in one["MountPoints"] if not each.get("ReadOnly")}
        assert is_written == ({"/etc/federation-bridge", "/tmp"} if name == "files" else {"/tmp"})
        assert re.fullmatch(
            r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9/-]+@sha256:[0-9a-f]{64}", one["Image"]
        )
        assert one["LogConfiguration"]["Options"]["awslogs-group"] == "<Log>"
    order = [(name, one["DependsOn"][0]) for name, one in found.items() if "DependsOn" in one]
    assert {each["Condition"] for _, each in order} == {"SUCCESS"}
    # The first ones end when they are done, and the task goes on; the last one is what it is there for.
    assert [one["Essential"] for one in found.values()] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize(("task", "container"), [("Node", "bridge"), ("Migration", "migrate")])
def test_containers_run_what_the_program_knows(task: str, container: str) -> None:
    one = containers(task)[container]
    assert Path(one["EntryPoint"][0]).name == "federation-bridge"
    assert one["Command"][0] in commands.commands
    assert environment(one)["FEDERATION_BRIDGE_SETTINGS"] == "/etc/federation-bridge/federation-bridge.yaml"


# -------------------------------------------------------------------------------------------------------- migrating


@dataclass(frozen=True)
class Managed:
    """A database as RDS makes it: its owner is no superuser, and may make users."""

    server: postgresql.Server
    name: str
    """Of the database, of its owner with `_owner` behind it, and of the bridge's user with `_user`."""

    def url(self, who: str) -> str:
        return f"postgresql://{self.name}_{who}@127.0.0.1:{self.server.port}/{self.name}"


@pytest.fixture
def managed(postgresql_server: postgresql.Server) -> Iterator[Managed]:
    name = f"task_{os.getpid()}"
    with postgresql_server.admin() as connection:
        connection.execute(f"CREATE ROLE {name}_owner LOGIN CREATEROLE PASSWORD '{postgresql_server.password}'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}_owner")
        yield Managed(postgresql_server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}_user")
        connection.execute(f"DROP ROLE {name}_owner")


def give_a_password(managed: Managed, password: str) -> None:
    name = f"{managed.name}_user"
    words = {
        "'bridge'": f"'{name}'",
        'b"bridge"': f'b"{name}"',
        "ROLE bridge ": f"ROLE {name} ",
        "TO bridge": f"TO {name}",
    }
    environ = {
        "DATABASE": managed.url("owner"),
        "OWNER_PASSWORD": managed.server.password,
        "BRIDGE_PASSWORD": password,
    }
    run(containers("Migration")["user"], environ, words | {"DATABASE bridge": f"DATABASE {managed.name}"})


def operate(settings: Path, *words: str, **environ: str) -> str:
    """What a command of the bridge prints, with nothing in its environment but what a container has."""
    done = subprocess.run(
        [sys.executable, "-m", "federation_bridge.operate", *words],
        env={"FEDERATION_BRIDGE_SETTINGS": str(settings), "SEALING_KEY": "a2V5" * 10 + "a2U=", **environ},
        cwd=ROOT, check=False, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_tasks_do_leads_to_a_node_that_is_ready_and_may_change_nothing_of_the_past(
    managed: Managed, tmp_path: Path, free_port: int
) -> None:
    """Every step of the page in its order; only AWS itself is missing."""
    password = "se'c\\ond"
    give_a_password(managed, "first")
    path = written(tmp_path, "Migration") / "federation-bridge.yaml"
    url = managed.url("user").replace("postgresql:", "postgresql+psycopg:")
    # A data folder that is not there is what a node has that may write nothing.
    text = re.sub(r'database: ".*"', f'database: "{url}"', path.read_text())
    path.write_text(text.replace("0.0.0.0:8400", f"127.0.0.1:{free_port}").replace("drain_time: 10s", "drain_time: 0s"))
    one = containers("Migration")["migrate"]
    words = [managed.name + "_owner" if word == "bridge_owner" else word for word in one["Command"]]
    assert operate(path, *words, PGPASSWORD=managed.server.password) == "The database is current.\n"
    give_a_password(managed, password)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(managed.url("user"), password="first")
    for statement in ("CREATE TABLE x ()", "CREATE TEMPORARY TABLE x ()", "DELETE FROM audit"):
        with psycopg.connect(managed.url("user"), password=password) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    files = [str(tmp_path / "rules.yaml"), str(tmp_path / "accounts.yaml")]
    applied = operate(
        path, "rules", "apply", *files, "--reason", "first version", "--author", "you", DATABASE_PASSWORD=password
    )
    assert applied == "Version 1 is in force.\n"
    path.rename(tmp_path / "settings.yaml")
    node = Service(tmp_path, free_port)
    node.start(DATABASE_PASSWORD=password, SEALING_KEY="a2V5" * 10 + "a2U=", SECRET_1="x")
    try:
        until(lambda: node.process.poll() is not None or node.is_answering(), "never ready")
        assert node.process.poll() is None, node.log
        assert json.loads(node.get("/.well-known/openid-configuration")[2])["issuer"] == "https://aws.example.com"
    finally:
        assert node.stop() == 0


# ------------------------------------------------------------------------------------------------------------ image


def test_the_tasks_use_the_image_as_it_is_built() -> None:
    built = (ROOT / "deploy" / "container" / "Containerfile").read_text("utf-8")
    bridge = containers("Node")["bridge"]
    places = re.search(r"PATH=(\S+)", built)
    programs = places[1] if places else ""
    for task in ("Node", "Migration"):
        for one in containers(task).values():
            assert str(Path(one["EntryPoint"][0]).parent) == programs
    assert f"FEDERATION_BRIDGE_SETTINGS={environment(bridge)['FEDERATION_BRIDGE_SETTINGS']} " in built
    assert f"USER {bridge['User']}:" in built
    assert f"EXPOSE {bridge['PortMappings'][0]['ContainerPort']}\n" in built
    kept = (ROOT / "deploy" / "container" / "collect.py").read_text("utf-8")
    assert re.search(r'PROGRAMS = \{"python", [^}]*"federation-bridge"\}', kept)
