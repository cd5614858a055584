"""What differs between two texts, line by line, in time that grows with their length alone.

`difflib` takes minutes for some texts of a few thousand lines, and so does whoever looks at what somebody else wrote.
Lines that stand once in both texts are found first and lead the rest (the "patience" order). Between them, pieces that
are small are compared whole; larger ones are told as taken out and put in.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

_Piece = tuple[int, int, int, int]
"""From and to in the one, from and to in the other."""

_SMALL = 60
"""Lines of a piece that is compared whole: at most so many in each."""
_MOST_ROUNDS = 50
"""Each finds lines that are unique within smaller pieces; hardly any text needs three."""
_AROUND = 3
"""Unchanged lines that are shown beside changed ones."""


class _Compared(difflib.SequenceMatcher[str]):
    """Only to put changes that are near each other into one group."""

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        super().__init__()
        self._found = _opcodes(before, after)

    def get_opcodes(self) -> list[Any]:
        """What was found, in place of what this class would look for."""
        return self._found


def unified(name: str, before: Sequence[str], after: Sequence[str], other_name: str = "") -> Iterator[str]:
    """The lines of a unified diff; nothing where both are equal. `other_name`: of the second text, where it differs."""
    head = [f"--- {name}", f"+++ {other_name or name}"]
    for group in _Compared(before, after).get_grouped_opcodes(_AROUND):
        yield from head
        head = []
        first, last = group[0], group[-1]
        yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@"
        for kind, start, end, other_start, other_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in before[start:end])
                continue
            yield from (f"-{line}" for line in before[start:end])
            yield from (f"+{line}" for line in after[other_start:other_end])


def _span(start: int, end: int) -> str:
    """As POSIX `diff -u` writes it: counted from 1, and an empty one from the line before."""
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _opcodes(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    found: list[tuple[str, int, int, int, int]] = []
    at, other = 0, 0
    for start, other_start, length in [*_matches(before, after), (len(before), len(after), 0)]:
        if at < start or other < other_start:
            kind = "replace" if at < start and other < other_start else "delete" if at < start else "insert"
            found.append((kind, at, start, other, other_start))
        if length:
            found.append(("equal", start, start + length, other_start, other_start + length))
        at, other = start + length, other_start + length
    return found


def _matches(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int]]:
    """Equal runs in their order: where they begin in each, and how long they are; neighbours as one."""
    pairs: list[tuple[int, int]] = []
    pieces: list[_Piece] = [(0, len(before), 0, len(after))]
    for _ in range(_MOST_ROUNDS):
        pieces = [smaller for piece in pieces for smaller in _divided(before, after, piece, pairs)]
    runs: list[tuple[int, int, int]] = []
    for one, other in sorted(pairs):
        if runs and (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]) == (one, other):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((one, other, 1))
    return runs


def _divided(
    before: Sequence[str], after: Sequence[str], piece: _Piece, pairs: list[tuple[int, int]]
) -> Iterator[_Piece]:
    """The pieces that are left to compare; the lines found equal are added to `pairs`."""
    start, end, other_start, other_end = _without_equal_ends(before, after, piece, pairs)
    if start == end or other_start == other_end:
        return
    if end - start <= _SMALL and other_end - other_start <= _SMALL:
        matcher = difflib.SequenceMatcher(None, before[start:end], after[other_start:other_end], autojunk=False)
        for one, other, length in matcher.get_matching_blocks():
            pairs.extend((start + one + n, other_start + other + n) for n in range(length))
        return
    leading = _in_order(_unique_pairs(before, after, (start, end, other_start, other_end)))
    if not leading:
        return
    for one, other in leading:
        pairs.append((one, other))
        yield start, one, other_start, other
        start, other_start = one + 1, other + 1
    yield start, end, other_start, other_end


def _without_equal_ends(
    before: Sequence[str], after: Sequence[str], piece: _Piece, pairs: list[tuple[int, int]]
) -> _Piece:
    start, end, other_start, other_end = piece
    while start < end and other_start < other_end and before[start] == after[other_start]:
        pairs.append((start, other_start))
        start, other_start = start + 1, other_start + 1
    while start < end and other_start < other_end and before[end - 1] == after[other_end - 1]:
        end, other_end = end - 1, other_end - 1
        pairs.append((end, other_end))
    return start, end, other_start, other_end


def _unique_pairs(before: Sequence[str], after: Sequence[str], piece: _Piece) -> list[tuple[int, int]]:
    """Where the lines stand that stand once in each, in the order of the first."""
    start, end, other_start, other_end = piece
    count, other_count = Counter(before[start:end]), Counter(after[other_start:other_end])
    places = {after[at]: at for at in range(other_start, other_end) if other_count[after[at]] == 1}
    return [(at, places[before[at]]) for at in range(start, end) if count[before[at]] == 1 and before[at] in places]


def _in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of them that stands in the same order in both (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    below: list[int] = []
    for index, (_, other) in enumerate(pairs):
        pile = bisect_left(tops, other)
        below.append(piles[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(other)
            piles.append(index)
        else:
            tops[pile], piles[pile] = other, index
    found: list[tuple[int, int]] = []
    index = piles[-1] if piles else -1
    while index >= 0:
        found.append(pairs[index])
        index = below[index]
    return found[::-1]
