"""Why and why not: what I have comes first, a missing role can be asked about, and nobody else's rules are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, Person, person_at

MORE = f"""
  - id: boss
    connection: corp
    when: {{person: boss-4711}}
    grant: {{role: "{ACCOUNT}/Reader"}}
"""


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock):
        rules = tmp_path / "rules.yaml"
        text = rules.read_text().replace(
            "  - id: administrators\n",
            "  - id: administrators\n    description: The platform team.\n    owner: platform@example.com\n",
        )
        rules.write_text(text + MORE)
        yield one


def words(page: str) -> str:
    """What stands on the page, without marks and with single blanks."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_what_i_have_stands_first_by_the_names_of_account_and_rule(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    page = words(person.get("/why").text)
    first, folded = page.index("The platform team."), page.index("Rules of your sign-in that give you nothing: 1")
    assert first < page.index("Administrator · Production") < folded < page.index("narrow-readers")
    assert "platform@example.com" in page
    assert "boss" not in page


def test_a_missing_role_is_answered_with_what_would_give_it_and_whom_to_ask(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "readers")
    answer = words(person.get("/why?role=production/administrator").text)
    assert "What you lack for it: you are not in group 'admins' Whom to ask: platform@example.com" in answer
    assert "The platform team." not in answer


def test_a_name_that_means_nothing_leads_to_the_nearest_that_i_may_know(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "readers")
    page = person.get("/why?role=Production/Readr").text
    assert 'href="/why?role=Production/Reader"' in page
    page = words(page)
    assert "No rule names such a role for people like you. Did you mean: Production/Reader" in page


def test_to_whom_no_rule_names_an_account_it_is_as_if_there_were_none(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "strangers")
    answers = {
        name: words(person.get(f"/why?role={name}").text).replace(name, "NAME")
        for name in ("Production/Administrator", f"{ACCOUNT}/Reader", "Nowhere/Administrator")
    }
    assert len(set(answers.values())) == 1
    assert "Did you mean" not in answers["Nowhere/Administrator"]


def test_who_has_nothing_reads_who_they_are_which_groups_arrived_and_whom_to_ask(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "canteen", "choir")
    page = words(person.get("/why").text)
    for part in ("Ada (corp/ada)", "Corporate account", "canteen, choir", "Ask whoever administers this bridge."):
        assert part in page


@pytest.mark.parametrize("role", ["<script>alert(1)</script>/x", "a" * 201, "a%0Ab", "%00"])
def test_a_hostile_name_is_text_or_refused(person: Person, clock: HeldClock, role: str) -> None:
    person.sign_in(clock, "admins")
    answer = person.get(f"/why?role={role}")
    assert answer.status_code == (200 if "script" in role else 400)
    assert "<script>alert" not in answer.text
