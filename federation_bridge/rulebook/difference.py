"""What changed from one set of texts to another, text by text."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge.line_difference import unified
from federation_bridge.rulebook.texts import Texts


def difference(old: Texts, new: Texts, was: str = "", now: str = "") -> Iterator[str]:
    """A unified diff of each text that differs; a text that came or went differs from nothing.

    `was`, `now`: what the two sets are called, behind each name.
    """
    for name, before, after in _beside(old, new):
        heads = f"{name} {was}".rstrip(), f"{name} {now}".rstrip()
        yield from unified(heads[0], before.splitlines(), after.splitlines(), heads[1])


def _beside(old: Texts, new: Texts) -> Iterator[tuple[str, str, str]]:
    before, after = dict(old.documents), dict(new.documents)
    for name in dict.fromkeys((*before, *after)):
        yield (f"rules/{name}" if name else "rules"), before.get(name, ""), after.get(name, "")
    yield "accounts", old.accounts, new.accounts
