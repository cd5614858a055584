"""A login that waits for its person is ended by a logout beside it: what is approved afterwards is kept by nobody."""

from __future__ import annotations

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import LoginRefused
from federation_bridge.cli.files import write_private
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.leftovers import remove
from federation_bridge.cli.single_flight import SingleFlight

_ENDED = "login.ended"


def login_flight(context: Context) -> SingleFlight:
    """The lock under which a person is asked. Whoever has a session renews it meanwhile: that is another lock."""
    return SingleFlight(context.folder / "login.lock", context.clock)


def begin(context: Context) -> None:
    """A login begins, under its lock: a logout from before does not mean it."""
    remove(context.folder / _ENDED)


def check_not_ended(context: Context) -> None:
    """Raises LoginRefused where a logout has ended this login."""
    if (context.folder / _ENDED).exists():
        raise LoginRefused(say("Somebody signed out meanwhile (fedbridge logout), so this sign-in is not kept."))


def end_waiting_login(context: Context) -> None:
    """Ends a login that waits now; it looks for this every half second, and before it keeps anything."""
    if login_flight(context).is_held():
        write_private(context.folder / _ENDED, b"")
