"""The list of roles at a real terminal: what stands on the screen, what the keys do, and how it is left."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cli_factories import MAIN, Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge
from pseudo_terminal import CTRL_C, sitting
from tmux_terminal import Screen, screen

ACCOUNTS = [("111122223333", "production"), ("444455556666", "分析平台"), ("777788889999", "é-store")]


def role(account: str, name: str, role_name: str, **more: object) -> dict[str, Any]:
    about = {"account": account, "account_name": name, "role": role_name, "partition": "aws", "max_duration": "8h"}
    return {**about, "role_arn": f"arn:aws:iam::{account}:role/{role_name}", "because": [], "region": "", **more}


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        listed = [role(*account, name) for account in ACCOUNTS for name in ("Administrator", "Developer", "Reader")]
        listed += [role(f"{n:012}", f"team-{n:03}", "Reader", description="x" * 200) for n in range(100)]
        listed += [
            role("999900001111", "zebra", "Reader", is_favourite=True),
            role("999900002222", "zoo", "R", recent=1),
        ]
        made.answers["/api/v1/roles"] = Reply(body={"roles": listed})
        made.answers[f"/api/v1/roles/{ROLE}/credentials"] = made.credentials()
        yield made


def at_screen(ada: Person, *words: str, **variables: str) -> AbstractContextManager[Screen]:
    command = shlex.join([sys.executable, "-I", str(MAIN), *words])
    shell = ["sh", "-c", f"{command} >'{ada.home}/out'; echo ended $?; exec cat"]
    return screen(shell, ada.environ() | variables, ada.home)


def test_favourites_and_what_is_used_stand_first_and_letters_narrow_the_list_at_once(ada: Person) -> None:
    with at_screen(ada, "credentials", "--format", "env") as seat:
        lines = seat.until("Which role?").splitlines()
        assert [line.split()[:3] for line in lines[2:4]] == [[">", "*", "zebra/Reader"], ["zoo/R", "999900002222"]]
        assert max(len(line) for line in lines) <= 80
        assert "111 of 111" in lines[1]
        seat.type("proddev")
        lines = seat.until("  1 of 111").splitlines()
        assert lines[0] == "Which role? proddev"
        assert lines[2].split() == [">", "production/Developer", "111122223333"]
        seat.press("Enter")
        seat.until("ended 0")
        assert "Which role?" not in seat.shown()
    assert "export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'" in (ada.home / "out").read_text()


def test_arrows_move_through_wide_characters_and_the_list_follows(ada: Person) -> None:
    with at_screen(ada, "console", "--print") as seat:
        seat.until("Which role?")
        seat.type("分析")
        lines = seat.until("3 of 111").splitlines()
        assert lines[2].startswith(">   分析平台/Administrator  444455556666")
        assert lines[4].startswith("    分析平台/Reader         444455556666")
        seat.press("Down", "Down", "Down")
        seat.until(">   分析平台/Reader")
        seat.press("Up")
        seat.until(">   分析平台/Developer")
        seat.press("BSpace", "BSpace")
        seat.until("111 of 111")
        seat.press("NPage", "NPage", "NPage", "NPage", "NPage", "NPage")
        seat.until(">   team-099/Reader")
        seat.resize(40, 8)
        lines = seat.until(">   team-099/Reader").splitlines()
        assert len([line for line in lines if "/" in line]) <= 6
        seat.press("Enter")
        seat.until("ended 0")
    assert (ada.home / "out").read_text().endswith("/go/000000000099/Reader\n")


@pytest.mark.parametrize(
    ("key", "words"), [("Escape", "No role was picked."), ("C-d", "No role was picked."), ("C-c", "")]
)
def test_a_list_without_a_hit_takes_nothing_and_is_left_with_130(ada: Person, key: str, words: str) -> None:
    with at_screen(ada, "credentials") as seat:
        seat.until("Which role?")
        seat.type("qqq")
        seat.until("Nothing matches.")
        seat.press("Enter")
        assert "0 of 111" in seat.until("Nothing matches.")
        seat.press(key)
        assert words in seat.until("ended 130")
    assert (ada.home / "out").read_text() == ""


@pytest.mark.parametrize(
    ("variables", "drawn", "coloured"),
    [
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
    ],
)
def test_a_terminal_that_cannot_be_drawn_on_gets_the_numbered_list(
    ada: Person, variables: dict[str, str], drawn: bool, coloured: bool
) -> None:
    command = [sys.executable, "-I", str(MAIN), "credentials"]
    with sitting(command, {**ada.environ(), **variables}) as seat:
        seat.until("team-000/Reader" if drawn else "part of a name: ")
        seat.type(CTRL_C)
        assert seat.end() == 130
        assert seat.is_as_before()
        text = seat.text()
    assert ("Which role?" in text, "Number, or part of a name" in text) == (drawn, not drawn)
    assert ("\x1b[0;90m" in text) == coloured
    assert drawn or "\x1b[?" not in text


def test_a_signal_leaves_the_terminal_as_it_was(ada: Person) -> None:
    command = [sys.executable, "-I", str(MAIN), "credentials"]
    with sitting(command, {**ada.environ(), "TERM": "xterm-256color"}) as seat:
        seat.until("team-000/Reader")
        seat.process.terminate()
        assert seat.end() == 143
        assert seat.is_as_before()
        assert "\x1b[?1049l" in seat.text()
        assert seat.text().rpartition("\x1b[?25")[2][0] == "h"
        assert "Traceback" not in seat.text()


IN_A_FRAME = """
import os, signal, sys
from federation_bridge.cli.program import run, stop_in_order
from federation_bridge.cli.terminal import picker


