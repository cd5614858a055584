"""SignIn: a person leaves for the identity provider and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from federation_bridge.model.kinds import Road


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person has left for the identity provider and is expected back: once, in the same browser, for ten minutes."""

    handle: str
    """Unguessable; travels as SAML RelayState or OAuth `state`, and names the cookie that holds the rest, sealed."""
    connection: str
    return_to: str
    """A path of ours, checked before it was sealed; never taken from the identity provider's answer."""
    request_id: str
    """ID of the AuthnRequest; the answer's InResponseTo must equal it (SAML core 3.2.2)."""
    nonce: str
    code_verifier: str
    started_at: datetime
    expires_at: datetime
    fresh: bool = False
    """Asks the identity provider to authenticate the person anew, whatever session they have there."""
    methods: tuple[str, ...] = ()
    """Names of methods of which one is asked for, by the connection's settings; the answer must say that it was."""
    previous: str = ""
    """Key of the session that the browser held when it left: its cookie stays behind at a cross-site POST."""
    silent: bool = False
    """Asks the identity provider to answer without showing the person anything, or to say that it cannot."""


@dataclass(frozen=True, slots=True)
class SignInManner:
    """How the identity provider is asked to let a person in."""

    fresh: bool = False
    """To authenticate them anew."""
    methods: tuple[str, ...] = ()
    """By one of these methods, by the connection's names; only where `fresh`."""
    silent: bool = False
    """Without showing them anything, where the connection allows that; never where `fresh`."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A way out of our pages, to the identity provider or to AWS: a redirect, or a form that posts itself."""

    url: str
    form: Mapping[str, str] | None = None
    """None: redirect (303). Otherwise the fields of a form that is posted to `url`."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What came back from the identity provider, unverified, as raw as the wire gave it."""

    method: Literal["GET", "POST"]
    query: tuple[tuple[str, str], ...]
    form: tuple[tuple[str, str], ...]
    content_type: str = ""
    arrived_at: Road | None = None
    """Of which protocol the address is at which it arrived: the pipeline takes it for no other connection's answer."""

    raw_query: bytes = b""
    """The query as it came over the wire: a signature in an address covers these octets (SAML bindings 3.4.4.1)."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of that name, in query and form."""
        return tuple(value for given, value in (*self.query, *self.form) if given == name)


@dataclass(frozen=True, slots=True)
class Received:
    """What an answer said of itself, for whoever looks why a sign-in failed. It decides nothing.

    Only what is named here is taken over: no signature, assertion, token, code, nonce or state.
    """

    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By its name in the specification (`Issuer`, `aud`): whom it is from and for, and its times."""
    unsigned: tuple[str, ...] = ()
    """Those of `said` that no signature vouches for: whoever sent the message may have written them."""
    subject: str = ""
    """NameID or `sub`."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Attributes or claims with their values. Empty where no signature vouches for them."""
