"""`federation-bridge check`: reads all that an operator can get wrong, and says in plain words how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from federation_bridge import first_start
from federation_bridge.errors import BridgeError
from federation_bridge.operate.check import files, joined, secrets, surroundings, told_places
from federation_bridge.operate.check.finding import Finding, Kind, Location, Severity, refused
from federation_bridge.operate.opening import looking_at
from federation_bridge.settings import Settings, load_settings

__all__ = ["Finding", "Kind", "Location", "Severity", "findings"]


def findings(path: Path) -> list[Finding]:
    """Everything that was looked at: settings, secrets, files, port, database, keys, rulebook, every connection.

    What is wrong in one place hides nothing of another: an operator mends all of it before the next try.
    """
    try:
        settings = load_settings(path)
    except BridgeError as refusal:
        return [*refused(Kind.SETTINGS, refusal), *secrets.of_broken_settings(path), *files.of_broken_settings(path)]
    found = [Finding(Kind.SETTINGS, Severity.GOOD, f"settings: {path}"), *surroundings.look(path, settings)]
    found.extend(secrets.look(settings))
    found.extend(files.look(settings))
    found.extend(told_places.look(settings))
    is_broken = any(one.severity is Severity.WRONG for one in found)
    try:
        with looking_at(settings, is_checked=False) as parts:
            found.extend(joined.look(parts, is_first_start=first_start.is_ahead(settings)))
    except BridgeError as refusal:
        found.extend(_not_joined(settings, refusal, is_broken=is_broken))
    return list(_each_once(found))


def _not_joined(settings: Settings, refusal: BridgeError, *, is_broken: bool) -> Iterator[Finding]:
    """The parts do not come together: the database is looked at by itself, and it is said what was not looked at."""
    yield from refused(joined.kind_of(settings, refusal), refusal)
    if is_broken:
        yield from joined.database_alone(settings)
    hint = "correct what is wrong, and check again: until then keys and connections cannot be checked"
    yield Finding(Kind.SETTINGS, Severity.NOTE, hint)


def _each_once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Without what several looks met: one cause is one line."""
    told: list[str] = []
    for one in found:
        is_told = one.severity is Severity.WRONG and any(one.sentence in other for other in told)
        if not is_told:
            yield one
        if one.severity is Severity.WRONG:
            told.append(one.sentence)
