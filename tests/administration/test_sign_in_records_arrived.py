# ruff: noqa: F811 - fixtures are named where they are asked for
"""What arrived with a sign-in is kept by name: without values unless told so, cut, masked and shown safely."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from pending_factories import ScriptedUser, bridge_at, scripted_user
from sign_in_records_fixtures import ada, last, secret, verdicts_of  # noqa: F401 - fixtures
from web_factories import BASE, door_of

from federation_bridge.administration.sign_in_record import lines_of, safe, told
from federation_bridge.audit import Recorded, json_line, printable
from federation_bridge.bridge.sign_in_record import received_of
from federation_bridge.model import Received


def test_what_arrived_is_told_by_the_names_of_the_specification_and_without_values(ada: ScriptedUser) -> None:
    ada.come_back(ada.leave(), audience="https://other.example.test")
    row = last(ada)
    arrived = {one.name: one.values for one in told(row, "saml").arrived}
    assert arrived["Audience"] == "https://other.example.test"
    assert arrived["Destination"] == f"{BASE}/sign-in/company/saml"
    assert arrived["attribute groups"] == "1 value, not kept"
    assert "NotOnOrAfter" in arrived
    assert "admins" not in json_line(row)


@pytest.mark.parametrize(
    ("setting", "kept", "absent"),
    [("names", "1 value, not kept", "admins"), ("hashed", "sha256:", "admins"), ("all", "admins", "sha256:")],
)
def test_values_are_kept_as_the_setting_says(
    tmp_path: Path, clock: HeldClock, setting: str, kept: str, absent: str
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    opened = bridge_at(folder, clock, audit={"also_to": "nowhere", "sign_in_values": setting})
    here = scripted_user(opened, clock)
    here.come_back(here.leave(), audience="https://other.example.test")
    arrived = {one.name: one.values for one in told(last(here), "saml").arrived}
    assert kept in arrived["attribute groups"]
    assert absent not in json.dumps(arrived)
    door_of(opened).store.close()


HOSTILE = {
    "a megabyte": "x" * 1_000_000,
    "a terminal's escape": "\x1b]0;title\x07",
    "directions": "\u202eadmin",
    "a secret": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
}


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, as it is written."""
    if isinstance(value, dict):
        yield from (printable(name) for name in value)
        value = list(value.values())
    if isinstance(value, list):
        yield from (text for one in value for text in _texts(one))
    elif isinstance(value, str):
        yield printable(value)


@pytest.mark.parametrize("values", ["names", "hashed", "all"])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_names_and_values_are_cut_and_shown_safely(case: str, values: Any) -> None:
    text = HOSTILE[case]
    received = Received({"Issuer": (text,) * 50}, (), text, {f"{text}{number}": (text,) * 500 for number in range(500)})
    details = received_of(received, values, is_refused=True)
    assert sum(map(len, _texts(details))) < 4_000
    row = Recorded(HeldClock()(), "sign_in.refused", "", "corp", "r", "", "", {"received": details})
    assert all(line.isprintable() for line in lines_of(told(row, "saml")))
    assert details["left_out"]


def test_what_looks_like_a_secret_is_masked_where_values_are_kept() -> None:
    received = Received({"Issuer": ("urn:idp",)}, (), HOSTILE["a secret"], {"note": (HOSTILE["a secret"],)})
    kept = json.dumps(received_of(received, "all", is_refused=True))
    assert ("eyJzdWIi" in kept, "sha256" in kept, "urn:idp" in kept) == (False, True, True)


def test_letters_that_only_look_like_latin_ones_are_named() -> None:
    assert safe("\u0430dmins") == "\u0430dmins [CYRILLIC SMALL LETTER A]"
    assert safe("Müller, 田中") == "Müller, 田中"


def test_an_entry_of_a_huge_answer_stays_small(ada: ScriptedUser) -> None:
    many = {f"{'n' * 300}{own_database}": tuple("v" * 300 for _ in range(20)) for own_database in range(45)}
    ada.come_back(ada.leave(), audience="https://other.example.test", attributes=many)
    row = last(ada)
    assert verdicts_of(row)["AudienceRestriction"] == "FAILED"
    assert len(json_line(row)) < 8_000
