"""Seals: what they cover, and that whatever is changed, removed, inserted or put elsewhere is found and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from federation_bridge.audit.seal import (
    ARCHIVE_TYPE,
    SEAL_TYPE,
    Batch,
    Seal,
    SealedRow,
    archive_claims_of,
    claims_of,
    read_export,
    row_document,
    seal_document,
)
from federation_bridge.audit.verification import Told, Verification, Wrong

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def _row(number: int) -> SealedRow:
    return SealedRow(
        number, 1_000_000 * number, "grant.made", "corp/alice", "corp", "ref", "192.0.2.7", "Browser", "g", None,
        '{"grant_id":"g"}', "111122223333", "Reader", f"salt{number}",
    )  # fmt: skip


def _stated(claims: Mapping[str, object], kind: str) -> str:
    text = json.dumps([kind, claims])
    return f"{text}|{hashlib.sha256(f'secret{text}'.encode()).hexdigest()}"


def _opened(statement: str, kind: str) -> Mapping[str, object] | None:
    """As a signature would be: only who has the secret can make one."""
    text, _, digest = statement.rpartition("|")
    if hashlib.sha256(f"secret{text}".encode()).hexdigest() != digest or json.loads(text)[0] != kind:
        return None
    claims: Mapping[str, object] = json.loads(text)[1]
    return claims


def _chain(*spans: tuple[int, int], gaps: Sequence[int] = ()) -> tuple[list[Seal], list[SealedRow]]:
    seals: list[Seal] = []
    rows: list[SealedRow] = []
    for number, (first, last) in enumerate(spans, 1):
        mine = [_row(one) for one in range(first, last + 1) if one not in gaps]
        batch = Batch.of(first, last, mine)
        before = seals[-1] if seals else None
        seals.append(Seal(number, batch, _stated(claims_of(number, batch, before, NOW), SEAL_TYPE)))
        rows += mine
    return seals, rows


def _found(
    seals: Sequence[Seal], rows: Sequence[SealedRow], told: Told | None = None
) -> list[tuple[Wrong, int, object]]:
    return [(one.wrong, one.seal, one.row) for one in Verification(_opened, told).problems(seals, rows)]


def test_a_whole_chain_is_whole_gaps_and_all() -> None:
    seals, rows = _chain((1, 3), (4, 7), gaps=[5])
    verification = Verification(_opened)
    assert list(verification.problems(seals, [*rows, _row(8)])) == []
    assert (verification.seals, verification.sealed, verification.unsealed) == (2, 6, 1)


@pytest.mark.parametrize("name", [member.name for member in fields(SealedRow) if member.name != "number"])
def test_a_changed_column_is_found_whichever_it_is(name: str) -> None:
    seals, rows = _chain((1, 3), (4, 6))
    changes: dict[str, object] = {name: 5 if name == "at" else "other"}
    rows[4] = replace(rows[4], **changes)  # type: ignore[arg-type]
    assert _found(seals, rows) == [(Wrong.CHANGED, 2, 5)]


def test_a_removed_row_is_named() -> None:
    seals, rows = _chain((1, 3), (4, 6))
    assert _found(seals, [row for row in rows if row.number != 3]) == [(Wrong.REMOVED, 1, 3)]


def test_a_row_that_was_put_into_a_gap_is_named() -> None:
    seals, rows = _chain((1, 3), (4, 6), gaps=[2])
    assert _found(seals, [rows[0], _row(2), *rows[1:]]) == [(Wrong.INSERTED, 1, 2)]


def test_a_row_before_the_first_seal_is_named() -> None:
    seals, rows = _chain((1, 3))
    assert _found(seals, [_row(0), *rows]) == [(Wrong.INSERTED, 1, 0)]


def test_rows_that_changed_places_are_named() -> None:
    seals, rows = _chain((1, 3))
    assert _found(seals, [rows[0], rows[2], rows[1]]) == [(Wrong.OUT_OF_ORDER, 1, 2)]


def test_rows_that_changed_their_numbers_are_changed_rows() -> None:
    seals, rows = _chain((1, 3))
    swapped = [rows[0], replace(rows[2], number=2), replace(rows[1], number=3)]
    assert _found(seals, swapped) == [(Wrong.CHANGED, 1, 2), (Wrong.CHANGED, 1, 3)]


def test_a_row_that_stands_twice_is_named() -> None:
    seals, rows = _chain((1, 2))
    assert _found(seals, [rows[0], rows[0], rows[1]]) == [(Wrong.OUT_OF_ORDER, 1, 1), (Wrong.INSERTED, 1, 1)]


def test_a_seal_that_was_made_anew_without_our_key_is_not_ours() -> None:
    _, rows = _chain((1, 3))
    rows[1] = replace(rows[1], person="corp/mallory")
    batch = Batch.of(1, 3, rows)
    forged = Seal(1, batch, json.dumps([SEAL_TYPE, claims_of(1, batch, None, NOW)]) + "|0")
    assert _found([forged], rows) == [(Wrong.SEAL_FORGED, 1, None)]


def test_digests_that_were_made_anew_are_not_what_the_seal_states() -> None:
    seals, rows = _chain((1, 3))
    rows[1] = replace(rows[1], person="corp/mallory")
    assert _found([replace(seals[0], batch=Batch.of(1, 3, rows))], rows) == [(Wrong.SEAL_CHANGED, 1, None)]


def test_a_statement_of_another_kind_is_no_seal() -> None:
    seals, rows = _chain((1, 3))
    other = _stated(claims_of(1, seals[0].batch, None, NOW), ARCHIVE_TYPE)
    assert _found([replace(seals[0], statement=other)], rows)[0] == (Wrong.SEAL_FORGED, 1, None)


def test_a_removed_seal_shows_with_its_rows_and_without_them() -> None:
    seals, rows = _chain((1, 3), (4, 6), (7, 9))
    del seals[1]
    assert (Wrong.SEAL_MISSING, 2, None) in _found(seals, rows)
    assert (Wrong.SEAL_MISSING, 2, None) in _found(seals, [row for row in rows if not 4 <= row.number <= 6])


def test_a_chain_of_another_past_does_not_continue() -> None:
    seals, rows = _chain((1, 3), (4, 6))
    other, _ = _chain((1, 2), (4, 6))
    assert (Wrong.SEAL_CHANGED, 2, None) in _found([seals[0], other[1]], rows)


def test_an_end_that_was_cut_off_shows_by_the_seal_that_was_told() -> None:
    seals, rows = _chain((1, 3), (4, 6))
    told = Told(2, seals[1].digest())
    assert _found(seals, rows, told) == []
    assert _found(seals[:1], rows[:3]) == []  # which nothing in the database can show
    assert _found(seals[:1], rows[:3], told) == [(Wrong.SEAL_MISSING, 2, None)]
    assert _found(seals, rows, Told(2, "other")) == [(Wrong.SEAL_CHANGED, 2, None)]


def test_archived_rows_may_be_absent_and_only_where_we_said_so() -> None:
    seals, rows = _chain((1, 3), (4, 6))
    stated = _stated(archive_claims_of(seals[0], "file", "digest", NOW), ARCHIVE_TYPE)
    assert _found([replace(seals[0], archived=stated), seals[1]], rows[3:]) == []
    removed = [(Wrong.REMOVED, 1, number) for number in (1, 2, 3)]
    forged = [(Wrong.SEAL_FORGED, 1, None), *removed]
    assert _found([replace(seals[0], archived="forged"), seals[1]], rows[3:]) == forged
    of_another = _stated(archive_claims_of(seals[1], "file", "digest", NOW), ARCHIVE_TYPE)
    assert _found([replace(seals[0], archived=of_another), seals[1]], rows[3:]) == forged


def test_what_names_a_person_can_be_erased_and_cannot_be_tried_without_its_salt() -> None:
    """The digest of a row needs of its personal columns nothing but their salted digest."""
    row = _row(1)
    tried = [replace(row, salt=None), replace(row, salt="guess")]
    assert row.personal not in {one.personal for one in tried}
    others = (row.grant_id, row.access_key_id, row.account, row.role)
    kept = ["row", row.number, row.at, row.event, row.connection, row.reference, *others, row.personal]
    assert row.digest() == hashlib.sha256(json.dumps(kept, separators=(",", ":")).encode()).digest()


def test_an_export_says_all_that_is_sealed() -> None:
    seals, rows = _chain((1, 2))
    lines = [json.dumps(document) for document in (*map(row_document, rows), seal_document(seals[0]))]
    assert list(read_export(lines)) == [*rows, *seals]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"seal":1}',
        "{" * 5000,
        json.dumps({"seal": "1", "first": 1, "last": 2, "digests": "", "statement": "", "archived": ""}),
        json.dumps({**row_document(_row(1)), "person": 7}),
        json.dumps({**row_document(_row(1)), "number": 2**70}),
        json.dumps({**row_document(_row(1)), "more": ""}),
    ],
)
def test_a_line_that_is_no_export_is_told_by_its_place(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is no row"):
        list(read_export([json.dumps(row_document(_row(1))), line]))
