"""One transmitter as seen from here: its configuration and keys, fetched from pinned hosts and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.endpoints import foreign, host_of
from federation_bridge.connectors.oidc.key_set import (
    MAX_KEY_SET_BYTES,
    KeySet,
    VerificationKey,
    keys_meant,
    read_key_set,
)
from federation_bridge.connectors.oidc.refreshed import Ages, Keeping, Refreshed, Source
from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.connectors.published import fetched
from federation_bridge.connectors.signals.event import ExpectedEvent, SecurityEvent, verify_event
from federation_bridge.errors import SignInRejected
from federation_bridge.model import Clock, KeptDocuments
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import Connection, is_loopback
from federation_bridge.settings.signals import Signals
from federation_bridge.shown_text import quoted

_AGES = Ages(fresh=timedelta(hours=1), usable=timedelta(days=7))
_KEY_AGES = Ages(fresh=timedelta(hours=1), usable=timedelta(hours=24))
_MOST_BYTES = 256_000
_ENDPOINTS = ("configuration_endpoint", "status_endpoint", "verification_endpoint")


@dataclass(frozen=True, slots=True)
class TransmitterConfiguration:
    """What we use of the document (SSF 1.0, 7.1)."""

    issuer: str
    jwks_uri: str
    endpoints: dict[str, str]
    """Of `configuration_endpoint`, `status_endpoint` and `verification_endpoint` those that there are."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a transmitter needs of the house."""

    base_url: str
    outgoing: Outgoing
    kept: KeptDocuments
    clock: Clock
    waiting: Waiting


class Transmitter:
    """The transmitter of one connection's signals."""

    def __init__(self, connection: str, settings: Connection, signals: Signals, around: Surroundings) -> None:
        self.connection, self.settings = connection, signals
        self.push_url = f"{around.base_url}/ssf/{connection}"
        self.audience = signals.audience or self.push_url
        self._connection, self._around = settings, around
        # With a blank, which no name of a connection has: so no connection shares these documents.
        name = f"{connection} signals"
        address = signals.configuration_url or well_known(signals.issuer)
        hosts = frozenset({host_of(signals.issuer), host_of(address), *signals.endpoint_hosts})
        self._configuration: Refreshed[TransmitterConfiguration] = Refreshed(
            Source(
                lambda: self._document("signals.issuer", address, _MOST_BYTES),
                lambda text: read_configuration(text, signals.issuer, hosts),
            ),
            Keeping(around.kept, "ssf-configuration", name),
            _AGES,
            around.clock,
            around.waiting,
        )
        self._keys: Refreshed[KeySet] = Refreshed(
            Source(lambda: self._document("jwks_uri", self.configuration().jwks_uri, MAX_KEY_SET_BYTES), read_key_set),
            Keeping(around.kept, "ssf-keys", name),
            _KEY_AGES,
            around.clock,
            around.waiting,
        )

    def configuration(self) -> TransmitterConfiguration:
        """The transmitter's configuration; ProviderUnreachable where there is none that is good."""
        return self._configuration.current()

    def event(self, token: str, issuers: frozenset[str]) -> SecurityEvent:
        """What this security event token says; EventRefused, ProviderUnreachable.

        `issuers`: whose subjects it may speak of besides its own, in the spelling that we compare.
        """
        expected = ExpectedEvent(
            issuer=self.settings.issuer,
            subject_issuers=issuers,
            audience=self.audience,
            algorithms=self.settings.algorithms,
            now=self._around.clock(),
            skew=self._connection.skew,
            # Google writes the type of any JWT.
            needs_type=self._connection.preset != "google",
            takes_email=self.settings.email_is_stable,
        )
        return verify_event(token, self._keys_for, expected)

    def _keys_for(self, kid: str | None, algorithm: str) -> Iterator[VerificationKey]:
        return keys_meant(self._keys, kid, algorithm)

    def _document(self, setting: str, url: str, max_bytes: int) -> bytes:
        networks = self._connection.networks
        headers = {"Accept": "application/json"}
        return fetched(self._around.outgoing, setting, url, headers=headers, networks=networks, max_bytes=max_bytes)


def well_known(issuer: str) -> str:
    """Where the issuer's configuration lies (SSF 1.0, 7.2.1): the path comes behind `.well-known`."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/ssf-configuration{parts.path.rstrip('/')}"


def read_configuration(text: bytes, issuer: str, hosts: frozenset[str]) -> TransmitterConfiguration:
    """The configuration; SignInRejected where the issuer differs, or an address lies on a host of nobody's setting."""
    document = published_object(text, "ssf-configuration")
    if document.get("issuer") != issuer:
        raise SignInRejected(f"ssf-configuration: another issuer: {quoted(document.get('issuer'))}")
    endpoints = {name: url for name in _ENDPOINTS if isinstance(url := document.get(name), str)}
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise SignInRejected("ssf-configuration: no `jwks_uri`")
    for name, url in {**endpoints, "jwks_uri": jwks_uri}.items():
        if not (url.startswith("https://") or (url.startswith("http://") and is_loopback(url))):
            raise SignInRejected(f"ssf-configuration: `{name}` is no https address")
    if told := foreign({**endpoints, "jwks_uri": jwks_uri}, hosts):
        raise SignInRejected(f"ssf-configuration: {'; '.join(told)} (`signals.endpoint_hosts`)")
    return TransmitterConfiguration(issuer, jwks_uri, endpoints)
