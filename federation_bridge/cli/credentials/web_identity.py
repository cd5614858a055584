"""A file with the signed token of one role, kept fresh: AWS SDKs exchange it at STS themselves, whenever they need to.

The token opens the role for whoever reads it, ten minutes at most; so the file is this person's alone and gone with the
command. It holds nothing but the token: some SDKs send what they read as it is, a line's end included.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import asked_for_role, is_region
from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed
from federation_bridge.cli.files import private_folder, write_private
from federation_bridge.cli.i18n import printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.model import JsonObject

_AHEAD = timedelta(seconds=90)
"""A token is renewed so long before its end: two tries or three still hand over in time."""
_LOOK_EVERY = 5.0
"""Seconds. By the wall clock, since a computer that slept wakes with a token that is over."""
_TRY_AGAIN = timedelta(seconds=30)
_DEAD = timedelta(minutes=10)
"""Nobody takes a token of this age; a file that old was left behind by a process that was killed."""
_LOCAL_END = 40.0
"""Seconds that a renewal on its way gets to end: cut off, it could cost the session."""


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token and what AWS has to be told with it. Its end is by this computer's clock."""

    text: str = field(repr=False)
    ends_at: datetime
    role_arn: str
    session_name: str
    region: str
    longest: str = ""
    """How long a session may be at most that AWS issues for it; empty where the bridge does not say."""


def ask_for_token(context: Context, role: str, reason: str = "") -> HeldToken:
    """A fresh token of `account/role`; CommandFailed as the bridge or the sign-in fail."""
    body: JsonObject = {"reason": reason} if reason else {}
    answer = asked_for_role(context, LocalSession(context), f"{role}/web-identity-token", body)
    texts = [answer.get(name) for name in ("token", "expires_at", "role_arn", "session_name", "region")]
    with suppress(ValueError):
        token, ends_at, *names = (text for text in texts if isinstance(text, str) and text.isprintable() and text)
        end = datetime.fromisoformat(ends_at).astimezone(UTC) - context.http.clock_offset
        role_arn, session_name, region = names
        if not is_region(region):
            raise ValueError("no region of AWS: tools make host names of it")
        longest = str(printable(str(answer.get("max_duration") or "")))[:20]
        return HeldToken(token, end, role_arn, session_name, region, longest)
    raise BridgeUnreachable(say("The bridge answered with a token that cannot be used."))


class TokenFile:
    """The file, from entering the block to leaving it. In between nobody is asked anything.

    A renewal that fails is told once and tried again; sessions that AWS has issued live on meanwhile.
    """

    def __init__(self, context: Context, role: str, reason: str = "") -> None:
        self._context, self._role, self._reason = context, role, reason
        # Containers and computers that share a home have processes of the same number.
        own = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.path = context.folder / "web-identity" / f"{role.replace('/', '-')}~{own}"
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._keep_fresh, daemon=True)
        self._quiet = replace(context, way="never")

    def __enter__(self) -> Self:
        """Asks for the first token, signing the person in where that is needed, and writes it."""
        _sweep(private_folder(self.path.parent), self._context.clock())
        self.token = ask_for_token(self._context, self._role, self._reason)
        self._thread.start()
        try:
            self._write()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ended.set()
            self.path.unlink(missing_ok=True)
        self._thread.join(_LOCAL_END)

    def variables(self) -> dict[str, str]:
        """What the tool's environment must hold (AWS SDKs and Tools guide: assume role with web identity)."""
        return {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.path),
            "AWS_ROLE_ARN": self.token.role_arn,
            "AWS_ROLE_SESSION_NAME": self.token.session_name,
        }

    def _write(self) -> None:
        with self._lock:
            if not self._ended.is_set():
                write_private(self.path, self.token.text.encode())

    def _keep_fresh(self) -> None:
        not_before, is_told = self.token.ends_at - _AHEAD, False
        while not self._ended.wait(_LOOK_EVERY):
            now = self._context.clock()
            if now < not_before:
                continue
            try:
                self.token = ask_for_token(self._quiet, self._role, self._reason)
                self._write()
                not_before, is_told = self.token.ends_at - _AHEAD, False
            except CommandFailed as failure:
                not_before = now + _TRY_AGAIN
                if not is_told:
                    self._context.terminal.tell(f"fedbridge: {printable(failure.detail)}", "red")
                is_told = True


def _sweep(folder: Path, now: datetime) -> None:
    """Removes what a killed process left: the files of the living are written anew every few minutes."""
    for path in folder.glob("*~*"):
        with suppress(OSError):
            if now.timestamp() - path.lstat().st_mtime > _DEAD.total_seconds():
                path.unlink()
