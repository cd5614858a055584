"""Completion, in the real shells: Tab is pressed, the line is entered, and what arrives is what the bridge named."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from absent_software import program
from fake_bridge import FakeBridge, put_session
from forked_in_shells import fedbridge
from pseudo_terminal import ENTER, TAB, Sitting, sitting

from federation_bridge.cli.terminal.completion import SCRIPTS, candidates

PLAIN = ["production/Developer", "production/Administrator"]
ODD = [
    "aa$(touch broken)",
    "bb`touch broken`",
    "cc it's mine",
    'dd "said"',
    "ee;touch broken",
    "ff*",
    "gg\\h",
    "hh&touch broken|x",
    "ii=j@k:l",
    "jj!x#y~z{a,b}",
    "kk\u5206\u6790",
    "ll$HOME",
]
INSTALL = "apt-get install zsh fish"


@dataclass(frozen=True)
class Shell:
    """A shell, and how it begins with our script."""

    name: str
    options: tuple[str, ...]
    quiet: str

    def command(self) -> list[str]:
        return [program(self.name, INSTALL), *self.options]


SHELLS = {
    "bash": Shell(
        "bash", ("--norc", "--noprofile", "-i"), "bind 'set bell-style none'; eval \"$(fedbridge completion bash)\""
    ),
    "zsh": Shell("zsh", ("-f", "-i"), 'autoload -Uz compinit; compinit -D -u; eval "$(fedbridge completion zsh)"'),
    "fish": Shell("fish", ("--no-config", "-i"), "fedbridge completion fish | source"),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Somebody who has seen their roles; `fedbridge` only tells its arguments, unless it is asked for completion."""
    folder = put_session(tmp_path, FakeBridge("https://aws.example.com"))
    roles = [name.split("/") for name in PLAIN] + [[name, "Developer"] for name in [*ODD, "zz\x1b[2J\nbroken"]]
    listed = [
        {"account": f"{place:012}", "account_name": name, "role": role} for place, (name, role) in enumerate(roles)
    ]
    (folder / "roles.json").write_text(json.dumps(listed))
    command = tmp_path / "bin" / "fedbridge"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\ncase "$1" in complet*) exec {fedbridge()} "$@";; esac\n'
        "printf 'got: '; printf '<%s>' \"$@\"; echo\n"
    )
    command.chmod(0o755)
    return tmp_path


def environ_of(home: Path) -> dict[str, str]:
    path = f"{home / 'bin'}:/usr/bin:/bin"
    return {"HOME": str(home), "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "FEDBRIDGE_LANGUAGE": "en"}


def entered(seat: Sitting, keys: str) -> list[str]:
    """The arguments of `fedbridge` after these keys and the end of the line."""
    seat.type(keys)
    # Fish and zsh show the completed line only when the words have come; what is typed earlier waits its turn.
    seat.type(ENTER)
    return re.findall("<([^>]*)>", seat.until(r"got: ((?:<[^>\r\n]*>)+)")[1])


@pytest.mark.parametrize("name", SHELLS)
def test_what_tab_completes_arrives_as_the_bridge_named_it_and_runs_nothing(name: str, home: Path) -> None:
    shell = SHELLS[name]
    script = f"cd '{home}'; {shell.quiet}; fedbridge ready"
    with sitting(shell.command(), environ_of(home)) as seat:
        assert entered(seat, script) == ["ready"]
        assert entered(seat, f"fedbridge cons{TAB}--rol{TAB}production/D{TAB}") == ["console", "--role", PLAIN[0]]
        for odd in ODD:
            assert entered(seat, f"fedbridge console --role {odd[:2]}{TAB}") == [
                "console",
                "--role",
                f"{odd}/Developer",
            ]
        assert entered(seat, f"fedbridge console --role=pr{TAB}D{TAB}") == ["console", f"--role={PLAIN[0]}"]
        assert entered(seat, f"fedbridge console --role=ii{TAB}") == ["console", "--role=ii=j@k:l/Developer"]
        assert entered(seat, f"fedbridge console --role cc\\ it{TAB}") == [
            "console",
            "--role",
            "cc it's mine/Developer",
        ]
        assert entered(seat, f"fedbridge console --role zz{TAB}") == ["console", "--role", "zz"]
        assert entered(seat, f"fedbridge credentials --format cred{TAB}")[-1] == "credential-process"
    assert not list(home.rglob("broken*"))


@pytest.mark.parametrize(("name", "rest"), [("bash", "'"), ("zsh", "'"), ("fish", "")])
def test_a_quote_that_is_open_is_no_way_out_either(name: str, rest: str, home: Path) -> None:
    """Fish completes inside the quotes and closes them; in the others the person goes on alone."""
    shell = SHELLS[name]
    with sitting(shell.command(), environ_of(home)) as seat:
        assert entered(seat, f"cd '{home}'; {shell.quiet}; fedbridge ready") == ["ready"]
        command, option, value = entered(seat, f"fedbridge console --role 'aa{TAB}{rest}")
    assert (command, option, value.strip()) in {("console", "--role", found) for found in ("aa", f"{ODD[0]}/Developer")}
    assert not list(home.rglob("broken*"))


def listed_by_bash(home: Path, line: str) -> set[str]:
    words = line.split(" ")
    script = (
        'eval "$(fedbridge completion bash)"; COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@");'
        "COMP_CWORD=$(($# - 1)); _fedbridge; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    return _lines(home, [program("bash", INSTALL), "-c", script, "bash", line, *words])


def listed_by_fish(home: Path, line: str) -> set[str]:
    script = "fedbridge completion fish | source; complete -C $argv[1]"
    return _lines(home, [program("fish", INSTALL), "--no-config", "-c", script, line])


def _lines(home: Path, command: Sequence[str]) -> set[str]:
    done = subprocess.run(command, env=environ_of(home), capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


@pytest.mark.parametrize("listed", [listed_by_bash, listed_by_fish])
def test_a_shell_lists_commands_options_and_roles(home: Path, listed) -> None:
    assert listed(home, "fedbridge con") == {"configure", "console"}
    assert {"login", "logout", "whoami", "doctor", "exec"} <= listed(home, "fedbridge ")
    assert listed(home, "fedbridge credentials --r") == {"--reason", "--region", "--role"}
    assert listed(home, "fedbridge console --role production/") == set(PLAIN)
    assert listed(home, "fedbridge console production/") == set(PLAIN)
    assert listed(home, "fedbridge console --to /s3/home production/") == set(PLAIN)
    assert listed(home, "fedbridge completion f") == {"fish"}
    assert listed(home, "fedbridge exec --role x -- nosuchfile") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_script_is_read_without_a_word(shell: str, home: Path) -> None:
    command = [program(shell, INSTALL), "-n", "-c", SCRIPTS[shell]]
    assert _lines(home, command) == set()


@pytest.mark.parametrize("words", [[], [""], ["exec", "--role"], ["nothing", ""], ["--role", ""], ["exec", "--", ""]])
def test_whatever_stands_on_the_line_completion_fails_never(words: list[str], tmp_path: Path) -> None:
    for text in (None, "[", "{}", "[1]", '[{"account": 1}]', "\xff", "null"):
        if text is not None:
            (tmp_path / "roles.json").write_bytes(text.encode("latin-1"))
        assert all(candidates(words, {"exec": ["--role"]}, tmp_path)) is not None
