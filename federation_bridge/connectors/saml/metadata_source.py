"""Where an identity provider's metadata comes from, and which version of it is in force.

A file is followed as it changes; an address is looked at again in the background, and when a message comes that none of
the keys signed. What cannot be fetched, read or believed changes nothing:
the last good document stays in force, over restarts too, and the administrators hear of it. A new signing key is
noticed, and on a connection that says so it waits for an administrator's yes; a sign-on address that moves to another
host always does (ADR 0018).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from federation_bridge.connectors.attempts import Attempts, Waiting
from federation_bridge.connectors.changes import (
    DocumentHeld,
    DocumentNotice,
    DocumentNotKept,
    DocumentRefused,
    DocumentWithdrawn,
    NewKeys,
)
from federation_bridge.connectors.published import fetched, is_to_be_mended, lacking
from federation_bridge.connectors.refusals_told import RefusalsTold
from federation_bridge.connectors.saml.document_text import metadata_text
from federation_bridge.connectors.saml.keeping import Keeping
from federation_bridge.connectors.saml.metadata import IdpMetadata, read_metadata
from federation_bridge.connectors.saml.metadata_signer import metadata_signers
from federation_bridge.connectors.saml.succession import check_succession, moved_sign_on, new_keys
from federation_bridge.connectors.saml.verifier import TrustedKey
from federation_bridge.connectors.shared_look import SharedLook
from federation_bridge.connectors.slots import slots_of_a_connection
from federation_bridge.errors import BridgeError, ConfigurationInvalid, Unavailable, place_of
from federation_bridge.model import Clock, KeptDocuments, Notice
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import SamlConnection
from federation_bridge.watched_file import WatchedFile

_log = structlog.get_logger(__name__)

KEPT = "saml-metadata"
HELD = "saml-metadata-held"
_LARGEST = 1_000_000
_PAUSE_WITHOUT = timedelta(seconds=5)
"""The least time between two attempts of sign-ins to find metadata where there never was any."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source needs of the house."""

    outgoing: Outgoing
    kept: KeptDocuments
    clock: Clock
    notice: Callable[[Notice], None]
    """Told to audit and administrators."""
    waiting: Waiting = field(default_factory=lambda: Waiting.in_a_process(8))


