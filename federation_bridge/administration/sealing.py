"""Seals the audit beside the requests: one node at a time, in batches, each signed and chained to the one before."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import islice

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa

from federation_bridge.administration.lease import Lease
from federation_bridge.audit.seal import SEAL_TYPE, Batch, Seal, claims_of
from federation_bridge.model import Clock
from federation_bridge.signing import KeyRing, Purpose, jws
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_LEASE = "audit is sealed until"
_LEASED_FOR = timedelta(minutes=2)
MOST_ROWS = 1_000
"""Rows of one seal."""
_MOST_SEALS = 200
"""Seals of one pass: 200,000 rows."""
_LOOKS = 100
_BETWEEN_LOOKS = 0.1
"""Seconds: a transaction of ours is over in far less than ten, all looks together."""


def opener(keys: tuple[rsa.RSAPublicKey, ...]) -> Callable[[str, str], Mapping[str, object] | None]:
    """What `audit.verification` opens statements with."""
    return lambda statement, kind: jws.opened(statement, keys, kind)


def public_keys(ring: KeyRing) -> tuple[rsa.RSAPublicKey, ...]:
    """The keys under which seals of this deployment are ours, old ones too; empty where none was made."""
    return tuple(key.public_key for key in ring.made(Purpose.AUDIT))


class AuditSealing:
    """What is called every minute, on every node."""

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        clock: Clock,
        wait: Callable[[float], None] = time.sleep,
        most: int = MOST_ROWS,
        *,
        remember: Callable[[Seal], None] = lambda _: None,
    ) -> None:
        """`remember` hears of the last seal, after each time."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._wait = wait
        self._most = most
        self._remember = remember
        self._known: Seal | None = None

    def seal(self) -> int:
        """Seals what was recorded since the last seal; gives how many seals were made.

        None where another node seals, and where the last seal is not ours: that is told in the log. Unavailable.
        """
        # Two nodes that believed to have it would make two seals of one number, of which the database takes one.
        with Lease(self._store.service_marks, self._clock, _LEASE, _LEASED_FOR).held() as is_ours:
            made = self._seal() if is_ours else 0
            if is_ours and self._known is not None:
                self._remember(self._known)
            return made

    def _seal(self) -> int:
        last = self._store.seals.last()
        if last is not None and opener(public_keys(self._keys))(last.statement, SEAL_TYPE) is None:
            _log.error("the last seal of the audit is not ours: nothing is sealed", seal=last.number)
            return 0
        if self._is_cut_off(last):
            _log.error("seals of the audit are gone that this process knew: nothing is sealed before it starts anew")
            return 0
        self._known = last
        settled = self._store.seals.settled(self._pause())
        if settled is None:
            _log.warning("audit not sealed: somebody has been writing to it for long; the next time is due")
            return 0
        for made in range(_MOST_SEALS):
            seal = self._next(last, settled)
            if seal is None or not self._store.seals.add(seal):
                return made
            # Whoever cuts the chain's end off cannot take it out of the log, too (`audit verify --told`).
            told = f"{seal.number}:{seal.digest()}"
            _log.info("audit.sealed", seal=told, first=seal.batch.first, last=seal.batch.last)
            self._known = last = seal
        return _MOST_SEALS

    def _is_cut_off(self, last: Seal | None) -> bool:
        """Whether the chain is not the one that this process knew: changed rows would be sealed anew."""
        known = self._known
        if known is None:
            return False
        if last is None or last.number < known.number:
            return True
        return last.number == known.number and last.statement != known.statement

    def _next(self, last: Seal | None, settled: int) -> Seal | None:
        first = last.batch.last + 1 if last else 1
        rows = list(islice(self._store.seals.rows(first, settled), self._most))
        if not rows:
            return None
        # A batch that is not full ends with what is settled: nothing will ever stand in the gap behind its last row.
        end = rows[-1].number if len(rows) == self._most else settled
        batch, number = Batch.of(first, end, rows), last.number + 1 if last else 1
        statement = jws.signed(
            claims_of(number, batch, last, self._clock()), self._keys.current(Purpose.AUDIT), {"typ": SEAL_TYPE}
        )
        return Seal(number, batch, statement)

    def _pause(self) -> Callable[[], bool]:
        left = iter(range(_LOOKS))

        def pause() -> bool:
            if next(left, None) is None:
                return False
            self._wait(_BETWEEN_LOOKS)
            return True

        return pause
