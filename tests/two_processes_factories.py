"""What another process does meanwhile, right before a call of this one; and one that is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databases import INTEGRITY_KEY, HeldClock
from web_factories import door_of, made_app, write_files

from federation_bridge.settings import Settings, load_settings
from federation_bridge.store import Store, open_store


class Killed(BaseException):
    """As SIGKILL would end it: nothing catches it."""


def killed(*_: object, **__: object) -> None:
    """In place of a function: here the process ends."""
    raise Killed


def once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, meanwhile: Callable[[], object]) -> None:
    """Lets `meanwhile` happen right before the first call of this function, which is the real one again within."""
    real = getattr(owner, name)

    def first(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        meanwhile()
        return real(*given, **named)

    monkeypatch.setattr(owner, name, first)


def opened_store(folder: Path, clock: HeldClock) -> Store:
    """Another store of the one database in this folder."""
    return open_store(f"sqlite:///{folder}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY, make=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a bridge that was never started."""
    return load_settings(write_files(tmp_path))


def started(folder: Path) -> None:
    """Starts the bridge of this folder once, and stops it."""
    door_of(made_app(folder, HeldClock())).store.close()
