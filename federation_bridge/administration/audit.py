"""The audit as administrators use it: read, exported in bounded memory, and verified against its seals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from federation_bridge.administration.sealing import opener, public_keys
from federation_bridge.administration.spreadsheet import csv_line
from federation_bridge.audit import Recorded, json_line
from federation_bridge.audit.seal import Seal, SealedRow, row_document, seal_document
from federation_bridge.audit.verification import Problem, Told, Verification
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store

_CSV = ("number", "at", "event", "person", "connection", "reference", "address", "user_agent", "details")


def sealed(store: Store) -> Iterator[SealedRow | Seal]:
    """Every row of the database in its order, each seal after its rows; what follows the last is not sealed."""
    last = 0
    for seal in store.seals.seals():
        yield from store.seals.rows(seal.batch.first, seal.batch.last)
        # Read after its rows, for they may have been archived meanwhile.
        yield from _again(store, seal)
        last = seal.batch.last
    yield from store.seals.rows(last + 1, _HIGHEST)


_HIGHEST = 2**63 - 1


def _again(store: Store, seal: Seal) -> Iterator[Seal]:
    for found in store.seals.seals(seal.number - 1):
        yield found
        return


def verification(store: Store, keys: KeyRing, told: Told | None = None) -> tuple[Verification, Iterator[Problem]]:
    """The database against its seals: what is wrong, as it is found, and the counts, which are whole at its end."""

    def now(seal: Seal) -> str:
        return next((found.archived for found in _again(store, seal)), "")

    verifying = Verification(opener(public_keys(keys)), told, archived_by_now=now)
    return verifying, verifying.problems(store.seals.seals(), store.seals.rows(-(2**63), _HIGHEST))


def json_text(one: SealedRow | Seal) -> str:
    """The line of a sealed export."""
    document = seal_document(one) if isinstance(one, Seal) else row_document(one)
    return json.dumps(document, separators=(",", ":"))


def json_lines(rows: Iterable[Recorded]) -> Iterator[str]:
    """One JSON object for each."""
    return map(json_line, rows)


def csv_lines(rows: Iterable[Recorded]) -> Iterator[str]:
    """RFC 4180, with a head. A cell that a spreadsheet would compute begins with an apostrophe."""
    yield csv_line(_CSV)
    for row in rows:
        document = json.loads(json_line(row))
        document["details"] = json.dumps(document["details"], separators=(",", ":"))
        yield csv_line([document[name] for name in _CSV])
