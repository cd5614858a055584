"""The documents of identity providers, as an operator sees them, asks for them and says yes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from federation_bridge import app
from federation_bridge.audit import Entry, MetadataAccepted, MetadataRefreshed, printable
from federation_bridge.connectors.accepting import acceptance_of, description_of, digest_of
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable
from federation_bridge.model import Notice, Visit
from federation_bridge.notices import DocumentsAndNotices, entry_of, sentence_of
from federation_bridge.operate.opening import looking_at, store_and_key_of, store_of
from federation_bridge.settings import Settings
from federation_bridge.store.documents import Documents

_OPERATOR = Visit(reference="operator")


def lines(settings: Settings, connection: str | None) -> Iterator[str]:
    """What is in force at each connection, or at one, what ends and what waits; nothing is fetched."""
    chosen = settings.connections if connection is None else {_known(settings, connection): None}
    with looking_at(settings) as parts:
        for name in chosen:
            standing = parts.connectors[name].standing()
            yield f"{name}:"
            for line in standing.described or ("nothing is known yet: `federation-bridge metadata refresh` asks",):
                yield f"  {printable(line)}"
            yield from (f"  {printable(one.sentence(parts.clock()))}" for one in standing.endings)
            if (yes := acceptance_of(parts.store.documents, name, parts.clock())) is not None:
                yield f"  waits for a yes, document {digest_of(yes)}: {printable(standing.waits)}"


def refresh(settings: Settings, connection: str) -> Iterator[str]:
    """Asks the identity provider now. What it brings holds on every node; each change stands with its audit entry.

    ProviderUnreachable, ConfigurationInvalid where the last good documents have to go on.
    """
    _known(settings, connection)
    noticed: list[str] = []
    with store_and_key_of(settings) as (store, sealing_key):
        kept = _Audited(store.documents, connection, noticed.append)
        connector = app.connector_of(settings, connection, store, sealing_key, kept, noticed.append)
        problem = connector.refresh()
        yield from map(printable, noticed)
        waits = connector.standing().waits
        if not kept.has_told:
            store.audit.record(kept.entry("" if problem else "nothing new", problem))
    if waits:
        yield f"waits for `federation-bridge metadata accept {connection}`: {printable(waits)}"
    elif problem:
        raise ProviderUnreachable(f"connection {connection}: {problem}")
    elif not noticed:
        yield "What is published is in force."


def accept(settings: Settings, connection: str, digest: str) -> str:
    """Says yes to what waits, of this digest where one is given, and gives what that was; "" where nothing waits.

    ConfigurationInvalid where another document waits, or one that cannot be used any more.
    """
    _known(settings, connection)
    with store_of(settings) as store:
        yes = acceptance_of(store.documents, connection, app.utc_now())
        if yes is None:
            return ""
        what = description_of(yes, settings.connections[connection])
        entry = Entry(app.utc_now(), _OPERATOR, MetadataAccepted(digest_of(yes), what), connection=connection)
        if digest not in ("", digest_of(yes)) or not store.documents.accept(yes, entry):
            raise ConfigurationInvalid(f"connection {connection}: another document waits: `metadata show` says which")
    return printable(what)


def _known(settings: Settings, connection: str) -> str:
    if connection not in settings.connections:
        raise ConfigurationInvalid(f"no connection is called {connection!r}")
    return connection


class _Audited(DocumentsAndNotices):
    """Each document is kept in one transaction with the entry that an operator asked for it, too."""

    def __init__(self, documents: Documents, connection: str, hears: Callable[[str], None]) -> None:
        """`hears`: a sentence for each notice that comes with a document."""
        super().__init__(documents, app.utc_now)
        self._connection, self._hears = connection, hears
        self.has_told = False

    def entry(self, kind: str, problem: str = "") -> Entry:
        """That the operator asked, and what came of it."""
        return Entry(app.utc_now(), _OPERATOR, MetadataRefreshed(kind, problem), connection=self._connection)

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        """As `Documents.keep`, with the entries."""
        entries = (entry_of(notice, app.utc_now) for notice in notices)
        is_new = self._documents.keep(kind, name, text, *entries, self.entry(kind))
        for notice in notices if is_new else ():
            self._hears(sentence_of(notice))
        self.has_told = self.has_told or is_new
        return is_new
