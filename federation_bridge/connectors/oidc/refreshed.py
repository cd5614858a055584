"""A document that is fetched now and then: fresh where possible, the last good one for a bounded time where not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from federation_bridge.errors import BridgeError, ProviderUnreachable, SignInRejected
from federation_bridge.model import Clock, KeptDocuments

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ages:
    """How old a document may be."""

    fresh: timedelta
    """Until then it is used without asking."""
    usable: timedelta
    """Until then it is used while the provider does not answer properly."""
    pause: timedelta = timedelta(minutes=5)
    """The least time between two attempts, whoever asks for them (attack I18: a flood of unknown kids)."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the last good document is kept over restarts."""

    documents: KeptDocuments
    kind: str
    name: str


class Refreshed(Generic[T]):
    """Safe to share between threads; one of them fetches while the others go on with what there is."""

    def __init__(
        self, fetch: Callable[[], bytes], read: Callable[[bytes], T], keeping: Keeping, ages: Ages, clock: Clock
    ) -> None:
        """`fetch` raises ProviderUnreachable, `read` SignInRejected; `failed` hears of both."""
        self._fetch, self._read, self._keeping, self._ages, self._clock = fetch, read, keeping, ages, clock
        self._lock = threading.Lock()
        self._value: tuple[datetime, T] | None = None
        self._attempted_at: datetime | None = None
        self.failed: Callable[[str], None] = lambda _detail: None
        self.changed: Callable[[T, T], None] = lambda _before, _after: None

    def current(self) -> T:
        """The document, fetched anew where it is no longer fresh; ProviderUnreachable where none is young enough."""
        held = self._value
        if held is not None and self._clock() - held[0] < self._ages.fresh:
            return held[1]
        return self.renewed()

    def renewed(self) -> T:
        """The document, fetched anew unless that was tried within the pause; else as `current`."""
        with self._lock:
            if self._value is None:
                self._value = self._kept()
            if self._is_due():
                self._attempt()
            held = self._value
        if held is None or self._clock() - held[0] >= self._ages.usable:
            raise ProviderUnreachable(f"{self._keeping.kind} of {self._keeping.name}: none that is young enough")
        return held[1]

    def _is_due(self) -> bool:
        return self._attempted_at is None or self._clock() - self._attempted_at >= self._ages.pause

    def _attempt(self) -> None:
        before, self._attempted_at = self._value, self._clock()
        try:
            text = self._fetch()
            value = self._read(text)
        except (ProviderUnreachable, SignInRejected) as refusal:
            self.failed(refusal.detail)
            return
        self._value = (self._attempted_at, value)
        self._keep(text)
        if before is not None and before[1] != value:
            self.changed(before[1], value)

    def _keep(self, text: bytes) -> None:
        kept = {"fetched_at": self._clock().isoformat(), "text": text.decode()}
        try:
            self._keeping.documents.keep(self._keeping.kind, self._keeping.name, json.dumps(kept))
        except BridgeError as refusal:  # it is good all the same; only a restart would miss it
            self.failed(f"could not be kept: {refusal.detail}")

    def _kept(self) -> tuple[datetime, T] | None:
        """What was kept last; read anew by today's rules, which may be stricter than those it was kept under."""
        text = self._keeping.documents.last_good(self._keeping.kind, self._keeping.name)
        if text is None:
            return None
        try:
            kept = json.loads(text)
            return datetime.fromisoformat(kept["fetched_at"]), self._read(kept["text"].encode())
        except (ValueError, KeyError, TypeError, SignInRejected) as problem:
            self.failed(f"what was kept cannot be read: {problem}")
            return None
