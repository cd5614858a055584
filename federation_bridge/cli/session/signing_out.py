"""Signing out: what lies on this computer goes first, then the bridge ends the sessions.

Locks stay where they are. A lock's file that vanished would let in the next process while an older one still holds it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.context import Context, lock_path
from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed, LocalFailure
from federation_bridge.cli.files import read_private, write_private
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.leftovers import forget_answers, remove
from federation_bridge.cli.session.local_session import session_flight
from federation_bridge.cli.session.renewal import revoke
from federation_bridge.cli.session.token_store import StoredSession
from federation_bridge.cli.session.waiting_login import end_waiting_login
from federation_bridge.cli.single_flight import SingleFlight


def end_session(context: Context) -> bool:
    """Forgets the session, the answers and the token for AWS clients here, then ends both at the bridge (RFC 7009).

    A login that waits for its person is ended. Whoever renews is waited for: what they keep is forgotten too. False:
    nobody was signed in.

    Raises:
        BridgeUnreachable: all is forgotten here, and the bridge could not be told.
        LocalFailure: something cannot be removed.
    """
    session = _forgotten_session(context)
    # After the session: who begins now finds none, and who had it before holds its role's lock until it has written.
    for answer in _answers(context.folder / "answers"):
        with SingleFlight(lock_path(answer), context.clock).alone(context.waiting):
            remove(answer)
    forget_answers(context)
    stock = sso.forget_token(context)
    administering = context.to_administer()
    held = _forgotten_session(administering) if administering.folder.is_dir() else None
    try:
        if session is not None:
            revoke(context, session)
        if held is not None:
            revoke(administering, held)
        if stock:
            sso.revoke(context, stock)
    except BridgeUnreachable as failure:
        sentence = say(
            "You are signed out on this computer, but the bridge could not be told: {why}", why=failure.detail
        )
        raise BridgeUnreachable(sentence) from None
    return session is not None or held is not None


def _forgotten_session(context: Context) -> StoredSession | None:
    end_waiting_login(context)
    with session_flight(context).alone(context.waiting):
        tokens = context.tokens()
        try:
            session = tokens.load()
        except LocalFailure:
            # Not believed, and all the same to be gone.
            session = None
        tokens.forget()
    return session


def _answers(folder: Path) -> list[Path]:
    """Every answer that lies here, or for which somebody holds or held a lock."""
    if not folder.is_dir():
        return []
    return sorted({path.with_name(path.name.partition("~")[0]) for path in folder.iterdir() if path.name[:1] != "."})


def forget_another_person(context: Context, person: str) -> None:
    """Ends the token for AWS clients where somebody else has signed in than the one who was here before."""
    path = context.folder / "person"
    before = read_private(path)
    if before is not None and before != person.encode() and (stock := sso.forget_token(context)):
        with suppress(CommandFailed):
            sso.revoke(context, stock)
    write_private(path, person.encode())
