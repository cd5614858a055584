"""The commands by which tools get credentials, as they are written on the command line."""

from __future__ import annotations

import argparse

from federation_bridge.cli.commands import configure, credentials, running, web_identity
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.command_arguments import (
    Under,
    command,
    command_words,
    min_remaining_option,
    port_option,
    reason_option,
    region_option,
    role_options,
    role_words,
    ways,
)


def tool_commands(under: Under) -> None:
    """Adds `configure`, `credential-process`, `serve` and `web-identity`."""
    for add in (_configure, _credential_process, _serve, _web_identity):
        add(under)


def _configure(under: Under) -> None:
    configure_ = command(
        under,
        "configure",
        configure.configure,
        say("Bring ~/.aws/config up to date: a profile per role"),
        more=say("Says what changes first. It changes only what it wrote itself. Run it again when your roles change."),
        examples=(
            "fedbridge configure",
            "fedbridge configure --template '{account}.{role}' --dry-run --diff",
        ),
    )
    configure_.add_argument(
        "--template",
        default="",
        help=say("profile names, from {places}", places="{account} {account_name} {role} {partition} {bridge}"),
    )
    configure_.add_argument(
        "--filter",
        default="",
        metavar="TEXT",
        help=say("only roles with these letters; other profiles stay"),
    )
    configure_.add_argument("--replace", action="store_true", help=say("with --filter: remove the other profiles"))
    min_remaining_option(configure_)
    configure_.add_argument(
        "--sso", action="store_true", help=say("let AWS clients sign in with their own token cache instead")
    )
    configure_.add_argument("--yes", action="store_true", help=say("write without asking"))
    configure_.add_argument("--diff", action="store_true", help=say("show the whole difference"))
    configure_.add_argument("--dry-run", action="store_true", help=say("say what would change and write nothing"))
    ways(configure_)


def _credential_process(under: Under) -> None:
    process = command(
        under,
        "credential-process",
        credentials.credential_process,
        say("For AWS tools: what a profile runs"),
        more=say(
            "Answers from the cache while it is valid, and renews it before its end. configure writes a faster command."
        ),
        examples=("credential_process = fedbridge credential-process --role 111122223333/Developer",),
    )
    role_options(process)
    process.add_argument("--folder", default="", help=argparse.SUPPRESS)
    process.add_argument("--renew", action="store_true", help=argparse.SUPPRESS)
    ways(process)


def _serve(under: Under) -> None:
    serve = command(
        under,
        "serve",
        running.serve,
        say("Serve a role to containers' and SDKs' credentials endpoint"),
        more=say("Writes what your shell needs and serves until it is stopped."),
        examples=("fedbridge serve production/Developer --port 9911",),
    )
    role_options(serve)
    region_option(serve)
    port_option(serve)
    ways(serve)


def _web_identity(under: Under) -> None:
    token_file = command(
        under,
        "web-identity",
        web_identity.web_identity,
        say("A token file for tools that ask AWS STS themselves"),
        examples=("fedbridge web-identity production/Developer -- terraform plan",),
    )
    role_words(token_file)
    reason_option(token_file)
    region_option(token_file)
    command_words(token_file)
    ways(token_file)
