"""`web-identity`: a token file for tools that want to ask STS themselves, beside a command or until it is stopped."""

from __future__ import annotations

import threading

from federation_bridge.cli.aws_config.neutral_profile import stepped_around
from federation_bridge.cli.commands.invocation import Invocation, region_of, role_of
from federation_bridge.cli.commands.running import run_command, warn_of_default
from federation_bridge.cli.credentials.container import REGION_NAMES, without_competitors
from federation_bridge.cli.credentials.web_identity import TokenFile
from federation_bridge.cli.i18n import say
from federation_bridge.delivery import posix_word


def web_identity(invocation: Invocation) -> int:
    """Keeps the token file of a role fresh while a command runs, and ends as it ends; without one, until stopped."""
    command, asked = invocation.asked.command, region_of(invocation, "")
    context = invocation.context()
    with TokenFile(context, role_of(invocation, context), invocation.asked.reason) as file:
        if file.token.longest:
            arn, longest = file.token.role_arn, file.token.longest
            context.terminal.tell(
                say("{arn}: AWS issues sessions of at most {longest}.", arn=arn, longest=longest), "dim"
            )
        if command:
            usual = file.token.region
            environ = without_competitors(invocation.environ, usual, asked)
            with stepped_around(context, asked or usual) as more:
                return run_command(command, environ | file.variables() | more)
        warn_of_default(context)
        invocation.terminal.tell(
            say("A token for {arn} is kept fresh. For AWS tools, until you stop this:", arn=file.token.role_arn)
        )
        told = file.variables() | dict.fromkeys(REGION_NAMES, asked or file.token.region)
        invocation.terminal.write("".join(f"export {name}={posix_word(text)}\n" for name, text in told.items()))
        threading.Event().wait()
    return 0
