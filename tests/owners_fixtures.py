"""Files of several users; import these where they are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from web_factories import write_files

from federation_bridge.errors import BridgeError
from federation_bridge.operate import commands

DAEMON = 1
"""The user whom every system calls daemon."""
UNKNOWN = 4_000_000


def change(settings: Path, **changes: Any) -> None:
    settings.write_text(json.dumps({**yaml.safe_load(settings.read_text()), **changes}))


def run(settings: Path, *words: str) -> Result:
    return CliRunner().invoke(commands.commands, [*words, "--settings", str(settings)])


def said(done: Result) -> str:
    assert isinstance(done.exception, BridgeError), done.output or done.exception
    return done.exception.detail


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Makes this process root's, and a folder another user's, whoever runs the tests."""
    real, owners = Path.stat, dict[Path, int]()

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(path, follow_symlinks=follow_symlinks)
        rest = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return os.stat_result((*found[:4], owners.get(path, 0), *found[5:10]), rest)

    def own(folder: Path, owner: int) -> None:
        owners[folder] = owner

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", stat_of)
    return own


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Before the first start, with a folder of its own for what is kept."""
    path = write_files(tmp_path)
    (tmp_path / "kept").mkdir(mode=0o700)
    change(path, data=str(tmp_path / "kept"))
    return path
