"""What a setting may be: spans, networks, addresses, places of claims; and what every section has."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from federation_bridge.durations import parse_duration

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")
LONGEST_NAME = 256
_DEEPEST_CLAIM = 8


class Section(BaseModel):
    """A part of the settings: an unknown name is refused, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def is_loopback(url: str) -> bool:
    """Whether the host of this URL is this machine by name or literal address; no look-up is made."""
    return (urlsplit(url).hostname or "") in _LOOPBACK_NAMES


def _as_duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def checked_url(url: str) -> str:
    """The address, if it is one that a setting may name; ValueError with the reason."""
    try:
        parts = urlsplit(url)
        is_readable = parts.port is None or bool(parts.hostname)
    except ValueError:
        is_readable = False
    if not is_readable:
        raise ValueError("this is no address that can be read")
    if parts.username or parts.password or parts.fragment or any(ch <= " " for ch in url):
        raise ValueError("an address carries no user name, fragment or blank")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return url
    raise ValueError(f"{url!r} must begin with https:// (http:// only to this machine)")


def _checked_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no network; write for example 10.0.0.0/8, or one address") from None
    raise ValueError(f"{text!r} is an address inside a network; did you mean {meant}?")


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not a host in lower case, with `:port` at most")
    return host.removesuffix(":443")


def _checked_place(place: object) -> object:
    steps = [place] if isinstance(place, str) else place
    names = steps if isinstance(steps, list | tuple) else []
    if not 0 < len(names) <= _DEEPEST_CLAIM or not all(_is_name(one) for one in names):
        raise ValueError(f"write a claim's name, or a list of at most {_DEEPEST_CLAIM} that leads to one inside others")
    return place


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME


Duration = Annotated[timedelta, BeforeValidator(_as_duration)]
Network = Annotated[str, AfterValidator(_checked_network)]
Host = Annotated[str, AfterValidator(_checked_host)]
Url = Annotated[str, AfterValidator(checked_url)]
ClaimPlace = Annotated[str | tuple[str, ...], BeforeValidator(_checked_place)]
