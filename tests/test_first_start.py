"""A database or a sealing key that was lost is noticed: only a first start makes them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from databases import HeldClock
from web_factories import door_of, made_app, write_files

from federation_bridge import first_start
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.commands import commands
from federation_bridge.settings import Settings, load_settings
from federation_bridge.signing import Purpose


def settings_in(folder: Path) -> Settings:
    return load_settings(write_files(folder))


def started(folder: Path, clock: HeldClock, **changes: Any) -> str:
    """Starts the service once; gives the id of the key that signs for AWS."""
    app = made_app(folder, clock, **changes)
    try:
        return door_of(app).keys.current(Purpose.AWS_SAML).kid
    finally:
        door_of(app).store.close()


def test_a_first_start_makes_database_and_sealing_key_and_a_second_one_neither(
    tmp_path: Path, clock: HeldClock
) -> None:
    first = started(tmp_path, clock)
    kept = (tmp_path / "sealing.key").read_bytes()
    assert started(tmp_path, clock) == first
    assert (tmp_path / "sealing.key").read_bytes() == kept


def test_a_vanished_database_is_no_first_start(tmp_path: Path, clock: HeldClock) -> None:
    started(tmp_path, clock)
    for path in tmp_path.glob("bridge.db*"):
        path.unlink()
    with pytest.raises(ConfigurationInvalid, match="put the database back"):
        started(tmp_path, clock)
    assert not (tmp_path / "bridge.db").exists()


def test_a_vanished_sealing_key_is_not_made_anew(tmp_path: Path, clock: HeldClock) -> None:
    started(tmp_path, clock)
    (tmp_path / "sealing.key").unlink()
    with pytest.raises(ConfigurationInvalid, match="put the key back"):
        started(tmp_path, clock)
    assert not (tmp_path / "sealing.key").exists()


def test_an_operator_who_says_so_gets_a_new_database(tmp_path: Path, clock: HeldClock) -> None:
    first = started(tmp_path, clock)
    (tmp_path / "bridge.db").unlink()
    told = CliRunner().invoke(commands, ["migrate", "--settings", str(tmp_path / "federation-bridge.yaml")])
    made, key, current = told.output.splitlines()
    assert made == f"Made: {tmp_path / 'bridge.db'}"
    assert key.startswith(f"Its sealing key is {tmp_path / 'sealing.key'}: keep a copy of it")
    assert current == "The database is current."
    assert started(tmp_path, clock) != first


def test_a_first_migrate_makes_what_a_first_start_would(tmp_path: Path, clock: HeldClock) -> None:
    path = write_files(tmp_path)
    assert CliRunner().invoke(commands, ["migrate", "--settings", str(path)]).exit_code == 0
    assert (tmp_path / "sealing.key").exists()
    started(tmp_path, clock)


def test_a_command_that_reads_makes_no_database(tmp_path: Path, clock: HeldClock) -> None:
    started(tmp_path, clock)
    (tmp_path / "bridge.db").unlink()
    told = CliRunner().invoke(commands, ["sessions", "--settings", str(tmp_path / "federation-bridge.yaml"), "list"])
    assert told.exit_code != 0
    assert not (tmp_path / "bridge.db").exists()


def test_a_given_sealing_key_and_no_database_needs_an_operators_word(tmp_path: Path) -> None:
    (tmp_path / "given").write_text(base64.b64encode(bytes(32)).decode())
    (tmp_path / "given").chmod(0o600)
    settings = settings_in(tmp_path).model_copy(
        update={"keys": settings_in(tmp_path).keys.model_validate({"sealing_key": {"file": tmp_path / "given"}})}
    )
    with pytest.raises(ConfigurationInvalid, match=r"keys\.sealing_key"):
        first_start.begin(settings)
    assert first_start.begin(settings, is_told=True).may_make_database
