"""The commands that look and those that change, and how a test runs them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from live_grant_factories import KEY, sold
from transmitters import ISSUER, Sender
from web_factories import ACCOUNT, write_files

from federation_bridge.audit import Entry, SignalStreamChanged
from federation_bridge.model import RequestOrigin
from federation_bridge.operate import signals as streams
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import parts_of
from federation_bridge.settings import load_settings

EXPORT = Path(__file__).parent / "golden" / "aws_export"
"""What `aws iam` prints of the account of the tests, where all is as it should be."""

READING: dict[str, tuple[str, ...]] = {
    "check": ("check",),
    "trust-policy": ("trust-policy", ACCOUNT, "Administrator"),
    "keys show": ("keys", "show"),
    "issuer export": ("issuer", "export", "--to", "PUBLIC"),
    "audit": ("audit",),
    "audit export": ("audit", "export", "--format", "csv"),
    "audit verify": ("audit", "verify"),
    "preview": ("preview", "RULES"),
    "explain": ("explain", "corp/ada", "--groups", "contractors"),
    "sign-ins": ("sign-ins",),
    "review": ("review", "--format", "csv"),
    "metadata show": ("metadata", "show"),
    "sessions list": ("sessions", "list"),
    "aws onboard": ("aws", "onboard", "--to", "PUBLIC"),
    "aws check": ("aws", "check", "--from", str(EXPORT)),
    "aws last-check": ("aws", "last-check"),
    "aws endings": ("aws", "endings"),
    "people blocked": ("people", "blocked"),
    "people show": ("people", "show", "corp/ada"),
    "rules history": ("rules", "history"),
    "rules proposals": ("rules", "proposals"),
    "rules emergencies": ("rules", "emergencies"),
    "rules show": ("rules", "show", "1"),
    "rules diff": ("rules", "diff", "1", "1"),
    "notices list": ("notices", "list"),
    "grants alive": ("grants", "alive"),
    "grants key": ("grants", "key", KEY),
    "scim show": ("scim", "show"),
    "scim token list": ("scim", "token", "list", "corp"),
    "signals status": ("signals", "status", "corp", "--access-token", "TOKEN"),
}
"""Every command that only looks, and words for it."""


def run(settings: Path, words: tuple[str, ...], public: Path) -> Any:
    meant = {
        "PUBLIC": str(public),
        "RULES": str(settings.parent / "rules.yaml"),
        "TOKEN": str(settings.parent / "token"),
    }
    said = [meant.get(word, word) for word in words]
    depth = _depth(commands, said)
    return CliRunner().invoke(commands, [*said[:depth], "--settings", str(settings), *said[depth:]])


def _depth(group: click.Group, words: list[str]) -> int:
    """How many of the words name the command."""
    command = group.commands[words[0]]
    deeper = isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands
    return 1 + _depth(command, words[1:]) if isinstance(command, click.Group) and deeper else 1


def draft(settings: Path) -> None:
    """What an administrator is trying out: somebody else becomes Administrator, and there is one more connection."""
    rules = yaml.safe_load((settings.parent / "rules.yaml").read_text())
    rules["rules"][0]["when"] = {"group": "contractors"}
    (settings.parent / "rules.yaml").write_text(yaml.safe_dump(rules))


def written(folder: Path) -> Path:
    """The files of an administrator whose connection `corp` takes shared signals; gives the settings file."""
    settings = write_files(folder)
    document = yaml.safe_load(settings.read_text())
    document["connections"]["corp"]["signals"] = {"issuer": ISSUER}
    settings.write_text(yaml.safe_dump(document))
    (folder / "token").write_text("access\n")
    return settings


def fill(settings: Path) -> None:
    """What the commands look at: a grant, and a stream of shared signals."""
    with parts_of(load_settings(settings)) as parts:
        sold(parts.store, datetime.now(UTC))
        entry = Entry(datetime.now(UTC), RequestOrigin("operator"), SignalStreamChanged("set up"), connection="corp")
        parts.store.signal_streams.put("corp", "secret", "stream-1", entry)


@pytest.fixture(autouse=True)
def transmitter(monkeypatch: pytest.MonkeyPatch) -> Sender:
    """Who answers the commands about shared signals."""
    sender = Sender(lambda: datetime.now(UTC))
    for one in ("POST", "DELETE"):
        sender.answers |= {
            f"{one} {ISSUER}/{there}": (200, {}) for there in ("configuration", "status", "verification")
        }
    sender.answers[f"POST {ISSUER}/configuration"] = (201, {"stream_id": "stream-2"})
    sender.answers[f"GET {ISSUER}/status"] = (200, {"status": "enabled"})
    monkeypatch.setattr(streams, "Outgoing", lambda *_: sender)
    return sender


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return written(folder)
