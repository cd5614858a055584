"""`roles`, `credentials`, `console`, `credential-process`: what the bridge gives, on stdout or in the browser."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from federation_bridge.cli.commands.call import Call, role_of, wanted_of
from federation_bridge.cli.credentials.console import open_console
from federation_bridge.cli.credentials.obtaining import answer_text, obtain, rendered
from federation_bridge.cli.credentials.roles import matching, my_roles
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import controlling_terminal


def roles(call: Call) -> int:
    """Lists the roles."""
    place = call.place()
    found = my_roles(place, LocalSession(place))
    if call.asked.filter:
        found = matching(call.asked.filter, found)
    if call.asked.json:
        call.terminal.write(json.dumps([asdict(role) for role in found], indent=2) + "\n")
    else:
        rows = [(role.account_name, role.account, role.role, role.max_duration) for role in found]
        head = (say("ACCOUNT"), say("NUMBER"), say("ROLE"), say("AT MOST"))
        call.terminal.write(call.terminal.table(head, rows))
    return 0


def credentials(call: Call) -> int:
    """Writes credentials in the format that was asked for."""
    place = call.place()
    call.terminal.write(rendered(obtain(place, wanted_of(call, place)), call.asked.format))
    return 0


def credential_process(call: Call) -> int:
    """What a profile runs: on the person's own terminal it asks, on stdout it answers."""
    with controlling_terminal(call.environ) as terminal:
        place = call.place(terminal)
        if not call.asked.renew:
            call.terminal.write(answer_text(obtain(place, wanted_of(call, place))))
            return 0
    return _renew(call)


def _renew(call: Call) -> int:
    """The background renewal: asks nobody. Where it fails its mark stays for a minute, so that not every call tries."""
    call.asked.way = "never"
    place = call.place()
    wanted = wanted_of(call, place)
    obtain(place, wanted, renew=True)
    Path(f"{place.answer_path(wanted.role)}~renewing").unlink(missing_ok=True)
    return 0


def console(call: Call) -> int:
    """Opens the AWS console."""
    place = call.place()
    open_console(place, role_of(call, place), call.asked.to, only_print=call.asked.print)
    return 0
