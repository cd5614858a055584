"""`login`, `logout`, `whoami`, and `headers` for a session that administers."""

from __future__ import annotations

import json
from datetime import datetime

from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.session.login import chosen_way
from federation_bridge.cli.session.signing_out import end_session, forget_another_person
from federation_bridge.cli.session.whose import note_person


def login(invocation: Invocation) -> int:
    """Signs in."""
    invocation.asked.way = chosen_way(invocation.asked.way, invocation.environ)
    context = invocation.context()
    session = LocalSession(context)
    session.login()
    me = session.get(context.me)
    person = str(me.get("person", ""))
    note_person(context, person)
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
    invocation.terminal.tell(say("Next: fedbridge configure"))
    return 0


def logout(invocation: Invocation) -> int:
    """Signs out and forgets what lies here."""
    was_signed_in = end_session(invocation.context())
    invocation.terminal.tell(say("Signed out.") if was_signed_in else say("Nobody was signed in."))
    return 0


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
    """Writes the headers of one call to the administration's API, for `curl -H @-`."""
    asked = invocation.asked
    if not asked.path.startswith("/administration/") or not asked.path.isprintable():
        raise UsageWrong(say("{path} is no address of administration, such as /administration/me", path=asked.path))
    asked.way, asked.administration = "never", True
    found = LocalSession(invocation.context()).headers(asked.method, asked.path)
    invocation.terminal.write("".join(f"{name}: {value}\n" for name, value in found.items()))
    return 0


def _local(instant: object) -> str:
    try:
        return datetime.fromisoformat(str(instant)).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "?"
