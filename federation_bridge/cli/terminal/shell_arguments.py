"""The commands that reach into a shell, as they are written on the command line."""

from __future__ import annotations

import argparse

from federation_bridge.cli.commands import assuming
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.command_arguments import Under, command, region_option, role_options, ways
from federation_bridge.cli.terminal.shells import SHELLS


def shell_commands(under: Under) -> None:
    """Adds `assume` and `shell-init`."""
    assume = command(
        under,
        "assume",
        assuming.assume,
        say("Assume a role in this shell, or leave it with --unset"),
        more=say("Needs the function that shell-init writes. Every AWS tool in this shell then has the role."),
        examples=(
            "fedbridge assume production/Developer",
            "fedbridge assume production/Developer --chain arn:aws:iam::444455556666:role/Deploy",
            "fedbridge assume --unset",
        ),
    )
    assume.is_evaluated = True
    role_options(assume)
    region_option(assume)
    assume.add_argument(
        "--chain", default="", metavar="ROLE-ARN", help=say("then assume this second role with it, for an hour at most")
    )
    assume.add_argument("--unset", action="store_true", help=say("give this shell its own variables back"))
    assume.add_argument("--shell", default="", choices=("", *sorted(SHELLS)), help=argparse.SUPPRESS)
    ways(assume)
    init = command(
        under,
        "shell-init",
        assuming.shell_init,
        say("The shell function that fedbridge assume needs"),
        examples=('eval "$(fedbridge shell-init bash)"', "fedbridge shell-init fish"),
    )
    init.add_argument(
        "shell", nargs="?", default="", choices=("", *sorted(SHELLS)), metavar="SHELL", help=", ".join(sorted(SHELLS))
    )
