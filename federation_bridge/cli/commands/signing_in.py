"""`login`, `logout`, `whoami`, and `headers` for a session that administers."""

from __future__ import annotations

import json
from datetime import datetime

from federation_bridge.cli.bridges import (
    KnownBridge,
    check_name,
    give_name,
    known_bridges,
    make_current,
    name_of_folder,
)
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.context import Context, Way
from federation_bridge.cli.failures import CommandFailed, UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session import signed_in
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.session.login import chosen_way
from federation_bridge.cli.session.signing_out import end_session, forget_another_person
from federation_bridge.cli.session.whose import note_person


def login(invocation: Invocation) -> int:
    """Signs in. What can be refused without a person is refused before one is asked."""
    name = invocation.asked.name
    invocation.asked.address = _address(invocation)
    waiting = invocation.context().waiting
    if name:
        check_name(invocation.environ, invocation.context().bridge_folder, name)
    invocation.asked.way = _way(invocation)
    context = invocation.context()
    session = LocalSession(context)
    session.login(waiting)
    me = session.get(context.me)
    person = str(me.get("person", ""))
    note_person(context, person)
    signed_in.note(context, me)
    if name:
        give_name(context.bridge_folder, name)
    before = make_current(context.bridge_folder)
    if context.administers:
        sentence = say(
            "Signed in to administer as {name}, until {end}.",
            name=str(me.get("name", "")),
            end=_local(me.get("ends_at")),
        )
        invocation.terminal.tell(sentence, "green")
        context.warn_of_clock()
        return 0
    forget_another_person(context, person)
    invocation.terminal.tell(
        say("Signed in as {name}, until {end}.", name=str(me.get("name", "")), end=_local(me.get("ends_at"))), "green"
    )
    context.warn_of_clock()
    if before not in {"", context.bridge_folder.name}:
        last = name_of_folder(invocation.environ, before)
        invocation.terminal.tell(
            say("Commands now use this bridge. fedbridge use {name} goes back to the one before.", name=last)
        )
    invocation.terminal.tell(say("Next: fedbridge configure"))
    return 0


def _way(invocation: Invocation) -> Way:
    """How to sign in; `auto` stays where a code would be shown to nobody: then nobody is asked."""
    asked: Way = invocation.asked.way
    way = chosen_way(asked, invocation.environ)
    return way if way != "device" or invocation.terminal.can_tell else asked


def _address(invocation: Invocation) -> str:
    """The address as it was typed, or of a bridge that is called so, or asked for where none is known."""
    asked, environ = invocation.asked, invocation.environ
    if asked.address:
        known = [one.address for one in known_bridges(environ) if asked.address in {one.name, one.address}]
        return known[0] if known else str(asked.address)
    if asked.bridge or known_bridges(environ) or environ.get("FEDBRIDGE_URL") or environ.get("FEDBRIDGE_BRIDGE"):
        return ""
    if not invocation.terminal.can_ask:
        raise UsageWrong(say("Which bridge? Give its address: fedbridge login https://aws.example.com"))
    invocation.terminal.tell(say("Your company gave you the address of its bridge, such as https://aws.example.com"))
    typed = invocation.terminal.ask(say("Address: "))
    if not typed:
        raise UsageWrong(say("No address was given."))
    return typed


def logout(invocation: Invocation) -> int:
    """Signs out and forgets what lies here: of one bridge, or of all."""
    if invocation.asked.all:
        return _logout_everywhere(invocation)
    was_signed_in = end_session(invocation.context())
    invocation.terminal.tell(say("Signed out.") if was_signed_in else say("Nobody was signed in."))
    return 0


def _logout_everywhere(invocation: Invocation) -> int:
    """Each bridge, whatever happens at another; the first failure is told in the end."""
    failures: list[CommandFailed] = []
    for one in known_bridges(invocation.environ):
        try:
            was_signed_in = end_session(_place_of(invocation, one))
        except CommandFailed as failure:
            failures.append(failure)
            invocation.terminal.tell(f"{one.address}: {failure.detail}", "red")
            continue
        words = say("Signed out.") if was_signed_in else say("Nobody was signed in.")
        invocation.terminal.tell(f"{one.address}: {words}")
    return failures[0].exit_status if failures else 0


def _place_of(invocation: Invocation, bridge: KnownBridge) -> Context:
    return Context(bridge.address, bridge.folder, invocation.environ, invocation.clock, invocation.terminal)


def whoami(invocation: Invocation) -> int:
    """Shows who is signed in."""
    invocation.asked.way = "never"
    me = LocalSession(invocation.context()).get("/me")
    if invocation.asked.json:
        wanted = ("person", "connection", "name", "email", "signed_in_at", "ends_at")
        invocation.terminal.write(json.dumps({name: me.get(name) for name in wanted}, indent=2) + "\n")
    else:
        name, person = str(me.get("name", "")), str(me.get("person", ""))
        invocation.terminal.write(
            say("{name} ({person}), until {end}", name=name, person=person, end=_local(me.get("ends_at"))) + "\n"
        )
    return 0


def headers(invocation: Invocation) -> int:
    """Writes the headers for one call of the administration API, for `curl -H @-`."""
    asked = invocation.asked
    if not asked.path.startswith("/administration/") or not asked.path.isprintable():
        raise UsageWrong(
            say("{path} is not an address of the administration API, such as /administration/me", path=asked.path)
        )
    asked.way, asked.administration = "never", True
    found = LocalSession(invocation.context()).headers(asked.method, asked.path)
    invocation.terminal.write("".join(f"{name}: {value}\n" for name, value in found.items()))
    return 0


def _local(instant: object) -> str:
    try:
        return datetime.fromisoformat(str(instant)).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "?"
