"""`roles`, `credentials`, `console`, `credential-process`: what the bridge gives, on stdout or in the browser."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from federation_bridge.cli.commands.invocation import Invocation, role_of, wanted_of
from federation_bridge.cli.credentials.console import open_console
from federation_bridge.cli.credentials.obtaining import answer_text, obtain, rendered
from federation_bridge.cli.credentials.roles import matching, my_roles
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import controlling_terminal


def roles(invocation: Invocation) -> int:
    """Lists the roles."""
    context = invocation.context()
    found = my_roles(context, LocalSession(context))
    if invocation.asked.filter:
        found = matching(invocation.asked.filter, found)
    if invocation.asked.json:
        invocation.terminal.write(json.dumps([asdict(role) for role in found], indent=2) + "\n")
    else:
        rows = [(role.account_name, role.account, role.role, role.max_duration) for role in found]
        head = (say("ACCOUNT"), say("NUMBER"), say("ROLE"), say("AT MOST"))
        invocation.terminal.write(invocation.terminal.table(head, rows))
    return 0


def credentials(invocation: Invocation) -> int:
    """Writes credentials in the format that was asked for."""
    context = invocation.context()
    invocation.terminal.write(rendered(obtain(context, wanted_of(invocation, context)), invocation.asked.format))
    return 0


def credential_process(invocation: Invocation) -> int:
    """What a profile runs: on the person's own terminal it asks, on stdout it answers."""
    with controlling_terminal(invocation.environ) as terminal:
        context = invocation.context(terminal)
        if not invocation.asked.renew:
            invocation.terminal.write(answer_text(obtain(context, wanted_of(invocation, context))))
            return 0
    return _renew(invocation)


def _renew(invocation: Invocation) -> int:
    """The background renewal: asks nobody. Where it fails its mark stays for a minute, so that not every call tries."""
    invocation.asked.way = "never"
    context = invocation.context()
    wanted = wanted_of(invocation, context)
    obtain(context, wanted, renew=True)
    Path(f"{context.answer_path(wanted.role)}~renewing").unlink(missing_ok=True)
    return 0


def console(invocation: Invocation) -> int:
    """Opens the AWS console."""
    context = invocation.context()
    open_console(context, role_of(invocation, context), invocation.asked.to, only_print=invocation.asked.print)
    return 0
