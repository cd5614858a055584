# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge` on terminals that are narrow, show wide characters, speak no UTF-8, or are closed."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import pytest
from cli_factories import MAIN, Person
from fake_bridge import FakeBridge, Reply
from pseudo_terminal import sitting
from terminal_fixtures import ROLES, ada, at_terminal, bridge, redirected  # noqa: F401 - fixtures

from federation_bridge.cli.terminal.streams import Terminal

# ------------------------------------------------------------------------------------ tables, narrow, wide characters


def columns_of(text: str) -> int:
    """As terminals count: by the ranges of wide characters that this file uses, not by the product's table."""
    return sum(2 if "\u4e00" <= char <= "\u9fff" or "\uff00" <= char <= "\uff60" else 1 for char in text)


def test_wide_characters_stand_in_line(ada: Person) -> None:
    with at_terminal(ada, "roles", NO_COLOR="1", columns=200) as seat:
        assert seat.end() == 0
        head, *lines = seat.text().rstrip("\n").split("\n")
    assert len(lines) == 4
    numbers = {columns_of(line[: re.search(r"\d{12}", line).start()]) for line in lines}  # type: ignore[union-attr]
    assert numbers == {head.index("NUMBER")}


def test_marks_above_letters_take_no_column_and_controls_are_shown_as_question_marks() -> None:
    terminal = Terminal({}, io.StringIO(), io.StringIO(), io.StringIO())
    table = terminal.table(("A", "B"), [("e\u0301", "1"), ("xy\x1b[2J", "2"), ("中", "3")])
    assert table == "A       B\ne\u0301       1\nxy?[2J  2\n中      3\n"


def test_a_narrow_terminal_loses_nothing(ada: Person) -> None:
    with at_terminal(ada, "roles", columns=40, NO_COLOR="1") as narrow, at_terminal(ada, "roles", NO_COLOR="1") as wide:
        assert (narrow.end(), wide.end()) == (0, 0)
        assert narrow.text() == wide.text()


# ------------------------------------------------------------------------------------------------------- no UTF-8 here


_LATIN = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("variables", [_LATIN, _ASCII, {"LC_ALL": "C"}, {"LANG": "xx_YY.nothing"}])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("roles",), 0),
        (("whoami",), 0),
        (("--help",), 0),
        (("configure", "--dry-run", "--diff"), 0),
        (("doctor",), 0),
        (("credentials", "--role", "分析/Nobody"), 5),
    ],
)
def test_no_command_breaks_where_the_terminal_speaks_no_utf_8(
    ada: Person, variables: dict[str, str], language: str, words: tuple[str, ...], status: int
) -> None:
    ended, out, told = redirected(ada, *words, **variables, FEDBRIDGE_LANGUAGE=language)
    assert (ended, b"Traceback" in told, bool(out or status)) == (status, False, True), told


@pytest.mark.parametrize("variables", [_LATIN, _ASCII])
def test_no_qr_code_is_drawn_where_its_blocks_cannot_be_shown(
    ada: Person, bridge: FakeBridge, variables: dict[str, str]
) -> None:
    bridge.answers["/oauth/token"] = Reply(400, {"error": "access_denied"})
    command = [sys.executable, str(MAIN), "login", "--device"]
    with sitting(command, ada.environ() | variables) as seat:
        assert seat.end() == 4
        assert "BCDF-GHJK" in seat.text("latin-1")
        assert "??" not in seat.text("latin-1")


def test_what_programs_read_is_the_same_in_every_locale(ada: Person) -> None:
    outputs = {redirected(ada, "roles", "--json", **variables)[1] for variables in (_LATIN, _ASCII, {})}
    assert len(outputs) == 1
    assert [one["account_name"] for one in json.loads(outputs.pop())] == [name for _, name, _ in ROLES]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["roles", "credentials", "roles --wrong"])
def test_a_stream_that_is_closed_breaks_nothing(ada: Person, closed: str, words: str) -> None:
    script = f"exec '{sys.executable}' -I '{MAIN}' {words} {closed}"
    done = subprocess.run(["/bin/sh", "-c", script], env=ada.environ(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0 if words == "roles" else 2, False), done.stderr
