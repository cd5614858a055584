# ruff: noqa: F811 - fixtures are named where they are asked for
"""Each process says by which version it decides; administrators see who disagrees, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from administration_factories import base_of
from administration_fixtures import ada  # noqa: F401 - a fixture
from databases import HeldClock
from web_factories import Person, door_of

from federation_bridge.administration.nodes import NodeStanding, nodes


@dataclass
class OtherRules:
    """The rulebook of another process."""

    version: str = "1" * 64
    obstacle: str | None = None
    problem: str | None = None

    @property
    def in_force(self) -> Any:
        return self


def standing(person: Person, clock: HeldClock, name: str, rulebook: Any = None) -> NodeStanding:
    here = door_of(person.app)
    return NodeStanding(name, rulebook or here.rulebook, here.store.service_marks, clock)


def test_who_disagrees_is_shown_with_the_reason(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "identity-team")
    door_of(ada.app).rulebook.watch()
    ours = standing(ada, clock, "one/1")
    ours.follow()
    page = ada.get("/administration").text
    assert "one/1" in page and base_of(ada)[:12] in page and "Not every node uses" not in page
    began = clock()
    other = OtherRules()
    theirs = standing(ada, clock, "two/7", other)
    theirs.follow()
    page = ada.get("/administration").text
    assert "Not every node uses" in page and "another version" in page
    clock.advance(timedelta(minutes=2))
    other.obstacle = "version 2 cannot be used here: unknown connection <b>"
    theirs.follow()
    page = ada.get("/administration").text
    assert "unknown connection &lt;b&gt;" in page and "it cannot load the version in force" in page
    found = {one.name: one for one in nodes(door_of(ada.app).store.service_marks)}
    assert (found["one/1"].since, found["two/7"].since, found["two/7"].version) == (began, clock(), "")


def test_a_process_writes_when_something_changed_and_once_a_minute(ada: Person, clock: HeldClock) -> None:
    marks, rules = door_of(ada.app).store.service_marks, OtherRules()
    node = standing(ada, clock, "one/1", rules)
    node.follow()
    first, began = marks.value("nodes"), clock()
    clock.advance(timedelta(seconds=59))
    node.follow()
    assert marks.value("nodes") == first
    clock.advance(timedelta(seconds=1))
    node.follow()
    (told,) = nodes(marks)
    assert (told.since, told.seen_at) == (began, clock())
    rules.version = "2" * 64
    node.follow()
    (told,) = nodes(marks)
    assert (told.since, told.version) == (clock(), "2" * 64)


def test_who_has_ended_is_silent_and_then_forgotten(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "identity-team")
    standing(ada, clock, "gone/1", OtherRules()).follow()
    clock.advance(timedelta(minutes=4))
    assert "silent: it has ended" in ada.get("/administration").text
    clock.advance(timedelta(hours=1))
    standing(ada, clock, "new/1", OtherRules()).follow()
    assert [one.name for one in nodes(door_of(ada.app).store.service_marks)] == ["new/1"]


def test_many_that_tell_at_once_are_all_there_and_their_number_is_bounded(ada: Person, clock: HeldClock) -> None:
    for number in range(70):
        clock.advance(timedelta(seconds=1))
        standing(ada, clock, f"n/{number}", OtherRules()).follow()
    found = {one.name for one in nodes(door_of(ada.app).store.service_marks)}
    assert len(found) == 64 and "n/69" in found and "n/0" not in found


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", "null", json.dumps([{"name": "x"}]), "[" * 100_000])
def test_a_mark_that_says_nothing_useful_is_passed_over(ada: Person, clock: HeldClock, text: str) -> None:
    marks = door_of(ada.app).store.service_marks
    assert marks.change("nodes", None, text)
    assert nodes(marks) == ()
    standing(ada, clock, "one/1", OtherRules()).follow()
    assert [one.name for one in nodes(marks)] == ["one/1"]
