"""The one definition of text that may be shown: what people see is taken, what only seems to be there is not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from package_modules import nodes

from federation_bridge.shown_text import first_hidden, is_shown, is_shown_text, quoted, shown

PACKAGE = Path(__file__).parent.parent / "federation_bridge"

HIDDEN = {
    "NUL": "\0",
    "line break": "\n",
    "escape": "\x1b",
    "C1 control": "\x9b",
    "no-break space": "\u00a0",
    "soft hyphen": "\u00ad",
    "combining grapheme joiner": "\u034f",
    "Arabic letter mark": "\u061c",
    "Hangul filler": "\u3164",
    "half-width Hangul filler": "\uffa0",
    "Mongolian vowel separator": "\u180e",
    "en quad": "\u2000",
    "zero width space": "\u200b",
    "zero width non-joiner": "\u200c",
    "zero width joiner": "\u200d",
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "first strong isolate": "\u2068",
    "blank of Braille": "\u2800",
    "ideographic space": "\u3000",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "interlinear annotation": "\ufff9",
    "no character": "\uffff",
    "surrogate": "\ud800",
    "private use": "\ue000",
    "tag letter": "\U000e0041",
    "variation selector 17": "\U000e0100",
}


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
def test_what_people_would_not_see_is_hidden_in_every_place_of_a_text(character: str) -> None:
    assert not is_shown(character)
    for text in (character, f"{character}anna", f"an{character}na", f"anna{character}"):
        assert not is_shown_text(text)
        assert shown(text) == text.replace(character, "")
        assert first_hidden(text).startswith(f"U+{ord(character):04X} (")


@pytest.mark.parametrize("text", ["", "anna", "Anna Nováková", "陈伟", "Ω ~!", "עומר", "สมชาย", "🙂"])
def test_what_people_see_stays_as_it_is(text: str) -> None:
    assert is_shown_text(text)
    assert shown(text) == text
    assert first_hidden(text) == ""


def test_a_text_is_shown_exactly_where_each_of_its_characters_is() -> None:
    for code in range(0x110000):
        assert is_shown_text(chr(code)) == is_shown(chr(code)), hex(code)


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
def test_a_repeated_value_names_what_people_would_not_see(character: str) -> None:
    assert quoted(f"a{character}b") == f"'a\\u{{{ord(character):04x}}}b'"


def test_a_repeated_value_is_bounded_and_ends_where_its_quotes_end() -> None:
    assert quoted("x" * 5000) == f"'{'x' * 200}…'"
    assert quoted("xy", 1) == "'x…'"
    assert quoted("a', and 'b") == "'a\\', and \\'b'"
    assert quoted("a\\") == "'a\\\\'"
    assert quoted("Zoë 你好") == "'Zoë 你好'"
    assert quoted(["a"]) == "'[\\'a\\']'"
    assert quoted(None) == "nothing"


ASCII_ONLY = {
    "federation_bridge/connectors/oidc/callback.py",
    "federation_bridge/delivery.py",
    "federation_bridge/cli/commands/signing_in.py",
    "federation_bridge/cli/session/login.py",
    "federation_bridge/cli/aws_config/sso.py",
    "federation_bridge/cli/credentials/chaining.py",
    "federation_bridge/web/administration/signals.py",
    "federation_bridge/cli/credentials/console.py",
    "federation_bridge/cli/credentials/web_identity.py",
    "federation_bridge/cli/session/authorization.py",
    "federation_bridge/cli/terminal/completion.py",
}
"""Who asks `isprintable` of what is an address, a secret or a name for a script: never to say what people may read."""


def test_nobody_else_has_a_definition_of_its_own() -> None:
    own = set()
    for path in PACKAGE.rglob("*.py"):
        for node in nodes(path):
            is_asking = isinstance(node, ast.Attribute) and node.attr == "isprintable"
            is_listing = isinstance(node, ast.Constant) and isinstance(node.value, str) and "\\u202a" in node.value
            if is_asking or is_listing:
                own.add(str(path.relative_to(PACKAGE.parent)))
    assert own - {"federation_bridge/shown_text.py"} <= ASCII_ONLY
