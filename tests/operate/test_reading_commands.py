# ruff: noqa: F811 - fixtures are named where they are asked for
"""Looking never writes: no command that reads changes the folder or the database, and none can."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import click
import pytest
from documents.blocks import ROOT
from package_modules import nodes
from reading_commands import READING, draft, fill, run, settings, transmitter, written  # noqa: F401 - fixtures
from transmitters import ISSUER, Sender

import federation_bridge
from federation_bridge.errors import BridgeError
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import looking_at, parts_of, store_looked_at
from federation_bridge.settings import load_settings

READING_BY_OPTION = {"backup --verify", "restore --show"}
"""What a command that changes does with an option: it only looks."""
CHANGING = {
    "backup",
    "restore",
    "accounts import",
    "serve",
    "migrate",
    "metadata accept",
    "metadata refresh",
    "sessions end",
    "aws end",
    "aws publish-keys",
    "people erase",
    "people block",
    "people unblock",
    "incident begin",
    "incident end",
    "rules apply",
    "rules return",
    "rules close",
    "rules seen",
    "keys rotate",
    "keys use",
    "keys retire",
    "keys reseal",
    "scim token new",
    "scim token revoke",
    "notices test",
    "signals setup",
    "signals verify",
    "signals delete",
    "signals pause",
    "signals resume",
}
ASKING = {"healthy"}
"""What asks the service and no database."""
WITHOUT_SETTINGS = {"settings", "demo", "sandbox aws"}


def _all(group: click.Group, before: str = "") -> set[str]:
    # A group that does something by itself is a command too.
    found: set[str] = {before.strip()} if group.invoke_without_command else set()
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        found |= _all(command, f"{before}{name} ") if isinstance(command, click.Group) else {before + name}
    return found


def test_every_command_is_known_to_look_or_to_change() -> None:
    assert _all(commands) == set(READING) | ASKING | CHANGING | WITHOUT_SETTINGS
    assert {one.partition(" --")[0] for one in READING_BY_OPTION} <= CHANGING


def test_the_page_names_every_command_that_only_looks() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    table = page.partition("\n### Commands that only look\n")[2].partition("\n## ")[0]
    told = [name for line in table.splitlines() if line.startswith("| ") for name in re.findall(r"`([^`]+)`", line)]
    assert sorted(told) == sorted({*READING, *READING_BY_OPTION, *ASKING})


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below the folder: its mode, and the bytes of what is a file."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bridge that was started once; its keys take a while to make."""
    folder = tmp_path_factory.mktemp("started")
    settings = written(folder)
    preparation.prepare(load_settings(settings))
    fill(settings)
    return folder


@pytest.fixture
def started(started_once: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    shutil.copytree(started_once, tmp_path / "etc")
    return tmp_path / "etc" / "federation-bridge.yaml"


@pytest.mark.parametrize("command", READING)
def test_a_command_that_looks_leaves_every_byte_as_it_was(started: Path, tmp_path: Path, command: str) -> None:
    draft(started)
    before = snapshot(started.parent)
    result = run(started, READING[command], tmp_path / "public")
    assert result.exit_code == 0, result.output
    assert snapshot(started.parent) == before


@pytest.mark.parametrize("command", READING)
def test_before_a_first_start_a_command_that_looks_makes_nothing(settings: Path, tmp_path: Path, command: str) -> None:
    before = snapshot(settings.parent)
    result = run(settings, READING[command], tmp_path / "public")
    assert snapshot(settings.parent) == before
    assert not (tmp_path / "public").exists()
    # What needs no database answers; the others say what is missing.
    without_database = {"check", "aws check", "trust-policy", "metadata show", "preview", "explain", "review"}
    assert (result.exit_code == 0) is (command in without_database)


@pytest.mark.parametrize("command", READING)
def test_a_command_that_looks_works_beside_the_service(started: Path, tmp_path: Path, command: str) -> None:
    with parts_of(load_settings(started)):
        before = snapshot(started.parent)
        assert run(started, READING[command], tmp_path / "public").exit_code == 0
        after = snapshot(started.parent)
    assert {name: after[name] for name in after if not name.endswith("-shm")} == {
        name: before[name] for name in before if not name.endswith("-shm")
    }


def test_an_option_by_which_a_command_only_looks_leaves_every_byte_as_it_was(started: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir(mode=0o700)
    file = str(copies / "monday")
    assert run(started, ("backup", file), tmp_path).exit_code == 0
    before = snapshot(tmp_path)
    assert run(started, ("backup", "--verify", file), tmp_path).exit_code == 0
    assert snapshot(tmp_path) == before
    assert run(started, ("restore", "--replace", file), tmp_path).exit_code == 0
    before = snapshot(tmp_path)
    shown = run(started, ("restore", "--show"), tmp_path)
    assert "To let people in: " in shown.output
    assert snapshot(tmp_path) == before


def test_a_draft_that_was_checked_is_not_in_force_after_a_restart_with_broken_rules(started: Path) -> None:
    """A contractor became Administrator: the draft was kept as the last good rules, and then the live file broke."""
    good = (started.parent / "rules.yaml").read_text()
    draft(started)
    assert run(started, ("check",), started).exit_code == 0
    (started.parent / "rules.yaml").write_text(good.replace("group: admins", "grup: admins"))
    with looking_at(load_settings(started)) as parts:
        assert parts.rulebook.problem
        (group,) = [rule for rule in parts.rulebook.in_force.rules if rule.id == "administrators"]
    assert "contractors" not in repr(group)


@pytest.mark.parametrize("connection", ["corp", "partner"])
@pytest.mark.parametrize("command", ["setup", "verify", "pause", "resume", "delete"])
def test_a_command_about_signals_brings_no_draft_into_force(
    started: Path, tmp_path: Path, command: str, connection: str
) -> None:
    """They joined all parts as the service does: even one that was refused kept a draft as the last good rules."""
    draft(started)
    result = run(started, ("signals", command, connection, "--access-token", "TOKEN"), tmp_path)
    assert isinstance(result.exception, BridgeError) is (connection == "partner"), result.output
    with store_looked_at(load_settings(started)) as store:
        kept = store.rulebook_versions.in_force()
        events = [row.event for row in store.audit.entries()]
    assert kept is not None and "contractors" not in kept.text
    assert events.count("rules.loaded") == 1


def test_asking_for_a_verification_event_writes_nothing(started: Path, tmp_path: Path, transmitter: Sender) -> None:
    before = snapshot(started.parent)
    assert run(started, ("signals", "verify", "corp", "--access-token", "TOKEN"), tmp_path).exit_code == 0
    assert snapshot(started.parent) == before
    assert transmitter.asked[-1][:2] == ("POST", f"{ISSUER}/verification")


def test_no_command_but_the_service_itself_joins_parts_that_keep_the_rules() -> None:
    """Whatever joins all parts to write with them keeps the rules that it finds: a draft, if somebody is at work."""
    package = Path(federation_bridge.__file__).parent
    joining: dict[str, set[str]] = {"parts_of": set(), "join": set(), "create_app": set(), "prepare": set()}
    for path in package.rglob("*.py"):
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name in {"parts_of", "create_app"} or name in {"app.create_app", "app.join", "preparation.prepare"}:
                joining[name.rpartition(".")[2]].add(str(path.relative_to(package)))
    assert joining == {
        "parts_of": {"operate/preparation.py"},
        "join": {"operate/opening.py"},
        "create_app": {"operate/serving/bridge.py", "sandbox/company.py"},
        "prepare": {"operate/serving/bridge.py"},
    }
