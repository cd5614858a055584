"""The seal of a batch of audit rows: what it covers, and what its chain says. Pure; the signature is made elsewhere.

A row's digest covers what names a person (person, address, program, details) by a salted digest of its own: when these
are erased one day, salt and texts go, that digest stays, and no seal breaks. Without the salt nobody can try names.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

_ENTRY = struct.Struct(">q32s")
SEAL_TYPE = "audit-seal+jwt"
"""`typ` of a seal's statement: no JWT of another use passes for one."""
_NO_TEXT = ("number", "at", "details")
ARCHIVE_TYPE = "audit-archive+jwt"
ERASURE_TYPE = "audit-erasure+jwt"


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row of the audit as the database has it: all that a seal covers."""

    number: int
    at: int
    """Microseconds since 1970 UTC."""
    event: str
    person: str
    connection: str
    reference: str
    address: str
    user_agent: str
    grant_id: str | None
    access_key_id: str | None
    details: str
    """JSON, as it stands there."""
    account: str | None
    role: str | None
    salt: str | None
    erased: str | None = None
    """Where what named a person was erased: the digest of it, a colon, and a JWS over `erasure_claims_of`."""

    def digest(self) -> bytes:
        """SHA-256 over every column; over those that name a person by way of `personal`."""
        names = (self.grant_id, self.access_key_id, self.account, self.role)
        return _sha256("row", self.number, self.at, self.event, self.connection, self.reference, *names, self.personal)

    @property
    def personal(self) -> str:
        """The salted digest of what names a person, hexadecimal; where that was erased, as it is said to have been."""
        if self.erased is not None:
            return self.erased.partition(":")[0]
        return _sha256("personal", self.salt, self.person, self.address, self.user_agent, self.details).hex()

    @property
    def is_blank(self) -> bool:
        """Whether nothing that names a person stands in it, and no salt with which names could be tried."""
        return (self.person, self.address, self.user_agent, self.details, self.salt) == ("", "", "", "{}", None)


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one seal: all from `first` to `last`, both included. A number that is absent was never used."""

    first: int
    last: int
    digests: bytes
    """For each row its number (8 octets) and its digest (32)."""

    @classmethod
    def of(cls, first: int, last: int, rows: Iterable[SealedRow]) -> Batch:
        """The batch of these rows, the lowest first."""
        return cls(first, last, b"".join(_ENTRY.pack(row.number, row.digest()) for row in rows))

    def by_number(self) -> dict[int, bytes]:
        """The digest of each row; ValueError where these are no digests of rows between `first` and `last`."""
        try:
            found = list(_ENTRY.iter_unpack(self.digests))
        except struct.error as problem:
            raise ValueError("no whole digests") from problem
        numbers = [self.first - 1, *(number for number, _ in found), self.last + 1]
        if any(one >= other for one, other in pairwise(numbers)):
            raise ValueError("numbers out of order")
        return dict(found)


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain, as it is kept."""

    number: int
    batch: Batch
    statement: str
    """A JWS (RFC 7515) over `claims_of`."""
    archived: str = ""
    """Where its rows were archived and deleted: a JWS over `archive_claims_of`."""

    def digest(self) -> str:
        """What the next seal names, and the log: SHA-256 of the statement, hexadecimal."""
        return hashlib.sha256(self.statement.encode()).hexdigest()


def claims_of(number: int, batch: Batch, previous: Seal | None, now: datetime) -> dict[str, object]:
    """What a seal states."""
    return {
        "seal": number,
        "first": batch.first,
        "last": batch.last,
        "digest": hashlib.sha256(batch.digests).hexdigest(),
        "previous": previous.digest() if previous else "",
        "sealed_at": now.isoformat(timespec="seconds"),
    }


def archive_claims_of(seal: Seal, file: str, file_digest: str, now: datetime) -> dict[str, object]:
    """What is stated of a seal whose rows lie in this file (its name, its SHA-256) and nowhere else."""
    return {
        "archived": seal.number,
        "seal_digest": seal.digest(),
        "file": file,
        "sha256": file_digest,
        "archived_at": now.isoformat(timespec="seconds"),
    }


def erasure_claims_of(row: SealedRow, now: datetime) -> dict[str, object]:
    """What is stated of a row when what names a person in it is erased."""
    return {"erased": row.number, "personal": row.personal, "erased_at": now.isoformat(timespec="seconds")}


def seal_document(seal: Seal) -> Mapping[str, object]:
    """The seal as its line of an export says it."""
    document = {"seal": seal.number, "first": seal.batch.first, "last": seal.batch.last}
    return {**document, "digests": seal.batch.digests.hex(), "statement": seal.statement, "archived": seal.archived}


def row_document(row: SealedRow) -> Mapping[str, object]:
    """The row as its line of an export says it: with all that its digest covers."""
    try:
        details = json.loads(row.details)
    except (ValueError, RecursionError):
        details = row.details  # nothing that we wrote: whoever verifies finds it changed
    return {name: getattr(row, name) for name in SealedRow.__slots__} | {"details": details}


def read_export(lines: Iterable[str]) -> Iterator[SealedRow | Seal]:
    """What an export says; ValueError with the line where it says something else."""
    for place, line in enumerate(lines, 1):
        try:
            yield _read(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            raise ValueError(f"line {place} is no row and no seal of an export") from problem


def _read(document: Mapping[str, object]) -> SealedRow | Seal:
    if "seal" in document:
        batch = Batch(_whole(document["first"]), _whole(document["last"]), bytes.fromhex(str(document["digests"])))
        return Seal(_whole(document["seal"]), batch, str(document["statement"]), str(document["archived"]))
    document = {"erased": None, **document}  # what was exported before anything could be erased has none
    if set(document) != set(SealedRow.__slots__):
        raise ValueError("not the columns of a row")
    values: dict[str, Any] = {name: _text(value) for name, value in document.items() if name not in _NO_TEXT}
    details = json.dumps(document["details"], separators=(",", ":"))
    return SealedRow(**values, number=_whole(document["number"]), at=_whole(document["at"]), details=details)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise ValueError("not a number")
    return value


def _sha256(*parts: object) -> bytes:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
