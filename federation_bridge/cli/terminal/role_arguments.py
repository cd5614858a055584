"""The commands by which a person uses a role, as they are written on the command line."""

from __future__ import annotations

from federation_bridge.cli.commands import credentials, running
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.command_arguments import (
    Under,
    command,
    command_words,
    format_option,
    json_option,
    reason_option,
    region_option,
    role_options,
    role_words,
    variables_option,
    ways,
)


def role_commands(under: Under) -> None:
    """Adds `roles`, `credentials`, `exec` and `console`."""
    for add in (_roles, _credentials, _exec, _console):
        add(under)


def _roles(under: Under) -> None:
    roles = command(
        under,
        "roles",
        credentials.roles,
        say("The roles you may have now"),
        examples=(
            "fedbridge roles --filter prodadm",
            "fedbridge roles --json",
        ),
    )
    roles.add_argument("--filter", default="", metavar="TEXT", help=say("letters of the name, in order"))
    json_option(roles)
    ways(roles)


def _credentials(under: Under) -> None:
    credentials_ = command(
        under,
        "credentials",
        credentials.credentials,
        say("Credentials of one role, as text"),
        more=say("Prefer fedbridge exec, or the profiles that fedbridge configure writes: they renew the credentials."),
        examples=('eval "$(fedbridge credentials production/Developer --format env)"',),
    )
    role_options(credentials_)
    region_option(credentials_)
    format_option(credentials_)
    ways(credentials_)


def _exec(under: Under) -> None:
    exec_ = command(
        under,
        "exec",
        running.exec_,
        say("Run a command as a role, however long it takes"),
        more=say(
            "AWS tools that the command runs get credentials from an endpoint on this computer. They are renewed "
            "until the command ends."
        ),
        examples=("fedbridge exec production/Developer -- terraform plan",),
    )
    role_options(exec_)
    variables_option(exec_)
    region_option(exec_)
    command_words(exec_)
    ways(exec_)


def _console(under: Under) -> None:
    console = command(
        under,
        "console",
        credentials.console,
        say("Open the AWS console as a role"),
        more=say(
            "Opens this role's page at the bridge, where you press a button. Without a browser it writes the address."
        ),
        examples=(
            "fedbridge console production/Developer",
            "fedbridge console production/Developer --to /s3/home",
        ),
    )
    role_words(console)
    console.add_argument("--to", default="", metavar="PAGE", help=say("the console page to open"))
    console.add_argument("--duration", metavar="1h", default="", help=say("how long the console shall stay open"))
    reason_option(console)
    console.add_argument("--print", action="store_true", help=say("write the link instead of opening it"))
    ways(console)
