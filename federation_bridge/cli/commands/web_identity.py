"""`web-identity`: a token file for tools that want to ask STS themselves, beside a command or until it is stopped."""

from __future__ import annotations

import threading

from federation_bridge.cli.aws_config.neutral_profile import stepped_around
from federation_bridge.cli.commands.invocation import Invocation, role_of
from federation_bridge.cli.commands.running import quoted, run_command, warn_of_default
from federation_bridge.cli.credentials.container import without_competitors
from federation_bridge.cli.credentials.web_identity import TokenFile
from federation_bridge.cli.i18n import say


def web_identity(invocation: Invocation) -> int:
    """Keeps the token file of a role fresh while a command runs, and ends as it ends; without one, until stopped."""
    command = invocation.asked.command[1:] if invocation.asked.command[:1] == ["--"] else invocation.asked.command
    context = invocation.context()
    with TokenFile(context, role_of(invocation, context), invocation.asked.reason) as file:
        if command:
            region = file.token.region
            with stepped_around(context, region) as more:
                return run_command(command, without_competitors(invocation.environ, region) | file.variables() | more)
        warn_of_default(context)
        invocation.terminal.tell(
            say("A token for {arn} is kept fresh. For AWS tools, until you stop this:", arn=file.token.role_arn)
        )
        invocation.terminal.write("".join(f"export {name}={quoted(text)}\n" for name, text in file.variables().items()))
        threading.Event().wait()
    return 0
