"""The terminal speaks English and Simplified Chinese, and shows no character that could steer it."""

from __future__ import annotations

import pytest

from federation_bridge.cli import i18n


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_Hans_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "FEDBRIDGE_LANGUAGE": "en"}, "en"),
        ({"LANGUAGE": "zh_CN:en", "LANG": "en_US.UTF-8"}, "zh_Hans_CN"),
    ],
)
def test_the_language_is_the_environment_s(variables: dict[str, str], expected: str) -> None:
    assert i18n.language(variables) == expected


def test_a_sentence_is_said_in_chinese_where_the_environment_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDBRIDGE_LANGUAGE", "zh")
    assert i18n.say("Signed out.") == "已退出登录。"


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nb", "a\rb", "\u202eabc", "\x9b31m", "a\x00"])
def test_what_fills_a_sentence_cannot_steer_the_terminal(hostile: str) -> None:
    assert i18n.say("There is no command {name}.", name=hostile).isprintable()
