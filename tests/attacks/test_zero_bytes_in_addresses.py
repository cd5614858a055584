"""A zero byte in an address: PostgreSQL takes none in a text, so nothing lies there, on any page and in any API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import Person, person_at

from federation_bridge.web.locations import is_storable


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for opened in person_at(tmp_path, clock):
        opened.sign_in(clock, "identity-team", "admins")
        yield opened


@pytest.mark.parametrize(
    "path",
    [
        "/administration/people/corp/{}",
        "/administration/sign-ins/{}",
        "/administration/grants/by-key/{}",
        "/api/v1/administration/people/corp/{}",
    ],
)
def test_an_address_with_a_zero_byte_is_refused_before_any_guard_runs(ada: Person, path: str) -> None:
    passed: list[str] = []
    steps = ada.app.before_request_funcs[None]
    steps.insert([one.__name__ for one in steps].index("_check"), lambda: passed.append("at the guards"))
    for told in ("%00", "a%00b"):
        assert ada.get(path.format(told)).status_code == 404
    assert passed == []
    ada.get(path.format("a"))
    assert passed == ["at the guards"]


@pytest.mark.parametrize(
    ("text", "is_taken"), [("/a", True), ("/\u00e9\U0001f600", True), ("/\0", False), ("/\ud800", False)]
)
def test_only_what_a_database_can_be_asked_for_is_an_address(text: str, *, is_taken: bool) -> None:
    assert is_storable(text) == is_taken
