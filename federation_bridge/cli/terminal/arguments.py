"""What can be asked on the command line, in the order in which a person meets it, and the help."""

from __future__ import annotations

import argparse
from typing import Any

from federation_bridge import __version__
from federation_bridge.cli.commands import bridges, completion, doctor
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.agent_arguments import agent_commands
from federation_bridge.cli.terminal.argument_words import Parser
from federation_bridge.cli.terminal.command_arguments import Under, command
from federation_bridge.cli.terminal.completion import SCRIPTS
from federation_bridge.cli.terminal.role_arguments import role_commands
from federation_bridge.cli.terminal.shell_arguments import shell_commands
from federation_bridge.cli.terminal.signing_in_arguments import signing_in_commands
from federation_bridge.cli.terminal.tool_arguments import tool_commands


def parser() -> argparse.ArgumentParser:
    """The parser of every command, in the order in which a person meets them."""
    top = Parser(prog="fedbridge", description=_about(), epilog=_closing())
    top.add_argument("--version", action="version", version=f"fedbridge {__version__}", help=say("show the release"))
    top.set_defaults(run=bridges.overview)
    under: Any = top.add_subparsers(title=say("commands"), metavar="COMMAND", parser_class=Parser)
    signing_in_commands(under)
    role_commands(under)
    shell_commands(under)
    agent_commands(under)
    tool_commands(under)
    for add in (_doctor, _completion, _help, _complete):
        add(under)
    return top


def _doctor(under: Under) -> None:
    doctor_ = command(
        under,
        "doctor",
        doctor.doctor,
        say("Find out what is wrong, and say it in words"),
        more=say(
            "Looks at the bridge, your session, the environment and ~/.aws; ends with 1 where something is wrong."
        ),
        examples=("fedbridge doctor", "fedbridge doctor https://aws.example.com"),
    )
    doctor_.add_argument(
        "address",
        nargs="?",
        default="",
        metavar="https://aws.example.com",
        help=say("before a first login"),
    )


def _completion(under: Under) -> None:
    completion_ = command(
        under,
        "completion",
        completion.completion,
        say("The completion script of a shell"),
        examples=("source <(fedbridge completion bash)",),
    )
    completion_.add_argument(
        "shell", nargs="?", default="", choices=("", *sorted(SCRIPTS)), metavar="SHELL", help=", ".join(sorted(SCRIPTS))
    )


def _help(under: Under) -> None:
    help_ = under.add_parser(
        "help",
        help=say("What a command does, and its options"),
        description=say("What a command does, and its options."),
        epilog="\n".join((say("For example:"), "  fedbridge help exec")),
    )
    help_.add_argument("words", nargs="*", metavar="COMMAND", help=say("the command; without one, all of them"))
    help_.set_defaults(run=completion.help_, bridge="")


def _complete(under: Under) -> None:
    complete = under.add_parser("complete", add_help=False)
    complete.add_argument("words", nargs=argparse.REMAINDER)
    complete.set_defaults(run=completion.complete, bridge="")


def _about() -> str:
    return say("Sign in once at your company; every AWS tool then works, as the roles you have.")


def _closing() -> str:
    return say(
        "Start here:\n"
        "  fedbridge login https://aws.example.com\n"
        "  fedbridge configure                       a profile per role\n"
        "  AWS_PROFILE=production-Developer terraform plan\n"
        "\n"
        "Exit statuses: 0 done, 2 called wrongly, 3 nobody signed in, 4 sign-in refused, 5 no such role,\n"
        "6 bridge unreachable, 7 bridge refused, 8 this computer refused, 9 AWS refused, 10 too short,\n"
        "70 a fault of fedbridge, 130 stopped.\n"
        "\n"
        "Environment: FEDBRIDGE_BRIDGE, FEDBRIDGE_URL, FEDBRIDGE_FOLDER, FEDBRIDGE_TOKEN_STORE (keyring, file),\n"
        "FEDBRIDGE_ROLE (the default role), FEDBRIDGE_CA_BUNDLE, FEDBRIDGE_LANGUAGE, HTTPS_PROXY, NO_PROXY, NO_COLOR."
    )
