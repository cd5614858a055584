"""Command lines that were let in, and their tokens: families that rotate and end together (RFC 6749 6, RFC 9700 4.14).

Ending a family is one DELETE; its tokens and codes go with it by foreign key, so none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, insert, or_, select, update

from federation_bridge.audit import Entry
from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Clock, TokenFamily
from federation_bridge.store.audit_log import AuditTable, Writing
from federation_bridge.store.codec import identity_from_text, identity_to_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SESSIONS, TOKEN_FAMILIES, TOKENS


@dataclass(frozen=True, slots=True)
class NewTokens:
    """A fresh pair, not yet anybody's."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_ends_at: datetime
    label: str = ""
    """What the program that collects them says of itself: for a family that has no label yet."""


Telling = Callable[[TokenFamily], Entry]
"""Makes the audit entry of a family whose tokens are issued; it stands if and only if they are."""


class Stale(Enum):
    """Why a refresh token rotates no more."""

    UNKNOWN = auto()
    """Not ours, of an ended family, or not of this client or key."""
    JUST_USED = auto()
    """Used moments ago: two processes that hold the same token asked at once."""
    REPLAYED = auto()
    """Used before: somebody else has it, or had it. The family has been ended."""


_APPROVING = (
    select(SESSIONS.c.token_hash)
    .where(SESSIONS.c.token_hash == bindparam("approving"), SESSIONS.c.ends_at > bindparam("now"))
    # Held to the end of the transaction: an end of the session waits, and then takes the new family with it.
    .with_for_update(read=True, key_share=True)
)
_INSERT_FAMILY = insert(TOKEN_FAMILIES)
_INSERT_TOKENS = insert(TOKENS)
_COLLECT = (
    update(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.id == bindparam("which"), TOKEN_FAMILIES.c.collected.is_(False))
    .where(TOKEN_FAMILIES.c.ends_at > bindparam("now"))
    .values(collected=True, dpop_jkt=bindparam("jkt"), last_used_at=bindparam("now"))
    .values(label=case((TOKEN_FAMILIES.c.label == "", bindparam("said")), else_=TOKEN_FAMILIES.c.label))
    .returning(*TOKEN_FAMILIES.c)
)
_OF_ASKER = (
    select(TOKEN_FAMILIES.c.id)
    .where(TOKEN_FAMILIES.c.client_id == bindparam("client"), TOKEN_FAMILIES.c.ends_at > bindparam("now"))
    .where(or_(TOKEN_FAMILIES.c.dpop_jkt.is_(None), TOKEN_FAMILIES.c.dpop_jkt == bindparam("jkt")))
)
_UNUSED = (
    (TOKENS.c.token == bindparam("digest")) & (TOKENS.c.kind == "refresh") & TOKENS.c.used_at.is_(None),
    (TOKENS.c.ends_at > bindparam("now")) & TOKENS.c.family.in_(_OF_ASKER),
)
_USE = update(TOKENS).where(*_UNUSED).values(used_at=bindparam("now")).returning(TOKENS.c.family)
_USABLE = select(TOKEN_FAMILIES).join(TOKENS, TOKEN_FAMILIES.c.id == TOKENS.c.family).where(*_UNUSED)
_TOUCH = (
    update(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.id == bindparam("which"))
    .values(last_used_at=bindparam("now"))
    .returning(*TOKEN_FAMILIES.c)
)
_USED = (
    select(TOKENS.c.used_at, TOKENS.c.family)
    .join(TOKEN_FAMILIES, TOKEN_FAMILIES.c.id == TOKENS.c.family)
    .where(TOKENS.c.token == bindparam("digest"), TOKENS.c.kind == "refresh", TOKENS.c.used_at.is_not(None))
    .where(TOKEN_FAMILIES.c.client_id == bindparam("client"))
)
_HOLDING = (
    select(TOKEN_FAMILIES)
    .join(TOKENS, TOKEN_FAMILIES.c.id == TOKENS.c.family)
    .where(TOKENS.c.token.in_([bindparam("access"), bindparam("refresh")]))
)
_LIVE = _HOLDING.where(TOKENS.c.ends_at > bindparam("now"), TOKEN_FAMILIES.c.ends_at > bindparam("now"))
_UNCOLLECTED = select(TOKEN_FAMILIES).where(
    TOKEN_FAMILIES.c.id == bindparam("which"), TOKEN_FAMILIES.c.collected.is_(False)
)
_END = delete(TOKEN_FAMILIES).where(TOKEN_FAMILIES.c.id == bindparam("which"))
_LIVING = (
    select(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.collected.is_(True), TOKEN_FAMILIES.c.ends_at > bindparam("now"))
    .order_by(TOKEN_FAMILIES.c.started_at.desc())
)
_BEGINNINGS = select(TOKEN_FAMILIES.c.started_at).where(
    TOKEN_FAMILIES.c.person == bindparam("whose"),
    TOKEN_FAMILIES.c.collected.is_(True),
    TOKEN_FAMILIES.c.ends_at > bindparam("now"),
)


