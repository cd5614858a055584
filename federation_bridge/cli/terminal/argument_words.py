"""argparse in the language of the person: its own sentences, and a wrong call as one of our failures."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say

_WIDE = 28


class Parser(argparse.ArgumentParser):
    """Raises `UsageWrong` instead of leaving the process, and suggests the command that was meant."""

    takes_command = False
    """Whether all behind the first `--` is a command to run, and is left as it is."""

    def __init__(self, **options: Any) -> None:
        # Before argparse makes its first sentence: it takes them all from these two names.
        argparse._ = _translated  # type: ignore[attr-defined] # it tells nobody of them
        argparse.ngettext = _translated_plural  # type: ignore[attr-defined] # the same
        super().__init__(**options, formatter_class=_help, allow_abbrev=False)

    is_evaluated = False
    """Whether a shell evaluates what this command writes: its help then goes to stderr."""

    def print_help(self, file: Any = None) -> None:
        """See argparse."""
        super().print_help(sys.stderr if self.is_evaluated else file)

    elsewhere: Container[str] = ()
    """Commands that stand beside this one, and not below it."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """See argparse. UsageWrong for what this command does not know, and for a command to run without `--`."""
        words = list(args) if args is not None else sys.argv[1:]
        if words and words[0].startswith("-") and self._subparsers is not None:
            self._check_before_command(words[0].partition("=")[0])
        if not self.takes_command:
            found, unknown = super().parse_known_args(words, namespace)
            self._check_known(unknown)
            return found, []
        at = words.index("--") if "--" in words else len(words)
        found, unknown = super().parse_known_args(words[:at], namespace)
        if at == len(words) and (found.command or any(not word.startswith("-") for word in unknown)):
            raise UsageWrong(say("Write -- before the command: {program} ACCOUNT/ROLE -- COMMAND", program=self.prog))
        # What follows an option that is not known may be its value: the option is the cause.
        self._check_known([*(word for word in unknown if word.startswith("-")), *found.command, *unknown])
        found.command = words[at + 1 :]
        return found, []

    def _check_before_command(self, option: str) -> None:
        """An option of a command that stands before it: what follows would be taken for the command."""
        if option in self._option_string_actions:
            return
        below = [made for made in _commands(self).values() if option in made._option_string_actions]  # noqa: SLF001 - of our own class
        if below:
            raise UsageWrong(say("Write {option} behind the command: fedbridge COMMAND {option}", option=option))
        self._check_known([option])

    def _check_known(self, unknown: Sequence[str]) -> None:
        if not unknown:
            return
        word = unknown[0].partition("=")[0] if unknown[0].startswith("-") else unknown[0]
        if not word.startswith("-"):
            told = say(
                "{program} does not take the word {word} here. See: {program} --help", program=self.prog, word=word
            )
            raise UsageWrong(told)
        what = say("{program} has no option {option}.", program=self.prog, option=word)
        hidden = {name for name, action in self._option_string_actions.items() if action.help == argparse.SUPPRESS}
        raise UsageWrong(_with_near(what, word, self._option_string_actions.keys() - hidden, self.prog))

    def error(self, message: str) -> NoReturn:
        """See argparse."""
        raise UsageWrong(say("{message}. See: {program} --help", message=message, program=self.prog))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if not action.choices or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices if choice not in {"", "complete"}]
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no public name
            raise UsageWrong(_with_near(_no_choice(action, str(value), ", ".join(choices)), str(value), choices))
        if value in self.elsewhere:
            raise UsageWrong(
                say(
                    "{program} has no {name}: it has {commands}. For yourself: fedbridge {name}",
                    program=self.prog,
                    name=str(value),
                    commands=", ".join(choices),
                )
            )
        what = say("There is no command {name}.", name=str(value))
        raise UsageWrong(_with_near(what, str(value), choices, self.prog))


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    found = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 - no public way
    return next(iter(found), {})


def _no_choice(action: argparse.Action, value: str, choices: str) -> str:
    if action.dest == "format":
        return say("There is no format {name}. There are: {choices}.", name=value, choices=choices)
    if action.dest == "shell":
        return say(
            "The shell {name} is not supported. Supported shells: {choices}. fedbridge exec works in every shell.",
            name=value,
            choices=choices,
        )
    return say("It cannot be {name}. Choose one of: {choices}.", name=value, choices=choices)


def _with_near(what: str, word: str, known: Iterable[str], program: str = "") -> str:
    """The sentence with the names that are near; without any, with where to read on."""
    near = difflib.get_close_matches(word, sorted(known), 3, 0.6)
    if near:
        return say("{what} Did you mean: {near}?", what=what, near=", ".join(near))
    return say("{what} See: {program} --help", what=what, program=program) if program else what


def _help(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=_WIDE)


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
        "argument %(argument_name)s: %(message)s": say("%(argument_name)s: %(message)s"),
        "unrecognized arguments: %s": say("Not known here: %s"),
        "not allowed with argument %s": say("it does not go together with %s"),
        "ignored explicit argument %r": say("it takes no value, but %r was given"),
        "the following arguments are required: %s": say("Missing: %s"),
        "expected one argument": say("a value is missing"),
        "invalid %(type)s value: %(value)r": say("%(value)r is not a number"),
    }
