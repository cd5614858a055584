"""What an end took, so that whoever still holds it is told why. It opens nothing, and tells nobody else anything.

A row is found only by the whole session token, or by the whole refresh token with its program and key: who guesses, or
has stolen a token without its key, finds none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, insert, literal, or_, select

from federation_bridge.model import Clock, WhyEnded
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import BLOCKS, ENDED_HOLDINGS
from federation_bridge.store.writing import Writing

_INCIDENT = "incident"
_REMEMBER = insert(ENDED_HOLDINGS)
_REPLACE = delete(ENDED_HOLDINGS).where(ENDED_HOLDINGS.c.holding == bindparam("ended"))
_STANDS = exists(
    select(literal(1))
    .select_from(BLOCKS)
    .where(
        or_(
            BLOCKS.c.whose == ENDED_HOLDINGS.c.whose,
            # An incident is nobody's by name: it stands for those whom it has ended.
            and_(ENDED_HOLDINGS.c.source == _INCIDENT, BLOCKS.c.source == _INCIDENT),
        )
    )
)
_WHY = select(ENDED_HOLDINGS.c.source, _STANDS.label("is_blocked")).where(
    ENDED_HOLDINGS.c.holding.in_([bindparam("holding"), bindparam("other")]),
    ENDED_HOLDINGS.c.kept_until > bindparam("now"),
)


class EndedHoldings:
    """Why something that somebody still holds opens nothing any more."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of_session(self, key: str) -> WhyEnded | None:
        """Why the session with this hash is over; None where nobody ended it, or it was none."""
        holding = _session(key)
        return self._why(holding, holding)

    def of_refresh_token(self, refresh_token: str, client_id: str, jkt: str | None) -> WhyEnded | None:
        """The same of a refresh token that its own program shows, with its key where it is bound to one."""
        token = digest_of("refresh", refresh_token)
        return self._why(_refresh_token(token, client_id, jkt), _refresh_token(token, client_id, None))

    def _why(self, holding: str, other: str) -> WhyEnded | None:
        found = self._database.rows(_WHY, {"holding": holding, "other": other, "now": self._clock()})
        if not found:
            return None
        return "blocked" if found[0].is_blocked else "ended"


def of_sessions(rows: Sequence[Row], source: str) -> list[dict[str, Any]]:
    """What is remembered of sessions that an end took (`token_hash`, `person`, `ends_at`)."""
    return [
        {"holding": _session(row.token_hash), "whose": row.person, "source": source, "kept_until": row.ends_at}
        for row in rows
    ]


def of_refresh_tokens(rows: Sequence[Row], source: str) -> list[dict[str, Any]]:
    """The same of refresh tokens (`token`, `client_id`, `dpop_jkt`, `person`, `ends_at`)."""
    return [
        {
            "holding": _refresh_token(row.token, row.client_id, row.dpop_jkt),
            "whose": row.person,
            "source": source,
            "kept_until": row.ends_at,
        }
        for row in rows
    ]


def remember_in(writing: Writing, holdings: Sequence[dict[str, Any]]) -> None:
    """Keeps these in the transaction that ends what they stand for."""
    if holdings:
        # A row that somebody else wrote ahead shall stop no end.
        writing.execute_all(_REPLACE, [{"ended": one["holding"]} for one in holdings])
        writing.execute_all(_REMEMBER, holdings)


def _session(key: str) -> str:
    return digest_of("ended session", key)


def _refresh_token(token: str, client_id: str, jkt: str | None) -> str:
    return digest_of("ended refresh token", token, client_id, jkt or "")
