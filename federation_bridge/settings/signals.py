"""Shared signals of one connection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from federation_bridge.settings.values import Host, Section, Url


class Signals(Section):
    """What the identity provider tells of its people's sessions and accounts by Shared Signals (docs/sign-out.md)."""

    issuer: Url
    """The transmitter's issuer, exactly as it stands in its configuration document and events."""
    configuration_url: Url | None = None
    """Where the configuration document lies, if not at the issuer's well-known address."""
    endpoint_hosts: tuple[Host, ...] = ()
    """Hosts on which endpoints and keys of the transmitter may lie, besides the issuer's own."""
    audience: str | None = Field(None, min_length=1, max_length=1024)
    """What events name as their audience; if left out: the address to which they are pushed."""
    subject: Literal["sub", "subject"] = "sub"
    """What an event's subject is: the `sub` of the connection's ID tokens, or the value by which the connection
    identifies people (`subject`). A SAML connection needs `subject`."""
    ends_aws: bool = True
    """Whether a signal that ends or blocks somebody ends their AWS sessions too."""
    email_is_stable: bool = False
    """Whether an event may name somebody by an e-mail address: only where the connection knows people by it, and no
    address ever passes to another person."""
    algorithms: tuple[Literal["RS256", "PS256", "ES256"], ...] = ("RS256",)
    """Signature algorithms of events that are accepted."""
