"""`federation-bridge --help`: a reader finds the command that they need, and the words that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from federation_bridge.operate.commands import commands


def groups(found: click.Group = commands, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every group of commands, the first of all included."""
    yield words
    for name, command in found.commands.items():
        if isinstance(command, click.Group) and name != "sandbox":
            yield from groups(command, (*words, name))


@pytest.mark.parametrize("words", list(groups()), ids=" ".join)
def test_a_list_of_commands_tells_whole_sentences_and_no_three_dots(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(commands, [*words, "--help"], terminal_width=80)
    assert shown.exit_code == 0, shown.output
    listed = shown.output.partition("Commands:")[2]
    assert listed
    assert not [line for line in listed.splitlines() if line.endswith("...")]


def test_the_first_help_says_where_to_begin_and_what_each_exit_status_means() -> None:
    shown = " ".join(CliRunner().invoke(commands, ["--help"], terminal_width=80).output.split())
    for word in ("Begin with `check`", "`migrate` makes database and keys", "70 for a mistake of the program"):
        assert word in shown
    for name in ("check", "migrate", "serve"):
        assert name in commands.commands


def test_every_command_with_settings_says_by_which_variable_they_are_named() -> None:
    shown = CliRunner().invoke(commands, ["check", "--help"], terminal_width=200).output
    assert "env var: FEDERATION_BRIDGE_SETTINGS" in shown