class Frame(list):
    def __del__(self):
        # What a signal's handler raises here is lost: Python tells it on stderr and goes on.
        if drawn == 1:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))


drawn, lines = 0, picker.Picker.lines
def counted(self):
    global drawn
    drawn += 1
    return list(Frame(lines(self)))


picker.Picker.lines = counted
stop_in_order()
sys.exit(run(["credentials"]))
"""


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_in_the_middle_of_a_frame_is_not_lost(ada: Person, name: str, status: int) -> None:
    with sitting([sys.executable, "-c", IN_A_FRAME, name], {**ada.environ(), "TERM": "xterm-256color"}) as seat:
        assert seat.end() == status
        assert seat.is_as_before()
        assert seat.text().rpartition("\x1b[?25")[2][0] == "h"
        assert "Exception ignored" not in seat.text()


def test_a_command_that_shows_no_list_does_not_wait_for_the_library(ada: Person) -> None:
    program = (
        "import sys; from federation_bridge.cli.program import run; run(['credentials', sys.argv[1]]);"
        "print([name for name in sys.modules if name.startswith('prompt_toolkit')])"
    )
    process = ada.start_command([sys.executable, "-c", program, ROLE])
    assert process.communicate(timeout=60)[0].endswith("}\n[]\n")


SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_role_is_picked_into_a_shell_that_a_person_sits_at_and_left_again(ada: Person, shell: str) -> None:
    found = ada.home / "bin" / "fedbridge"
    found.parent.mkdir()
    found.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I '{MAIN}' \"$@\"\n")
    found.chmod(0o755)
    path = {"PATH": f"{found.parent}:{os.environ['PATH']}"}
    with screen(SHELLS[shell], ada.environ() | path, ada.home, columns=100) as seat:
        init = "fedbridge shell-init fish | source" if shell == "fish" else f'eval "$(fedbridge shell-init {shell})"'
        seat.type(f"{init}; echo re''ady")
        seat.press("Enter")
        seat.until("ready")
        seat.type("fedbridge assume")
        seat.press("Enter")
        seat.until("Which role?")
        seat.type("proddev")
        seat.until("  1 of 111")
        seat.press("Enter")
        seat.until("This shell has the role production/Developer until")
        seat.type("echo now $FEDBRIDGE_ASSUMED_ROLE $AWS_ACCESS_KEY_ID.")
        seat.press("Enter")
        seat.until("now production/Developer ASIAEXAMPLE.")
        seat.type("fedbridge assume --unset")
        seat.press("Enter")
        seat.until("its own variables again")
        seat.type('echo now "$AWS_ACCESS_KEY_ID."')
        seat.press("Enter")
        seat.until("now .")
        seat.type("fedbridge assume")
        seat.press("Enter")
        seat.until("Which role?")
        seat.press("Escape")
        seat.until("No role was picked.")
