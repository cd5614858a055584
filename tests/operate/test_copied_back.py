# ruff: noqa: F811 - fixtures are named where they are asked for
"""A SQLite file that somebody copied over the present one and told nobody: the next start knows, by the last seal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from store_factories import entry
from web_factories import Person, door_of

from federation_bridge.administration.last_seal import LastSeal
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import opening, preparation
from federation_bridge.settings import Settings, load_settings

Run = Callable[..., Result]


@pytest.fixture
def settings(person: Person, tmp_path: Path) -> Settings:
    """Of a service that was stopped after its first minutes."""
    door_of(person.app).store.close()
    loaded = load_settings(tmp_path / "federation-bridge.yaml")
    preparation.prepare(loaded)
    return loaded


def a_minute(settings: Settings, clock: HeldClock) -> None:
    """Something happens, and is sealed."""
    clock.advance(timedelta(minutes=1))
    with opening.parts_of(settings) as parts:
        parts.store.audit.record(entry(clock()))
        remember = LastSeal.of(settings, clock).note
        assert AuditSealing(parts.store, parts.keys, clock, lambda _: None, remember=remember).seal() == 1


def copied(settings: Settings, name: str) -> Path:
    return Path(shutil.copy(settings.data / "bridge.db", settings.data / name))


def copied_back(settings: Settings, copy: Path) -> None:
    for one in settings.data.glob("bridge.db*"):
        one.unlink()
    shutil.copy(copy, settings.data / "bridge.db")


def starts(settings: Settings) -> bool:
    """Whether a service starts with what lies there."""
    try:
        preparation.prepare(settings)
    except ConfigurationInvalid:
        return False
    return True


def test_a_copy_that_knows_less_serves_nobody_before_somebody_has_said_so(
    settings: Settings, tmp_path: Path, clock: HeldClock, run: Run
) -> None:
    a_minute(settings, clock)
    copy = copied(settings, "copy")
    a_minute(settings, clock)
    preparation.prepare(settings)
    assert json.loads((tmp_path / "last-seal.json").read_text())["seal"] == 2
    copied_back(settings, copy)
    with pytest.raises(ConfigurationInvalid, match=r"has not the seal 2 .* restore --database-is-restored"):
        preparation.prepare(settings)
    assert "has not the seal 2" in run("check").output
    clock.advance(timedelta(minutes=1))
    assert run("restore", "--database-is-restored").exit_code == 0
    preparation.prepare(settings)
    a_minute(settings, clock)
    preparation.prepare(settings)


def test_another_history_with_as_many_seals_is_found_too(settings: Settings, clock: HeldClock) -> None:
    a_minute(settings, clock)
    copy = copied(settings, "copy")
    a_minute(settings, clock)
    noted = (settings.data / "last-seal.json").read_bytes()
    copied_back(settings, copy)
    clock.advance(timedelta(minutes=1))
    a_minute(settings, clock)
    (settings.data / "last-seal.json").write_bytes(noted)
    with pytest.raises(ConfigurationInvalid, match="has not the seal 2"):
        preparation.prepare(settings)


def test_what_a_backup_brings_back_is_told_by_the_command_itself(
    settings: Settings, tmp_path: Path, clock: HeldClock, run: Run
) -> None:
    a_minute(settings, clock)
    assert run("backup", str(tmp_path / "monday")).exit_code == 0
    a_minute(settings, clock)
    clock.advance(timedelta(minutes=1))
    assert run("restore", "--replace", str(tmp_path / "monday")).exit_code == 0
    assert starts(settings)


def test_a_database_that_is_made_anew_is_held_to_no_seal_of_the_lost_one(settings: Settings, clock: HeldClock) -> None:
    a_minute(settings, clock)
    for one in settings.data.glob("bridge.db*"):
        one.unlink()
    preparation.migrate(settings)
    assert starts(settings)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"seal": "x"}', '{"seal": 1, "digest": "", "noted_at": "2026-01-01"}']
)
def test_a_note_that_nobody_can_read_stops_nothing(settings: Settings, clock: HeldClock, text: str) -> None:
    (settings.data / "last-seal.json").write_text(text)
    assert starts(settings)
    a_minute(settings, clock)
    assert starts(settings)


def test_where_it_cannot_be_noted_the_audit_is_sealed_all_the_same(settings: Settings, clock: HeldClock) -> None:
    (settings.data / "last-seal.json").mkdir()
    a_minute(settings, clock)
    assert not list(settings.data.glob(".last-seal*"))
    assert starts(settings)
