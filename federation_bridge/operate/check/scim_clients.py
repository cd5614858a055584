"""Whether SCIM clients still call, and what SCIM and signals left behind where the settings take them no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from federation_bridge.administration import blocking, scim_told
from federation_bridge.model import Clock
from federation_bridge.operate.check.finding import Finding, Kind, Severity
from federation_bridge.settings import Settings
from federation_bridge.store import Store


def findings(store: Store, settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Clients that are quiet, connections without a token, and blocks that their source can lift no more."""
    for one in scim_told.standing(store, settings, clock):
        if one.is_quiet:
            yield Finding(Kind.CONNECTION, Severity.DOUBTFUL, f"connection {one.connection}: {one.quiet()}")
        elif not one.tokens:
            told = f"connection {one.connection}: takes SCIM, and has no token yet: `scim token new {one.connection}`"
            yield Finding(Kind.CONNECTION, Severity.NOTE, told)
    left = blocking.left_behind(blocking.standing(store), settings.lifters)
    counts = Counter((one.scope.partition("/")[0], one.source) for one in left)
    for (connection, source), count in sorted(counts.items()):
        taken, by = ("SCIM", "SCIM") if source == "scim" else ("shared signals", "a signal")
        yield Finding(
            Kind.CONNECTION,
            Severity.DOUBTFUL,
            f"connection {connection}: takes no {taken} any more, and people whom {by} blocked stay out ({count}): "
            "`people blocked` names them, `people unblock` lifts each",
        )
