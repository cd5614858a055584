"""`completion`, and the words that its scripts ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

from federation_bridge.cli import folders
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.terminal import completion as completing


def completion(invocation: Invocation) -> int:
    """Writes the completion script of a shell."""
    invocation.terminal.write(completing.SCRIPTS[invocation.asked.shell])
    return 0


def complete(invocation: Invocation) -> int:
    """Writes the words that fit, one a line: what the completion scripts ask."""
    from federation_bridge.cli.terminal.arguments import parser  # noqa: PLC0415 - which names this module

    words = invocation.asked.words[1:] if invocation.asked.words[:1] == ["--"] else invocation.asked.words
    folder = folders.current_folder(invocation.environ)
    found = completing.candidates(words, _options(parser()), Path(folder) if folder else None)
    invocation.terminal.write("".join(word + "\n" for word in found))
    return 0


def _options(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The options of every command that has a help line."""
    choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))  # noqa: SLF001
    shown = {name: command for name, command in choices.items() if name != "complete"}
    return {
        name: sorted(
            option
            for action in command._actions  # noqa: SLF001
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
            if option.startswith("--")
        )
        for name, command in shown.items()
    }
