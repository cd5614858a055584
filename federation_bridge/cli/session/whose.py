"""Whose sign-in it is: asked before it is kept, where somebody else on this computer could have completed it."""

from __future__ import annotations

from contextlib import suppress

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed, LoginRefused
from federation_bridge.cli.files import read_private, write_private
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.leftovers import remove
from federation_bridge.cli.session.renewal import key_of, revoke
from federation_bridge.cli.session.token_store import StoredSession

_NOTE = "signed-in-as"


def checked_person(context: Context, session: StoredSession) -> str:
    """The person of a session that is not kept yet: who was signed in last, or whom the terminal's person accepts.

    Raises:
        LoginRefused: not accepted, or nobody is there to ask. The session has been ended at the bridge then.
        CommandFailed: the bridge does not say whose it is; ended too.
    """
    try:
        person, name = _person_of(context, session)
        if person.encode() != read_private(context.folder / _NOTE):
            _ask(context, person, name)
    except BaseException:
        with suppress(CommandFailed):
            revoke(context, session)
        raise
    return person


def note_person(context: Context, person: str) -> None:
    """Remembers who is signed in now; "" where that is not known, and then nobody is taken for the last one."""
    if person:
        write_private(context.folder / _NOTE, person.encode())
    else:
        remove(context.folder / _NOTE)


def _person_of(context: Context, session: StoredSession) -> tuple[str, str]:
    url = f"{context.address}/api/v1{context.me}"
    proof = key_of(session).proof("GET", url, context.clock() + context.http.clock_offset, session.access_token)
    answer = context.http.get(url, {"Authorization": f"DPoP {session.access_token}", "DPoP": proof})
    if not answer.is_ok or not answer.text("person"):
        raise BridgeUnreachable(say("The bridge does not say whose sign-in this is, so it is not kept."))
    return answer.text("person"), answer.text("name")


def _ask(context: Context, person: str, name: str) -> None:
    if not context.terminal.can_ask:
        raise LoginRefused(
            say(
                "The browser signed in {name} ({person}), and nobody is here to confirm it. In a terminal, run: "
                "fedbridge login",
                name=name,
                person=person,
            )
        )
    context.terminal.tell(say("The browser signed in {name} ({person}).", name=name, person=person), "bold")
    if context.terminal.ask(say("Is this you? [y/N] ")).lower() not in {"y", "yes", "是"}:
        raise LoginRefused(say("This sign-in is not kept."))
