"""How many requests may wait for identity providers at once: fewer than there are threads, so that some stay free.

While a provider answers, whoever finds no slot waits the moment until one is free. Where it is silent, nobody does:
they are refused at once, and may try again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from federation_bridge.errors import ConnectionMisconfigured, ProviderBusy, ProviderUnreachable

_PATIENCE = timedelta(seconds=1)
"""How long an exchange may last before its provider counts as silent."""


class Slots:
    """A bounded number of slots, each for one request that waits for a provider. Shared between threads."""

    def __init__(self, most: int, what: str, *, patience: timedelta = _PATIENCE, within: Slots | None = None) -> None:
        """`what`: for whose words the refusal goes into the log; `within`: wider slots that are needed as well."""
        self._most, self._what, self._patience, self._within = most, what, patience.total_seconds(), within
        self._changed = threading.Condition()
        self._taken: dict[object, float] = {}
        self._is_silent = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Holds one slot while the block runs; ProviderBusy where there is none and none is to be expected soon."""
        ticket = object()
        self._take(ticket)
        try:
            if self._within is None:
                yield
            else:
                with self._within.one():
                    yield
        except ProviderUnreachable as problem:
            self._is_silent = self._is_silent or not isinstance(problem, ProviderBusy | ConnectionMisconfigured)
            raise
        else:
            self._is_silent = False
        finally:
            with self._changed:
                del self._taken[ticket]
                self._changed.notify()

    def _take(self, ticket: object) -> None:
        with self._changed:
            while len(self._taken) >= self._most:
                if not self._has_patience() or not self._changed.wait(self._left()):
                    raise ProviderBusy(f"{self._what}: {self._most} requests wait for an answer already")
            self._taken[ticket] = time.monotonic()

    def _has_patience(self) -> bool:
        return not self._is_silent and self._left() > 0

    def _left(self) -> float:
        """Seconds until the oldest of those that hold a slot counts as waiting for a silent provider."""
        return min(self._taken.values()) + self._patience - time.monotonic()


def slots_of_the_house(threads: int) -> Slots:
    """For all providers together, in a process with so many threads for requests."""
    return Slots(max(1, threads * 3 // 4), "identity providers")


def slots_of_a_connection(connection: str, threads: int, house: Slots) -> Slots:
    """For one provider, so that another one's people still find a slot."""
    return Slots(max(1, threads // 2), f"the identity provider of {connection}", within=house)
