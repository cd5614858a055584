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
    previous: str = ""
    """Key of the session that the browser held when it left: its cookie stays behind at a cross-site POST."""


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
