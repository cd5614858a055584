"""How often somebody may try: against guessing user codes, and against flooding us with device codes."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from federation_bridge.store.tries import Limit

_WITHIN = timedelta(minutes=10)
_MOST_WRONG = 5
_MOST_WRONG_IN_ALL = 500
_MOST_BEGUN = 60
_MOST_BEGUN_IN_ALL = 10_000


def _network(address: str) -> str:
    """Who shares one limit: an IPv4 address, or the /64 that one IPv6 customer has at least."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address  # noqa: PLR2004


def guess_limits(person: str, address: str) -> tuple[Limit, ...]:
    """What a typed user code is counted against, right or wrong (attack N02); a right one is given back."""
    return (
        Limit("user code by person", person, _MOST_WRONG, _WITHIN),
        Limit("user code by address", _network(address), _MOST_WRONG, _WITHIN),
        Limit("user code", "everybody", _MOST_WRONG_IN_ALL, _WITHIN),
    )


def begun_limits(address: str) -> tuple[Limit, ...]:
    """What a new device code is counted against (attack N03)."""
    return (
        Limit("device code by address", _network(address), _MOST_BEGUN, _WITHIN),
        Limit("device code", "everybody", _MOST_BEGUN_IN_ALL, _WITHIN),
    )
