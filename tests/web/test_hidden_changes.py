"""Whoever agrees to a change sees what it is about, however much was put around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_factories import MARKED, MORE, base_of, browser, text_in_force
from databases import HeldClock
from web_factories import Person, write_files

MANY = "".join(f"# a remark, number {number}\n" for number in range(2_500))


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    write_files(tmp_path)
    yield from browser(tmp_path, clock, MORE + MARKED)


def posted(ada: Person, reason: str, group: str = "staff", around: str = "") -> Any:
    stands = text_in_force(ada)
    rules = around + stands.document().replace("when: {group: admins}", f"when: {{group: {group}}}")
    fields = {"rules": rules, "accounts": stands.accounts, "base_digest": base_of(ada), "reason": reason, "do": "save"}
    return ada.post("/administration/edit", fields)


def proposed(ada: Person, clock: HeldClock, around: str) -> str:
    ada.sign_in(clock, "identity-team")
    return str(posted(ada, "remarks", "everybody", around).headers["Location"])


def cut(page: Any) -> re.Match[str] | None:
    return re.search(r"This is only a part: lines (\d+) to (\d+) of (\d+)", page.text)


def test_a_change_behind_two_thousand_remarks_is_told_and_found(ada, clock) -> None:
    where = proposed(ada, clock, MANY)
    first = ada.get(where)

    assert "everybody" not in first.text.partition('class="difference"')[2]
    assert (found := cut(first)) is not None
    assert found[2] == "2000"
    assert "administrators: 111122223333/Administrator" in first.text
    assert "rule administrators is marked" in first.text
    assert "+    when: {group: everybody}" in ada.get(f"{where}?from=2000").text


def test_a_change_that_is_shown_whole_says_nothing_of_more(ada, clock) -> None:
    page = ada.get(proposed(ada, clock, ""))

    assert (page.status_code, cut(page), "everybody" in page.text) == (200, None, True)


@pytest.mark.parametrize("line", ["-1", "x", "1" * 10, "\u0663"])
def test_a_wrong_line_is_refused(ada, clock, line) -> None:
    where = proposed(ada, clock, "")

    assert ada.get(f"{where}?from={line}").status_code == 400


@pytest.mark.parametrize(
    "path", ["versions/2147483648", f"versions/{2**63}", f"versions/{10**30}", "changes/%00", "changes/%C3%A9"]
)
def test_what_no_database_can_hold_is_not_there(ada, clock, path) -> None:
    ada.sign_in(clock, "identity-team")

    assert ada.get(f"/administration/{path}").status_code == 404
    assert ada.get("/administration/versions/1").status_code == 200


@pytest.mark.parametrize("hidden", ["\u202e", "\x9b", "\u200b"], ids=["turned around", "of a terminal", "nothing"])
def test_a_reason_is_what_it_looks_like(ada, clock, hidden) -> None:
    ada.sign_in(clock, "identity-team")
    before = base_of(ada)

    assert "a character that cannot be seen" in posted(ada, f"a {hidden} ticket").text
    assert base_of(ada) == before
    assert posted(ada, "工单 42: naïve\u00e9").status_code == 303
