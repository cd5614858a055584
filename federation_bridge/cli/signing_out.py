"""Signing out: what lies on this computer goes first, then the bridge ends the sessions.

Locks stay where they are. A lock's file that vanished would let in the next process while an older one still holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from federation_bridge.cli import sso
from federation_bridge.cli.failures import BridgeUnreachable, ComputerRefused
from federation_bridge.cli.files import computer_refused
from federation_bridge.cli.flight import Flight
from federation_bridge.cli.place import Place, lock_path
from federation_bridge.cli.renewal import revoke
from federation_bridge.cli.session import session_flight
from federation_bridge.cli.texts import say
from federation_bridge.cli.token_store import StoredSession


def end_session(place: Place) -> bool:
    """Forgets the session, the answers and the token for AWS clients here, then ends both at the bridge (RFC 7009).

    Whoever renews, or waits for a person, is waited for: what they keep is forgotten too. False: nobody was signed in.

    Raises:
        BridgeUnreachable: all is forgotten here, and the bridge could not be told.
        ComputerRefused: something cannot be removed.
    """
    waiting = _teller(place)
    session = _forgotten_session(place, waiting)
    # After the session: who begins now finds none, and who had it before holds its role's lock until it has written.
    for answer in _answers(place.folder / "answers"):
        with Flight(lock_path(answer), place.clock).alone(waiting):
            _remove(answer)
    for left in _left_over(place):
        _remove(left)
    stock = sso.forget_token(place)
    try:
        if session is not None:
            revoke(place, session)
        if stock:
            sso.revoke(place, stock)
    except BridgeUnreachable as failure:
        sentence = say(
            "You are signed out on this computer, but the bridge could not be told: {why}", why=failure.detail
        )
        raise BridgeUnreachable(sentence) from None
    return session is not None


def _teller(place: Place) -> Callable[[], None]:
    told: list[bool] = []

    def tell() -> None:
        if not told:
            place.terminal.tell(say("Waiting for another fedbridge that is at work ..."))
            told.append(True)

    return tell


def _forgotten_session(place: Place, waiting: Callable[[], None]) -> StoredSession | None:
    with session_flight(place).alone(waiting):
        tokens = place.tokens()
        try:
            session = tokens.load()
        except ComputerRefused:
            # Not believed, and all the same to be gone.
            session = None
        tokens.forget()
    return session


def _answers(folder: Path) -> list[Path]:
    """Every answer that lies here, or for which somebody holds or held a lock."""
    if not folder.is_dir():
        return []
    return sorted({path.with_name(path.name.partition("~")[0]) for path in folder.iterdir() if path.name[:1] != "."})


def _left_over(place: Place) -> list[Path]:
    """What no lock protects: marks, drafts of processes that died, the list of roles."""
    beside = [path for path in (place.folder / "answers").glob("*") if not path.name.endswith("~lock")]
    return [*beside, place.folder / "roles.json", place.folder / "session.renewing"]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as refused:
        raise computer_refused(path, refused) from None
