"""`fedbridge` on a real terminal: what it shows, what it asks, Ctrl-C, and terminals that speak no UTF-8."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import segno
from cli_factories import MAIN, Person
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session
from pseudo_terminal import CTRL_C, CTRL_D, ENTER, Sitting, sitting

from federation_bridge.cli.terminal.streams import Terminal

LATER = 4_000_000_000
ROLES = [("111122223333", "production", "Developer"), ("111122223333", "production", "Administrator")]
ROLES += [("444455556666", "分析平台", "Developer"), ("777788889999", "é-store", "Reader")]


def role(account: str, name: str, role_name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{account}:role/{role_name}"
    about = {"account": account, "account_name": name, "role": role_name, "role_arn": arn, "partition": "aws"}
    return {**about, "max_duration": "8h", "because": [], "region": "eu-central-1"}


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": [role(*one) for one in ROLES]})
        about = {"person": "ada@example.com", "name": "Ada 墨", "ends_at": "2026-11-23T20:00:00+00:00"}
        made.answers["/api/v1/me"] = Reply(body=about)
        code = {"device_code": "d", "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 1}
        made.answers["/oauth/device"] = lambda _: Reply(body={**code, "verification_uri": f"{made.address}/device"})
        made.answers["/oauth/token"] = Reply(400, {"error": "authorization_pending"})
        for _, _, name in ROLES[:1]:
            made.answers[f"/api/v1/roles/111122223333/{name}/credentials"] = made.credentials()
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody who is signed in, at a terminal that speaks UTF-8."""
    put_session(tmp_path, bridge, ends_at=LATER)
    return Person(tmp_path, bridge.address, {"TERM": "xterm-256color", "LANG": "C.UTF-8"})


def at_terminal(person: Person, *words: str, columns: int = 100, **variables: str) -> AbstractContextManager[Sitting]:
    command = [sys.executable, "-I", str(MAIN), *words]
    return sitting(command, person.environ() | variables, columns)


def redirected(person: Person, *words: str, **variables: str) -> tuple[int, bytes, bytes]:
    """As in a pipe, with an interpreter that reads the PYTHON variables: exit status, stdout and stderr."""
    command = [sys.executable, str(MAIN), *words]
    done = subprocess.run(
        command,
        env=person.environ() | variables,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


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
