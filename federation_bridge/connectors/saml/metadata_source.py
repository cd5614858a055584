"""Where an identity provider's metadata comes from, and which version of it is in force.

A file or an address is looked at again in the background. What cannot be fetched, read or believed changes nothing:
the last good document stays in force, over restarts too, and the administrators hear of it. A new signing key is
noticed, and on a connection that says so it waits for an administrator's yes; a sign-on address that moves to another
host always does (ADR 0018).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from federation_bridge.connectors.attempts import Attempts, Waiting
from federation_bridge.connectors.endpoints import moved
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.document_text import metadata_text
from federation_bridge.connectors.saml.metadata import IdpMetadata, read_metadata
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key
from federation_bridge.errors import BridgeError, ConfigurationInvalid, ProviderUnreachable, place_of
from federation_bridge.model import Clock, KeptDocuments
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import SamlConnection

_log = structlog.get_logger(__name__)

KEPT = "saml-metadata"
HELD = "saml-metadata-held"
_LARGEST = 1_000_000
_PAUSE_WITHOUT = timedelta(seconds=5)
"""The least time between two attempts of sign-ins to find metadata where there never was any."""

Notice = Callable[[str, str, str], None]
"""(connection, event, detail): told to audit and administrators."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source needs of the house."""

    outgoing: Outgoing
    kept: KeptDocuments
    clock: Clock
    notice: Notice
    waiting: Waiting = field(default_factory=lambda: Waiting.in_a_process(8))


