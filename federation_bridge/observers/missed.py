"""Which numbers are owed to somebody: exact while they are few, and never too few."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Numbers in a row, both ends included."""

    first: int
    last: int


class MissedNumbers:
    """Numbers in bounded memory: spans, of which the last two become one where there would be too many.

    Then it names numbers that were not missed too, never fewer. Not safe for threads by itself.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._spans: list[Span] = []

    def add(self, number: int) -> None:
        """Remembers a number."""
        if self._spans:
            first, last = self._spans[-1]
            if first <= number <= last + 1 or len(self._spans) >= self._most:
                self._spans[-1] = Span(min(first, number), max(last, number))
                return
        self._spans.append(Span(number, number))

    def is_empty(self) -> bool:
        """Whether nothing is owed."""
        return not self._spans

    def lowest(self) -> Span | None:
        """The span that was begun first; None where nothing is owed."""
        return self._spans[0] if self._spans else None

    def drop_until(self, span: Span, number: int) -> None:
        """Forgets of this span, which `lowest` gave, the numbers up to this one; it may have grown."""
        if not self._spans or self._spans[0].first != span.first:
            return
        first, last = self._spans[0]
        if number >= last:
            del self._spans[0]
        elif number >= first:
            self._spans[0] = Span(number + 1, last)
