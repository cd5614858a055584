"""What a change is about, on one page: its lines in parts, and the rules that it touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from federation_bridge.administration.preview import few
from federation_bridge.administration.rules import Proposal
from federation_bridge.errors import BadRequest
from federation_bridge.mapping import changed_rules
from federation_bridge.model import RulebookVersion
from federation_bridge.rulebook.difference import difference as text_by_text
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web import forms
from federation_bridge.web.administration.page import argument

MOST_LINES = 2_000
"""Of a difference or a preview on one page."""
_MOST_ROLES = 50
"""Of one rule; how many more there are is told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of what differs. Whoever agrees to a change has to know that this is not all of it."""

    lines: Sequence[str] = ()
    first: int = 0
    total: int = 0

    @property
    def last(self) -> int:
        """How many lines there are up to the last one that is shown."""
        return self.first + len(self.lines)


def difference(before: RulebookVersion | None, after: str, first: int = 0) -> Difference:
    """The lines in which a version and a kept text differ, from this one on, as many as one page shows."""
    lines = lines_between(before, after)
    return Difference(lines[first : first + MOST_LINES], first, len(lines))


def lines_between(before: RulebookVersion | None, after: str) -> list[str]:
    """All lines in which a version and a kept text differ."""
    old = Texts("", "") if before is None else Texts.from_kept(before.text)
    return list(text_by_text(old, Texts.from_kept(after)))


def first_line() -> int:
    """From which line on the query wants a difference, or the form of a page that answers a POST; BadRequest."""
    written = forms.one_field("from", most=9) if request.method == "POST" else argument("from", most=9)
    if not written:
        return 0
    if not (written.isascii() and written.isdigit()):
        raise BadRequest("the line is not a number")
    return int(written)


def touched(proposal: Proposal) -> list[str]:
    """Each rule that changes with all roles that it grants or denies, before or after: what no long text can hide."""
    if proposal.before is None:
        return []
    found = sorted(changed_rules(proposal.before, proposal.rules).items())
    return cut([f"{name}: {few(sorted(keys), _MOST_ROLES)}" for name, keys in found])


def cut(lines: list[str]) -> list[str]:
    """As many as one page shows, and how many are not shown."""
    left_out = len(lines) - MOST_LINES
    return lines if left_out <= 0 else [*lines[:MOST_LINES], f"and {left_out} more lines, which are not shown"]
