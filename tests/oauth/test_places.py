"""Places of addresses: shown where the operator's file tells them, unknown otherwise, never in the way."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.oauth.places import places_from

KNOWN = {
    "192.0.2.7": {"city": {"names": {"en": "Zürich"}}, "country": {"names": {"en": "Switzerland"}}},
    "192.0.2.8": {"country": {"names": {"en": "Kenya"}}},
    "192.0.2.9": {"city": "x", "country": {"names": ["y"]}},
    "192.0.2.10": "z",
}


class Reader:
    def get(self, address: str) -> Any:
        if address == "no address":
            raise ValueError(address)
        return KNOWN.get(address)


def library(opened: Any) -> Any:
    def open_database(path: str) -> Any:
        if isinstance(opened, Exception):
            raise opened
        return opened

    return SimpleNamespace(open_database=open_database, InvalidDatabaseError=RuntimeError)


PLACES = [
    ("192.0.2.7", "Zürich, Switzerland"),
    ("192.0.2.8", "Kenya"),
    ("192.0.2.9", ""),
    ("192.0.2.10", ""),
    ("192.0.2.11", ""),
    ("no address", ""),
]


@pytest.mark.parametrize(("address", "place"), PLACES)
def test_a_place_is_what_the_file_tells(monkeypatch: pytest.MonkeyPatch, address: str, place: str) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", library(Reader()))
    assert places_from(Path("places.mmdb"))(address) == place


def test_without_a_file_every_place_is_unknown() -> None:
    assert places_from(None)("192.0.2.7") == ""


@pytest.mark.parametrize("problem", [OSError("gone"), RuntimeError("broken")])
def test_a_file_that_cannot_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", library(problem))
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        places_from(Path("places.mmdb"))


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(ConfigurationInvalid, match="needs the library maxminddb"):
        places_from(Path("places.mmdb"))
