"""A transmitter of shared signals small enough to read: honest by itself, and every part can be made to lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kept_factories import KeptInMemory
from openid_provider import public_jwk, rs256, rsa_key, signed

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.signals.transmitter import Surroundings, Transmitter
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.outgoing import Fetched, Outgoing
from federation_bridge.settings import OidcConnection
from federation_bridge.settings.signals import Signals

ISSUER = "https://signals.example.test"
BASE = "https://aws.example.com"
AUDIENCE = f"{BASE}/ssf/corp"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"


@dataclass
class Sender(Outgoing):
    """Answers for the transmitter, and signs what it pushes."""

    now: Callable[[], datetime]
    configuration: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public_jwk(rsa_key("transmitter"), kid="t1")])
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    is_down: bool = False
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def fetch(self, url: str, **kwargs: Any) -> Fetched:
        if self.is_down:
            raise ProviderUnreachable("nobody answers")
        method, body = kwargs.get("method", "GET"), kwargs.get("data")
        self.asked.append((method, url, json.loads(body) if body else None))
        if url == f"{ISSUER}/.well-known/ssf-configuration":
            honest = {
                "issuer": ISSUER,
                "jwks_uri": f"{ISSUER}/keys",
                **{f"{one}_endpoint": f"{ISSUER}/{one}" for one in ("configuration", "status", "verification")},
            }
            return self._json(200, {**honest, **self.configuration})
        if url == f"{ISSUER}/keys":
            return self._json(200, {"keys": self.keys})
        return self._json(*self.answers.get(f"{method} {url.partition('?')[0]}", (404, {})))

    def _json(self, status: int, document: Any) -> Fetched:
        return Fetched(status, {"content-type": "application/json"}, json.dumps(document).encode())

    def event(
        self, uri: str, *, header: Mapping[str, Any] | None = None, key: str = "transmitter", **changes: Any
    ) -> str:
        """A signed event; `payload` is the event's own object, a change to `...` leaves a claim out."""
        now = int(self.now().timestamp())
        payload = changes.pop("payload", {})
        honest = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "jti": "event-1",
            "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "00u-person"},
            "events": {uri: payload},
        }
        claims = {name: one for name, one in {**honest, **changes}.items() if one is not ...}
        head = {"alg": "RS256", "kid": "t1", "typ": "secevent+jwt", **(header or {})}
        return signed(head, json.dumps(claims).encode(), rs256(rsa_key(key)))


def transmitter_of(sender: Sender, *, preset: str = "generic", **settings: Any) -> Transmitter:
    """The transmitter as a connection `corp` sees it, without a network."""
    connection = OidcConnection.model_validate(
        {
            "protocol": "oidc",
            "title": "Company",
            "preset": preset,
            "issuer": "https://id.example.test/realm",
            "client_id": "the-bridge",
            "public_client": True,
            **({"tenants": ("example.test",)} if preset == "google" else {}),
        }
    )
    kept = KeptInMemory()
    kept.clock = sender.now
    waiting = replace(Waiting.in_a_process(8), beside=lambda work: work())
    around = Surroundings(BASE, sender, kept, sender.now, waiting)
    return Transmitter("corp", connection, Signals.model_validate({"issuer": ISSUER, **settings}), around)
