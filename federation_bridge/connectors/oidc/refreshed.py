"""A document that is fetched now and then: fresh where possible, the last good one for a bounded time where not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from federation_bridge.connectors.attempts import Attempts, Waiting
from federation_bridge.connectors.changes import (
    DocumentChanged,
    DocumentHeld,
    DocumentNotice,
    DocumentNotKept,
    DocumentRefused,
    DocumentWithdrawn,
)
from federation_bridge.connectors.published import is_to_be_mended, lacking
from federation_bridge.connectors.refusals_told import RefusalsTold
from federation_bridge.connectors.shared_look import SharedLook
from federation_bridge.connectors.slots import slots_of_a_connection
from federation_bridge.errors import BridgeError, ProviderUnreachable, SignInRejected, Unavailable, place_of
from federation_bridge.model import Clock, KeptDocuments, Notice

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ages:
    """How old a document may be."""

    fresh: timedelta
    """Until then it is used without asking."""
    usable: timedelta
    """Until then it is used while the provider does not answer properly."""
    pause: timedelta = timedelta(minutes=5)
    """The least time from one attempt to the next, whoever asks for them (attack I18: a flood of unknown kids)."""
    pause_without: timedelta = timedelta(seconds=5)
    """The same while there is nothing to use meanwhile: a provider that starts after us is soon found."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the last good document is kept over restarts."""

    documents: KeptDocuments
    kind: str
    name: str

    @property
    def held_kind(self) -> str:
        """Under which kind a document waits for an administrator's yes."""
        return f"{self.kind}-held"

    def version(self) -> str | None:
        """Another text whenever another document is kept."""
        return self.documents.version(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """`fetch` gives the text and raises ProviderUnreachable, `read` understands it and raises SignInRejected."""

    fetch: Callable[[], bytes]
    read: Callable[[bytes], T]


class Refreshed(Generic[T]):
    """Safe to share between threads; one of them fetches while the others go on with what there is."""

    def __init__(self, source: Source[T], keeping: Keeping, ages: Ages, clock: Clock, waiting: Waiting) -> None:
        self._fetch, self._read = source.fetch, source.read
        self._keeping, self._ages, self._clock = keeping, ages, clock
        self._attempts = Attempts(self._attempt, clock, self._pause, waiting.slots, waiting.beside)
        slots = slots_of_a_connection(keeping.name, waiting.threads, waiting.slots)
        self._shared = SharedLook(keeping.name, keeping.documents, self._attempts.anew, clock, slots)
        self._taking = threading.Lock()
        self._version: str | None = None
        self._value: tuple[datetime, T] | None = None
        self._last_failure, self._is_misconfigured = "not fetched yet", False
        self._told = RefusalsTold(clock)
        self.notice: Callable[[Notice], None] = lambda _notice: None
        self.difference: Callable[[T, T], str] = lambda _before, _after: ""
        """What a notice says of a document that follows another one."""
        self.objection: Callable[[T | None, T], str] = lambda _before, _after: ""
        """Why a document must not follow another one (None: the first) before an administrator says yes."""

    def current(self) -> T:
        """The document. One that is no longer fresh is fetched anew beside the request, which goes on with what there
        is; only where nothing is young enough the request fetches it, or waits. ProviderUnreachable where that fails,
        ConnectionMisconfigured where an administrator has to mend something first.
        """
        self.watch()
        if self._is_fresh():
            return self._in_hand()
        if self._usable() is None:
            self._attempts.have_one()
        else:
            self._attempts.begin_beside()
        return self._in_hand()

    def newer_than(self, seen: T) -> T | None:
        """The document instead of `seen`, after a look for it that all nodes share; None where it still is that.

        For who has no use for `seen`.
        """
        self._shared.unless(lambda: self._value is not None and self._value[1] is not seen)
        self.watch()
        found = self._in_hand()
        return None if found is seen else found

    def refresh(self) -> T:
        """The document, fetched anew at once where it is no longer fresh; for what runs beside the requests."""
        self.watch()
        if not self._is_fresh():
            self._attempts.now()
        return self._in_hand()

    def look(self) -> str:
        """Fetches the document at once, however fresh it is; gives what is wrong with what is found, or nothing."""
        self._attempts.anew()
        return self._last_failure

    def watch(self) -> None:
        """Takes what another node, or an administrator's yes, put in force; cheap where nothing was.

        Unavailable where the database does not answer and this process has nothing yet.
        """
        try:
            if self._keeping.version() != self._version:
                self._take_kept()
        except Unavailable as refusal:
            if self._value is None:
                raise
            # What this process has goes on: without the database nobody is let in anyway.
            _log.warning("kept documents could not be looked at", connection=self._keeping.name, detail=refusal.detail)

    @property
    def in_force(self) -> T | None:
        """The document as this process has it, however old; nothing is looked at for it."""
        return None if self._value is None else self._value[1]

    def waits(self) -> str:
        """What waits for an administrator's yes, in a sentence; nothing where nothing does."""
        held = text_of(self._keeping.documents.last_good(self._keeping.held_kind, self._keeping.name))
        if not held:
            return ""
        kept = self._kept()
        try:
            return self.objection(kept[1] if kept else None, self._read(held.encode()))
        except SignInRejected as refusal:
            return f"a document that cannot be used any more: {refusal.detail}"

    def _in_hand(self) -> T:
        held = self._usable()
        if held is None:
            where = f"{self._keeping.kind} of {self._keeping.name}"
            detail = f"{where}: none that is young enough; {self._last_failure}"
            raise lacking(detail, is_misconfigured=self._is_misconfigured)
        return held

    def _is_fresh(self) -> bool:
        return self._value is not None and self._clock() - self._value[0] < self._ages.fresh

    def _usable(self) -> T | None:
        if self._value is None or self._clock() - self._value[0] >= self._ages.usable:
            return None
        return self._value[1]

    def _pause(self) -> timedelta:
        return self._ages.pause_without if self._usable() is None else self._ages.pause

    def _attempt(self) -> None:
        before, began_at = self._take_kept(), self._clock()
        try:
            text = self._fetch()
            value = self._read(text)
        except (ProviderUnreachable, SignInRejected) as refusal:
            self._fail(refusal.detail, is_misconfigured=is_to_be_mended(refusal))
            return
        except Exception as problem:
            _log.exception("unforeseen in a document", kind=self._keeping.kind, connection=self._keeping.name)
            self._fail(f"what no code foresaw: {place_of(problem)}")
            return
        if objection := self.objection(before[1] if before else None, value):
            self._last_failure = f"waits for `federation-bridge metadata accept`: {objection}"
            self._is_misconfigured = True
            self._hold(text, objection)
            return
        self._value, self._last_failure = (began_at, value), ""
        self._told.forget()
        self._keep(self._keeping.kind, text, began_at, *self._changes(value))
        self._let_nothing_wait()

    def _fail(self, detail: str, *, is_misconfigured: bool = False) -> None:
        self._last_failure, self._is_misconfigured = detail, is_misconfigured
        self._tell(DocumentRefused, detail)

    def _take_kept(self) -> tuple[datetime, T] | None:
        """What stands now: what this process has, or what was kept since, by another one or by a yes."""
        with self._taking:
            try:
                version = self._keeping.version()
                kept = self._kept()
            except BridgeError as refusal:  # what this process has goes on; only a yes would be missed
                if self._value is None:
                    raise
                self._tell(DocumentNotKept, f"could not be read: {refusal.detail}")
                return self._value
            self._version = version
            if kept is not None and (self._value is None or kept[0] > self._value[0]):
                self._value = kept
            return self._value

    def _hold(self, text: bytes, objection: str) -> None:
        waiting = self._keeping.documents.last_good(self._keeping.held_kind, self._keeping.name)
        if text_of(waiting) != text.decode():
            told = DocumentHeld(self._keeping.name, f"endpoints wait for a yes: {objection}")
            self._keep(self._keeping.held_kind, text, self._clock(), told)

    def _changes(self, value: T) -> tuple[DocumentNotice, ...]:
        """What is to be told of this document when it is kept: against what was kept, so that none is lost meanwhile.

        Another look finds the same again, where this one could not keep it.
        """
        kept = self._kept_or_none()
        if kept is None or kept[1] == value:
            return ()
        return (DocumentChanged(self._keeping.name, self.difference(kept[1], value)),)

    def _kept_or_none(self) -> tuple[datetime, T] | None:
        try:
            return self._kept()
        except BridgeError:  # nor will it be kept now
            return None

    def _let_nothing_wait(self) -> None:
        """What waited is published no more: nobody may say yes to it any more."""
        documents, kind, name = self._keeping.documents, self._keeping.held_kind, self._keeping.name
        try:
            if documents.last_good(kind, name):
                told = DocumentWithdrawn(name, "what waited for a yes is published no more")
                documents.keep(kind, name, "", told)
        except BridgeError as refusal:
            self._tell(DocumentNotKept, f"what waits could not be looked at: {refusal.detail}")

    def _keep(self, kind: str, text: bytes, fetched_at: datetime, *notices: DocumentNotice) -> None:
        try:
            self._keeping.documents.keep(kind, self._keeping.name, dated(text.decode(), fetched_at), *notices)
        except BridgeError as refusal:  # it is good all the same; only a restart would miss it
            self._tell(DocumentNotKept, f"could not be kept: {refusal.detail}")

    def _kept(self) -> tuple[datetime, T] | None:
        """What was kept last; read anew by today's rules, which may be stricter than those it was kept under."""
        text = self._keeping.documents.last_good(self._keeping.kind, self._keeping.name)
        if text is None:
            return None
        try:
            return date_of(text), self._read(text_of(text).encode())
        except (ValueError, KeyError, TypeError, SignInRejected) as problem:
            self._tell(DocumentRefused, f"what was kept cannot be read: {problem}")
            return None

    def _tell(self, kind: type[DocumentNotice], detail: str) -> None:
        if self._told.is_due(detail):
            self.notice(kind(self._keeping.name, detail))


def dated(text: str, fetched_at: datetime) -> str:
    """The document as it is kept: with the instant from which its age counts."""
    return json.dumps({"fetched_at": fetched_at.isoformat(), "text": text})


def text_of(kept: str | None) -> str:
    """The document in what was kept; nothing where there is none."""
    return str(json.loads(kept)["text"]) if kept else ""


def date_of(kept: str) -> datetime:
    """When what was kept was fetched."""
    return datetime.fromisoformat(json.loads(kept)["fetched_at"])
