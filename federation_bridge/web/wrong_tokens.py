"""Limits the wrong bearer tokens that programs of providers may show from one network."""

from __future__ import annotations

from datetime import timedelta

from federation_bridge.addresses import network_of
from federation_bridge.errors import ProgramBusy
from federation_bridge.store.rate_limits import Limit
from federation_bridge.web.door import client, door

_MOST, _WITHIN = 60, timedelta(minutes=1)
"""Tokens cannot be guessed, but each try costs a look into the database and a line of the audit."""


def count(kind: str) -> None:
    """Counts one for the network that asks; ProgramBusy where it has shown too many. Right ones are never counted."""
    asker = network_of(client().address) or "unknown"
    if door().store.rate_limits.take([Limit(kind, asker, _MOST, _WITHIN)]) is not None:
        raise ProgramBusy("too many wrong tokens from this network")
