"""`fedbridge agent`: the commands that hand credentials on, for a program that acts for the person."""

from __future__ import annotations

from typing import Any

from federation_bridge.cli.commands import credentials, running
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.argument_words import Parser
from federation_bridge.cli.terminal.command_arguments import (
    Under,
    command,
    command_words,
    format_option,
    port_option,
    region_option,
    role_options,
    variables_option,
    ways,
)


def agent_commands(under: Under) -> None:
    """Adds `agent` and what stands behind it."""
    agent = under.add_parser(
        "agent",
        help=say("For coding agents and scripts: read-only, short, and marked as such"),
        description=say(
            "For coding agents and scripts: read-only, short, and marked as such.\n"
            "AWS itself lets the session only read, unless a rule of your company says otherwise."
        ),
        epilog="\n".join(
            (
                say("For example:"),
                "  fedbridge agent exec production/Developer -- terraform plan",
                "  fedbridge agent credentials production/Developer --format env",
            )
        ),
    )
    agent.elsewhere = under.choices
    agent.set_defaults(run=_alone, bridge="", role="", address="", folder="", way="auto", administration=False)
    inner: Any = agent.add_subparsers(title=say("commands"), metavar="COMMAND", parser_class=Parser)
    exec_ = _one(inner, "exec", running.exec_, say("Run a command as a role, read-only"))
    variables_option(exec_)
    region_option(exec_)
    command_words(exec_)
    serve = _one(
        inner, "serve", running.serve, say("Serve a role, read-only, to a container's or an SDK's credentials endpoint")
    )
    region_option(serve)
    port_option(serve)
    text = _one(inner, "credentials", credentials.credentials, say("Credentials of one role, as text"))
    region_option(text)
    format_option(text)
    _one(inner, "credential-process", credentials.credential_process, say("For AWS tools: what a profile runs"))


def _alone(_: Invocation) -> int:
    raise UsageWrong(
        say(
            "What do you want to give the agent? For example: fedbridge agent exec ACCOUNT/ROLE -- COMMAND. All "
            "ways: fedbridge "
            "agent --help"
        )
    )


def _one(inner: Any, name: str, run_it: Any, about: str) -> Parser:
    made = command(inner, name, run_it, about)
    made.set_defaults(for_agent=True, renew=False)
    role_options(made)
    ways(made)
    return made
