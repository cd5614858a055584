# ruff: noqa: F811 - fixtures are named where they are asked for
"""A change of the sealing key beside another one or a service that starts: each has one key with its rows."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from databases import HeldClock
from store_factories import entry
from two_processes_factories import once, settings, started  # noqa: F401 - a fixture

from federation_bridge import first_start
from federation_bridge.administration import resealing as administration_resealing
from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.operate import opening, preparation, resealing
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose, waiting_beside
from federation_bridge.store import bounds, changing_place


def _new_key(folder: Path) -> Path:
    new = folder / "new.key"
    new.write_bytes(base64.b64encode(os.urandom(32)))
    new.chmod(0o600)
    return new


def _in_a_thread(work: Callable[[], object]) -> None:
    """As another process: it holds nothing of what the present one does."""
    with ThreadPoolExecutor(1) as there:
        there.submit(work).result()


def test_a_second_reseal_leaves_the_key_that_the_first_one_laid_beside(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it a start under the old key would not be refused while the first one writes."""
    started(tmp_path)
    new = _new_key(tmp_path)
    key_file = first_start.key_file_of(settings)
    assert key_file is not None
    seen: list[bool] = []

    def in_use(*_: object) -> None:
        raise ConfigurationInvalid("the database is in use: stop the service first")

    def once_more() -> None:
        with monkeypatch.context() as patch, pytest.raises(ConfigurationInvalid, match="in use"):
            patch.setattr(administration_resealing, "reseal", in_use)
            list(resealing.resealed(settings, new, "", None))
        seen.append(waiting_beside(key_file).exists())

    once(monkeypatch, administration_resealing, "reseal", once_more)
    list(resealing.resealed(settings, new, "", None))
    assert seen == [True]


def test_whoever_read_the_old_key_opens_nothing_while_the_rows_change_and_fits_nothing_afterwards(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that had read it before the new one lay there served by it on, beside rows that have the new one."""
    preparation.migrate(settings)
    new = _new_key(tmp_path)
    before = first_start.resume(settings)
    refused: list[str] = []

    def start() -> None:
        try:
            with opening.store_of(settings, before) as store:
                key_ring(settings, before.sealing_key, store).made(Purpose.AUDIT)
                store.audit.record(entry(HeldClock()()))
        except BridgeError as refusal:
            refused.append(refusal.detail)

    def come() -> None:
        monkeypatch.setattr(bounds, "BUSY_MS", 50)
        _in_a_thread(start)
        monkeypatch.undo()

    once(monkeypatch, administration_resealing, "reseal", come)
    list(resealing.resealed(settings, new, "", None))
    with opening.store_of(settings) as store:
        assert [one.event for one in store.audit.entries(limit=1)] == ["sealing_key.changed"]
        assert not store.audit.entries(event="sign_in.finished"), "nothing was written by the old key"
    start()
    while_it_changes, afterwards = refused
    assert "is given another sealing key: start this after that" in while_it_changes
    assert "this is not the sealing key that sealed it" in afterwards


def test_a_reseal_beside_a_service_that_opens_is_refused_and_changes_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(tmp_path)
    new = _new_key(tmp_path)
    monkeypatch.setattr(bounds, "BUSY_MS", 50)
    held = (tmp_path / "sealing.key").read_bytes()
    with ExitStack() as opened:
        hold = changing_place.opening(tmp_path / "bridge.db", 1)
        once(monkeypatch, administration_resealing, "is_done", lambda: opened.enter_context(hold))
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first"):
            list(resealing.resealed(settings, new, "", None))
    assert (tmp_path / "sealing.key").read_bytes() == held
    assert not (tmp_path / "sealing.key.new").exists()
    list(resealing.resealed(settings, new, "", None))
