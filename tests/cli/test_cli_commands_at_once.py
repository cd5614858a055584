"""Two commands of one person at once: neither takes away or loses what the other writes."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from cli_factories import Person, told
from databases import HeldClock
from fake_bridge import Reply, fake_bridge, put_session
from two_processes_factories import once

from federation_bridge.cli import files as cli_files
from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.aws_config.neutral_profile import stepped_around
from federation_bridge.cli.context import Context, folder_of
from federation_bridge.cli.session.leftovers import forget_answers
from federation_bridge.cli.single_flight import lock
from federation_bridge.cli.terminal.streams import Terminal

_BRIDGE = "https://aws.example.com"
_ROLE = "123456789012/Admin"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    environ = {"HOME": str(tmp_path), "FEDBRIDGE_FOLDER": str(tmp_path / "f"), "FEDBRIDGE_TOKEN_STORE": "file"}
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    terminal = Terminal(environ, io.StringIO(), io.StringIO(), io.StringIO())
    made = Context(_BRIDGE, folder_of(_BRIDGE, environ), environ, HeldClock(), terminal)
    made.make_folders()
    return made


def test_an_answer_is_kept_though_a_login_swept_its_draft(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cli_files._write

    def write(draft: Path, data: bytes, mode: int) -> None:
        real(draft, data, mode)
        monkeypatch.setattr(cli_files, "_write", real)
        forget_answers(context)

    monkeypatch.setattr(cli_files, "_write", write)
    cli_files.write_private(context.answer_path(_ROLE), b"answer")
    assert context.answer_path(_ROLE).read_bytes() == b"answer"


def test_a_token_of_stock_clients_that_is_gone_already_is_told_to_the_bridge_all_the_same(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sso.token_path(context)
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"startUrl": "{_BRIDGE}/start", "refreshToken": "r"}}')
    once(monkeypatch, Path, "unlink", lambda: os.unlink(path))  # noqa: PTH108 - pathlib's is the one that is patched
    assert sso.forget_token(context) == "r"


def test_processes_of_one_number_have_files_of_their_own(context: Context) -> None:
    """Containers and computers may share a home: the second one's end took the first one's profile away."""
    (Path.home() / ".aws").mkdir()
    (Path.home() / ".aws" / "config").write_text("[default]\ncredential_process = x\n")
    with stepped_around(context, "") as mine:
        with stepped_around(context, "") as theirs:
            assert theirs["AWS_PROFILE"] == mine["AWS_PROFILE"]
            assert theirs["AWS_CONFIG_FILE"] != mine["AWS_CONFIG_FILE"]
        assert Path(mine["AWS_CONFIG_FILE"]).exists()


def test_two_configures_at_once_write_one_after_the_other(tmp_path: Path) -> None:
    with fake_bridge() as bridge:
        offered = {"account": "123456789012", "account_name": "x", "role": "Admin", "key": _ROLE, "name": "x/Admin"}
        more = {"max_duration": "1h", "region": "eu-west-1", "alias": "x"}
        bridge.answers["/api/v1/roles"] = Reply(body={"roles": [offered | more]})
        folder = put_session(tmp_path, bridge, ends_at=4_000_000_000)
        person, config = Person(tmp_path, bridge.address), tmp_path / ".aws" / "config"
        config.parent.mkdir()
        config.touch()
        with (folder.parent / "configure.lock").open("w+b") as held:
            (folder.parent / "configure.lock").chmod(0o600)
            assert lock(held)
            running = person.start("configure", "--yes")
            told(running, re.compile("(Waiting for .*)"))
            config.write_text("[profile b]\n")
        _, said = running.communicate(timeout=60)
    assert "changed by another program" in said
    assert config.read_text() == "[profile b]\n"
