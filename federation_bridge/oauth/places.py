"""Where an address is, as far as the operator's MaxMind DB file tells; only ever shown to people."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from federation_bridge.errors import ConfigurationInvalid

Places = Callable[[str], str]
"""Gives the place of an address for people to read, or "" where it is unknown."""


def places_from(path: Path | None) -> Places:
    """The look-up in this file; without one every place is unknown.

    Raises:
        ConfigurationInvalid: the file cannot be read, or the library for it (the extra `geoip`) is not installed.
    """
    if path is None:
        return lambda _: ""
    try:
        library = importlib.import_module("maxminddb")
    except ImportError:
        raise ConfigurationInvalid("command_line.geoip needs the library maxminddb, which is not installed") from None
    try:
        reader = library.open_database(str(path))
    except (OSError, ValueError, library.InvalidDatabaseError):
        raise ConfigurationInvalid(f"command_line.geoip: {path} cannot be read as a MaxMind DB file") from None
    return lambda address: _place(reader, address)


def _place(reader: Any, address: str) -> str:
    try:
        found = reader.get(address)
    except ValueError:
        # No address, or one of a kind that the file does not hold.
        return ""
    parts = (_name(found, "city"), _name(found, "country"))
    return ", ".join(part for part in parts if part)


def _name(found: Any, part: str) -> str:
    entry = found.get(part) if isinstance(found, dict) else None
    names = entry.get("names") if isinstance(entry, dict) else None
    name = names.get("en") if isinstance(names, dict) else None
    return name if isinstance(name, str) else ""
