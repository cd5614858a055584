# ruff: noqa: F811 - fixtures are named where they are asked for
"""docs/backup.md, followed word for word: on SQLite, and on a real PostgreSQL with its own pg_dump and pg_restore."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import postgresql
import pytest
import yaml
from click.testing import CliRunner, Result
from databases import HeldClock
from documents.blocks import blocks
from live_grant_factories import made
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import Person, door_of, settings_of_tests

from federation_bridge import system_clock
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.operate import opening, preparation
from federation_bridge.operate.commands import commands
from federation_bridge.settings import Settings, load_settings
from federation_bridge.store import Store
from federation_bridge.store.restorations import SOURCE

Run = Callable[..., Result]
WALKED = ("umask 077", "export ", "systemctl ", "runuser -u postgres")
"""What needs a machine of its own, with a PostgreSQL as the deployment has it: tests/deploy/test_walk.py types it."""
PAGE = [
    command
    for name, block in blocks().items()
    if name.startswith("docs/backup.md console")
    for command in block.commands
    if not command.startswith(WALKED)
]
FOLDER = "/var/backups/federation-bridge"


def lines(*beginnings: str) -> list[str]:
    """The commands of the page that begin so, in their order."""
    return [line for line in PAGE if line.startswith(beginnings)]


def words(line: str, **instead: str) -> list[str]:
    """The words of a command, without the program's name; what a reader fills in is filled in."""
    for name, value in instead.items():
        line = line.replace(name, value)
    return shlex.split(line)[1:]


def code_of(shown: str) -> str:
    (code,) = re.findall(r"restore --confirm (\w+) ", shown)
    return code


def test_the_page_knows_no_command_but_those_that_are_run_here() -> None:
    known = ("federation-bridge backup", "federation-bridge restore", "federation-bridge audit verify", "pg_")
    assert lines(*known) == PAGE
    assert len(PAGE) == 10


