"""Groups of commands: how `--help` lists what is in them."""

from __future__ import annotations

import click

_WHOLE = 1_000
"""Longer than any first sentence."""


class Group(click.Group):
    """A group whose list gives the whole first sentence of each command, over as many lines as that takes.

    Click's own list ends each after one line with three dots, before what tells two commands apart.
    """

    group_class = type  # so that a group within a group is of this kind, too

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command and not command.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
