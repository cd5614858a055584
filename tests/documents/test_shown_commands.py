"""Every command that a document tells of is one that its program takes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from absent_software import program
from documents.blocks import ROOT, blocks, inline_commands
from documents.command_words import mistake_in
from forked_in_shells import put_fedbridge

from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.operate.commands import commands

BLOCKS = blocks()


@pytest.mark.parametrize("line", sorted(inline_commands("federation-bridge")))
def test_every_command_of_an_operator_is_one_that_the_program_takes(line: str) -> None:
    words = [word.strip("[]") for word in shlex.split(line)[1:]]
    assert mistake_in(commands, words) is None


@pytest.mark.parametrize("line", sorted(inline_commands("fedbridge")))
def test_every_command_of_a_person_is_one_that_the_program_takes(line: str) -> None:
    words = shlex.split(line.partition(" | ")[0])[1:]
    mine = words[: words.index("--")] if "--" in words else words
    known = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert mine[0] in known
    options = {name for action in known[mine[0]]._actions for name in action.option_strings}
    assert [word for word in mine[1:] if word.startswith("--") and word not in options] == []


@pytest.mark.parametrize("line", sorted(inline_commands("make")))
def test_every_target_that_is_told_is_there(line: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line.split()[1] in targets


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shown_lines_make_a_shell_complete(tmp_path: Path, shell: str) -> None:
    (line,) = (said for said in BLOCKS["docs/command-line.md console 4"].commands if f"completion {shell}" in said)
    command = put_fedbridge(tmp_path / "bin")
    before, asked = {
        "bash": ("true", "complete -p fedbridge"),
        "zsh": ("autoload -Uz compinit; compinit -D -u", "echo $_comps[fedbridge]"),
        "fish": ("true", "complete --command fedbridge"),
    }[shell]
    done = subprocess.run(
        [program(shell, "apt-get install zsh fish"), "-c", f"{before}; {line}\n{asked}"],
        env={"HOME": str(tmp_path), "PATH": f"{command.parent}:{os.defpath}", "TERM": "dumb"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "fedbridge" in done.stdout
