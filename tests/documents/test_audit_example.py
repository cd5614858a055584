"""The example of docs/audit.md: its commands, run on a bridge of which somebody changed an entry."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from databases import HeldClock
from documents.blocks import blocks
from store_factories import entry
from web_factories import write_files

from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import parts_of
from federation_bridge.settings import load_settings

BLOCKS = blocks()


def _run(line: str) -> Result:
    """Runs a shown line; what the shell would do with `>` too."""
    said, _, file = line.partition("#")[0].partition(" > ")
    result = CliRunner().invoke(commands, shlex.split(said)[1:])
    if file.strip():
        Path(file.strip()).write_text(result.stdout)
    return result


def _shape(text: str) -> str:
    return re.sub(r"(last seal is 1:)[0-9a-f.]+", r"\1DIGEST", text).strip()


@pytest.fixture
def sealed(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a bridge whose audit has four sealed entries at least; commands run in it."""
    settings = load_settings(write_files(tmp_path))
    preparation.prepare(settings)
    with parts_of(settings) as parts:
        with sqlite3.connect(tmp_path / "bridge.db") as connection:
            # What the start told is no part of the example.
            connection.execute("DROP TRIGGER audit_no_delete")
            connection.execute("DELETE FROM audit")
            connection.execute("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'audit'")
        for _ in range(4):
            parts.store.audit.record(entry(clock()))
        assert AuditSealing(parts.store, parts.keys, clock).seal() == 1
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_of_the_page_says_what_it_shows(sealed: Path) -> None:
    lines = BLOCKS["docs/audit.md console 1"].commands
    whole = [_run(line) for line in lines]
    assert [result.exit_code for result in whole] == [0, 0, 0, 0], [result.output for result in whole]
    assert whole[0].stdout == whole[3].stdout
    assert "4 entries are as they were sealed" in whole[3].stdout
    with sqlite3.connect(sealed / "bridge.db") as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET person = 'corp/mallory' WHERE number = 2")
    changed = [_run(line) for line in lines]
    assert [result.exit_code for result in changed] == [1, 0, 0, 1]
    for result in (changed[0], changed[3]):
        assert _shape(result.stdout) == _shape(BLOCKS["docs/audit.md text 1"].text)


def test_a_seal_that_the_log_told_is_demanded(sealed: Path) -> None:
    told = re.search(r"1:[0-9a-f]{64}", _run("federation-bridge audit verify").stdout)
    assert told is not None
    assert _run(f"federation-bridge audit verify --told {told[0]}").exit_code == 0
    later = _run(f"federation-bridge audit verify --told 2{told[0][1:]}")
    assert later.exit_code == 1
    assert "seal missing: seal 2" in later.stdout
    assert "NUMBER:DIGEST" in str(_run("federation-bridge audit verify --told x").exception)


@pytest.mark.parametrize("content", ["no json", "{}", '{"audit": [{"jwk": {"kty": "RSA"}}]}', '{"audit": []}'])
def test_keys_that_are_none_verify_nothing(sealed: Path, content: str) -> None:
    (sealed / "keys.json").write_text(content)
    _run("federation-bridge audit export --sealed > export.jsonl")
    result = _run("federation-bridge audit verify --file export.jsonl --keys keys.json")
    assert result.exit_code == 1
    assert "seal not ours" in result.stdout or "is not what" in str(result.exception)


def test_a_sealed_export_leaves_nothing_out(sealed: Path) -> None:
    assert sealed.is_dir()
    assert _run("federation-bridge audit export --sealed --person corp/alice").exit_code == 2
    assert _run("federation-bridge audit export --sealed --format csv").exit_code == 2


def test_the_old_keys_of_seals_stay(sealed: Path) -> None:
    assert sealed.is_dir()
    assert "they stay" in str(_run("federation-bridge keys retire audit").exception)
