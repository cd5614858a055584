"""Which addresses we connect to, and which URLs are written plainly enough to say where they lead."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from federation_bridge.errors import ProviderUnreachable

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

Resolver = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host name; OSError where it has none."""

_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_PRINTABLE = re.compile(r"[!-\[\]-~]+")

_METADATA_SERVICES = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.169.254/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "fd00:ec2::/32",
    )
)
"""Where clouds hand credentials to whoever asks from inside: never, whatever a connection's `networks` say."""

_EMBEDDING = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24")
)
"""Ranges that carry another address inside (NAT64, 6to4, Teredo) and so would walk past the checks of that address."""

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver has for `host`; OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_allowed(address: IpAddress, networks: Sequence[str] = ()) -> bool:
    """Whether we may connect to this address: a public one, or one in `networks` (attack H05)."""
    if any(address in service for service in _METADATA_SERVICES):
        return False
    if any(address in ipaddress.ip_network(network) for network in networks):
        return True
    if any(address in network for network in _EMBEDDING) or address.is_multicast or not address.is_global:
        return False
    return address.version == 4 or address in _GLOBAL_V6  # noqa: PLR2004 - the IP version


def all_in(addresses: Sequence[IpAddress], networks: Sequence[str]) -> bool:
    """Whether there are addresses, and each is in one of these networks."""
    parsed = [ipaddress.ip_network(network) for network in networks]
    return bool(addresses) and all(any(address in network for network in parsed) for address in addresses)


def checked_url(url: str) -> tuple[SplitResult, str, int]:
    """The URL's parts, host and port, if it is written as plainly as an honest one is."""
    if not _PRINTABLE.fullmatch(url):
        raise ProviderUnreachable("an address holds characters that do not belong there")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ProviderUnreachable("an address is malformed") from None
    if parts.scheme not in ("https", "http") or "@" in parts.netloc or "#" in url:
        raise ProviderUnreachable(f"an address of scheme {parts.scheme!r}, or with a user name or fragment")
    if not _is_plain_host(host, parts.netloc) or port == 0:
        raise ProviderUnreachable(f"{host!r} is not written as a host name or address")
    return parts, host, port or (443 if parts.scheme == "https" else 80)


def _is_plain_host(host: str, netloc: str) -> bool:
    """No `127.1`, `2130706433`, `0x7f.1` and no zone: readers disagree about what those mean."""
    if netloc.startswith("["):
        return "%" not in host
    labels = host.removesuffix(".").split(".")
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        with suppress(ValueError):
            return bool(ipaddress.IPv4Address(host))
        return False
    return len(host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)  # noqa: PLR2004 - RFC 1035
