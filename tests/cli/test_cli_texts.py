"""The terminal speaks English and Simplified Chinese, and shows no character that could steer it."""

from __future__ import annotations

import ast
import io
import string
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from federation_bridge.cli import i18n

CLI = Path(i18n.__file__).parent
FOLDER = CLI / "translations" / "zh_Hans_CN" / "LC_MESSAGES"


def catalogue() -> dict[str, str]:
    with (FOLDER / "fedbridge.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def sentences() -> set[str]:
    found: set[str] = set()
    for path in CLI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno} says what no catalogue knows"
                found.add(str(node.args[0].value))
    return found


def places(sentence: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}


def test_every_sentence_has_its_translation_and_no_translation_is_left_over() -> None:
    assert {text for text, translation in catalogue().items() if translation} == sentences()


def test_every_translation_fills_the_places_of_its_sentence() -> None:
    assert [text for text, translation in catalogue().items() if places(text) != places(translation)] == []


def test_the_compiled_catalogue_is_the_one_of_the_text() -> None:
    with (FOLDER / "fedbridge.po").open("rb") as text, (FOLDER / "fedbridge.mo").open("rb") as compiled:
        fresh = io.BytesIO()
        write_mo(fresh, read_po(text))
        fresh.seek(0)
        assert {m.id: m.string for m in read_mo(fresh) if m.id} == {m.id: m.string for m in read_mo(compiled) if m.id}


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
