"""Connections of one database: the pool of SQLAlchemy, and at hand the one that was used last.

Going to the pool and back takes as long as most statements, so a connection that is well is left for the next caller.
"""

from __future__ import annotations

import time

from sqlalchemy import Engine, Pool, PoolProxiedConnection

USED = "used"
"""Under which a connection says when it was used last, by the monotonic clock."""

_TAKEN = "taken"
_AT_HAND_FOR = 60.0
"""Seconds for which a connection is passed on without the pool, which then looks whether it is too old."""

_INHERITED: list[Pool | PoolProxiedConnection] = []
"""Connections of the parent process. Kept, for collecting them here would close them there."""


class Connections:
    """Safe for threads, and across a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._at_hand: list[PoolProxiedConnection] = []

    def taken(self) -> PoolProxiedConnection:
        """One that nobody else has, with no transaction open on it; raises what the driver raises."""
        try:
            connection = self._at_hand.pop()
        except IndexError:
            return self._from_pool()
        if time.monotonic() - connection.info[_TAKEN] <= _AT_HAND_FOR:
            return connection
        connection.close()
        return self._from_pool()

    def give_back(self, connection: PoolProxiedConnection, *, is_well: bool) -> None:
        """`is_well`: no transaction is open on it. Otherwise the pool rolls back what was not committed."""
        if not is_well:
            connection.close()
            return
        connection.info[USED] = time.monotonic()
        if self._at_hand:
            connection.close()
        else:
            self._at_hand.append(connection)

    def drop_all(self) -> None:
        """Closes those that are not in use. The others close when they are given back, or when they fail in turn."""
        while self._at_hand:
            self._at_hand.pop().close()
        self._engine.dispose()

    def after_fork(self) -> None:
        """In a forked child: the parent's are left open, for they are the parent's."""
        _INHERITED.extend((self._engine.pool, *self._at_hand))
        self._at_hand = []
        self._engine.dispose(close=False)

    def _from_pool(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        connection.info[_TAKEN] = time.monotonic()
        return connection
