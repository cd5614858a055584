# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge` on a real terminal: what it shows, what it asks, Ctrl-C, and the terminal of an AWS tool."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

import pytest
import segno
from cli_factories import MAIN, Person
from fake_bridge import FakeBridge, Reply
from pseudo_terminal import CTRL_C, CTRL_D, ENTER, sitting
from terminal_fixtures import ROLES, ada, at_terminal, bridge, redirected  # noqa: F401 - fixtures

# ------------------------------------------------------------------------------------------------------------- colours


def test_a_terminal_gets_colours_unless_no_color_or_a_dumb_terminal_asks_for_none(ada: Person) -> None:
    cases: tuple[tuple[dict[str, Any], bool], ...] = (
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    )
    for variables, coloured in cases:
        with at_terminal(ada, "roles", **variables) as seat:
            assert seat.end() == 0
            assert ("\x1b[1mACCOUNT" in seat.text(), "\x1b" in seat.text()) == (coloured, coloured), variables
        with at_terminal(ada, "roles", "--wrong", **variables) as seat:
            assert seat.end() == 2
            assert ("\x1b[31mfedbridge:" in seat.text(), "\x1b" in seat.text()) == (coloured, coloured), variables


def test_a_pipe_gets_no_colours(ada: Person) -> None:
    assert b"\x1b" not in b"".join(redirected(ada, "roles")[1:] + redirected(ada, "roles", "--wrong")[1:])


# --------------------------------------------------------------------------------------------------- the numbered list


def test_a_role_is_picked_by_typing_part_of_its_name_and_a_number(ada: Person) -> None:
    with at_terminal(ada, "credentials", "--format", "env", TERM="dumb") as seat:
        seat.until(r"  4  é-store/Reader  \(777788889999\)")
        seat.until("Number, or part of a name: ")
        seat.type(f"prod{ENTER}")
        seat.until(r"  2  production/Administrator")
        assert "Reader" not in seat.text().rpartition("prod\n")[2]
        seat.until("Number, or part of a name: ")
        seat.type(f"1{ENTER}")
        seat.until("export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'")
        assert seat.end() == 0


def test_letters_that_fit_one_role_alone_take_it_and_letters_that_fit_none_show_all_again(ada: Person) -> None:
    with at_terminal(ada, "credentials", TERM="dumb") as seat:
        seat.until("part of a name: ")
        seat.type(f"xyz{ENTER}")
        seat.until("  4  é-store/Reader")
        seat.until("part of a name: ")
        seat.type(b"\xff\xfe\r")
        seat.until("  4  é-store/Reader")
        seat.until("part of a name: ")
        seat.type(f"prddev{ENTER}")
        seat.until('"AccessKeyId": "ASIAEXAMPLE"')
        assert seat.end() == 0


@pytest.mark.parametrize("keys", [ENTER, CTRL_D])
def test_a_list_that_is_left_picks_nothing(ada: Person, keys: str) -> None:
    with at_terminal(ada, "credentials", TERM="dumb") as seat:
        seat.until("part of a name: ")
        seat.type(keys)
        seat.until("No role was picked")
        assert seat.end() == 130


# -------------------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (("credentials",), "Which role"),
        (("console",), "Which role"),
        (("configure",), r"Write this\? \[y/N\] "),
        (("login", "--device"), "Waiting for your approval"),
        (("login", "--browser"), "Waiting for the browser"),
        (("serve", "--role", "production/Developer"), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    ],
)
def test_ctrl_c_at_a_prompt_ends_with_130_and_leaves_the_terminal_as_it_was(
    ada: Person, words: tuple[str, ...], prompt: str
) -> None:
    with at_terminal(ada, *words, BROWSER="/bin/true") as seat:
        seat.until(prompt)
        seat.type(CTRL_C)
        assert seat.end() == 130
        assert seat.is_as_before()
        assert "Traceback" not in seat.text()
        assert ("The sign-in was stopped. Nothing has changed." in seat.text()) == (words[0] == "login")
    assert not (ada.home / ".aws" / "config").exists()
    assert list(ada.folder.glob("serve/*")) == []


