"""Command lines that were let in, and their tokens: families that rotate and end together (RFC 6749 6, RFC 9700 4.14).

Ending a family is one DELETE; its tokens and codes go with it by foreign key, so none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from sqlalchemy import bindparam, delete, or_, select

from federation_bridge.audit import Entry
from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Clock, TokenFamily
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.blocks import Blocks, about_in, beside_blocks
from federation_bridge.store.codec import identity_from_text, identity_to_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.rulebook_versions import beside_in_force, number_of
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import RULEBOOK_IN_FORCE, SESSIONS, TOKEN_FAMILIES, TOKENS
from federation_bridge.store.writing import Writing


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


_APPROVING = beside_blocks(
    select(SESSIONS)
    .where(SESSIONS.c.token_hash == bindparam("approving"), SESSIONS.c.ends_at > bindparam("now"))
    # Held to the end of the transaction: an end of the session waits, and then takes the new family with it.
    .with_for_update(read=True, key_share=True),
    SESSIONS.c.person,
)
# Whoever changes a family or its tokens locks the family first, so that an end waits, and then takes all of it.
LOCKED_FAMILY = beside_blocks(
    select(TOKEN_FAMILIES).where(TOKEN_FAMILIES.c.id == bindparam("which")).with_for_update(), TOKEN_FAMILIES.c.person
)
_WITH_TOKENS = select(TOKEN_FAMILIES, TOKENS).join(TOKENS, TOKEN_FAMILIES.c.id == TOKENS.c.family)
_USABLE = beside_blocks(
    _WITH_TOKENS.where(TOKENS.c.token == bindparam("digest"), TOKENS.c.kind == "refresh", TOKENS.c.used_at.is_(None))
    .where(TOKENS.c.ends_at > bindparam("now"), TOKEN_FAMILIES.c.ends_at > bindparam("now"))
    .where(TOKEN_FAMILIES.c.client_id == bindparam("client"))
    .where(or_(TOKEN_FAMILIES.c.dpop_jkt.is_(None), TOKEN_FAMILIES.c.dpop_jkt == bindparam("jkt"))),
    TOKEN_FAMILIES.c.person,
)
_LOCKED_USABLE = _USABLE.with_for_update(of=TOKEN_FAMILIES)
_USED = _WITH_TOKENS.where(
    TOKENS.c.token == bindparam("digest"),
    TOKENS.c.kind == "refresh",
    TOKENS.c.used_at.is_not(None),
    TOKEN_FAMILIES.c.client_id == bindparam("client"),
)
_HOLDING = _WITH_TOKENS.where(TOKENS.c.token.in_([bindparam("access"), bindparam("refresh")]))
_LIVE = beside_blocks(
    beside_in_force(_HOLDING.where(TOKENS.c.ends_at > bindparam("now"), TOKEN_FAMILIES.c.ends_at > bindparam("now"))),
    TOKEN_FAMILIES.c.person,
)
_UNCOLLECTED = select(TOKEN_FAMILIES).where(
    TOKEN_FAMILIES.c.id == bindparam("which"), TOKEN_FAMILIES.c.collected.is_(False)
)
_END = delete(TOKEN_FAMILIES).where(TOKEN_FAMILIES.c.id == bindparam("which"))
_LIVING = (
    select(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.collected.is_(True), TOKEN_FAMILIES.c.ends_at > bindparam("now"))
    .order_by(TOKEN_FAMILIES.c.started_at.desc())
)
_LIVING_OF_PERSON = _LIVING.where(TOKEN_FAMILIES.c.person == bindparam("whose"))


def insert_family(writing: Writing, family: TokenFamily, now: datetime) -> None:
    """Makes a family that nobody has collected yet, in the transaction of its approval.

    NotSignedIn where the approving session has ended, however shortly before: what came after its end would outlive it.
    The groups are those that the session holds by now: a directory may have told them anew since the caller read it.
    """
    session = writing.row(_APPROVING, {"approving": family.approved_in, "now": now}, SESSIONS)
    if session is None:
        raise NotSignedIn("the approving session has ended")
    identity = identity_from_text(session.identity)
    if identity.person != family.identity.person:
        raise NotSignedIn("the approving session is another person's")
    if session.may_be_blocked and about_in(writing, identity.person):
        raise NotSignedIn("the person is blocked")
    identity = replace(family.identity, groups=identity.groups)
    writing.insert(
        TOKEN_FAMILIES,
        {
            "id": family.id,
            "person": digest_of("person", family.identity.person),
            "approved_in": family.approved_in,
            "client_id": family.client_id,
            "label": family.label,
            "identity": identity_to_text(identity),
            "role": family.role,
            "dpop_jkt": family.dpop_jkt,
            "started_at": family.started_at,
            "last_used_at": family.last_used_at,
            "ends_at": family.ends_at,
            "collected": False,
            "way": family.way,
            "approved_from": family.approved_from,
            # Of the sign-in that let it in, also when a later one takes it over: who ends that sign-in ends it.
            "provider_subject": session.provider_subject,
            "provider_session": session.provider_session,
        },
    )


def collect(
    writing: Writing, family_id: str, jkt: str | None, tokens: NewTokens, now: datetime, *telling: Telling
) -> TokenFamily | None:
    """Gives a family its first tokens, once, bound to this key; None where it has ended or has them already."""
    row = writing.row(LOCKED_FAMILY, {"which": family_id}, TOKEN_FAMILIES)
    if row is None or row.collected or row.ends_at <= now or _is_blocked(writing, row):
        return None
    family = replace(_family(row), dpop_jkt=jkt, last_used_at=now, label=row.label or tokens.label)
    changed = {"collected": True, "dpop_jkt": jkt, "last_used_at": now, "label": family.label}
    writing.change(TOKEN_FAMILIES, row, **changed)
    return _with_tokens(writing, family, tokens, telling)


def _is_blocked(writing: Writing, row: Row) -> bool:
    return bool(row.may_be_blocked and about_in(writing, identity_from_text(row.identity).person))


def _with_tokens(writing: Writing, family: TokenFamily, tokens: NewTokens, telling: Sequence[Telling]) -> TokenFamily:
    pair = (
        ("access", tokens.access, min(tokens.access_ends_at, family.ends_at)),
        ("refresh", tokens.refresh, family.ends_at),
    )
    for kind, token, ends_at in pair:
        held = {"token": digest_of(kind, token), "kind": kind, "family": family.id, "used_at": None}
        writing.insert(TOKENS, {**held, "ends_at": ends_at})
    writing.record(*(tell(family) for tell in telling))
    return family


class TokenFamilies:
    """The families. Of a token only a digest is here, so a reader of the database can use none."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock, blocks: Blocks) -> None:
        self._rows = rows
        self._blocks = blocks
        self._audit = audit
        self._clock = clock

    def collect(self, family_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling) -> TokenFamily | None:
        """Gives a family its first tokens, once, with these audit entries; None where it has ended or has them."""
        now = self._clock()
        return self._audit.transact(lambda writing: collect(writing, family_id, jkt, tokens, now, *telling))

    def uncollected(self, family_id: str) -> TokenFamily | None:
        """A family that waits for its first tokens; None where it has ended or has them."""
        row = self._rows.one(_UNCOLLECTED, {"which": family_id}, TOKEN_FAMILIES)
        return None if row is None else _family(row)

    def usable(self, refresh_token: str, client_id: str, jkt: str | None) -> TokenFamily | None:
        """The family that this refresh token would renew, for this client and key; None where `rotate` would fail."""
        asked = {"digest": digest_of("refresh", refresh_token), "client": client_id, "jkt": jkt, "now": self._clock()}
        row = self._rows.one(_USABLE, asked, TOKEN_FAMILIES, TOKENS)
        return None if row is None else self._unless_blocked(row)

    def rotate(
        self, refresh_token: str, client_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling
    ) -> TokenFamily | None:
        """The family, with this new pair in place of a refresh token that is used up by this; None: see `stale`.

        Of many who ask at once with one token, one gets the new pair. A wrong client or key changes nothing.
        """
        now = self._clock()
        asked = {"digest": digest_of("refresh", refresh_token), "client": client_id, "jkt": jkt, "now": now}

        def work(writing: Writing) -> TokenFamily | None:
            row = writing.row(_LOCKED_USABLE, asked, TOKEN_FAMILIES, TOKENS)
            if row is None or _is_blocked(writing, row):
                return None
            held, token = row[: len(TOKEN_FAMILIES.c)], row[len(TOKEN_FAMILIES.c) :]
            # Who waited for the family read the token before: another may have used it since.
            if not writing.change(TOKENS, token, used_at=now):
                return None
            writing.change(TOKEN_FAMILIES, held, last_used_at=now)
            return _with_tokens(writing, replace(_family(row), last_used_at=now), tokens, telling)

        return self._audit.transact(work)

    def stale(self, refresh_token: str, client_id: str, lenient_after: datetime, *entries: Entry) -> Stale:
        """Why a refresh token rotates no more; REPLAYED has ended the family, with these audit entries.

        A second use is a replay unless the first one was at `lenient_after` or later.
        """
        asked = {"digest": digest_of("refresh", refresh_token), "client": client_id}

        def work(writing: Writing) -> Stale:
            used = writing.row(_USED, asked, TOKEN_FAMILIES, TOKENS)
            if used is None:
                return Stale.UNKNOWN
            if used.used_at >= lenient_after:
                return Stale.JUST_USED
            if writing.execute(_END, {"which": used.id}).rowcount == 1:
                writing.record(*entries)
            return Stale.REPLAYED

        return self._audit.transact(work)

    def live(self, access_token: str) -> TokenFamily | None:
        """The family behind a live access token, with the number of the rulebook version in force; None otherwise, and
        where its person is blocked.

        NotSignedIn where its identity was kept by a release with another shape.
        """
        asked = {"access": digest_of("access", access_token), "refresh": "", "now": self._clock()}
        row, beside = self._rows.one_beside(_LIVE, asked, RULEBOOK_IN_FORCE, TOKEN_FAMILIES, TOKENS)
        family = None if row is None else self._unless_blocked(row)
        return None if family is None else replace(family, rulebook=number_of(beside))

    def _unless_blocked(self, row: Row) -> TokenFamily | None:
        family = _family(row)
        return None if row.may_be_blocked and self._blocks.about(family.identity.person) else family

    def holding(self, token: str) -> TokenFamily | None:
        """The family to which this access or refresh token belongs, used and outlived tokens included; else None."""
        asked = {"access": digest_of("access", token), "refresh": digest_of("refresh", token)}
        row = self._rows.one(_HOLDING, asked, TOKEN_FAMILIES, TOKENS)
        return None if row is None else _family(row)

    def end(self, family_id: str, *entries: Entry) -> bool:
        """Ends a family with all its tokens and codes; whether there was one. The entries are recorded if so."""

        def work(writing: Writing) -> bool:
            ended = writing.execute(_END, {"which": family_id}).rowcount > 0
            if ended:
                writing.record(*entries)
            return ended

        return self._audit.transact(work)

    def living(self, person: str | None = None) -> tuple[TokenFamily, ...]:
        """The families in use, newest first: all, or those of a person (`connection/subject`)."""
        asked = {"now": self._clock()}
        if person is None:
            return tuple(_readable(self._rows.all(_LIVING, asked, TOKEN_FAMILIES)))
        whose = {**asked, "whose": digest_of("person", person)}
        return tuple(_readable(self._rows.all(_LIVING_OF_PERSON, whose, TOKEN_FAMILIES)))

    def beginnings(self, person: str) -> tuple[datetime, ...]:
        """When each of a person's families in use was let in, newest first: one statement, asked with every page."""
        asked = {"whose": digest_of("person", person), "now": self._clock()}
        return tuple(row.started_at for row in self._rows.all(_LIVING_OF_PERSON, asked, TOKEN_FAMILIES))


def _readable(rows: Sequence[Row]) -> Iterator[TokenFamily]:
    for row in rows:
        with suppress(NotSignedIn):
            yield _family(row)


def _family(row: Row) -> TokenFamily:
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
