"""An export as CSV opens in a spreadsheet and computes nothing."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest

from federation_bridge.administration.audit import csv_lines
from federation_bridge.audit import Recorded

_NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def _cells(user_agent: str) -> dict[str, str]:
    row = Recorded(_NOW, "grant.made", "corp/alice", "corp", "ref", "192.0.2.7", user_agent, {"a": 1}, 7)
    (found,) = csv.DictReader(csv_lines([row]))
    return found


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
)
def test_what_a_spreadsheet_would_compute_is_a_text(text: str) -> None:
    assert _cells(text)["user_agent"] == f"'{text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x;=1+1", "x;'=1+1"), ('x,y;"=1+1', "x,y;'\"=1+1"), ("x;\uff1d1", "x;'\uff1d1"), ("x; -1;@A", "x;' -1;'@A")],
)
def test_what_a_spreadsheet_would_compute_where_semicolons_separate_is_a_text(text: str, shown: str) -> None:
    """Where commas stand in numbers, a spreadsheet begins a new cell behind each semicolon of a line."""
    assert _cells(text)["user_agent"] == shown


@pytest.mark.parametrize("text", ["Mozilla/5.0 (X11; Linux)", 'a "quoted", text', "1=1", "a;b=c", ""])
def test_every_other_text_stands_as_it_is(text: str) -> None:
    assert _cells(text)["user_agent"] == text


def test_a_row_has_every_field_and_a_head() -> None:
    found = _cells("Browser")
    assert found["number"] == "7"
    assert found["at"] == "2026-03-04T12:00:00.000Z"
    assert found["details"] == '{"a":1}'