def insert_family(writing: Writing, family: TokenFamily, now: datetime) -> None:
    """Makes a family that nobody has collected yet, in the transaction of its approval.

    NotSignedIn where the approving session has ended, however shortly before: what came after its end would outlive it.
    """
    approving = {"approving": family.approved_in, "now": now}
    if writing.execute(_APPROVING, approving).scalar_one_or_none() is None:
        raise NotSignedIn("the approving session has ended")
    writing.execute(
        _INSERT_FAMILY,
        {
            "id": family.id,
            "person": digest_of("person", family.identity.person),
            "approved_in": family.approved_in,
            "client_id": family.client_id,
            "label": family.label,
            "identity": identity_to_text(family.identity),
            "role": family.role,
            "dpop_jkt": family.dpop_jkt,
            "started_at": family.started_at,
            "last_used_at": family.last_used_at,
            "ends_at": family.ends_at,
            "collected": False,
            "way": family.way,
            "approved_from": family.approved_from,
        },
    )


def collect(
    writing: Writing, family_id: str, jkt: str | None, tokens: NewTokens, now: datetime, *telling: Telling
) -> TokenFamily | None:
    """Gives a family its first tokens, once, bound to this key; None where it has ended or has them already."""
    asked = {"which": family_id, "jkt": jkt, "now": now, "said": tokens.label}
    row = writing.execute(_COLLECT, asked).one_or_none()
    return None if row is None else _with_tokens(writing, row, tokens, telling)


def _with_tokens(writing: Writing, row: Row[Any], tokens: NewTokens, telling: Sequence[Telling]) -> TokenFamily:
    family = _family(row)
    pair = (
        ("access", tokens.access, min(tokens.access_ends_at, family.ends_at)),
        ("refresh", tokens.refresh, family.ends_at),
    )
    for kind, token, ends_at in pair:
        held = {"token": digest_of(kind, token), "kind": kind, "family": family.id, "ends_at": ends_at}
        writing.execute(_INSERT_TOKENS, held)
    writing.record(*(tell(family) for tell in telling))
    return family


