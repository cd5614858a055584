"""An operator's terminal beside a bridge whose clock is held; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from databases import HeldClock
from web_factories import Person

from federation_bridge import system_clock
from federation_bridge.errors import BridgeError
from federation_bridge.operate.commands import commands


def said(done: Result) -> str:
    """Why a command was refused."""
    assert done.exit_code != 0
    return done.exception.detail if isinstance(done.exception, BridgeError) else done.output


@pytest.fixture(autouse=True)
def now_is_held(monkeypatch: pytest.MonkeyPatch, clock: HeldClock) -> None:
    """The terminal looks at the same clock as the bridge of these tests."""
    monkeypatch.setattr(system_clock, "utc_now", clock)


@pytest.fixture
def run(person: Person, tmp_path: Path) -> Callable[..., Result]:
    """What a command of `federation-bridge` does there; the person ada is signed in as an admin."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(commands, [*words, "--settings", str(tmp_path / "federation-bridge.yaml")])

    return run
