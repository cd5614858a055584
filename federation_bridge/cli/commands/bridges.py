"""`fedbridge` alone, and `use`: at which bridges one is signed in, which one commands use, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from federation_bridge.cli import folders
from federation_bridge.cli.bridges import KnownBridge, bridge_called, known_bridges, make_current
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.granted import local_time
from federation_bridge.cli.failures import CommandFailed, UsageWrong
from federation_bridge.cli.i18n import few, say
from federation_bridge.cli.session.signed_in import SignedIn, noted
from federation_bridge.cli.terminal.streams import Terminal


def overview(invocation: Invocation) -> int:
    """Where one is signed in, until when, and the next step. Asks no bridge: it helps without a network too."""
    known = known_bridges(invocation.environ)
    current = folders.current_folder(invocation.environ)
    rows = [_row(invocation, one, is_current=str(one.folder) == current) for one in known]
    if rows:
        head = (say("BRIDGE"), say("ADDRESS"), say("SIGNED IN"), say("UNTIL"))
        invocation.terminal.write(invocation.terminal.table(head, rows))
    used = next((one for one in known if str(one.folder) == current), None)
    _tell_next(invocation.terminal, invocation, used)
    return 0


def _row(invocation: Invocation, bridge: KnownBridge, *, is_current: bool) -> tuple[str, ...]:
    name = f"{bridge.name} *" if is_current else bridge.name
    who = _signed_in(invocation, bridge)
    if who is None:
        return name, bridge.address, say("no"), ""
    until = local_time(who.ends_at, invocation.clock()) if who.ends_at else "?"
    return name, bridge.address, who.name or say("yes"), until


def _signed_in(invocation: Invocation, bridge: KnownBridge) -> SignedIn | None:
    """Who is signed in there, as far as this computer knows; None: nobody, or not any more."""
    place = Context(bridge.address, bridge.folder, invocation.environ, invocation.clock, invocation.terminal, "never")
    try:
        if place.tokens().load() is None:
            return None
    except CommandFailed:
        return None
    found = noted(place)
    return None if found.ends_at and found.ends_at <= invocation.clock() else found


def _tell_next(terminal: Terminal, invocation: Invocation, used: KnownBridge | None) -> None:
    if used is None:
        terminal.tell(say("Next: fedbridge login https://aws.example.com (your company's bridge)"))
    elif _signed_in(invocation, used) is None:
        terminal.tell(say("Next: fedbridge login"))
    else:
        terminal.tell(say("Next: fedbridge configure (a profile per role), or fedbridge roles"))
    terminal.tell(say("All commands: fedbridge --help"))


def _which(known: Sequence[KnownBridge]) -> str:
    if not known:
        return say("No bridge is known here yet. Please run: fedbridge login https://aws.example.com")
    return say("Which bridge? You have: {names}", names=few([one.name for one in known], 10))


def use(invocation: Invocation) -> int:
    """Makes a bridge the one that commands use which name none."""
    if not invocation.asked.name:
        raise UsageWrong(_which(known_bridges(invocation.environ)))
    found = bridge_called(invocation.environ, invocation.asked.name)
    make_current(Path(found.folder))
    invocation.terminal.tell(say("Commands now use {address}.", address=found.address), "green")
    for name in ("FEDBRIDGE_URL", "FEDBRIDGE_BRIDGE"):
        if invocation.environ.get(name):
            invocation.terminal.tell(
                say("{name} is set in this shell and takes precedence over this choice.", name=name), "red"
            )
    return 0
