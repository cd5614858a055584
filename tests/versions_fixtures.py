"""Nodes whose rules lie in the database; import these where they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from databases import OwnDatabase
from web_factories import write_files

from federation_bridge.operate.commands import commands


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An administrator's folder, with the rulebook in either database; no version is in force yet."""
    path = write_files(tmp_path)
    document = yaml.safe_load(path.read_text()) | {"rulebook": {"source": "database"}}
    del document["rules"], document["accounts"]
    if request.param == "postgresql":
        own_database: OwnDatabase = request.getfixturevalue("postgresql_database")
        for name, text in (("password", str(own_database.password)), ("sealing", "a2V5" * 10 + "a2U=")):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)
        document |= {
            "database": own_database.url,
            "database_password": {"file": "password"},
            "keys": {"sealing_key": {"file": "sealing"}},
        }
    path.write_text(yaml.safe_dump(document))
    run(path, "migrate")
    return path


def run(settings: Path, *words: str, status: int = 0) -> str:
    """What a command says."""
    result = CliRunner().invoke(commands, [*words, "--settings", str(settings)])
    said = result.output + (getattr(result.exception, "detail", "") or "")
    assert (result.exit_code == 0) is (status == 0), said
    return said


def applied(settings: Path, *more: str, status: int = 0) -> str:
    folder = settings.parent
    words = ("rules", "apply", str(folder / "rules.yaml"), str(folder / "accounts.yaml"), "--reason", "a ticket", *more)
    return run(settings, *words, status=status)


def for_group(settings: Path, group: str) -> None:
    """Another text of the rules: this group becomes administrators; a comment says so."""
    path = settings.parent / "rules.yaml"
    text = path.read_text().replace("group: admins", f"group: {group}")
    path.write_text(f"# for {group}, as asked\n{text}")