class MetadataSource:
    """The metadata of one connection, always the newest that may be believed. Shared between threads."""

    def __init__(self, connection: str, settings: SamlConnection, surroundings: Surroundings) -> None:
        """Takes what a file gives or what was kept; an address is asked when it is first needed.

        ConfigurationInvalid where a file is no good and nothing was ever kept.
        """
        self._connection, self._settings, self._surroundings = connection, settings, surroundings
        self._kept = surroundings.kept
        self._keeping = Keeping(self._kept, KEPT, connection, surroundings.notice)
        self._signers = metadata_signers(settings.metadata_signing_certificate)
        self._file = None if settings.metadata_file is None else WatchedFile(settings.metadata_file)
        clock, waiting = surroundings.clock, surroundings.waiting
        self._attempts = Attempts(self._look, clock, lambda: _PAUSE_WITHOUT, waiting.slots, waiting.beside)
        slots = slots_of_a_connection(connection, waiting.threads, waiting.slots)
        self._shared = SharedLook(connection, self._kept, self._attempts.anew, clock, slots)
        self._told = RefusalsTold(clock)
        self._watching, self._taking = threading.Lock(), threading.Lock()
        self._in_force: IdpMetadata | None = None
        self._document = ""
        self._version: str | None = None
        self._looked_at = ""
        self._last_problem, self._is_misconfigured = "", False
        self._take_kept()
        if self._file is not None:
            self.refresh()
            if self._in_force is None:
                raise ConfigurationInvalid(f"connection {connection}: {self._last_problem}")

    def current(self) -> IdpMetadata:
        """The metadata in force: of a file as it is now, of an address as any node knows it.

        ProviderUnreachable where there never was any, or what there was has expired and nothing newer is to be had;
        ConnectionMisconfigured where an administrator has to mend something first.
        """
        self.watch()
        if self._in_force is None:
            self._attempts.have_one()
        found = self._in_force
        if found is None:
            raise lacking(self._last_problem, is_misconfigured=self._is_misconfigured)
        if self._has_expired(found):
            found = self.newer_than(found) or found
        if found.valid_until is not None and self._has_expired(found):
            newer = self._last_problem or "nothing newer is published"
            detail = f"metadata: was valid until {found.valid_until.isoformat()}; {newer}"
            raise lacking(detail, is_misconfigured=self._is_misconfigured or not self._last_problem)
        return found

    def newer_than(self, seen: IdpMetadata) -> IdpMetadata | None:
        """What is in force instead of `seen`, after a look for it that all nodes share; None where it still is that.

        For who has no use for `seen`: a message that none of its keys signed. A file was looked at already.
        """
        if self._file is None:
            self._shared.unless(lambda: self._in_force is not seen)
        self.watch()
        return self._in_force if self._in_force is not seen else None

    def watch(self) -> None:
        """Follows what changed without being told: the file, and what other nodes or an administrator put in force.

        Cheap where nothing did.
        """
        self.watch_file()
        try:
            if self._kept.version(KEPT, self._connection) != self._version:
                self._take_kept()
            self._keeping.catch_up()
        except Unavailable as refusal:
            # What is in force goes on: without the database nobody is let in anyway.
            _log.warning("kept metadata could not be looked at", connection=self._connection, detail=refusal.detail)

    def watch_file(self) -> None:
        """Reads the file where it is another one than before; whoever needs it meanwhile waits for that."""
        if self._file is None or not self._file.may_have_changed():
            return
        with self._watching:
            if self._file.may_have_changed():
                self._attempts.anew()

    @property
    def in_force(self) -> IdpMetadata | None:
        """What is in force, expired or not; nothing is looked at for it."""
        return self._in_force

    @property
    def entity_id(self) -> str | None:
        """The identity provider's entityID, where it is known already; nothing is fetched for it."""
        return self._in_force.entity_id if self._in_force is not None else self._settings.idp_entity_id

    @property
    def problem(self) -> str:
        """What the last look found wrong, or nothing."""
        return self._last_problem

    @property
    def signers(self) -> tuple[TrustedKey, ...]:
        """The keys that must have signed the metadata."""
        return self._signers

    def refresh(self) -> None:
        """Looks at the file or address again. Never raises for what it finds: the last good one stays in force."""
        self._attempts.now()

    def look(self) -> str:
        """Looks now, after whatever look is under way; gives what is wrong with what is found, or nothing."""
        self._attempts.anew()
        return self._last_problem

    def waits(self) -> str:
        """What waits for an administrator's yes, in a sentence; nothing where nothing does."""
        held = self._kept.last_good(HELD, self._connection)
        kept = self._kept.last_good(KEPT, self._connection) if held else ""
        if not held or held == kept:
            return ""
        try:
            found, before = self._read(held), self._read(kept or "")
        except ConfigurationInvalid as refusal:
            return f"a document that cannot be used any more: {refusal.detail}"
        return self._what_waits(before, found) or "a document that brings nothing new"

    def _has_expired(self, found: IdpMetadata) -> bool:
        return found.valid_until is not None and found.valid_until <= self._surroundings.clock()

    def _look(self) -> None:
        try:
            document = metadata_text(self._fetched())
            # Of a file, another node's version of it means nothing: each node has its own.
            if self._file is None or document == self._kept.last_good(KEPT, self._connection):
                self._take_kept()
            self._last_problem = self._take(document)
            self._is_misconfigured = bool(self._last_problem)
            self._looked_at = document
            if not self._last_problem:
                self._told.forget()
        except Unavailable as refusal:
            self._fail(f"the database: {refusal.detail}", DocumentNotKept)
        except BridgeError as refusal:
            self._fail(refusal.detail, is_misconfigured=is_to_be_mended(refusal))
        except Exception as problem:
            _log.exception("unforeseen in metadata", connection=self._connection)
            self._fail(f"what no code foresaw: {place_of(problem)}")

    def _fail(
        self, detail: str, kind: type[DocumentNotice] = DocumentRefused, *, is_misconfigured: bool = False
    ) -> None:
        if self._told.is_due(detail):
            self._surroundings.notice(kind(self._connection, detail))
        self._last_problem, self._is_misconfigured = detail, is_misconfigured

    def _fetched(self) -> bytes:
        if self._file is not None:
            try:
                return self._file.read(_LARGEST)
            except OSError as problem:
                told = f"`metadata_file`: {self._settings.metadata_file} cannot be read: {problem.strerror or problem}"
                raise ConfigurationInvalid(told) from None
        outgoing, url = self._surroundings.outgoing, str(self._settings.metadata_url)
        return fetched(outgoing, "metadata_url", url, networks=self._settings.networks, max_bytes=_LARGEST)

    def _take(self, document: str) -> str:
        """Puts the document in force; gives what of it has to wait for a yes, and then nothing has changed."""
        before = self._in_force
        if document == self._document and before is not None:
            self._let_nothing_wait(document)
            return ""
        found = self._read(document, is_new=True)
        if before is not None:
            is_named = self._settings.idp_entity_id is not None
            check_succession(before, found, names_entity=is_named, is_signed=bool(self._signers))
            if waiting := self._what_waits(before, found):
                self._hold(document, waiting)
                return f"waits for `federation-bridge metadata accept`: {waiting}"
        fresh = new_keys(before, found) if before is not None else ""
        self._put_in_force(found, document)
        self._keeping.keep(document, *([NewKeys(self._connection, fresh)] if fresh else []))
        self._let_nothing_wait(document)
        return ""

    def _what_waits(self, before: IdpMetadata, found: IdpMetadata) -> str:
        """What an administrator has to say yes to. A file is an administrator's own word on its addresses."""
        told = [new_keys(before, found)] if self._settings.hold_new_keys else []
        if self._file is None:
            told.append(moved_sign_on(before, found, self._settings.endpoint_hosts))
        return "; ".join(one for one in told if one)

    def _hold(self, document: str, waiting: str) -> None:
        told = DocumentHeld(self._connection, f"waits for a yes: {waiting}")
        self._kept.keep(HELD, self._connection, document, told)

    def _let_nothing_wait(self, document: str) -> None:
        """What waited is published no more: nobody may say yes to it any more."""
        # An unchanged file says nothing about what another node's file brought.
        if self._file is not None and document == self._looked_at:
            return
        if self._kept.last_good(HELD, self._connection):
            told = DocumentWithdrawn(self._connection, "what waited for a yes is published no more")
            self._kept.keep(HELD, self._connection, "", told)

    def _take_kept(self) -> None:
        """What this or another process kept last; also how an administrator's yes arrives here."""
        with self._taking:
            version = self._kept.version(KEPT, self._connection)
            if self._keeping.is_behind and version == self._version:
                return  # what is kept is what ours came after
            document = self._kept.last_good(KEPT, self._connection)
            if document and document != self._document and self._follows(document):
                try:
                    self._put_in_force(self._read(document), document)
                    self._keeping.forget()
                    self._last_problem = ""
                except ConfigurationInvalid as refusal:
                    self._last_problem = refusal.detail
            self._version = version

    def _follows(self, document: str) -> bool:
        """Whether what is kept holds here: of a file, only a yes to what this very file says."""
        return self._file is None or self._in_force is None or document == self._looked_at

    def _put_in_force(self, found: IdpMetadata, document: str) -> None:
        self._in_force, self._document = found, document

    def _read(self, document: str, *, is_new: bool = False) -> IdpMetadata:
        """What is kept is read after its end, too: it pins keys and addresses however old it is."""
        return read_metadata(
            document.encode(),
            self._surroundings.clock() if is_new else None,
            entity_id=self._settings.idp_entity_id,
            signed_by=self._signers,
        )
