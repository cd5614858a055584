"""argparse in the language of the person: its own sentences, and a wrong call as one of our failures."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from typing import Any, NoReturn

from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say

_WIDE = 28


class Parser(argparse.ArgumentParser):
    """Raises `UsageWrong` instead of leaving the process, and suggests the command that was meant."""

    def __init__(self, **options: Any) -> None:
        # Before argparse makes its first sentence: it takes them all from these two names.
        argparse._ = _translated  # type: ignore[attr-defined]
        argparse.ngettext = _translated_plural  # type: ignore[attr-defined]
        super().__init__(**options, formatter_class=_help, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """See argparse."""
        raise UsageWrong(say("{message}. See: {program} --help", message=message, program=self.prog))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:  # noqa: SLF001
            raise UsageWrong(_no_command(str(value), (name for name in action.choices if name != "complete")))
        super()._check_value(action, value)


def _help(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=_WIDE)


def _no_command(value: str, commands: Iterable[str]) -> str:
    near = difflib.get_close_matches(value, list(commands), 3, 0.6)
    if near:
        return say("There is no command {name}. Did you mean: {near}?", name=value, near=", ".join(near))
    return say("There is no command {name}. See: fedbridge --help", name=value)


def _translated(sentence: str) -> str:
    return _sentences().get(sentence, sentence)


def _translated_plural(one: str, many: str, number: int) -> str:
    return _translated(one if number == 1 else many)


def _sentences() -> dict[str, str]:
    """Argparse's own sentences, of Python 3.11 to 3.13, that a person can meet here; others stay English."""
    return {
        "usage: ": say("usage: "),
        "positional arguments": say("positional arguments"),
        "options": say("options"),
        "%(heading)s:": say("%(heading)s:"),
        "show this help message and exit": say("show this help message and exit"),
        "argument %(argument_name)s: %(message)s": say("argument %(argument_name)s: %(message)s"),
        "unrecognized arguments: %s": say("unrecognized arguments: %s"),
        "not allowed with argument %s": say("not allowed with argument %s"),
        "ignored explicit argument %r": say("ignored explicit argument %r"),
        "the following arguments are required: %s": say("the following arguments are required: %s"),
        "expected one argument": say("expected one argument"),
        "invalid %(type)s value: %(value)r": say("invalid %(type)s value: %(value)r"),
        "invalid choice: %(value)r (choose from %(choices)s)": say(
            "invalid choice: %(value)r (choose from %(choices)s)"
        ),
    }