class TokenFamilies:
    """The families. Of a token only a digest is here, so a reader of the database can use none."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def collect(self, family_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling) -> TokenFamily | None:
        """Gives a family its first tokens, once, with these audit entries; None where it has ended or has them."""
        with self._audit.writing() as writing:
            return collect(writing, family_id, jkt, tokens, self._clock(), *telling)

    def uncollected(self, family_id: str) -> TokenFamily | None:
        """A family that waits for its first tokens; None where it has ended or has them."""
        row = self._database.row(_UNCOLLECTED, {"which": family_id})
        return None if row is None else _family(row)

    def usable(self, refresh_token: str, client_id: str, jkt: str | None) -> TokenFamily | None:
        """The family that this refresh token would renew, for this client and key; None where `rotate` would fail."""
        asked = {"digest": digest_of("refresh", refresh_token), "client": client_id, "jkt": jkt, "now": self._clock()}
        row = self._database.row(_USABLE, asked)
        return None if row is None else _family(row)

    def rotate(
        self, refresh_token: str, client_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling
    ) -> TokenFamily | None:
        """The family, with this new pair in place of a refresh token that is used up by this; None: see `stale`.

        Of many who ask at once with one token, one gets the new pair. A wrong client or key changes nothing.
        """
        now = self._clock()
        with self._audit.writing() as writing:
            asked = {"digest": digest_of("refresh", refresh_token), "client": client_id, "jkt": jkt, "now": now}
            family_id = writing.execute(_USE, asked).scalar_one_or_none()
            if family_id is None:
                return None
            row = writing.execute(_TOUCH, {"which": family_id, "now": now}).one()
            return _with_tokens(writing, row, tokens, telling)

    def stale(self, refresh_token: str, client_id: str, lenient_after: datetime, *entries: Entry) -> Stale:
        """Why a refresh token rotates no more; REPLAYED has ended the family, with these audit entries.

        A second use is a replay unless the first one was at `lenient_after` or later.
        """
        asked = {"digest": digest_of("refresh", refresh_token), "client": client_id}
        with self._audit.writing() as writing:
            used = writing.execute(_USED, asked).one_or_none()
            if used is None:
                return Stale.UNKNOWN
            if used.used_at >= lenient_after:
                return Stale.JUST_USED
            if writing.execute(_END, {"which": used.family}).rowcount == 1:
                writing.record(*entries)
            return Stale.REPLAYED

    def live(self, access_token: str) -> TokenFamily | None:
        """The family behind a live access token; None otherwise.

        NotSignedIn where its identity was kept by a release with another shape.
        """
        asked = {"access": digest_of("access", access_token), "refresh": "", "now": self._clock()}
        row = self._database.row(_LIVE, asked)
        return None if row is None else _family(row)

    def holding(self, token: str) -> TokenFamily | None:
        """The family to which this access or refresh token belongs, used and outlived tokens included; else None."""
        asked = {"access": digest_of("access", token), "refresh": digest_of("refresh", token)}
        row = self._database.row(_HOLDING, asked)
        return None if row is None else _family(row)

    def end(self, family_id: str, *entries: Entry) -> bool:
        """Ends a family with all its tokens and codes; whether there was one. The entries are recorded if so."""
        with self._audit.writing() as writing:
            ended = writing.execute(_END, {"which": family_id}).rowcount > 0
            if ended:
                writing.record(*entries)
        return ended

    def living(self, person: str | None = None) -> tuple[TokenFamily, ...]:
        """The families in use, newest first: all, or those of a person (`connection/subject`)."""
        query = _LIVING if person is None else _LIVING.where(TOKEN_FAMILIES.c.person == digest_of("person", person))
        return tuple(_readable(self._database.rows(query, {"now": self._clock()})))

    def beginnings(self, person: str) -> tuple[datetime, ...]:
        """When each of a person's families in use was let in: little enough to ask with every page."""
        asked = {"whose": digest_of("person", person), "now": self._clock()}
        return tuple(row.started_at for row in self._database.rows(_BEGINNINGS, asked))


def _readable(rows: Sequence[Row[Any]]) -> Iterator[TokenFamily]:
    for row in rows:
        with suppress(NotSignedIn):
            yield _family(row)


def _family(row: Row[Any]) -> TokenFamily:
    return TokenFamily(
        id=row.id,
        client_id=row.client_id,
        label=row.label,
        approved_in=row.approved_in,
        identity=identity_from_text(row.identity),
        started_at=row.started_at,
        last_used_at=row.last_used_at,
        ends_at=row.ends_at,
        dpop_jkt=row.dpop_jkt,
        role=row.role,
        way=row.way,
        approved_from=row.approved_from,
    )