# ------------------------------------------------------------------------------------------------- progress, QR code


def _modules(lines: list[str]) -> list[list[bool]]:
    """The dark modules that half blocks show, two rows a line: a block is light, as a screen draws it."""
    upper, lower = "█▀", "█▄"
    rows = [[char not in half for char in line] for line in lines for half in (upper, lower)]
    return [row[2:-2] for row in rows[2:-2]]


def test_the_qr_code_holds_the_address_and_not_the_code(ada: Person, bridge: FakeBridge) -> None:
    with at_terminal(ada, "login", "--device") as seat:
        seat.until("Waiting for your approval")
        lines = re.findall(r"\x1b\[97;40m([ █▀▄]+)\x1b\[0m", seat.text())
    expected = segno.make(f"{bridge.address}/device", micro=False, error="l")
    wanted = [[bool(module) for module in row] for row in expected.matrix]
    assert _modules(lines)[: len(wanted)] == wanted
    assert {len(line) for line in lines} == {len(wanted) + 4}


@pytest.mark.parametrize(("columns", "shown"), [(40, True), (24, False)])
def test_a_qr_code_that_is_wider_than_the_terminal_is_left_out_and_the_progress_line_is_cut(
    ada: Person, columns: int, shown: bool
) -> None:
    with at_terminal(ada, "login", "--device", columns=columns, FEDBRIDGE_LANGUAGE="en") as seat:
        seat.until("Waiting for your")
        seat.until("\r[/-] Waiting")
        text = seat.text()
    assert ("█" in text) is shown
    assert "BCDF-GHJK" in text
    marks = re.findall(r"\r([|/-] [^\r\n]*)", text)
    assert marks and all(len(mark) < columns for mark in marks)


def test_the_progress_line_vanishes_when_the_answer_comes(ada: Person, bridge: FakeBridge) -> None:
    with at_terminal(ada, "login", "--device") as seat:
        seat.until("Waiting for your approval")
        bridge.answers["/oauth/token"] = Reply(400, {"error": "access_denied"})
        assert seat.end() == 4
        blank = "\r" + " " * len("| Waiting for your approval") + "\r"
        assert blank in seat.text()
        assert seat.text().rpartition(blank)[2].endswith("The sign-in was refused in the browser.\x1b[0m\n")


def test_a_pipe_gets_no_progress_and_no_qr_code(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Reply(400, {"error": "access_denied"})
    status, out, words = redirected(ada, "login", "--device")
    assert (status, out) == (4, b"")
    assert not {b"\r", "█".encode(), b"\x1b"} & {words[place : place + 1] for place in range(len(words))}


# ------------------------------------------------------------------------------------------------- the AWS tool's side


def test_a_code_is_shown_on_the_terminal_even_where_an_aws_tool_keeps_our_streams_to_itself(
    ada: Person, bridge: FakeBridge
) -> None:
    (ada.folder / "session.json").unlink()
    script = f"'{sys.executable}' -I '{MAIN}' credential-process --device --role 111122223333/Developer"
    with sitting(["/bin/sh", "-c", f"{script} </dev/null >/dev/null 2>/dev/null"], ada.environ()) as seat:
        seat.until("BCDF-GHJK")
        seat.until("Waiting for your approval")
        bridge.answers["/oauth/token"] = Reply(400, {"error": "access_denied"})
        assert seat.end() == 4


def test_ctrl_c_in_an_aws_tool_that_waits_for_the_sign_in_ends_the_sign_in_too(ada: Person) -> None:
    (ada.folder / "session.json").unlink()
    script = f"'{sys.executable}' -I '{MAIN}' credential-process --device --role 111122223333/Developer"
    with sitting(["/bin/sh", "-c", f"{script} >/dev/null 2>/dev/null; exit $?"], ada.environ()) as seat:
        seat.until("Waiting for your approval")
        seat.type(CTRL_C)
        began = time.monotonic()
        assert seat.end() in {130, -2}
        assert time.monotonic() - began < 20
