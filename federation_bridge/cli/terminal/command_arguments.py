"""How a command and its parts are written: its help, the ways to sign in, a role, a region, a command to run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.argument_words import Parser
from federation_bridge.delivery import FORMATS

if TYPE_CHECKING:
    Under = argparse._SubParsersAction[Parser]  # noqa: SLF001 - argparse names it no other way
else:
    Under = argparse._SubParsersAction  # noqa: SLF001 - it takes no parameter at run time


def command(
    under: Under,
    name: str,
    run_it: Callable[[Invocation], int],
    about: str,
    *,
    more: str = "",
    examples: Sequence[str] = (),
) -> Parser:
    """A command: `about` in one line for the list, `more` behind it in its own help, `examples` as they are typed."""
    sentence = say("{about}.", about=about)
    description = f"{sentence}\n{more}" if more else sentence
    lines = [say("For example:"), *(f"  {example}" for example in examples)]
    made: Parser = under.add_parser(
        name, help=about, description=description, epilog="\n".join(lines) if examples else None
    )
    made.set_defaults(
        run=run_it, role="", region="", for_agent=False, address="", folder="", way="auto", administration=False
    )
    made.add_argument(
        "--bridge", metavar="NAME", default="", help=say("the bridge of this name, instead of the one in use")
    )
    return made


def ways(command: argparse.ArgumentParser) -> None:
    """How the person is asked to sign in, where nobody is."""
    ways = command.add_mutually_exclusive_group()
    for name, about in (
        ("browser", say("sign in in a browser on this computer")),
        ("device", say("sign in with a code, in any browser")),
    ):
        ways.add_argument(f"--{name}", dest="way", action="store_const", const=name, help=about)
    ways.add_argument(
        "--no-login", dest="way", action="store_const", const="never", help=say("fail if nobody is signed in")
    )


def role_options(command: argparse.ArgumentParser) -> None:
    """The role, and the length and reason of its credentials."""
    role_words(command)
    min_remaining_option(command)
    command.add_argument("--duration", metavar="1h", default="", help=say("how long fresh credentials shall last"))
    reason_option(command)


def min_remaining_option(command: argparse.ArgumentParser) -> None:
    """How long credentials must still last to be handed out as they are."""
    command.add_argument(
        "--min-remaining", metavar="30m", default="", help=say("the credentials must last at least this long")
    )


def reason_option(command: argparse.ArgumentParser) -> None:
    """Why the person wants the role."""
    command.add_argument("--reason", default="", help=say("why you need them, for the audit"))


class _Role(argparse.Action):
    """The plain word and the option are the same; where both stand they have to say the same."""

    def __call__(self, _: Any, namespace: argparse.Namespace, values: Any, __: str | None = None) -> None:
        """See argparse."""
        if values and namespace.role not in {"", values}:
            raise UsageWrong(say("Two roles are named: {one} and {other}.", one=namespace.role, other=values))
        namespace.role = values or namespace.role


def role_words(command: argparse.ArgumentParser) -> None:
    """The role, as a plain word or as an option."""
    about = say("by number or name; asked for if missing")
    command.add_argument("role", action=_Role, nargs="?", default="", metavar="ACCOUNT/ROLE", help=about)
    command.add_argument("--role", action=_Role, default="", metavar="ACCOUNT/ROLE", help=say("the same, as an option"))


def region_option(command: argparse.ArgumentParser) -> None:
    """Where AWS tools ask; for every command that puts credentials into an environment."""
    command.add_argument(
        "--region", default="", metavar="eu-central-1", help=say("the region, instead of the account's usual one")
    )


def variables_option(command: argparse.ArgumentParser) -> None:
    """Whether a command that is run gets keys as variables, instead of an endpoint."""
    command.add_argument("--variables", action="store_true", help=say("pass keys as variables; they are not renewed"))


def port_option(command: argparse.ArgumentParser) -> None:
    """Where a served endpoint listens."""
    command.add_argument("--port", type=int, default=0, help=say("a fixed port of 127.0.0.1"))


def format_option(command: argparse.ArgumentParser) -> None:
    """The form in which credentials are written as text."""
    command.add_argument("--format", choices=sorted(FORMATS), default="json", help=say("which program the text is for"))


def json_option(command: argparse.ArgumentParser) -> None:
    """Whether the answer is written as JSON."""
    command.add_argument("--json", action="store_true", help=say("for programs"))


def command_words(command: Parser) -> None:
    """The command to run, behind `--`: shown here in the help, and taken apart by the parser itself."""
    command.takes_command = True
    command.add_argument("command", nargs="*", default=[], metavar="-- COMMAND", help=say("the command to run"))