def test_a_sqlite_database_comes_back_as_the_page_says(
    person: Person, tmp_path: Path, run: Run, clock: HeldClock
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir(mode=0o700)
    in_folder = {FOLDER: str(backups)}
    make, verify = lines("federation-bridge backup")
    (back,) = lines("federation-bridge restore --replace")
    store = door_of(person.app).store
    for line, first in ((make, "Backed up: "), (verify, "Whole, and as it was made: ")):
        done = run(*words(line, **in_folder))
        assert done.exit_code == 0, done.exception
        assert done.output.startswith(f"{first}{backups}/2026-11-29\n")
        shown = blocks()[f"docs/backup.md console {1 if line == make else 2}"].text.splitlines()
        assert shown[1].replace(FOLDER, str(backups)) == done.output.splitlines()[0]

    clock.advance(timedelta(hours=1))
    made(store, clock())
    ring = door_of(person.app).keys
    sealing = AuditSealing(store, ring, clock, lambda _: None)
    assert sealing.seal() == 1
    last = store.seals.last()
    assert last is not None
    store.close()
    done = run(*words(back, **in_folder))
    assert done.exit_code == 0, done.exception

    (show,) = lines("federation-bridge restore --show")
    in_aws, confirm = lines("federation-bridge restore --confirm")
    code = code_of(run(*words(show)).output)
    done = run(*words(in_aws, CODE=code))
    assert done.exit_code == 0, done.exception
    assert "Accounts in which every AWS session is ending: 1 (" in done.output
    assert "account" in run("aws", "endings").output
    assert "no restore waits" in getattr(run(*words(confirm, CODE=code)).exception, "detail", "")

    (told,) = lines("federation-bridge audit verify")
    done = run(*words(told, **{"NUMBER:DIGEST": f"{last.number}:{last.digest()}"}))
    assert done.exit_code == 1
    assert "seal" in done.output


# --------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def on_postgresql(tmp_path: Path, postgresql_server: postgresql.Server) -> Iterator[Callable[[str], Path]]:
    """Settings of a bridge on a database of this name, made anew and empty."""
    names: list[str] = []

    def settings(name: str) -> Path:
        names.append(f"{name}_{os.getpid()}")
        postgresql_server.make_database(names[-1])
        document: dict[str, Any] = {
            **settings_of_tests(),
            "database": postgresql_server.url(names[-1]),
            "database_password": {"file": str(tmp_path / "password")},
            "keys": {"sealing_key": {"file": str(tmp_path / "key")}},
            "rulebook": {"source": "database"},
        }
        del document["rules"], document["accounts"]
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    secrets = {"key": base64.b64encode(bytes(32)).decode(), "password": postgresql_server.password}
    for secret, value in secrets.items():
        (tmp_path / secret).write_text(value)
        (tmp_path / secret).chmod(0o600)
    yield settings
    with postgresql_server.admin() as connection:
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def typed(line: str, folder: Path, server: postgresql.Server, settings: Settings) -> None:
    """A command of PostgreSQL's as a shell runs it, with its own programs."""
    name = settings.database_url.rpartition("/")[2]
    environment = {
        "PATH": f"{server.binaries}:/usr/bin:/bin",
        "DATABASE": f"postgresql://bridge@127.0.0.1:{server.port}/{name}",
        "PGPASSWORD": server.password,
    }
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def bridge(path: Path, *asked: str) -> Result:
    return CliRunner().invoke(commands, [*asked, "--settings", str(path)])


def blocks_of(store: Store) -> list[str]:
    return [one.source for one in store.blocks.standing()]


def test_a_postgresql_database_comes_back_as_the_page_says(
    tmp_path: Path,
    postgresql_server: postgresql.Server,
    on_postgresql: Callable[[str], Path],
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system_clock, "utc_now", clock)
    clock.now = datetime.now(UTC)  # the server's
    dump, back = lines("pg_")
    (tell,) = lines("federation-bridge restore --database-is-restored")
    old, new = on_postgresql("old"), on_postgresql("new")
    assert bridge(old, "migrate").exit_code == 0
    assert "docs/backup.md shows it with `pg_dump`" in getattr(bridge(old, "backup", "x").exception, "detail", "")
    typed(dump, tmp_path, postgresql_server, load_settings(old))
    assert bridge(old, "people", "block", "corp/bob", "--unseen", "--emergency", "--reason", "left").exit_code == 0

    typed(back, tmp_path, postgresql_server, load_settings(new))
    with pytest.raises(ConfigurationInvalid, match="was put back from a backup, and the bridge was not told"):
        preparation.prepare(load_settings(new))
    assert "restore --database-is-restored" in bridge(new, "check").output
    # A migration is no word about it, neither one that has something to do.
    assert bridge(new, "migrate").exit_code == 0
    with postgresql_server.admin(load_settings(new).database_url.rpartition("/")[2]) as connection:
        connection.execute("DROP TABLE restorations")
        connection.execute("UPDATE alembic_version SET version_num = '0029'")
    assert bridge(new, "migrate").exit_code == 0
    with opening.store_looked_at(load_settings(new)) as store:
        assert "was put back" in (store.schema_problem() or "")

    # By a clock that is late, what was used before would count as issued after.
    clock.now = datetime.now(UTC)  # the server's has gone on
    clock.advance(timedelta(minutes=-2))
    assert "set the clocks by NTP" in getattr(bridge(new, *words(tell)).exception, "detail", "")
    clock.advance(timedelta(minutes=2))
    done = bridge(new, *words(tell))
    assert done.exit_code == 0, done.exception
    with opening.store_looked_at(load_settings(new)) as store:
        assert store.schema_problem() is None
        assert blocks_of(store) == [SOURCE]
    shown = bridge(new, "restore", "--show").output
    assert "kept out: nobody" in shown
    done = bridge(new, "restore", "--confirm", code_of(shown), "--reason", "drill")
    assert done.exit_code == 0, done.exception
    counts_from = clock.now.replace(microsecond=0) + timedelta(minutes=2, seconds=1)
    assert f"Sign-ins count that begin at {counts_from:%H:%M:%S} UTC or later" in done.output
    # The first one is another database, which was never put back.
    with opening.store_looked_at(load_settings(old)) as store:
        assert store.schema_problem() is None
        assert blocks_of(store) == ["administrator"]


def test_a_database_under_another_sealing_key_is_told_nothing(
    tmp_path: Path, on_postgresql: Callable[[str], Path]
) -> None:
    path = on_postgresql("mistaken")
    assert bridge(path, "migrate").exit_code == 0
    (tmp_path / "key").write_text(base64.b64encode(b"x" * 32).decode())
    done = bridge(path, "restore", "--database-is-restored")
    assert isinstance(done.exception, BridgeError)
    assert "sealing key" in done.exception.detail
    with opening.store_looked_at(load_settings(path), is_checked=False) as store:
        assert blocks_of(store) == []
