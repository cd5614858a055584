"""Signing in: in a browser of this computer (`browser_login`), or in any browser with a short code."""

from __future__ import annotations

import platform
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from sys import platform as system

from federation_bridge.cli.context import Context, Way
from federation_bridge.cli.failures import LoginRefused, SignInNeeded
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.authorization import (
    DEVICE_GRANT,
    Endpoints,
    ask_for_tokens,
    discover,
    refusal,
    stored_session,
)
from federation_bridge.cli.session.browser_login import by_browser
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.token_store import StoredSession
from federation_bridge.cli.session.waiting_login import check_not_ended
from federation_bridge.cli.session.whose import note_person

_SLOWER_BY = 5


def sign_in(context: Context) -> tuple[StoredSession, str]:
    """A new session that nobody keeps yet, and whose it is ("": not known); the person is asked in the way that fits.

    Raises:
        CommandFailed: refused, out of time, or nobody to ask.
    """
    way = chosen_way(context.way, context.environ)
    if _is_nobody_asked(context):
        if context.administers:
            raise SignInNeeded(say("Nobody is signed in to administer. Please run: fedbridge login --administration"))
        told = say("Nobody is signed in. Please run: fedbridge login {address}", address=context.address)
        if context.way == "auto":
            told += " " + say("--device waits for a code even where nobody would see it.")
        raise SignInNeeded(told)
    context.make_folders()
    endpoints, key = discover(context), DpopKey.fresh()
    try:
        return by_browser(context, endpoints, key) if way == "browser" else (_by_device(context, endpoints, key), "")
    except KeyboardInterrupt:
        context.terminal.tell("\n" + say("The sign-in was stopped. Nothing has changed."))
        raise


def tell_expired(context: Context) -> None:
    """Says why the person is asked again; SignInNeeded where nobody can be asked."""
    if _is_nobody_asked(context):
        told = say("Your session has expired. Please run: fedbridge login {address}", address=context.address)
        raise SignInNeeded(told)
    context.terminal.tell(say("Your session has expired. Please sign in again."))


def _is_nobody_asked(context: Context) -> bool:
    way = chosen_way(context.way, context.environ)
    unseen = context.way == "auto" and way == "device" and not context.terminal.can_tell
    return way == "never" or unseen


def keep(context: Context, session: StoredSession, person: str) -> None:
    """Keeps a new session in the place of the last one. Where one step fails, the last one stays.

    The small files come first: they show whether the disk takes anything, and mean nothing by themselves.
    """
    tokens = context.tokens()
    context.remember()
    note_person(context, person)
    tokens.save(session)
    if tokens.place.endswith("session.json"):
        _say_once(context, tokens.place)


def _say_once(context: Context, path: str) -> None:
    said = context.folder / "file-store-told"
    if not said.exists():
        context.terminal.tell(
            say("No keyring works here, so your session lies in {path}, readable by you alone (mode 0600).", path=path)
        )
        with suppress(OSError):
            said.touch(mode=0o600)


def chosen_way(way: Way, environ: Mapping[str, str]) -> Way:
    """`browser` where one can be opened on the person's own screen, else `device`; a given way stays as it is.

    Over ssh and in a container a browser would open where nobody looks, or not reach our loopback address.
    """
    if way != "auto":
        return way
    remote = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "KUBERNETES_SERVICE_HOST"))
    contained = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    screen = system in {"win32", "darwin"} or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    named = bool(environ.get("BROWSER"))
    if remote or (contained and not named) or not (screen or named):
        return "device"
    try:
        webbrowser.get()
    except webbrowser.Error:
        return "device"
    return "browser"


def _by_device(context: Context, endpoints: Endpoints, key: DpopKey) -> StoredSession:
    """RFC 8628: shows the code, then asks at the server's pace until the person has decided."""
    if not endpoints.device:
        raise LoginRefused(say("The bridge has switched off the sign-in by code. Try: fedbridge login --browser"))
    begun = begin_device(context, endpoints.device, key)
    uri, code = begun.text("verification_uri"), begun.text("user_code")
    if (
        not begun.is_ok
        or not code
        or not begun.text("device_code")
        or not (context.http.is_ours(uri) and uri.isprintable())
    ):
        raise refusal(begun)
    show_code(context, uri, code)
    fields = {"grant_type": DEVICE_GRANT, "device_code": begun.text("device_code")}
    interval, seconds = begun.number("interval", 5), begun.number("expires_in", 600)
    return _poll(context, (endpoints, key), fields, (timedelta(seconds=interval), timedelta(seconds=seconds)))


def show_code(context: Context, uri: str, code: str) -> None:
    """Tells the address, which must have been checked to be the bridge's own, and the code to type there."""
    context.terminal.tell(say("Open this address in any browser and type the code:"))
    context.terminal.tell(f"\n  {uri}\n")
    context.terminal.tell(f"  {say('{code}', code=code)}\n", "bold")
    context.terminal.qr_code(uri)


def begin_device(context: Context, endpoint: str, key: DpopKey) -> Answer:
    """What the device authorization endpoint answers; a proof that our clock spoiled is made again by the bridge's."""
    fields = {**context.client, "client_label": f"fedbridge @ {platform.node()}"[:64]}
    for _ in range(2):
        proof = key.proof("POST", endpoint, context.clock() + context.http.clock_offset)
        answer = context.http.post_form(endpoint, fields, {"DPoP": proof})
        if answer.text("error") != "invalid_dpop_proof":
            break
    return answer


def _poll(
    context: Context, with_: tuple[Endpoints, DpopKey], fields: dict[str, str], times: tuple[timedelta, timedelta]
) -> StoredSession:
    interval, ends_at = times[0].total_seconds(), time.monotonic() + times[1].total_seconds()
    with _told_and_looked(context) as move:
        while time.monotonic() < ends_at:
            pause(interval, move)
            answer = ask_for_tokens(context, *with_, fields)
            error = answer.text("error")
            if error == "slow_down":
                interval += _SLOWER_BY
            elif error != "authorization_pending":
                return stored_session(context, with_[1], answer)
    raise LoginRefused(say("Nobody approved the sign-in in time. Please start again."))


@contextmanager
def _told_and_looked(context: Context) -> Iterator[Callable[[], None]]:
    """Between two questions the progress line moves, and a logout ends the waiting."""
    with context.terminal.progress(say("Waiting for your approval")) as move:

        def look() -> None:
            move()
            check_not_ended(context)

        yield look


def pause(seconds: float, move: Callable[[], None]) -> None:
    """Waits, and lets the progress line move."""
    ends_at = time.monotonic() + seconds
    move()
    while (left := ends_at - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
        move()
