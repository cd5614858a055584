"""On PostgreSQL one user owns the tables and migrates, another one serves and may do what the service needs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import postgresql
import pytest
import yaml
from click.testing import CliRunner
from documents.blocks import blocks
from store_factories import entry
from web_factories import write_files

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.operate import commands, preparation
from federation_bridge.operate.export import public_keys
from federation_bridge.operate.opening import store_of
from federation_bridge.settings import Settings, load_settings
from federation_bridge.store.rights import rights


@dataclass(frozen=True)
class Place:
    """The files of a service whose tables belong to somebody else."""

    settings: Path
    database: str
    server: postgresql.Server

    @property
    def owner(self) -> list[str]:
        return ["--owner", postgresql.OWNER, "--owner-password", str(self.settings.parent / "password")]

    def loaded(self) -> Settings:
        return load_settings(self.settings)

    def change(self, **changes: Any) -> None:
        self.settings.write_text(json.dumps({**yaml.safe_load(self.settings.read_text()), **changes}))

    def allowed(self) -> dict[str, set[str]]:
        """What the service's own user may do with each table, as PostgreSQL sees it."""
        with self.server.admin(self.database) as connection:
            found = connection.execute(
                "SELECT table_name, array_agg(privilege_type::text) FROM information_schema.role_table_grants"
                " WHERE grantee = 'bridge' GROUP BY table_name"
            ).fetchall()
        return {name: set(what) for name, what in found}


@pytest.fixture
def place(tmp_path: Path, postgresql_server: postgresql.Server, worker_id: str) -> Iterator[Place]:
    database = f"owned_{worker_id}"
    postgresql_server.make_database(database, postgresql.OWNER)
    for name, text in (("password", postgresql_server.password), ("sealing", "a2V5" * 10 + "a2U=")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    made = Place(write_files(tmp_path), database, postgresql_server)
    made.change(
        database=postgresql_server.url(database),
        database_password={"file": "password"},
        keys={"sealing_key": {"file": "sealing"}},
        rulebook={"files_on_many_nodes": True},
    )
    yield made
    with postgresql_server.admin() as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
def run(place: Place) -> Callable[..., str]:
    """What a command says, or the detail of its refusal."""

    def command(*words: str) -> str:
        done = CliRunner().invoke(commands.commands, [*words, "--settings", str(place.settings)])
        return str(getattr(done.exception, "detail", "")) or done.output

    return command


def test_the_owner_migrates_and_the_service_gets_what_it_needs_and_no_more(
    place: Place, run: Callable[..., str]
) -> None:
    assert "lacks a right" in run("migrate")
    assert run("migrate", *place.owner) == "The database is current.\n"
    assert place.allowed() == {table: set(allowed) for table, allowed in rights().items()}
    preparation.prepare(place.loaded())
    # Needed by no later start: the shape is there.
    assert run("migrate") == "The database is current.\n"


def test_a_right_that_is_too_much_is_taken_away_and_one_that_is_missing_comes(
    place: Place, run: Callable[..., str]
) -> None:
    run("migrate", *place.owner)
    with place.server.admin(place.database) as connection:
        connection.execute("GRANT ALL ON audit TO bridge")
        connection.execute("REVOKE ALL ON sessions FROM bridge")
    run("migrate", *place.owner)
    assert place.allowed() == {table: set(allowed) for table, allowed in rights().items()}


def test_a_service_that_archives_its_audit_may_delete_there(place: Place, run: Callable[..., str]) -> None:
    place.change(audit={"keep": "90d", "archive": "archive"})
    run("migrate", *place.owner)
    assert place.allowed()["audit"] == {"SELECT", "INSERT", "DELETE"}


def test_people_are_erased_as_the_owner(place: Place, run: Callable[..., str]) -> None:
    run("migrate", *place.owner)
    with store_of(place.loaded()) as store:
        store.audit.record(entry(datetime.now(UTC)))
        person = store.audit.entries(limit=1)[0].person
    assert "lacks a right" in run("people", "erase", person, "--reason", "asked")
    assert "1 entries of the audit erased" in run("people", "erase", person, "--reason", "asked", *place.owner)


def _of_the_page(words: str) -> list[str]:
    """The commands of that block of docs/deployment.md in which these words stand."""
    (found,) = (block for name, block in blocks().items() if "deployment.md console" in name and words in block.text)
    return found.commands


def test_the_sealing_key_is_changed_as_the_page_says(place: Place, run: Callable[..., str]) -> None:
    folder, password = place.settings.parent, place.owner[-1]
    made, change = _of_the_page("new-sealing-key --owner")
    put, _ = _of_the_page("new-sealing-key /etc")
    subprocess.run(["/bin/sh", "-c", made], cwd=folder, check=True, timeout=60)
    new, installed = folder / "new-sealing-key", folder / "sealing"
    assert new.stat().st_mode & 0o777 == 0o600
    run("migrate", *place.owner)
    before = public_keys(place.loaded())
    words = change.replace("new-sealing-key", str(new)).replace("bridge_owner", postgresql.OWNER)
    asked = words.replace("database-owner-password", password).split()[1:]
    assert "(--owner USER" in run(*asked[: asked.index("--owner")])
    with store_of(place.loaded()):
        assert "in use, by 1 other connections" in run(*asked)
    said = run(*asked)
    assert "Made anew: 7 keys and " in said
    assert "Now put the new key where `keys.sealing_key` names it, on every node" in said
    assert "is sealed by the new key" in run(*asked)

    with pytest.raises(ConfigurationInvalid, match="this is not the sealing key that sealed it"):
        preparation.prepare(place.loaded())
    assert put.startswith("install -m 0440 -g federation-bridge new-sealing-key ")
    installed.write_bytes(new.read_bytes())
    preparation.prepare(place.loaded())
    assert public_keys(place.loaded()) == before
    assert "holds the sealing key that is in force" in run(*asked)


@pytest.mark.parametrize(
    ("owner", "database", "told"),
    [
        ("bridge", None, "--owner: bridge is the service's own user"),
        ("owner", "sqlite:///x.db", "--owner is for PostgreSQL"),
        (
            "owner",
            "postgresql+psycopg://127.0.0.1/x",
            "--owner is for PostgreSQL, where",
        ),
    ],
)
def test_an_owner_who_cannot_be_is_told(
    place: Place, run: Callable[..., str], owner: str, database: str | None, told: str
) -> None:
    if database:
        place.change(database=database)
    assert told in run("migrate", "--owner", owner)


def test_a_service_s_user_who_is_not_there_is_named(place: Place, run: Callable[..., str]) -> None:
    place.change(database=place.server.url(place.database, "nobody_of_us"))
    assert "`database` names the user nobody_of_us, and PostgreSQL has none of this name" in run(
        "migrate", *place.owner
    )


def test_without_its_rights_the_service_does_not_start(place: Place) -> None:
    """The tables are not there for whoever has no right to them: the service does not start."""
    with pytest.raises((ConfigurationInvalid, Unavailable)):
        preparation.prepare(place.loaded())
