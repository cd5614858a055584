"""Addresses of machines: read once, from every form in which proxies write them; the networks they lie in.

Everything that compares addresses (limits, the device page's warning, who may read /metrics) works on what is read
here, never on the text that came: a text has many spellings, and a port or a zone makes one machine look like many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network

IpAddress = IPv4Address | IPv6Address

_LONGEST = 80
"""Longer than any way to write an address: 45 characters, brackets, port, zone and quotes."""
_MOST_HOPS = 16
_LAST_PORT = 65_535


_FORM = re.compile(
    r"""(?P<quote>"?)
        (?: \[ (?P<bracketed> [0-9A-Fa-f:.]+ ) (?:%[^\]"]*)? \] (?: :(?P<port> [0-9]{1,5} ) )?
          | (?P<six> [0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]* ) (?:%[^"]*)?
          | (?P<four> [0-9.]+ ) (?: :(?P<port_of_four> [0-9]{1,5} ) )?
        )(?P=quote)""",
    re.VERBOSE,
)
"""Every way to write one. A zone (RFC 4007 11) is dropped: it means something to one machine alone."""


@lru_cache(maxsize=1024)
def _read(text: str) -> IpAddress | None:
    form = _FORM.fullmatch(text.strip(" \t"))
    if form is None or int(form["port"] or form["port_of_four"] or 0) > _LAST_PORT:
        return None
    try:
        if form["four"]:
            return IPv4Address(form["four"])
        found = IPv6Address(form["bracketed"] or form["six"])
    except ValueError:
        return None
    # A socket of both families writes ::ffff:192.0.2.1, and all of those would share one /64.
    return found.ipv4_mapped or found


def read_address(text: str) -> IpAddress | None:
    """The address that this text is: alone, with a port, in brackets or quotes, with a zone (dropped), IPv4-mapped.

    None for everything else: "", `unknown`, an obfuscated identifier (RFC 7239 6.3), a host's name, a long text.
    """
    return _read(text) if len(text) <= _LONGEST else None


class Networks:
    """Networks, compiled once. Made by `networks_of`."""

    def __init__(self, networks: Sequence[str]) -> None:
        """`networks`: in CIDR notation, valid."""
        self._networks = tuple(ip_network(text) for text in networks)

    def __contains__(self, address: IpAddress | None) -> bool:
        """Whether the address lies in one of them; no address lies in none."""
        return address is not None and any(address in network for network in self._networks)


@dataclass(frozen=True, slots=True)
class Network:
    """One of the networks around an address, as the limits count them."""

    width: str
    """`address`, `/24`; `/64`, `/56`, `/48`."""
    digits: str
    """The family and the network's own digits: every narrower network in it begins with the same."""


_DIGITS = {4: {"address": 8, "/24": 6}, 6: {"/64": 16, "/56": 14, "/48": 12}}
"""How many hexadecimal digits name each. An IPv6 customer has a /64 at least, and one site a /48 at most."""


def networks_around(address: str) -> tuple[Network, ...]:
    """The networks that the address lies in, the narrowest first; none where it is no address."""
    found = read_address(address)
    if found is None:
        return ()
    digits = found.packed.hex()
    return tuple(Network(width, f"{found.version}:{digits[:count]}") for width, count in _DIGITS[found.version].items())


def network_of(address: str) -> str:
    """The narrowest network that the address lies in, by its digits; "" where it is no address."""
    around = networks_around(address)
    return around[0].digits if around else ""


@lru_cache(maxsize=16)
def networks_of(networks: tuple[str, ...]) -> Networks:
    """These networks (CIDR notation, from settings), compiled the first time that they are asked for."""
    return Networks(networks)


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    address: str
    """In its one spelling; "" where there is none (a socket that is a file)."""
    is_hidden: bool
    """Whether more was written of the way than is believed: somebody stands in front who may lend their address."""


def client_of(peer: str, forwarded: Sequence[str], trusted: Networks) -> Client:
    """The client behind `peer`, by the X-Forwarded-For values `forwarded`, as far as trusted peers wrote them.

    Read from the right: the first address that is not a trusted proxy's is the client's (attack: a client writes the
    left part itself). A hop that is no address ends the walk at the last good one. Nothing else is safe: the text is
    nobody's address, and what stands left of it was written by whoever has none.
    """
    address = read_address(peer)
    if not forwarded:
        return Client(_written(address), is_hidden=False)
    hops = ",".join(forwarded).rsplit(",", _MOST_HOPS)
    while hops and address in trusted:
        hop = read_address(hops[-1])
        if hop is None:
            break
        address = hop
        hops.pop()
    return Client(_written(address), is_hidden=bool(hops))


def _written(address: IpAddress | None) -> str:
    return "" if address is None else str(address)
