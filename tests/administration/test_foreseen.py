# ruff: noqa: F811 - fixtures are named where they are asked for
"""Each version keeps what was shown of it: folded, bounded, said in any language, and deciding nothing."""

from __future__ import annotations

import json
import re

import pytest
from administration_factories import base_of, text_in_force
from administration_fixtures import ada, marked  # noqa: F401 - fixtures
from databases import HeldClock
from mapping_factories import NOW, identity, rule, rule_set
from web_factories import Person, door_of

from federation_bridge.administration.foreseen import (
    MOST_CHARACTERS,
    MOST_LINES,
    all_foreseen,
    both,
    foreseen_at,
    read_foreseen,
)
from federation_bridge.mapping import RuleSet


def saved(person: Person, **more: str) -> str:
    stands = text_in_force(person)
    rules = stands.document().replace("when: {group: admins}", "when: {group: staff}")
    fields = {"base_digest": base_of(person), "rules": rules, "accounts": stands.accounts, "reason": "r", "do": "save"}
    answer = person.post("/administration/edit", {**fields, **more})
    assert answer.status_code in (200, 303), answer.text
    return str(answer.headers.get("Location", ""))


def test_a_version_keeps_what_its_author_was_shown(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "identity-team", "admins")
    saved(ada)
    version = door_of(ada.app).store.rulebook_versions.version(2)
    assert version is not None
    (found,) = all_foreseen(version.foreseen)
    assert (found.at, found.people, found.changed_people, found.left) == (clock(), 1, 1, 0)
    assert any("1 person loses 111122223333/Administrator" in line for line in found.lines)
    page = ada.get("/administration/versions/2").text
    assert "1 person loses 111122223333/Administrator" in page and "When it came into force" in page
    chinese = ada.get("/administration/versions/2", **{"Accept-Language": "zh-CN"}).text
    assert "1 人失去" in chinese
    # The first one came by a command over nothing, and a list is without what is long.
    assert "No prediction was kept" in ada.get("/administration/versions/1").text
    assert {one.foreseen for one in door_of(ada.app).store.rulebook_versions.history(9)} == {""}


def test_of_two_people_both_are_kept(marked: Person, clock: HeldClock) -> None:
    marked.sign_in(clock, "identity-team", "admins")
    where = saved(marked)
    (asked,) = re.findall(r"/administration/changes/([0-9a-f]+)", where)
    kept = door_of(marked.app).store.rulebook_proposals.find(asked)
    assert kept is not None
    proposed = read_foreseen(kept.foreseen)
    assert proposed is not None and proposed.changed_people == 1
    assert all_foreseen(both("", kept.foreseen)) == (proposed,)
    assert [one.at for one in all_foreseen(both(kept.foreseen, kept.foreseen))] == [proposed.at, proposed.at]


def _wide(rules: int) -> tuple[RuleSet, RuleSet]:
    before = rule_set(*(rule(f"{{group: g{one}}}", name=f"r{one}") for one in range(rules)))
    return before, rule_set(rule("{group: nobody}"))


def test_what_is_kept_is_bounded_and_says_what_was_left_out() -> None:
    before, after = _wide(MOST_LINES)
    people = [identity(subject=f"p{one}" + "x" * 200, groups=(f"g{one}",)) for one in range(MOST_LINES)]
    text = foreseen_at(before, after, people, NOW)
    found = read_foreseen(text)
    assert found is not None and len(text) <= MOST_CHARACTERS
    assert len(found.lines) <= MOST_LINES and found.left > 0 and found.changed_people == MOST_LINES


DEEP: object = "x"
for _ in range(40):
    DEEP = ["%(a)s", {"a": DEEP}]


NOTHING = {"at": NOW.isoformat(), "people": 0, "changed_people": 0, "left": 0}
UNREADABLE = ({"at": 1}, {"at": NOW.isoformat(), "lines": [1]}, {**NOTHING, "lines": [DEEP]}, {**NOTHING, "lines": 1})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", *map(json.dumps, UNREADABLE)])
def test_what_cannot_be_read_is_shown_as_nothing(text: str) -> None:
    assert read_foreseen(text) is None
    assert all_foreseen(text) == ()
