"""A pending sign-in: sealed in a cookie of the browser that left, and nowhere else (ADR 9). No row of ours knows of it.

Owns the seal, its text and the versions of it. That a sign-in is good once is the store's (`sessions.take`, `admit`);
which cookies a browser holds is the door's (`web/pages/pending_cookies.py`).

The text of a sealed sign-in is `version.key name.AES-256-GCM`. The key is one of its own for each handle, so that a
fixed nonce never meets a key twice, whatever number of sign-ins is begun under one sealing key. What must stay secret
until the answer is here (`nonce`, `code_verifier`) is not in it, nor is the request's ID: they are made from the handle
and our key, and made again when the answer comes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation_bridge.errors import BadRequest, OtherConnection, SignInExpired, SignInOver, StateLost
from federation_bridge.model import Clock, Randomness, SignIn
from federation_bridge.redaction import quoted
from federation_bridge.settings import Connection, SamlConnection, Settings

USE = "pending sign-in"
"""The use for which `keys.derived_key` makes our key."""

LONGEST = 2_800
"""Characters of a sealed sign-in: with its name and the browser's secret it stays below 3 kB."""

CLOCKS_DIFFER = timedelta(minutes=2)
"""How far the clocks of two nodes may differ; more, and a clock of ours has gone back."""

_PRESENT = "3"
_HANDLE_BYTES = 16
_HANDLE = re.compile(r"[A-Za-z0-9_-]{22}")
_ONE_USE_NONCE = bytes(12)

DECIDES_NOTHING = frozenset(
    {
        *("title", "email_domains", "networks"),
        *("metadata_file", "metadata_signing_certificate", "metadata_refresh", "hold_new_keys", "client_secret"),
    }
)
"""Settings of a connection that may change while somebody is away: what only people read, and where things lie. A file
may lie elsewhere on another node. Every other setting, also one that is added later, decides."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser holds for its pending sign-ins; `repr` shows nothing of it."""

    secret: str = field(repr=False)
    """Binds every one of them to this browser."""
    sealed: Mapping[str, str] = field(repr=False)
    """The sealed sign-ins, by handle."""


