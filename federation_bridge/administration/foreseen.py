"""What people were shown when a version was made: kept with it, folded and bounded, and said again in any language.

It decides nothing. Whoever reads the history sees who was to gain and to lose what, as proposer and approver saw it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from federation_bridge.administration.preview import lines_of, preview
from federation_bridge.administration.third_person import AboutThem
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Identity, JsonObject
from federation_bridge.sentence import Sentence

MOST_LINES = 200
MOST_CHARACTERS = 60_000
"""Of the text that is kept: a version is looked at for years."""
_DEEPEST = 8

Seen = Callable[[], Sequence[Identity]]
"""The people over whom a change is foreseen: those who were here lately."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was shown at one instant."""

    at: datetime
    people: int
    """Over how many people it was foreseen."""
    changed_people: int
    lines: tuple[str, ...]
    """Each a `Sentence`: a page says it in its reader's language."""
    left: int
    """How many lines more there were."""


def foreseen_at(before: RuleSet, after: RuleSet, people: Sequence[Identity], now: datetime) -> str:
    """What the change from one rule set to the other is shown as at this instant, as the text that is kept."""
    found = preview(before, after, people, now)
    told = list(lines_of(found))
    kept = [_kept(line) for line in islice(told, MOST_LINES)]
    compared = found.comparison
    while True:
        document = {
            "at": now.isoformat(),
            "people": compared.people,
            "changed_people": compared.changed_people,
            "lines": kept,
            "left": len(told) - len(kept),
        }
        text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
        if len(text) <= MOST_CHARACTERS or not kept:
            return text
        kept = kept[: len(kept) // 2]


def both(in_force: str, proposed: str) -> str:
    """What the second person was shown, and what the first one was: as a version keeps it."""
    return "\n".join(one for one in (in_force, proposed) if one)


def all_foreseen(text: str) -> tuple[Foreseen, ...]:
    """All that a version keeps, the newest first: what was shown when it came into force, and when it was proposed."""
    return tuple(found for line in text.split("\n")[:2] if (found := read_foreseen(line)) is not None)


def read_foreseen(text: str) -> Foreseen | None:
    """What was kept; None where nothing was, or where it cannot be read: it is only shown."""
    try:
        document = json.loads(text) if text else None
        if document is None:
            return None
        lines = tuple(_read(line) for line in document["lines"][:MOST_LINES])
        counts = [int(document[name]) for name in ("people", "changed_people", "left")]
        return Foreseen(datetime.fromisoformat(document["at"]), counts[0], counts[1], lines, counts[2])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def document_of(found: Foreseen) -> JsonObject:
    """The same for a program."""
    return {
        "at": found.at.isoformat(),
        "people": found.people,
        "changed_people": found.changed_people,
        "lines": list(found.lines),
        "left": found.left,
    }


def _kept(text: str) -> Any:
    """A sentence by its template and its values, so that it can be said in another language later."""
    if not isinstance(text, Sentence):
        return str(text)
    kept: list[Any] = [text.template, {name: _kept(value) for name, value in text.values.items()}]
    return [*kept, "them"] if isinstance(text, AboutThem) else kept


def _read(kept: Any, depth: int = 0) -> str:
    if isinstance(kept, str):
        return kept
    if depth > _DEEPEST:
        raise ValueError("sentences within sentences, deeper than any of ours")
    template, values, *about = kept
    kind = AboutThem if about else Sentence
    return kind(template, **{name: _read(value, depth + 1) for name, value in values.items()})
