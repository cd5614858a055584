# ruff: noqa: F811 - fixtures are named where they are asked for
"""`people erase` as an operator uses it, and what `audit verify` says afterwards."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from databases import HeldClock
from documents.blocks import ROOT
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge import app, audit
from federation_bridge.audit import Entry
from federation_bridge.model import RequestOrigin
from federation_bridge.operate import commands


@pytest.fixture(autouse=True)
def now_is_held(monkeypatch: pytest.MonkeyPatch, clock: HeldClock) -> None:
    monkeypatch.setattr(app, "utc_now", clock)


def _run(folder: Path, *words: str) -> Result:
    settings = ("--settings", str(folder / "federation-bridge.yaml"))
    return CliRunner().invoke(commands.commands, [*words[:2], *settings, *words[2:]])


def test_the_command_of_the_page_erases_and_verification_says_so(
    person: Person, clock: HeldClock, tmp_path: Path
) -> None:
    origin = RequestOrigin("ref-8", "192.0.2.7", "Browser of ada")
    done = audit.SignInFinished(message_id="_m", response_id="_r", groups=2)
    door_of(person.app).store.audit.record(Entry(clock(), origin, done, person="corp/ada", connection="corp"))
    page = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$ federation-bridge (people erase .*)$", page, re.MULTILINE)
    result = _run(tmp_path, *shlex.split(line))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("1 sessions and command lines ended; 1 entries of the audit erased.\nNot reached")
    assert "1 entries of people who were erased" in _run(tmp_path, "audit", "verify").stdout
    assert "ada" not in _run(tmp_path, "audit", "export").stdout
    again = _run(tmp_path, *shlex.split(line))
    assert "nothing is kept of anybody called 'corp/ada'" in str(getattr(again.exception, "detail", ""))
