"""The programs that may ask to be let in: a closed table. All are public: a name proves nothing (attack N06)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from federation_bridge.errors import InvalidClient, InvalidRedirect, InvalidScope
from federation_bridge.redaction import quoted

_LOOPBACK = ("127.0.0.1", "[::1]")
_PORTS = range(1, 65_536)

ADMINISTRATION = "administration"
"""The one scope there is."""


@dataclass(frozen=True, slots=True)
class Client:
    """A kind of program, and where it may be answered."""

    id: str
    title: str
    """What people read on the approval page."""
    loopback_path: str | None = None
    """Path of its redirect address on 127.0.0.1 or [::1], at any port (RFC 8252 7.3); None: it has none."""
    own_path: str | None = None
    """Path of a page of ours that shows the code; None: none does."""
    device_flow: bool = False
    needs_key: bool = False
    """Whether its tokens are always bound to a key (RFC 9449)."""
    one_role: bool = False
    """Whether its tokens stand for one role, picked on a page of its own: no other page lets it in."""
    access_life: timedelta = timedelta(minutes=15)
    scope: str = ""
    """What its tokens open beside nothing at all (RFC 6749 3.3): has to be asked for in words. "" asks for none."""

    @property
    def administers(self) -> bool:
        """Whether its tokens open the administration of the bridge, and nothing else (ADR 41)."""
        return self.scope == ADMINISTRATION

    def check_scope(self, asked: str) -> None:
        """Nothing where the scope that was asked for is this client's; InvalidScope otherwise.

        Scopes that mean nothing here are passed over (RFC 6749 3.3): stock clients send some.
        """
        named = asked.split()
        if self.scope and named != [self.scope]:
            raise InvalidScope(f"{self.id} asks for the scope {self.scope}, and for no other")
        if not self.scope and ADMINISTRATION in named:
            raise InvalidScope(f"{self.id} has no scope {ADMINISTRATION}")

    @property
    def is_carried(self) -> bool:
        """Whether a person carries its code by hand: then the program may run anywhere, as with a device code."""
        return self.own_path is not None

    def checked_redirect(self, redirect_uri: str, base_url: str) -> str:
        """The address, exactly as given; InvalidRedirect unless it is one of this client's (RFC 9700 4.1, I21).

        Nothing is decoded or normalised: the one free part is the port, and that is plain digits.
        """
        if self.own_path is not None and redirect_uri == base_url + self.own_path:
            return redirect_uri
        for host in _LOOPBACK if self.loopback_path is not None else ():
            port = redirect_uri.removeprefix(f"http://{host}:").removesuffix(f"{self.loopback_path}")
            is_number = port.isascii() and port.isdecimal() and len(port) <= len("65535") and int(port) in _PORTS
            if is_number and redirect_uri == f"http://{host}:{port}{self.loopback_path}":
                return redirect_uri
        raise InvalidRedirect(f"{quoted(redirect_uri, 200)} is no redirect address of {self.id}")


FEDBRIDGE = "fedbridge"
"""The client for which `/api/v1` is made."""

FEDBRIDGE_ADMINISTRATION = "fedbridge-administration"
"""The client for `/api/v1/administration`: nothing else takes its tokens, and it takes no others."""

CLIENTS: Mapping[str, Client] = {
    client.id: client
    for client in (
        Client(FEDBRIDGE, "fedbridge", loopback_path="/callback", device_flow=True, needs_key=True),
        Client(
            FEDBRIDGE_ADMINISTRATION,
            "fedbridge (administration)",
            loopback_path="/callback",
            device_flow=True,
            needs_key=True,
            scope=ADMINISTRATION,
        ),
        # Stock SDKs renew 15 minutes ahead of the end: a shorter life would make every process of theirs renew.
        Client(
            "aws-sso",
            "AWS CLI (aws sso login)",
            loopback_path="/oauth/callback",
            device_flow=True,
            access_life=timedelta(hours=1),
        ),
        Client(
            "arn:aws:signin:::devtools/same-device",
            "AWS CLI (aws login)",
            loopback_path="/oauth/callback",
            needs_key=True,
            one_role=True,
        ),
        Client(
            "arn:aws:signin:::devtools/cross-device",
            "AWS CLI (aws login --remote)",
            own_path="/v1/sessions/confirmation",
            needs_key=True,
            one_role=True,
        ),
    )
}


def client_named(client_id: str) -> Client:
    """The client of this id; InvalidClient for any other."""
    try:
        return CLIENTS[client_id]
    except KeyError:
        raise InvalidClient(f"no client is called {quoted(client_id)}") from None


def title_of(client_id: str) -> str:
    """What people read for this client; the id itself for one of another release."""
    client = CLIENTS.get(client_id)
    return client_id if client is None else client.title


def is_on_loopback(redirect_uri: str) -> bool:
    """Whether a checked redirect address leads to a program on the person's own machine."""
    return urlsplit(redirect_uri).hostname in ("127.0.0.1", "::1")
