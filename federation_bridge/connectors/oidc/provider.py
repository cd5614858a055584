"""One identity provider as seen from here: its metadata and its keys, fetched and kept, each change told about."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.endpoints import foreign, host_of, moved
from federation_bridge.connectors.key_names import readable
from federation_bridge.connectors.oidc.discovery import (
    MAX_DISCOVERY_BYTES,
    ProviderMetadata,
    discovery_address,
    expected_issuer,
    read_discovery,
    without_what_is_unused,
)
from federation_bridge.connectors.oidc.key_set import (
    MAX_KEY_SET_BYTES,
    KeySet,
    VerificationKey,
    keys_meant,
    read_key_set,
)
from federation_bridge.connectors.oidc.refreshed import Ages, Keeping, Refreshed, Source
from federation_bridge.connectors.presets import OidcPreset
from federation_bridge.connectors.published import fetched
from federation_bridge.model import Clock, KeptDocuments, Notice, Randomness
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import OidcConnection
from federation_bridge.signing import KeyRing

DISCOVERY = "oidc-discovery"
_DISCOVERY_AGES = Ages(fresh=timedelta(hours=1), usable=timedelta(days=7))
_KEY_SET_AGES = Ages(fresh=timedelta(hours=1), usable=timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector needs from the parts around it."""

    keys: KeyRing
    outgoing: Outgoing
    kept: KeptDocuments
    clock: Clock
    notice: Callable[[Notice], None]
    """Told to audit and administrators."""
    randomness: Randomness = secrets.token_bytes
    waiting: Waiting = field(default_factory=lambda: Waiting.in_a_process(8))


class Provider:
    """Metadata and keys of one connection's identity provider."""

    def __init__(
        self,
        connection: str,
        settings: OidcConnection,
        preset: OidcPreset,
        surroundings: Surroundings,
    ) -> None:
        kept, clock = surroundings.kept, surroundings.clock
        self._settings, self._outgoing = settings, surroundings.outgoing
        issuer = expected_issuer(settings.issuer, preset.tenancy)
        self._permitted = frozenset(settings.endpoint_hosts)
        address = settings.discovery_url or discovery_address(settings.issuer)
        setting = "discovery_url" if settings.discovery_url else "issuer"
        # Both addresses are the administrator's own word.
        self._at_first = self._permitted | preset.endpoint_hosts | {host_of(settings.issuer), host_of(address)}
        uses_userinfo = settings.groups_from == "userinfo"
        self._metadata: Refreshed[ProviderMetadata] = Refreshed(
            Source(
                lambda: self._discovery(setting, address, uses_userinfo=uses_userinfo),
                lambda text: read_discovery(text, issuer, uses_userinfo=uses_userinfo),
            ),
            Keeping(kept, DISCOVERY, connection),
            _DISCOVERY_AGES,
            clock,
            surroundings.waiting,
        )
        self._keys: Refreshed[KeySet] = Refreshed(
            Source(lambda: self._document("jwks_uri", self.metadata().jwks_uri, MAX_KEY_SET_BYTES), read_key_set),
            Keeping(kept, "oidc-keys", connection),
            _KEY_SET_AGES,
            clock,
            surroundings.waiting,
        )
        self._metadata.objection = self._objection
        self._metadata.notice = self._keys.notice = surroundings.notice
        self._metadata.difference = lambda _before, after: f"endpoints: {after}"
        self._keys.difference = key_changes

    def metadata(self) -> ProviderMetadata:
        """The provider's metadata; ProviderUnreachable where there is none that is good."""
        return self._metadata.current()

    def keys_for(self, kid: str | None, algorithm: str) -> Iterator[VerificationKey]:
        """The keys that a token may mean, as `keys_meant` gives them."""
        return keys_meant(self._keys, kid, algorithm)

    def look(self) -> str:
        """Fetches both now, however fresh they are; gives what is wrong with them, or nothing."""
        return "; ".join(problem for one in (self._metadata, self._keys) if (problem := one.look()))

    def waits(self) -> str:
        """What waits for an administrator's yes, in a sentence; nothing where nothing does."""
        return self._metadata.waits()

    def described(self) -> tuple[str, ...]:
        """What is in force, a line for each thing; nothing is fetched for it."""
        self._metadata.watch()
        self._keys.watch()
        metadata, keys = self._metadata.in_force, self._keys.in_force
        endpoints = () if metadata is None else (f"issuer {metadata.issuer}", *_lines(metadata.endpoints))
        return (*endpoints, *(f"signing key {readable(key.name)}" for key in (keys.keys if keys is not None else ())))

    def refresh(self) -> None:
        """Brings both up to date where they are no longer fresh; ProviderUnreachable as above."""
        self._metadata.refresh()
        self._keys.refresh()

    def _objection(self, before: ProviderMetadata | None, found: ProviderMetadata) -> str:
        """What of the endpoints lies elsewhere than before, or at first than the issuer (ADR 0018); "" for nothing."""
        if before is None:
            return "; ".join(foreign(found.endpoints, self._at_first))
        return "; ".join(moved(before.endpoints, found.endpoints, self._permitted))

    def _discovery(self, setting: str, address: str, *, uses_userinfo: bool) -> bytes:
        text = self._document(setting, address, MAX_DISCOVERY_BYTES)
        return text if uses_userinfo else without_what_is_unused(text)

    def _document(self, setting: str, url: str, max_bytes: int) -> bytes:
        headers, networks = {"Accept": "application/json"}, self._settings.networks
        return fetched(self._outgoing, setting, url, headers=headers, networks=networks, max_bytes=max_bytes)


def _lines(endpoints: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {url}" for name, url in endpoints.items())


def key_changes(before: KeySet, after: KeySet) -> str:
    """Which signing keys came and went, in a sentence."""
    old, new = ({readable(key.name) for key in keys.keys} for keys in (before, after))
    came, went = sorted(new - old), sorted(old - new)
    return f"signing keys: new {came!r}, gone {went!r}"
