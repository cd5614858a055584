"""A wrong call, and the help, in the person's language: argparse's own sentences too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from federation_bridge.cli.commands.invocation import span
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.program import run
from federation_bridge.cli.terminal.arguments import parser

GOLDEN = Path(__file__).parents[1] / "golden" / "fedbridge_wrong_calls.txt"
COMMANDS = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
SHOWN = sorted(set(COMMANDS) - {"complete"})


@pytest.mark.parametrize("golden", GOLDEN.read_text("utf-8").strip().split("\n\n"))
def test_a_wrong_call_is_told_in_the_person_s_language(
    golden: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, english, chinese = golden.splitlines()
    for language, expected in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("FEDBRIDGE_LANGUAGE", language)
        assert run(words.split()[2:]) == 2
        assert capsys.readouterr().err == expected + "\n"


@pytest.mark.parametrize("name", ["", *SHOWN])
def test_a_chinese_help_holds_no_english_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDBRIDGE_LANGUAGE", "zh")
    made = parser()
    command = next(a.choices for a in made._actions if isinstance(a.choices, dict))[name] if name else made
    text = command.format_help()
    assert text.startswith("用法")
    # Names of options, commands and variables stay. Three English words in a row are a sentence.
    prose = "\n".join(line for line in text.splitlines() if not re.search(r"fedbridge |terraform|[{\[]", line))
    assert re.findall(r"\b[a-z]+ [a-z]+ [a-z]+\b", prose) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", SHOWN)
def test_every_example_of_the_help_can_be_typed(name: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDBRIDGE_LANGUAGE", language)
    commands = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    examples = (commands[name].epilog or "").splitlines()[1:]
    assert examples or name in {"logout", "doctor"}
    for example in examples:
        words = re.search(r"fedbridge ([^)\"]*)", example)
        assert words is not None
        assert parser().parse_args(words[1].replace("'", "").split()).run is not None
        assert words[1].startswith(name)


@pytest.mark.parametrize("words", ["help", "help exec", "help agent serve"])
def test_help_is_a_word_too(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for asked in (words.split(), [*words.split()[1:], "--help"]):
        with pytest.raises(SystemExit) as ended:
            run(asked)
        assert ended.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != ""


def test_every_shell_s_name_is_a_choice_and_none_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("shell-init", "completion"):
        assert run([command]) == 2
        assert "bash, fish, powershell, zsh" in capsys.readouterr().err


def test_the_command_that_only_completion_asks_is_not_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["complet"]) == 2
    assert "Did you mean: completion" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["3", "1 hour", "-1h", "\x1b[2J", "9999999999h"])
def test_a_span_that_is_none_is_told_in_the_person_s_language(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for language, word in (("en", "is not a length of time"), ("zh", "不是时间长度")):
        monkeypatch.setenv("FEDBRIDGE_LANGUAGE", language)
        with pytest.raises(UsageWrong, match=word) as refused:
            span(text, "--min-remaining")
        assert refused.value.detail.isprintable()
