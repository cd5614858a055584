"""Where a provider's endpoints may lie: pinned by the first document, and a move waits for an administrator's yes.

Code, verifier and client secret go to the token endpoint, people go to the sign-on address: who can change the document
alone must not be able to point them elsewhere (ADR 0018; attack I16).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

_STANDARD_PORTS = {"https": 443, "http": 80}


def host_of(url: str) -> str:
    """The host of this address in lower case, with its port where it is not the scheme's own; "" where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").removesuffix(".")
    return host if port in (None, _STANDARD_PORTS.get(parts.scheme)) else f"{host}:{port}"


def foreign(endpoints: Mapping[str, str], permitted: Collection[str]) -> tuple[str, ...]:
    """A sentence for each endpoint (name to address) that lies on none of the permitted hosts."""
    return tuple(
        f"{name} lies on {host_of(url)!r}, and not on {' or '.join(sorted(permitted))}"
        for name, url in endpoints.items()
        if host_of(url) not in permitted
    )


def moved(before: Mapping[str, str], found: Mapping[str, str], permitted: Collection[str]) -> tuple[str, ...]:
    """A sentence for each endpoint that lies on another host than before, unless the settings permit that host.

    An endpoint that is new may lie where any of the others lay.
    """
    known = {host_of(url) for url in before.values()}
    told = []
    for name, url in found.items():
        pinned = {host_of(before[name])} if name in before else known
        if host_of(url) not in {*pinned, *permitted}:
            told.append(f"{name} moved from {' or '.join(sorted(pinned))} to {host_of(url)!r}")
    return tuple(told)
