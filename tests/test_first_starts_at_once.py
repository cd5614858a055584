# ruff: noqa: F811 - fixtures are named where they are asked for
"""A first start beside another one, or after one that was killed: it goes on, and tells what was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from two_processes_factories import Killed, killed, once, settings, started  # noqa: F401 - a fixture

from federation_bridge import first_start
from federation_bridge.operate import preparation
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import schema


@pytest.mark.parametrize("step", ["_demand_folder", "_demand_place", "_demand_one_key", "read_or_make_sealing_key"])
def test_a_first_start_lets_another_one_be_first(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    once(monkeypatch, first_start, step, lambda: started(tmp_path))
    begun = first_start.begin(settings)
    assert begun.sealing_key == first_start.resume(settings).sealing_key
    started(tmp_path)


def test_a_first_start_goes_on_where_another_one_has_not_made_the_tables_yet(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[bytes] = []
    once(monkeypatch, first_start, "_demand_folder", lambda: others.append(first_start.begin(settings).sealing_key))
    started(tmp_path)
    assert others == [first_start.resume(settings).sealing_key]


@pytest.mark.parametrize("step", ["_demand_one_key", "read_or_make_sealing_key", "Beginning"])
def test_a_first_start_that_was_killed_at_any_step_is_begun_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(first_start, step, killed)
        first_start.begin(settings)
    started(tmp_path)


@pytest.mark.parametrize("step", ["read_or_make_sealing_key", "Beginning"])
def test_a_migrate_that_was_killed_is_run_again_and_tells_of_the_key(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What was noted of the seals of a database that is gone would keep the new one from serving."""
    noted = tmp_path / "last-seal.json"
    noted.write_text("of a database that is gone")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(first_start, step, killed)
        preparation.migrate(settings)
    assert not noted.exists()
    told = preparation.migrate(settings)
    made, key, current = told
    assert made == f"Made: {tmp_path / 'bridge.db'}"
    assert key.startswith(f"Its sealing key is {tmp_path / 'sealing.key'}: keep a copy of it")
    assert current == "The database is current."
    started(tmp_path)


@pytest.mark.parametrize("steps_done", [0, 1, len(Purpose) - 1])
@pytest.mark.parametrize("first", [preparation.migrate, preparation.prepare], ids=["migrate", "serve"])
@pytest.mark.parametrize("again", ["migrate", "serve"])
def test_a_first_start_that_was_killed_at_its_tables_or_keys_is_ended_by_one_that_tells_what_was_made(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[Settings], object],
    again: str,
    steps_done: int,
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if steps_done:
            real, done = KeyRing.current, iter(range(steps_done))
            patch.setattr(
                KeyRing, "current", lambda ring, purpose: killed() if next(done, -1) < 0 else real(ring, purpose)
            )
        else:
            patch.setattr(schema, "migrate", killed)
        first(settings)
    for times in (1, 0):
        with capture_logs() as logged:
            told = preparation.migrate(settings) if again == "migrate" else ()
            preparation.prepare(settings)
        said = " ".join((*told, *(one["detail"] for one in logged if one["event"] == "made")))
        assert said.count(f"Its sealing key is {tmp_path / 'sealing.key'}: keep a copy of it") == times