class PendingSignIns:
    """Seals sign-ins for browsers, and opens what they bring back."""

    def __init__(self, key: bytes, settings: Settings, clock: Clock, randomness: Randomness) -> None:
        """`key`: 32 bytes, the same on all nodes: `derived_key(sealing_key, USE)`."""
        self._key = key
        self._key_name = _base64url(self._made("name of the key", "")[:4])
        self._lifetime = settings.sign_in_lifetime
        self._terms = {name: _terms(connection, settings) for name, connection in settings.connections.items()}
        self._clock = clock
        self._randomness = randomness

    def begin(
        self,
        connection: str,
        return_to: str,
        *,
        fresh: bool,
        previous: str,
        methods: tuple[str, ...] = (),
        silent: bool = False,
    ) -> SignIn:
        """A new sign-in at this connection, for `sign_in_lifetime` from now; `seal` makes what the browser holds."""
        # Whole seconds are enough, and shorter.
        now = self._clock().replace(microsecond=0)
        handle = _base64url(self._randomness(_HANDLE_BYTES))
        return self._sign_in(
            handle, connection, (return_to, now, now + self._lifetime, fresh, previous, methods, silent)
        )

    def seal(self, sign_in: SignIn, browser_secret: str) -> str:
        """The sign-in for the browser with this secret to hold; BadRequest where no cookie could hold it."""
        told = [
            sign_in.return_to,
            int(sign_in.started_at.timestamp()),
            int(sign_in.expires_at.timestamp()),
            sign_in.fresh,
            sign_in.previous,
            sign_in.methods,
            sign_in.silent,
            self._terms[sign_in.connection],
        ]
        plain = json.dumps(told, separators=(",", ":")).encode("ascii")
        bound = _bound_to(_PRESENT, sign_in.connection, browser_secret)
        sealed = self._cipher(sign_in.handle).encrypt(_ONE_USE_NONCE, plain, bound)
        text = f"{_PRESENT}.{self._key_name}.{_base64url(sealed)}"
        if len(text) > LONGEST:
            raise BadRequest(f"a pending sign-in of {len(text)} characters: its way back is too long for a cookie")
        return text

    def open(self, handle: str, connection: str, browser: Browser) -> SignIn:
        """The sign-in with this handle that this browser began at this connection and that has not ended.

        SignInExpired for anything else; the detail says which: StateLost where the answer names none, OtherConnection
        where this browser began it elsewhere. That it was not used before is not known here.
        """
        if not _HANDLE.fullmatch(handle):
            held = f"{len(browser.sealed)} pending" if browser.sealed else "none pending"
            why = f"the answer names none of ours ({quoted(handle)}); this browser has {held}"
            raise StateLost(f"pending sign-in: {why}")
        text = browser.sealed.get(handle)
        if text is None:
            raise SignInOver(
                "pending sign-in: this browser holds none with the answer's handle: it was begun in another browser, "
                "used, dropped for newer ones, or is too old"
            )
        version, plain = self._opened(handle, connection, browser.secret, text)
        *told, terms = _READERS[version](plain)
        sign_in = self._sign_in(handle, connection, tuple(told))
        self._check(sign_in, terms)
        return sign_in

    def _opened(self, handle: str, connection: str, browser_secret: str, text: str) -> tuple[str, bytes]:
        version, _, rest = text[:LONGEST].partition(".")
        key_name, _, encoded = rest.partition(".")
        if version not in _READERS:
            raise SignInExpired(f"pending sign-in: sealed in version {version[:8]!r}, which this release does not read")
        if key_name != self._key_name:
            raise SignInExpired(
                f"pending sign-in: sealed under another sealing key ({key_name[:8]!r}; here {self._key_name!r}): "
                "every node needs the same"
            )
        try:
            bound = _bound_to(version, connection, browser_secret)
            return version, self._cipher(handle).decrypt(_ONE_USE_NONCE, _from_base64url(encoded), bound)
        except (InvalidTag, binascii.Error, ValueError):
            raise self._not_opened(handle, connection, browser_secret, text) from None

    def _not_opened(self, handle: str, connection: str, browser_secret: str, text: str) -> SignInExpired:
        """Why it does not open. That it is another connection's is told only to the browser that holds it."""
        version, _, rest = text[:LONGEST].partition(".")
        for other in self._terms.keys() - {connection}:
            with suppress(InvalidTag, ValueError):
                bound = _bound_to(version, other, browser_secret)
                self._cipher(handle).decrypt(_ONE_USE_NONCE, _from_base64url(rest.partition(".")[2]), bound)
                return OtherConnection(
                    f"pending sign-in: begun at {other!r}, and its answer came to the address of {connection!r}: which"
                    " address has the identity provider for us?"
                )
        return SignInExpired(
            "pending sign-in: does not open: sealed for another browser or connection, or not as we sealed it"
        )

    def _check(self, sign_in: SignIn, terms: str) -> None:
        now = self._clock()
        if now >= sign_in.expires_at:
            raise SignInOver(
                f"pending sign-in: the answer came too late: it ended at {sign_in.expires_at:%H:%M:%S}",
                sign_in.return_to,
            )
        if now + CLOCKS_DIFFER < sign_in.started_at:
            # Else a clock that goes back would lengthen its life.
            raise SignInExpired(
                f"pending sign-in: begun at {sign_in.started_at:%H:%M:%S}, which is not yet here: a clock has gone back"
            )
        if not hmac.compare_digest(terms, self._terms[sign_in.connection]):
            raise SignInExpired("pending sign-in: the settings of its connection have changed since it was begun")

    def _sign_in(self, handle: str, connection: str, told: tuple[Any, ...]) -> SignIn:
        return_to, started_at, expires_at, fresh, previous, methods, silent = told
        return SignIn(
            handle=handle,
            connection=connection,
            return_to=return_to,
            # An xs:ID may not begin with a digit, and Entra refuses one that does.
            request_id="_" + self._made("request", handle)[:20].hex(),
            nonce=_base64url(self._made("nonce", handle)),
            code_verifier=_base64url(self._made("code verifier", handle)),
            started_at=started_at,
            expires_at=expires_at,
            fresh=fresh,
            previous=previous,
            methods=methods,
            silent=silent,
        )

    def _cipher(self, handle: str) -> AESGCM:
        return AESGCM(self._made("seal", handle))

    def _made(self, use: str, handle: str) -> bytes:
        """32 bytes that follow from our key, the use and the handle: to everybody else they are random."""
        return hmac.digest(self._key, f"{use}\n{handle}".encode("ascii"), "sha256")


def _bound_to(version: str, connection: str, browser_secret: str) -> bytes:
    secret = hashlib.sha256(browser_secret.encode("utf-8", "surrogatepass")).hexdigest()
    return f"federation-bridge pending sign-in {version}\n{connection}\n{secret}".encode("ascii")


def _terms(connection: Connection, settings: Settings) -> str:
    """A digest of the settings that decide about an answer of this connection.

    Without those that are as nobody set them: else each release with a new one would refuse who is away meanwhile.
    """
    terms = connection.model_dump(mode="json", exclude=set(DECIDES_NOTHING), exclude_defaults=True)
    ours = settings.saml_entity_id if isinstance(connection, SamlConnection) else ""
    text = json.dumps([settings.base_url, ours, terms], sort_keys=True)
    return _base64url(hashlib.sha256(text.encode()).digest()[:12])


def _read_second(plain: bytes) -> tuple[Any, ...]:
    return_to, started, expires, fresh, previous, methods, terms = json.loads(plain)
    instants = (datetime.fromtimestamp(seconds, UTC) for seconds in (started, expires))
    return (return_to, *instants, fresh, previous, tuple(methods), False, terms)


def _read_third(plain: bytes) -> tuple[Any, ...]:
    return_to, started, expires, fresh, previous, methods, silent, terms = json.loads(plain)
    instants = (datetime.fromtimestamp(seconds, UTC) for seconds in (started, expires))
    return (return_to, *instants, fresh, previous, tuple(methods), silent, terms)


_READERS: Mapping[str, Callable[[bytes], tuple[Any, ...]]] = {"2": _read_second, "3": _read_third}
"""How each version is read: the present one and the one before it, so that a sign-in outlives an upgrade. A reader gets
only what one of our nodes sealed."""


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _base64url(value) != text:
        raise ValueError("base64 that we would not write so")
    return value