class MetadataSource:
    """The metadata of one connection, always the newest that may be believed. Shared between threads."""

    def __init__(self, connection: str, settings: SamlConnection, surroundings: Surroundings) -> None:
        """Takes what a file gives or what was kept; an address is asked when it is first needed.

        ConfigurationInvalid where a file is no good and nothing was ever kept.
        """
        self._connection, self._settings, self._surroundings = connection, settings, surroundings
        self._signers = _signers(settings)
        waiting = surroundings.waiting
        self._attempts = Attempts(self._look, surroundings.clock, lambda: _PAUSE_WITHOUT, waiting.slots, waiting.beside)
        self._in_force: IdpMetadata | None = None
        self._document = ""
        self._last_problem = ""
        self._take_kept()
        if settings.metadata_file is not None:
            self.refresh()
            if self._in_force is None:
                raise ConfigurationInvalid(f"connection {connection}: {self._last_problem}")

    def current(self) -> IdpMetadata:
        """The metadata in force; ProviderUnreachable where there never was any, or what there was has expired."""
        if self._in_force is None:
            self._attempts.have_one()
        found = self._in_force
        if found is None:
            raise ProviderUnreachable(self._last_problem)
        if found.valid_until is not None and found.valid_until <= self._surroundings.clock():
            raise ProviderUnreachable(f"metadata: was valid until {found.valid_until.isoformat()}")
        return found

    @property
    def entity_id(self) -> str | None:
        """The identity provider's entityID, where it is known already; nothing is fetched for it."""
        return self._in_force.entity_id if self._in_force is not None else self._settings.idp_entity_id

    @property
    def problem(self) -> str:
        """What the last look found wrong, or nothing."""
        return self._last_problem

    def refresh(self) -> None:
        """Looks at the file or address again. Never raises for what it finds: the last good one stays in force."""
        self._attempts.now()

    def _look(self) -> None:
        try:
            self._take_kept()
            self._last_problem = self._take(metadata_text(self._fetched()))
        except BridgeError as refusal:
            self._fail(refusal.detail)
        except Exception as problem:
            _log.exception("unforeseen in metadata", connection=self._connection)
            self._fail(f"what no code foresaw: {place_of(problem)}")

    def _fail(self, detail: str) -> None:
        if detail != self._last_problem:
            self._notice("metadata.refused", detail)
        self._last_problem = detail

    def _fetched(self) -> bytes:
        if self._settings.metadata_file is not None:
            try:
                return self._settings.metadata_file.read_bytes()
            except OSError as problem:
                raise ConfigurationInvalid(f"{self._settings.metadata_file}: cannot be read: {problem}") from None
        answer = self._surroundings.outgoing.fetch(
            str(self._settings.metadata_url), networks=self._settings.networks, max_bytes=_LARGEST
        )
        if answer.status != 200:  # noqa: PLR2004
            raise ProviderUnreachable(f"metadata: the address answered {answer.status}")
        return answer.body

    def _take(self, document: str) -> str:
        """Puts the document in force; gives what of it has to wait for a yes, and then nothing has changed."""
        if document == self._document and self._in_force is not None:
            return ""
        found = self._read(document)
        before = self._in_force
        if before is not None:
            self._check_succession(before, found)
            fresh = sorted({key.fingerprint for key in found.keys} - {key.fingerprint for key in before.keys})
            waiting = self._what_waits(before, found, fresh)
            if waiting:
                self._hold(document, waiting)
                return f"waits for `federation-bridge metadata accept`: {waiting}"
            if fresh:
                self._notice("metadata.new_key", f"new signing keys {', '.join(fresh)}")
        self._in_force, self._document = found, document
        self._surroundings.kept.keep(KEPT, self._connection, document)
        return ""

    def _what_waits(self, before: IdpMetadata, found: IdpMetadata, fresh: list[str]) -> str:
        """What an administrator has to say yes to. A file is an administrator's own word on its addresses."""
        told = [f"new signing keys {', '.join(fresh)}"] if fresh and self._settings.hold_new_keys else []
        if self._settings.metadata_url is not None:
            told += moved(_sign_on(before), _sign_on(found), self._settings.endpoint_hosts)
        return "; ".join(told)

    def _check_succession(self, before: IdpMetadata, found: IdpMetadata) -> None:
        if found.entity_id != before.entity_id and self._settings.idp_entity_id is None:
            raise ConfigurationInvalid(
                f"metadata: the entityID changed from {before.entity_id!r} to {found.entity_id!r};"
                " set `idp_entity_id` if that is meant"
            )
        # Older signed metadata is genuine too: it would bring back a key that was withdrawn.
        ends = (before.valid_until, found.valid_until)
        if self._signers and ends[0] is not None and ends[1] is not None and ends[1] < ends[0]:
            raise ConfigurationInvalid("metadata: older than what is in force")

    def _hold(self, document: str, waiting: str) -> None:
        if self._surroundings.kept.last_good(HELD, self._connection) != document:
            self._surroundings.kept.keep(HELD, self._connection, document)
            self._notice("metadata.held", f"waits for a yes: {waiting}")

    def _take_kept(self) -> None:
        """What this or another process kept last; also how an administrator's yes arrives here."""
        document = self._surroundings.kept.last_good(KEPT, self._connection)
        if document is None or document == self._document:
            return
        try:
            self._in_force, self._document = self._read(document), document
        except ConfigurationInvalid as refusal:
            self._last_problem = refusal.detail

    def _read(self, document: str) -> IdpMetadata:
        return read_metadata(
            document.encode(),
            self._surroundings.clock(),
            entity_id=self._settings.idp_entity_id,
            signed_by=self._signers,
        )

    def _notice(self, event: str, detail: str) -> None:
        self._surroundings.notice(self._connection, event, detail)


def _sign_on(metadata: IdpMetadata) -> dict[str, str]:
    """The addresses that we may send people to, by their binding."""
    ours = (names.REDIRECT_BINDING, names.POST_BINDING)
    return {f"sign-on by {one.rpartition(':')[2]}": metadata.sign_on[one] for one in ours if one in metadata.sign_on}


def _signers(settings: SamlConnection) -> tuple[TrustedKey, ...]:
    path = settings.metadata_signing_certificate
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        der = base64.b64decode("".join(line for line in lines if "-----" not in line), validate=True)
    except (OSError, ValueError):
        raise ConfigurationInvalid(f"{path}: is not a certificate in PEM") from None
    return (trusted_key(der, POLICY),)
