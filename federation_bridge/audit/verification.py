"""Whether rows are those that were sealed: which was changed, removed, inserted or put elsewhere. Pure, in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from federation_bridge.audit.seal import ARCHIVE_TYPE, ERASURE_TYPE, SEAL_TYPE, Seal, SealedRow

Opened = Callable[[str, str], Mapping[str, object] | None]
"""The claims of a JWS of this `typ`; None where no key of ours signed it."""


class Wrong(StrEnum):
    """What can be wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    OUT_OF_ORDER = "out of order"
    ERASED = "erased, and not by us"
    SEAL_FORGED = "seal not ours"
    SEAL_MISSING = "seal missing"
    SEAL_CHANGED = "seal changed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    wrong: Wrong
    seal: int
    row: int | None = None
    """The entry's number; None where the seal itself is meant."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A seal that somebody wrote down: it has to be here."""

    number: int
    digest: str


@dataclass(slots=True)
class Verification:
    """Goes through seals and rows side by side, both the lowest first, and counts; holds one batch at a time."""

    opened: Opened
    told: Told | None = None
    continues: int = 1
    """The number of the first seal: of an archive file, one in the middle of the chain."""
    archived_by_now: Callable[[Seal], str] = lambda seal: seal.archived
    """The mark of this seal as it is now: rows may be archived while they are looked at."""
    seals: int = 0
    sealed: int = 0
    """Rows that are as they were sealed."""
    archived: int = 0
    """Rows that were archived and deleted, and stated so."""
    erased: int = 0
    """Rows of which what named a person was erased by the verb: the rest is as it was sealed."""
    unsealed: int = 0
    """Rows after the last seal: not yet sealed."""
    last: Seal | None = None
    _highest: int = field(default=-(2**64), repr=False)

    def problems(self, seals: Iterable[Seal], rows: Iterable[SealedRow]) -> Iterator[Problem]:
        """What is wrong, as it is found."""
        rest = iter(rows)
        waiting = next(rest, None)
        for seal in seals:
            yield from self._chain(seal)
            expected = self._expected(seal)
            while waiting is not None and waiting.number <= seal.batch.last:
                yield from self._row(seal, waiting, expected)
                waiting = next(rest, None)
            yield from self._left(seal, expected)
            self.last = seal
        yield from self._rest(waiting, rest)
        yield from self._end()

    def _chain(self, seal: Seal) -> Iterator[Problem]:
        self.seals += 1
        before = self.last
        claims = self.opened(seal.statement, SEAL_TYPE)
        if claims is None:
            yield Problem(Wrong.SEAL_FORGED, seal.number, detail="no key of ours signed it")
            return
        batch = seal.batch
        digest = hashlib.sha256(batch.digests).hexdigest()
        said = {"seal": seal.number, "first": batch.first, "last": batch.last, "digest": digest}
        if {name: claims.get(name) for name in said} != said:
            yield Problem(Wrong.SEAL_CHANGED, seal.number, detail="what stands beside it is not what it states")
        number, first = (before.number + 1, before.batch.last + 1) if before else (self.continues, batch.first)
        previous = claims.get("previous") if before is None and number > 1 else before.digest() if before else ""
        if seal.number != number:
            yield Problem(Wrong.SEAL_MISSING, number, detail=f"{seal.number} follows")
        elif batch.first != first or claims.get("previous") != previous:
            yield Problem(Wrong.SEAL_CHANGED, seal.number, detail="it does not continue the one before it")
        if self.told is not None and self.told.number == seal.number and self.told.digest != seal.digest():
            yield Problem(Wrong.SEAL_CHANGED, seal.number, detail="it is not the one that was told")

    def _expected(self, seal: Seal) -> dict[int, bytes]:
        try:
            return seal.batch.by_number()
        except ValueError:
            return {}  # told already: its statement does not cover it

    def _row(self, seal: Seal, row: SealedRow, expected: dict[int, bytes]) -> Iterator[Problem]:
        if row.number <= self._highest:
            yield Problem(Wrong.OUT_OF_ORDER, seal.number, row.number, f"it stands after {self._highest}")
        self._highest = max(self._highest, row.number)
        digest = expected.pop(row.number, None)
        if digest is None:
            yield Problem(Wrong.INSERTED, seal.number, row.number)
        elif digest != row.digest():
            yield Problem(Wrong.CHANGED, seal.number, row.number)
        elif row.erased is None:
            self.sealed += 1
        else:
            yield from self._erasure(seal.number, row)

    def _erasure(self, seal: int, row: SealedRow) -> Iterator[Problem]:
        """Whether we erased this row: anybody who may write can blank one, and state what its digest was."""
        claims = self.opened((row.erased or "").partition(":")[2], ERASURE_TYPE)
        said = None if claims is None else (claims.get("erased"), claims.get("personal"))
        if said != (row.number, row.personal):
            yield Problem(Wrong.ERASED, seal, row.number, "no key of ours states that it was erased")
        elif not row.is_blank:
            yield Problem(Wrong.CHANGED, seal, row.number, "it was erased, and something stands in it again")
        else:
            self.erased += 1

    def _left(self, seal: Seal, expected: Mapping[int, bytes]) -> Iterator[Problem]:
        mark = self.archived_by_now(seal) if expected else seal.archived
        stated = self.opened(mark, ARCHIVE_TYPE) if mark else None
        if stated is not None and (stated.get("archived"), stated.get("seal_digest")) == (seal.number, seal.digest()):
            self.archived += len(expected)
            return
        if mark:
            yield Problem(Wrong.SEAL_FORGED, seal.number, detail="no key of ours states that it was archived")
        for number in expected:
            yield Problem(Wrong.REMOVED, seal.number, number)

    def _rest(self, waiting: SealedRow | None, rest: Iterator[SealedRow]) -> Iterator[Problem]:
        number = self.last.number if self.last else 0
        while waiting is not None:
            if waiting.number <= self._highest:
                yield Problem(Wrong.OUT_OF_ORDER, number, waiting.number, f"it stands after {self._highest}")
            self._highest = max(self._highest, waiting.number)
            self.unsealed += 1
            if waiting.erased is not None:
                yield from self._erasure(number, waiting)
            waiting = next(rest, None)

    def _end(self) -> Iterator[Problem]:
        if self.told is not None and (self.last is None or self.last.number < self.told.number):
            yield Problem(Wrong.SEAL_MISSING, self.told.number, detail="it was told, and the chain ends before it")
