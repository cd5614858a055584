"""The context of a command: the bridge, the person's folder, time, the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from federation_bridge.cli import folders
from federation_bridge.cli.address import checked_address
from federation_bridge.cli.bridges import bridge_called
from federation_bridge.cli.failures import SignInNeeded, UsageWrong
from federation_bridge.cli.files import private_folder, read_private, write_private
from federation_bridge.cli.http_client import HttpClient
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.token_store import TokenStore, open_token_store
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.cli.waiting import Waiting
from federation_bridge.durations import format_duration
from federation_bridge.model import Clock

Way = Literal["auto", "browser", "device", "never"]
"""How a person may be asked to sign in; `never`: the command fails instead."""


_AWS_TAKES = timedelta(minutes=5)
"""How far off a signature of AWS's version 4 may be."""


@dataclass(frozen=True, slots=True)
class Context:
    """One bridge, as seen from this computer."""

    address: str
    folder: Path
    environ: Mapping[str, str]
    clock: Clock
    terminal: Terminal
    way: Way = "auto"
    administers: bool = False
    """Whether it is about the session that administers the bridge: another one, which opens no role (ADR 41)."""
    http: HttpClient = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "http", HttpClient(self.address, self.environ, self.clock))

    def tokens(self) -> TokenStore:
        """Where the session of this bridge lies."""
        name = f"{self.address} administration" if self.administers else self.address
        return open_token_store(name, self.folder, self.environ)

    def to_administer(self) -> Context:
        """The same bridge with the session that administers it, which lies in a folder of its own."""
        return replace(self, administers=True, folder=self.folder / "administration")

    @property
    def waiting(self) -> Waiting:
        """How commands wait for others here: a sign-in elsewhere only where its person could see that we wait."""
        return Waiting(
            self.terminal, self.way in {"browser", "device"} or (self.way == "auto" and self.terminal.can_tell)
        )

    @property
    def client(self) -> Mapping[str, str]:
        """As which program this computer asks to be let in, and for what (RFC 6749 2.2, 3.3)."""
        if self.administers:
            return {"client_id": "fedbridge-administration", "scope": "administration"}
        return {"client_id": "fedbridge"}

    @property
    def me(self) -> str:
        """The address below `/api/v1` that tells whose the session is."""
        return "/administration/me" if self.administers else "/me"

    def answer_path(self, role: str) -> Path:
        """Where the cached answer of `account/role` lies."""
        return self.folder / "answers" / role.replace("/", "-")

    def warn_of_clock(self) -> None:
        """Tells that the clock is wrong by more than AWS takes. What we ask ourselves goes by the bridge's clock."""
        offset = self.http.clock_offset
        if abs(offset) < _AWS_TAKES:
            return
        span = format_duration(timedelta(minutes=round(abs(offset) / timedelta(minutes=1))))
        behind = say(
            "This computer's clock is {span} behind, so AWS refuses signed requests from it. Please turn on "
            "automatic time.",
            span=span,
        )
        ahead = say(
            "This computer's clock is {span} ahead, so AWS refuses signed requests from it. Please turn on automatic "
            "time.",
            span=span,
        )
        self.terminal.tell(behind if offset > timedelta() else ahead)

    def make_folders(self) -> None:
        """Makes what a sign-in is kept in; LocalFailure then comes before a person is asked for anything."""
        if self.administers:
            private_folder(self.folder.parent.parent)
        private_folder(self.folder.parent)
        private_folder(self.folder)

    @property
    def bridge_folder(self) -> Path:
        """The folder of the bridge, whichever of its sessions this is about."""
        return self.folder.parent if self.administers else self.folder

    def remember(self) -> None:
        """Remembers the bridge; commands that name none use it where no other is used yet."""
        place = self.bridge_folder
        write_private(place / "address", self.address.encode())
        if not (place.parent / "current").exists():
            write_private(place.parent / "current", place.name.encode())


def lock_path(answer: Path) -> Path:
    """The lock of a cached answer. No role's name holds a `~`, so it is never another role's answer."""
    return answer.with_name(answer.name + "~lock")


def folder_of(address: str, environ: Mapping[str, str]) -> Path:
    """The folder of the bridge at this address."""
    return Path(folders.root(environ)) / folders.folder_name(address)


def known_address(environ: Mapping[str, str], folder: str = "", bridge: str = "") -> str:
    """The bridge of `folder`, of `bridge` (its name or address), of the environment, or of the last login.

    Raises:
        SignInNeeded: none is known.
        UsageWrong: none is called so, or the environment names two.
    """
    named, address = bridge or environ.get("FEDBRIDGE_BRIDGE", ""), environ.get("FEDBRIDGE_URL", "")
    if not folder and named:
        found = bridge_called(environ, named).address
        if address and not bridge and checked_address(address) != found:
            raise UsageWrong(say("FEDBRIDGE_URL and FEDBRIDGE_BRIDGE name two bridges. Unset one of them."))
        return found
    if not folder and address:
        return checked_address(address)
    chosen = folder or folders.current_folder(environ)
    data = read_private(Path(chosen) / "address") if chosen else None
    if not data:
        raise SignInNeeded(say("Which bridge? Sign in first: fedbridge login https://aws.example.com"))
    return checked_address(data.decode(errors="replace").strip())
