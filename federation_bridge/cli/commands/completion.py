"""`completion`, and the words that its scripts ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from federation_bridge.cli import folders
from federation_bridge.cli.bridges import known_bridges
from federation_bridge.cli.commands.invocation import Invocation, check_shell
from federation_bridge.cli.terminal import completion as completing


def completion(invocation: Invocation) -> int:
    """Writes the completion script of a shell."""
    check_shell(invocation)
    invocation.terminal.write(completing.SCRIPTS[invocation.asked.shell])
    return 0


def complete(invocation: Invocation) -> int:
    """Writes the words that fit, one a line: what the completion scripts ask."""
    from federation_bridge.cli.terminal.arguments import parser  # noqa: PLC0415 - which names this module

    words = invocation.asked.words[1:] if invocation.asked.words[:1] == ["--"] else invocation.asked.words
    folder = folders.current_folder(invocation.environ, _bridge_of(words))
    names = [one.name for one in known_bridges(invocation.environ)]
    found = completing.candidates(words, _options(parser()), Path(folder) if folder else None, names)
    invocation.terminal.write("".join(word + "\n" for word in found))
    return 0


def help_(invocation: Invocation) -> int:
    """Writes the help of a command, as `--help` behind it does."""
    from federation_bridge.cli.terminal.arguments import parser  # noqa: PLC0415 - which names this module

    parser().parse_args([*invocation.asked.words, "--help"])
    return 0


def _bridge_of(words: Sequence[str]) -> str:
    """The bridge that the line names: its roles complete, and no other's."""
    named = (word for before, word in pairwise(words) if before == "--bridge")
    joined = (word.partition("=")[2] for word in words if word.startswith("--bridge="))
    return next(iter([*named, *joined]), "")


def _options(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The options of every command that has a help line."""
    choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))  # noqa: SLF001 - no public way
    shown = {name: command for name, command in choices.items() if name != "complete"}
    return {
        name: sorted(
            option
            for action in command._actions  # noqa: SLF001 - no public way
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
            if option.startswith("--")
        )
        for name, command in shown.items()
    }
