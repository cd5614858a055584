"""Sign-in tokens and console sessions: who is signed in to the console page, until when, and where they came from."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from federation_bridge.sandbox.aws.state import Session, State

TOKEN_LIFETIME = timedelta(minutes=15)
_CONSOLE_HOSTS = (
    "console.aws.amazon.com",
    "console.amazonaws.cn",
    "console.amazonaws-us-gov.com",
    "console.amazonaws-eusc.eu",
)
_LABELS = re.compile(r"([a-z0-9-]+\.){0,2}")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A session as the console shows it."""

    session: Session
    ends_at: datetime
    issuer: str = ""
    """Where to sign in again, as the login link said."""


@dataclass(frozen=True, slots=True)
class SigninToken:
    """What getSigninToken gave for a session; good for 15 minutes."""

    session: Session
    ends_at: datetime
    duration: timedelta | None


class ConsoleSessions:
    """Tokens and sessions, by the digest of what their holder shows."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._tokens: dict[str, SigninToken] = {}
        self._sessions: dict[str, ConsoleSession] = {}

    def new_token(self, session: Session, duration: timedelta | None) -> str:
        """A sign-in token for a session that was checked."""
        token = self._secret()
        with self._lock:
            _make_room(self._tokens)
            self._tokens[_digest(token)] = SigninToken(session, self._state.now() + TOKEN_LIFETIME, duration)
        return token

    def redeemed(self, token: str) -> SigninToken | None:
        """What a sign-in token stands for, or None once it is too old."""
        found = self._tokens.get(_digest(token))
        return found if found and found.ends_at > self._state.now() else None

    def begin(self, console: ConsoleSession) -> str:
        """A new console session's secret, for the browser's cookie."""
        secret = self._secret()
        with self._lock:
            _make_room(self._sessions)
            self._sessions[_digest(secret)] = console
        return secret

    def of(self, secret: str) -> ConsoleSession | None:
        """The console session that a browser's cookie names, ended or not."""
        return self._sessions.get(_digest(secret))

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._state.randomness(48)).decode("ascii")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _make_room(kept: dict[str, SigninToken] | dict[str, ConsoleSession]) -> None:
    while len(kept) >= _MOST:
        del kept[next(iter(kept))]


def is_console_page(url: str) -> bool:
    """Whether an address lies in the console of some partition, so that login may lead there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = next((one for one in _CONSOLE_HOSTS if parts.netloc == one or parts.netloc.endswith("." + one)), None)
    if parts.scheme != "https" or host is None or "\\" in url:
        return False
    return _LABELS.fullmatch(parts.netloc.removesuffix(host)) is not None
