"""Gauges of who is kept out, and of what SCIM clients told."""

from __future__ import annotations

from collections import Counter

from federation_bridge.administration import blocking, scim_told
from federation_bridge.errors import Unavailable
from federation_bridge.model import Block, BlockSource
from federation_bridge.store import restorations
from federation_bridge.web.door import door
from federation_bridge.web.observe import metrics

_SOURCES: tuple[BlockSource, ...] = ("administrator", "scim", "signal")
_Values = dict[tuple[str, ...], float]


def gauges() -> tuple[metrics.Gauge, ...]:
    """Numbers alone; none while the database is away, so that what else is counted can be told."""
    here = door()
    try:
        blocks = blocking.standing(here.store)
        told = scim_told.standing(here.store, here.settings, here.clock)
    except Unavailable:
        return ()
    return (*_blocked(blocks), *_told(blocks, told))


def _blocked(blocks: tuple[Block, ...]) -> tuple[metrics.Gauge, ...]:
    by_source = Counter(one.source for one in blocks if one.is_of_person)
    people: _Values = {(source,): float(by_source[source]) for source in _SOURCES}
    of_many = Counter(one.source for one in blocks if not one.is_of_person)
    waits = float(of_many.pop(restorations.SOURCE, 0))
    return (
        metrics.Gauge(*metrics.BLOCKED, people),
        metrics.Gauge(*metrics.INCIDENTS, {(): float(sum(of_many.values()))}),
        metrics.Gauge(*metrics.RESTORE_WAITS, {(): waits}),
    )


def _told(blocks: tuple[Block, ...], told: tuple[scim_told.ConnectionTold, ...]) -> tuple[metrics.Gauge, ...]:
    by_connection = Counter(one.scope.partition("/")[0] for one in blocks if one.source == "scim")
    # A connection whose settings take no SCIM any more keeps its blocks, and stays to be seen.
    blocked: _Values = {(name,): float(by_connection[name]) for name in {*by_connection, *(c.connection for c in told)}}
    contact: _Values = {(c.connection,): c.last_contact_at.timestamp() for c in told if c.last_contact_at is not None}
    return (
        metrics.Gauge(*metrics.SCIM_USERS, {(c.connection,): float(c.users) for c in told}),
        metrics.Gauge(*metrics.SCIM_BLOCKED, blocked),
        metrics.Gauge(*metrics.SCIM_CONTACT, contact),
        metrics.Gauge(*metrics.SCIM_QUIET, {(c.connection,): float(c.is_quiet) for c in told}),
    )
