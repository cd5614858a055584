"""Which words `federation-bridge` takes, wherever a document or a file of ours writes them."""

from __future__ import annotations

import click


def mistake_in(group: click.Command, words: list[str]) -> str | None:
    """What is wrong with these words after `federation-bridge`, or None."""
    command: click.Command = group
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            options = {name: parameter for parameter in command.params for name in parameter.opts}
            if word not in options.keys() | {"--help", "--version"}:
                return f"{command.name} has no option {word}"
            if not getattr(options.get(word), "is_flag", True):
                next(rest, None)  # its value
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return f"{command.name} has no command {word}"
            command = found
    return None
