"""`roles`, `credentials`, `console`, `credential-process`: what the bridge gives, on stdout or in the browser."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from federation_bridge.cli.commands.invocation import Invocation, region_of, role_of, span, wanted_of
from federation_bridge.cli.credentials.console import open_console
from federation_bridge.cli.credentials.granted import tell_foreseen, tell_granted
from federation_bridge.cli.credentials.obtaining import answer_text, obtain, rendered
from federation_bridge.cli.credentials.roles import fitting, my_roles
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import controlling_terminal
from federation_bridge.console_pages import CONSOLES, checked_page
from federation_bridge.errors import NoConsolePage


def roles(invocation: Invocation) -> int:
    """Lists the roles."""
    context = invocation.context()
    found = fitting(invocation.asked.filter, my_roles(context, LocalSession(context)))
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
    wanted = wanted_of(invocation, context)
    region_of(invocation, "")
    found = obtain(context, wanted)
    there = replace(found, region=region_of(invocation, found.region))
    invocation.terminal.write(rendered(there, invocation.asked.format))
    tell_granted(context, wanted.role, found, wanted.duration)
    return 0


def credential_process(invocation: Invocation) -> int:
    """What a profile runs: on the person's own terminal it asks, on stdout it answers."""
    with controlling_terminal(invocation.environ) as terminal:
        context = invocation.context(terminal)
        if not invocation.asked.renew:
            wanted = wanted_of(invocation, context)
            found = obtain(context, wanted)
            invocation.terminal.write(answer_text(found))
            if invocation.terminal.can_tell:
                # An AWS tool keeps our stderr, and shows what stands there as a fault.
                tell_granted(context, wanted.role, found, wanted.duration)
            return 0
    return _renew(invocation)


def _renew(invocation: Invocation) -> int:
    """The background renewal: asks nobody. Where it fails its mark stays for a minute, so that not every call tries."""
    invocation.asked.way = "never"
    context = invocation.context()
    wanted = wanted_of(invocation, context)
    obtain(context, wanted, renew=True)
    Path(f"{context.answer_path(wanted.kept_as)}~renewing").unlink(missing_ok=True)
    return 0


def console(invocation: Invocation) -> int:
    """Opens the AWS console."""
    asked, context = invocation.asked, invocation.context()
    span(asked.duration, "--duration")
    _check_page(asked.to)
    role = role_of(invocation, context)
    tell_foreseen(replace(context, way="never"), role, asked.duration)
    wish = {"to": asked.to, "duration": asked.duration, "reason": asked.reason}
    open_console(context, role, wish, only_print=asked.print)
    return 0


def _check_page(page: str) -> None:
    """UsageWrong for what is no page of any console: the bridge would refuse it, but only in the browser."""
    for partition in CONSOLES if page else ():
        with suppress(NoConsolePage):
            checked_page(partition, page, "us-east-1")
            return
    if page:
        told = say(
            "{page} is no page of the AWS console. Write a path such as /s3/home, or its address.", page=page[:200]
        )
        raise UsageWrong(told)
