"""Documents of identity providers: an operator asks for them, looks at what waits, and says yes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from federation_bridge.audit import Entry, MetadataAccepted, MetadataRefreshed
from federation_bridge.connectors.accepting import acceptance_of, description_of, digest_of
from federation_bridge.connectors.connector import Connector
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock, KeptDocuments, Notice, RequestOrigin
from federation_bridge.notices import DocumentsAndNotices, entry_of, sentence_of
from federation_bridge.settings import OidcConnection, SamlConnection
from federation_bridge.store import Store

_OPERATOR = RequestOrigin(reference="operator")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking an identity provider."""

    noticed: tuple[str, ...]
    """A sentence for each thing that is different now."""
    waits: str
    """What waits for a yes; nothing where nothing does."""
    problem: str
    """What is wrong with what was found, or nothing."""


def waiting(store: Store, clock: Clock, connection: str) -> str:
    """The digest of the document that waits on this connection for a yes; nothing where none does."""
    yes = acceptance_of(store.documents, connection, clock())
    return "" if yes is None else digest_of(yes)


def refresh(
    store: Store,
    clock: Clock,
    connection: str,
    connect: Callable[[KeptDocuments, Callable[[Notice], None]], Connector],
) -> Asked:
    """Asks the identity provider now. What it brings holds on every node; each change stands with its audit entry.

    `connect` makes the connection, given where its documents are kept and who hears what it notices. Unavailable.
    """
    noticed: list[str] = []
    kept = _AskedFor(store, clock, connection, noticed.append)
    connector = connect(kept, kept.tell)
    problem = connector.refresh()
    if not kept.has_told:
        store.audit.record(kept.entry("" if problem else "nothing new", problem))
    return Asked(tuple(noticed), connector.standing().waits, problem)


def accept(
    store: Store, clock: Clock, connection: str, settings: SamlConnection | OidcConnection, digest: str = ""
) -> str:
    """Says yes to what waits, of this digest where one is given, audited; gives what it was, "" where nothing waits.

    ConfigurationInvalid where another document waits, or one that cannot be used any more.
    """
    yes = acceptance_of(store.documents, connection, clock())
    if yes is None:
        return ""
    what = description_of(yes, settings)
    entry = Entry(clock(), _OPERATOR, MetadataAccepted(digest_of(yes), what), connection=connection)
    if digest not in ("", digest_of(yes)) or not store.documents.accept(yes, entry):
        raise ConfigurationInvalid(f"connection {connection}: another document waits: `metadata show` says which")
    return what


class _AskedFor(DocumentsAndNotices):
    """Each document is kept in one transaction with the entry that an operator asked for it, too."""

    def __init__(self, store: Store, clock: Clock, connection: str, hears: Callable[[str], None]) -> None:
        """`hears`: a sentence for each notice."""
        super().__init__(store.documents, clock)
        self._audit, self._connection, self._hears = store.audit, connection, hears
        self.has_told = False

    def entry(self, kind: str, problem: str = "") -> Entry:
        """That the operator asked, and what came of it."""
        return Entry(self._clock(), _OPERATOR, MetadataRefreshed(kind, problem), connection=self._connection)

    def tell(self, notice: Notice) -> None:
        """What the connection notices and keeps no document with; audited. Unavailable."""
        self._audit.record(entry_of(notice, self._clock))
        self._hears(sentence_of(notice))

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        """As `Documents.keep`, with the entries."""
        entries = (entry_of(notice, self._clock) for notice in notices)
        is_new = self._documents.keep(kind, name, text, *entries, self.entry(kind))
        for notice in notices if is_new else ():
            self._hears(sentence_of(notice))
        self.has_told = self.has_told or is_new
        return is_new
