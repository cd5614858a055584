"""Where the session lies between two commands: the operating system's keyring, else a file for the person alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import local_failure, read_private, write_private
from federation_bridge.cli.i18n import say

_SERVICE = "fedbridge"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What lets this computer act for the person until the session ends. Its `repr` shows no secret."""

    address: str
    access_token: str = field(repr=False)
    access_ends_at: float
    """By this computer's clock, seconds since 1970."""
    refresh_token: str = field(repr=False)
    key: str = field(repr=False)
    """The DPoP key (see `dpop.py`)."""


class TokenStore(Protocol):
    """One session per bridge."""

    place: str
    """Where it is, for people to read."""

    def load(self) -> StoredSession | None:
        """The session, or None."""

    def save(self, session: StoredSession) -> None:
        """Keeps the session in the place of the last one."""

    def forget(self) -> None:
        """Removes the session."""


class FileStore:
    """A file of mode 0600, made atomically."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session.json"
        self.place = str(self._path)

    def load(self) -> StoredSession | None:
        """See TokenStore; LocalFailure where others may read or change the file."""
        data = read_private(self._path)
        return None if data is None else _read(data.decode(errors="replace"))

    def save(self, session: StoredSession) -> None:
        """See TokenStore."""
        write_private(self._path, json.dumps(asdict(session)).encode())

    def forget(self) -> None:
        """See TokenStore."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as refused:
            raise local_failure(self._path, refused) from None


class KeyringStore:
    """macOS Keychain, Windows Credential Locker, Secret Service, KWallet: through the `keyring` library."""

    def __init__(self, address: str) -> None:
        import keyring  # noqa: PLC0415 - costs more than the rest of the command together

        self._ring, self._address = keyring.get_keyring(), address
        self.place = self._ring.name
        # A keyring that is locked, or that only claims to be there, refuses here and not in the middle of a login.
        self._ring.get_password(_SERVICE, address)

    def load(self) -> StoredSession | None:
        """See TokenStore."""
        text = self._asked(lambda: self._ring.get_password(_SERVICE, self._address))
        return _read(text) if text else None

    def save(self, session: StoredSession) -> None:
        """See TokenStore."""
        text = json.dumps(asdict(session), separators=(",", ":"))
        self._asked(lambda: self._ring.set_password(_SERVICE, self._address, text))

    def forget(self) -> None:
        """See TokenStore."""
        if self.load() is not None:
            self._asked(lambda: self._ring.delete_password(_SERVICE, self._address))

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except Exception as refused:
            raise LocalFailure(
                say("The keyring refused: {reason}. FEDBRIDGE_TOKEN_STORE=file does without it.", reason=str(refused))
            ) from refused


def open_token_store(address: str, folder: Path, environ: Mapping[str, str]) -> TokenStore:
    """The keyring where one works, else the file; FEDBRIDGE_TOKEN_STORE (`keyring`, `file`) decides otherwise.

    What was chosen once for a bridge stays chosen while its file is there: a keyring that is locked for a moment must
    not look like nobody signed in.
    """
    wanted = environ.get("FEDBRIDGE_TOKEN_STORE", "")
    file = FileStore(folder)
    if wanted == "file" or (not wanted and Path(file.place).is_file()):
        return file
    try:
        return KeyringStore(address)
    except Exception as refused:  # keyring's backends raise what their platforms raise
        if wanted == "keyring":
            raise LocalFailure(say("No keyring works here: {reason}", reason=str(refused))) from refused
        return file


def _read(text: str) -> StoredSession | None:
    """A broken record is no session: the person signs in again."""
    try:
        found = json.loads(text)
        names = {one.name for one in fields(StoredSession)}
        session = StoredSession(**{name: found[name] for name in names})
        return session if _is_whole(session) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _is_whole(session: StoredSession) -> bool:
    texts = (session.address, session.access_token, session.refresh_token, session.key)
    return all(isinstance(text, str) for text in texts) and isinstance(session.access_ends_at, int | float)
