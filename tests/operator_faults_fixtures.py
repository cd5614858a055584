"""A bridge that was started once, and the commands that are tried where something is wrong with it."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from web_factories import write_files

from federation_bridge.errors import BridgeError
from federation_bridge.operate import commands

LOOKING = (("sessions", "list"), ("people", "blocked"), ("audit",), ("rules", "history"), ("grants", "alive"))
KEYS = (("keys", "show"), ("issuer", "export", "--to", "public"), ("aws", "publish-keys"))
CHANGING = (
    ("sessions", "end", "--person", "corp/ada"),
    ("people", "erase", "corp/ada", "--reason", "x"),
    ("aws", "publish-keys", "--write"),
)
EVERY = (("serve",), ("check",), ("migrate",), *LOOKING, *CHANGING)


@dataclass
class Place:
    """The files of a bridge that was started once; `DIR` in a sentence is their folder."""

    settings: Path

    @property
    def folder(self) -> Path:
        return self.settings.parent

    @property
    def database(self) -> Path:
        return self.folder / "bridge.db"

    def change(self, **changes: Any) -> None:
        self.settings.write_text(json.dumps({**yaml.safe_load(self.settings.read_text()), **changes}))

    def on(self, url: str) -> None:
        """Moves it to this PostgreSQL."""
        for name, text in (("password", "wrong"), ("sealing", base64.b64encode(b"k" * 32).decode())):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)
        self.change(
            database=url,
            database_password={"file": "password"},
            keys={"sealing_key": {"file": "sealing"}},
            rulebook={"files_on_many_nodes": True},
        )

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def said(self, words: tuple[str, ...]) -> tuple[int, str]:
        """Exit status and what is said; of `check` what is wrong."""
        done = CliRunner().invoke(commands.commands, [*words, "--settings", str(self.settings)])
        if isinstance(done.exception, BridgeError):
            return 1, done.exception.detail.replace(str(self.folder), "DIR")
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        wrong = [line for line in done.output.splitlines() if words != ("check",) or line.startswith("wrong ")]
        return done.exit_code, "\n".join(wrong).removeprefix("wrong    ").replace(str(self.folder), "DIR")


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started")
    settings = write_files(folder)
    assert CliRunner().invoke(commands.commands, ["migrate", "--settings", str(settings)]).exit_code == 0
    return folder


@pytest.fixture
def place(started_once: Path, tmp_path: Path) -> Place:
    shutil.copytree(started_once, tmp_path, dirs_exist_ok=True)
    found = Place(tmp_path / "federation-bridge.yaml")
    found.change(serving={"listen": "127.0.0.1:0"}, data=str(tmp_path))
    return found


def without_key(place: Place) -> None:
    (place.folder / "sealing.key").unlink()
