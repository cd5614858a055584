"""The words of `fedbridge`: each is documented, completed and helped with, and a wrong call is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from federation_bridge.cli import failures
from federation_bridge.cli.program import run
from federation_bridge.cli.session import login
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.cli.terminal.completion import SCRIPTS, candidates


def test_every_command_exit_status_and_variable_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    statuses = [kind.exit_status for kind in failures.CommandFailed.__subclasses__()]
    assert [status for status in statuses if f"\n| {status} | " not in text] == []
    commands = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert [name for name in commands if name != "complete" and f"\n| `{name}" not in text] == []
    product = "".join(path.read_text(encoding="utf-8") for path in Path(login.__file__).parent.rglob("*.py"))
    assert [name for name in set(re.findall(r"FEDBRIDGE_[A-Z_]+", product)) if name not in text] == []


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_completion_script_asks_the_command_for_the_words(shell: str) -> None:
    assert "fedbridge complete --" in SCRIPTS[shell]


def test_completion_knows_commands_options_and_the_roles_that_were_seen_last(tmp_path: Path) -> None:
    (tmp_path / "roles.json").write_text('[{"account": "1", "account_name": "production", "role": "Developer"}]')
    options = {"roles": ["--filter", "--json"], "exec": ["--role"]}
    assert candidates(["r"], options, tmp_path) == ["roles"]
    assert candidates(["roles", "--j"], options, tmp_path) == ["--json"]
    assert candidates(["exec", "--role", "prod"], options, tmp_path) == ["production/Developer"]
    (tmp_path / "roles.json").write_text("[")
    assert candidates(["exec", "--role", ""], options, tmp_path) == []


def test_help_stands_for_every_command_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("en", "zh"):
        monkeypatch.setenv("FEDBRIDGE_LANGUAGE", language)
        made = parser()
        commands = next(action.choices for action in made._actions if isinstance(action.choices, dict))
        assert all(command.format_help() for command in [made, *commands.values()])


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["roles", "--nothing"], ["use"], ["credentials", "--format", "xml"]]
)
def test_a_wrong_call_ends_with_one_sentence_and_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
