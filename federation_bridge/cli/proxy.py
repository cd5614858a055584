"""The way through a company's proxy: which one is set, and for which addresses it is not taken."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from federation_bridge.cli.address import is_loopback


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as it was set. Its `str` is host and port: a password that stands before them is told to nobody."""

    url: str

    def __str__(self) -> str:
        return self.url.rpartition("://")[2].rpartition("@")[2].partition("/")[0]

    def __repr__(self) -> str:
        return f"Proxy({self})"

    @property
    def is_usable(self) -> bool:
        """Whether it is one that takes CONNECT over plain HTTP; others (https, socks) would be spoken to wrongly."""
        return "://" not in self.url or self.url.lower().startswith("http://")


def proxy_for(address: str) -> Proxy | None:
    """The proxy that leads to the address: of https_proxy, HTTPS_PROXY or ALL_PROXY, or of the system's settings.

    Loopback takes none, and neither does what no_proxy names: a host, a domain with all below it, an address, a
    network (`10.0.0.0/8`, for bridges that are named by address), or `*`.
    """
    host = urlsplit(address).hostname or ""
    if is_loopback(host):
        return None
    proxies = urllib.request.getproxies()
    url = proxies.get("https") or proxies.get("all")
    if not url or _is_in_network(host, proxies.get("no", "")) or urllib.request.proxy_bypass(urlsplit(address).netloc):
        return None
    return Proxy(url)


def _is_in_network(host: str, no_proxy: str) -> bool:
    try:
        here = ip_address(host)
    except ValueError:
        return False
    return any(here in network for network in map(_network, no_proxy.split(",")) if network is not None)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
