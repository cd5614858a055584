"""What a setting may be: spans, networks, addresses, places of claims; and what every section has."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from federation_bridge.durations import parse_duration
from federation_bridge.shown_text import quoted
from federation_bridge.spelling import nearest

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


_SCHEMES = ("postgresql+psycopg", "postgresql", "sqlite", "sqlite+pysqlite")
_DATABASES = (
    "write `postgresql+psycopg://USER@HOST/NAME` for PostgreSQL, `sqlite:////FOLDER/bridge.db` for SQLite, or leave it "
    "out for SQLite in `data`"
)


def checked_database(url: str) -> str:
    """The address of a database, if it is one of those that the bridge works with; ValueError with the reason."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"is no address of a database: {_DATABASES}")
    if scheme not in _SCHEMES:
        near = nearest(scheme, _SCHEMES)
        meant = f" (did you mean `{near}`?)" if near else ""
        raise ValueError(f"{quoted(scheme, 40)} is no database that the bridge works with{meant}: {_DATABASES}")
    if scheme.startswith("sqlite"):
        return _checked_sqlite(url, rest)
    try:
        parts = urlsplit(f"//{rest}")
        is_readable = parts.port is None or parts.port > 0
    except ValueError:
        is_readable = False
    if not is_readable:
        raise ValueError(f"host and port cannot be read: {_DATABASES}, with `HOST:PORT` where the port is not 5432")
    if parts.password is not None:
        raise ValueError("carries a password, which never stands in this file: name it in `database_password`")
    return url


def _checked_sqlite(url: str, rest: str) -> str:
    # `sqlite://bridge.db` names a machine, and no file at all.
    file = rest.partition("?")[0]
    if not file.startswith("/") or file in ("/", "/:memory:") or file.endswith("/"):
        raise ValueError("SQLite needs a file: write `sqlite:////FOLDER/bridge.db`, with four slashes for a whole path")
    return url


def rooted_database(url: str | None, folder: Path) -> str | None:
    """The address with a relative path of SQLite taken from this folder, and never from where a command is run."""
    scheme, _, file = (url or "").partition(":///")
    if not scheme.startswith("sqlite") or file.startswith("/"):
        return url
    return f"{scheme}:///{folder / file}"


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
DatabaseUrl = Annotated[str, AfterValidator(checked_database)]
Url = Annotated[str, AfterValidator(checked_url)]
ClaimPlace = Annotated[str | tuple[str, ...], BeforeValidator(_checked_place)]
