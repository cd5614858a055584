"""Looking never writes: no command that reads changes the folder or the database, and none can."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import postgresql
import pytest
import yaml
from click.testing import CliRunner
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from documents.blocks import ROOT
from live_grant_factories import KEY, sold
from transmitters import ISSUER, Sender
from web_factories import ACCOUNT, write_files

import federation_bridge
from federation_bridge.audit import Entry, SignalStreamChanged
from federation_bridge.errors import BridgeError, Unavailable
from federation_bridge.model import RequestOrigin
from federation_bridge.operate import preparation
from federation_bridge.operate import signals as streams
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import looking_at, parts_of, store_looked_at
from federation_bridge.settings import load_settings
from federation_bridge.store import open_store_to_read

EXPORT = Path(__file__).parents[1] / "golden" / "aws_export"
"""What `aws iam` prints of the account of the tests, where all is as it should be."""

READING: dict[str, tuple[str, ...]] = {
    "check": ("check",),
    "trust-policy": ("trust-policy", ACCOUNT, "Administrator"),
    "keys show": ("keys", "show"),
    "issuer export": ("issuer", "export", "--to", "PUBLIC"),
    "audit": ("audit",),
    "audit export": ("audit", "export", "--format", "csv"),
    "audit verify": ("audit", "verify"),
    "preview": ("preview", "RULES"),
    "explain": ("explain", "corp/ada", "--groups", "contractors"),
    "sign-ins": ("sign-ins",),
    "review": ("review", "--format", "csv"),
    "metadata show": ("metadata", "show"),
    "sessions list": ("sessions", "list"),
    "aws onboard": ("aws", "onboard", "--to", "PUBLIC"),
    "aws check": ("aws", "check", "--from", str(EXPORT)),
    "aws last-check": ("aws", "last-check"),
    "aws endings": ("aws", "endings"),
    "people blocked": ("people", "blocked"),
    "people show": ("people", "show", "corp/ada"),
    "rules history": ("rules", "history"),
    "rules proposals": ("rules", "proposals"),
    "rules emergencies": ("rules", "emergencies"),
    "rules show": ("rules", "show", "1"),
    "rules diff": ("rules", "diff", "1", "1"),
    "notices list": ("notices", "list"),
    "grants alive": ("grants", "alive"),
    "grants key": ("grants", "key", KEY),
    "scim show": ("scim", "show"),
    "scim token list": ("scim", "token", "list", "corp"),
    "signals status": ("signals", "status", "corp", "--access-token", "TOKEN"),
}
"""Every command that only looks, and words for it."""

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


def run(settings: Path, words: tuple[str, ...], public: Path) -> Any:
    meant = {
        "PUBLIC": str(public),
        "RULES": str(settings.parent / "rules.yaml"),
        "TOKEN": str(settings.parent / "token"),
    }
    said = [meant.get(word, word) for word in words]
    depth = _depth(commands, said)
    return CliRunner().invoke(commands, [*said[:depth], "--settings", str(settings), *said[depth:]])


def _depth(group: click.Group, words: list[str]) -> int:
    """How many of the words name the command."""
    command = group.commands[words[0]]
    deeper = isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands
    return 1 + _depth(command, words[1:]) if isinstance(command, click.Group) and deeper else 1


def draft(settings: Path) -> None:
    """What an administrator is trying out: somebody else becomes Administrator, and there is one more connection."""
    rules = yaml.safe_load((settings.parent / "rules.yaml").read_text())
    rules["rules"][0]["when"] = {"group": "contractors"}
    (settings.parent / "rules.yaml").write_text(yaml.safe_dump(rules))


def written(folder: Path) -> Path:
    """The files of an administrator whose connection `corp` takes shared signals; gives the settings file."""
    settings = write_files(folder)
    document = yaml.safe_load(settings.read_text())
    document["connections"]["corp"]["signals"] = {"issuer": ISSUER}
    settings.write_text(yaml.safe_dump(document))
    (folder / "token").write_text("access\n")
    return settings


def fill(settings: Path) -> None:
    """What the commands look at: a grant, and a stream of shared signals."""
    with parts_of(load_settings(settings)) as parts:
        sold(parts.store, datetime.now(UTC))
        entry = Entry(datetime.now(UTC), RequestOrigin("operator"), SignalStreamChanged("set up"), connection="corp")
        parts.store.signal_streams.put("corp", "secret", "stream-1", entry)


@pytest.fixture(autouse=True)
def transmitter(monkeypatch: pytest.MonkeyPatch) -> Sender:
    """Who answers the commands about shared signals."""
    sender = Sender(lambda: datetime.now(UTC))
    for one in ("POST", "DELETE"):
        sender.answers |= {
            f"{one} {ISSUER}/{there}": (200, {}) for there in ("configuration", "status", "verification")
        }
    sender.answers[f"POST {ISSUER}/configuration"] = (201, {"stream_id": "stream-2"})
    sender.answers[f"GET {ISSUER}/status"] = (200, {"status": "enabled"})
    monkeypatch.setattr(streams, "Outgoing", lambda *_: sender)
    return sender


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return written(folder)


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
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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


# ------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def on_postgresql(settings: Path, postgresql_database: OwnDatabase) -> Path:
    document = yaml.safe_load(settings.read_text())
    for name, text in (("password", postgresql_database.password), ("sealing", "a2V5" * 10 + "a2U=")):
        (settings.parent / name).write_text(str(text))
        (settings.parent / name).chmod(0o600)
    document |= {
        "database": postgresql_database.url,
        "database_password": {"file": "password"},
        "keys": {"sealing_key": {"file": "sealing"}},
        "rulebook": {"files_on_many_nodes": True},
    }
    settings.write_text(json.dumps(document))
    return settings


def contents(server: postgresql.Server, own_database: OwnDatabase) -> dict[str, list[Any]]:
    with server.admin(own_database.url.rpartition("/")[2]) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        ).fetchall()
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}").fetchall())) for (name,) in tables}


def test_commands_that_look_leave_every_row_of_postgresql(
    on_postgresql: Path, tmp_path: Path, postgresql_server: postgresql.Server, postgresql_database: OwnDatabase
) -> None:
    preparation.prepare(load_settings(on_postgresql))
    fill(on_postgresql)
    draft(on_postgresql)
    before = contents(postgresql_server, postgresql_database)
    for words in READING.values():
        result = run(on_postgresql, words, tmp_path / "public")
        assert result.exit_code == 0, result.output
        assert contents(postgresql_server, postgresql_database) == before, words


# ---------------------------------------------------------------------------------------------------------- the store


def _own_transaction(store: Any) -> None:
    with store._database._reader.connect() as connection:
        connection.exec_driver_sql("DELETE FROM kept_documents")


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.sessions.end("x"),
        lambda store: store.migrate(),
        lambda store: store.sweep(),
        lambda store: store.sealed_keys.put_first("p", b"x"),
    ],
    ids=["end", "migrate", "sweep", "put_first"],
)
def test_nothing_is_written_through_a_store_that_reads(
    own_database: OwnDatabase, clock: HeldClock, write: Callable[[Any], object]
) -> None:
    own_database.open()
    store = open_store_to_read(
        own_database.url, clock=clock, integrity_key=INTEGRITY_KEY, password=own_database.password
    )
    with pytest.raises(Unavailable, match="only reads"):
        write(store)
    store.close()


def test_the_database_itself_refuses_what_goes_past_our_own_check(own_database: OwnDatabase, clock: HeldClock) -> None:
    own_database.open()
    store = open_store_to_read(
        own_database.url, clock=clock, integrity_key=INTEGRITY_KEY, password=own_database.password
    )
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        _own_transaction(store)
    store.close()


def test_a_store_that_reads_changes_no_shape(tmp_path: Path, clock: HeldClock) -> None:
    (tmp_path / "old.db").touch(mode=0o600)
    url = f"sqlite:///{tmp_path}/old.db"
    store = open_store_to_read(url, clock=clock, integrity_key=INTEGRITY_KEY)
    assert "migrate" in str(store.problem())
    store.close()
    assert (tmp_path / "old.db").read_bytes() == b""
