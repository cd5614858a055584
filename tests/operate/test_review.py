# ruff: noqa: F811 - fixtures are named where they are asked for
"""`review` as an administrator and an auditor use it."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from databases import HeldClock
from documents.blocks import ROOT
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import ACCOUNT, Person, door_of

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.model import Groups, RequestOrigin

ADMINISTRATOR = f"{ACCOUNT}/Administrator"


@pytest.fixture
def rows(run: Callable[..., Result]) -> Callable[..., list[dict[str, Any]]]:
    """The lines of the review, by its CSV, which says what its JSON says."""

    def rows(*words: str) -> list[dict[str, Any]]:
        written, told = (run("review", *words, "--format", form) for form in ("csv", "json"))
        assert written.exit_code == told.exit_code == 0, (written.exception, told.exception)
        found = list(csv.DictReader(written.stdout.splitlines()))
        access = json.loads(told.stdout)["access"]
        assert [(one["kind"], one["role"], one["person"], one["last_used"] or "") for one in access] == [
            (one["kind"], one["role"], one["person"], one["last_used"]) for one in found
        ]
        return found

    return rows


def come(person: Person, clock: HeldClock, name: str, groups: Groups, shown: str = "") -> None:
    """Somebody else signs in."""
    store = door_of(person.app).store
    (ada,) = (one for one in store.sessions.living() if one.identity.subject == "ada")
    identity = replace(ada.identity, subject=name, name=shown or name, groups=groups)
    session = replace(ada, key=f"session-{name}", identity=identity, started_at=clock())
    store.sessions.admit(session, "https://idp.example.com", f"_{name}", clock() + timedelta(minutes=5))


def use(person: Person, clock: HeldClock) -> None:
    """Ada's grant is redeemed."""
    made = audit.GrantMade(
        "g-1", ACCOUNT, "Administrator", timedelta(hours=1), "ada", "", {}, "administrators", "v", ("because",)
    )
    redeemed = audit.GrantRedeemed("g-1", "ASIA1", "request", "eu-central-1", clock(), "arn")
    origin = RequestOrigin("ref-1", "192.0.2.7", "B")
    entries = (Entry(clock(), origin, event, person="corp/ada", connection="corp") for event in (made, redeemed))
    door_of(person.app).store.audit.record(*entries)


def test_a_line_says_who_reaches_what_how_and_since_when_and_that_it_was_never_used(
    rows: Callable[..., list[dict[str, Any]]], clock: HeldClock
) -> None:
    (one,) = (one for one in rows() if one["kind"] == "has")
    assert (one["account"], one["role"], one["person"]) == (ACCOUNT, "Administrator", "corp/ada")
    assert (one["rule"], one["terms"], one["groups"]) == ("administrators", "2h", "admins")
    assert one["because"] == "they are in group 'admins'"
    assert (one["last_used"], one["never_used"]) == ("", "yes")
    assert one["rule_since"] == one["first_seen"] == one["last_seen"] == clock().isoformat()


def test_the_last_use_is_told(rows: Callable[..., list[dict[str, Any]]], person: Person, clock: HeldClock) -> None:
    clock.advance(timedelta(hours=3))
    use(person, clock)
    (one,) = (one for one in rows() if one["kind"] == "has")
    assert (one["last_used"], one["never_used"]) == (clock().isoformat(), "")


def test_a_role_that_rules_reach_and_nobody_has_is_told(rows: Callable[..., list[dict[str, Any]]]) -> None:
    nobodys = [one for one in rows() if one["kind"] == "nobody"]
    assert nobodys
    assert ("Administrator", ACCOUNT) not in {(one["role"], one["account"]) for one in nobodys}
    assert all(one["rule"] and not one["person"] for one in nobodys)


def test_a_person_whose_groups_are_not_all_known_is_told_as_such(
    rows: Callable[..., list[dict[str, Any]]], person: Person, clock: HeldClock
) -> None:
    come(person, clock, "bob", Groups(("admins",), gap="more than 200 groups"))
    bobs = [one for one in rows() if one["person"] == "corp/bob"]
    assert [(one["kind"], one["note"]) for one in bobs] == [
        ("incomplete", "the groups are incomplete: more than 200 groups")
    ]
    assert {one["kind"] for one in rows("--group", "admins")} == {"has", "incomplete"}


@pytest.mark.parametrize(
    ("words", "people"),
    [
        (("--account", ACCOUNT), {"corp/ada"}),
        (("--role", "Administrator"), {"corp/ada"}),
        (("--role", ADMINISTRATOR), {"corp/ada"}),
        (("--group", "admins"), {"corp/ada"}),
        (("--group", "staff"), set()),
        (("--person", "corp/ada"), {"corp/ada"}),
        (("--person", "corp/bob"), set()),
    ],
)
def test_the_review_is_narrowed(
    rows: Callable[..., list[dict[str, Any]]],
    person: Person,
    clock: HeldClock,
    words: tuple[str, ...],
    people: set[str],
) -> None:
    come(person, clock, "bob", Groups(("staff",)))
    assert {one["person"] for one in rows(*words) if one["kind"] == "has"} == people


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--account", ACCOUNT[:-1] + "0", ACCOUNT),
        ("--role", "Administratr", "Administrator"),
        ("--person", "corp/adda", "corp/ada"),
    ],
)
def test_what_is_not_known_is_refused_with_the_nearest(
    run: Callable[..., Result], option: str, value: str, near: str
) -> None:
    """An empty answer to a mistyped question would read as `nobody has it`."""
    result = run("review", option, value)
    assert result.exit_code == 1
    assert f"did you mean '{near}'" in str(result.exception.detail)  # type: ignore[union-attr]


@pytest.mark.parametrize("shown", ["=HYPERLINK(1)", "+1", "@SUM(A1)", "\uff1d1"])
def test_a_name_that_a_spreadsheet_would_compute_is_a_text(
    rows: Callable[..., list[dict[str, Any]]], person: Person, clock: HeldClock, shown: str
) -> None:
    come(person, clock, "eve", Groups(("admins",)), shown)
    (eve,) = (one for one in rows("--person", "corp/eve"))
    assert eve["name"] == f"'{shown}"


def test_a_name_that_a_terminal_would_obey_is_shown(
    run: Callable[..., Result], person: Person, clock: HeldClock
) -> None:
    come(person, clock, "eve\x1b[2J", Groups(("admins",)), "E\x1b[31m")
    for form in ("table", "csv", "json"):
        assert "\x1b" not in run("review", "--format", form).stdout


def test_many_who_have_alike_are_one_line_of_the_table(
    run: Callable[..., Result], person: Person, clock: HeldClock
) -> None:
    for number in range(20):
        come(person, clock, f"p{number:02}", Groups(("admins",)))
    shown = run("review", "--role", ADMINISTRATOR).stdout.splitlines()
    assert len(shown) == 4
    assert "21 people by rule administrators" in shown[1]
    assert "and 18 more" in shown[2]


# ---------------------------------------------------------------------------------------------------------- the page


def _section() -> str:
    page = (ROOT / "docs" / "administration.md").read_text()
    return page.partition("\n## Access review\n")[2].partition("\n## ")[0]


def test_every_command_of_the_page_is_taken(run: Callable[..., Result]) -> None:
    lines = re.findall(r"^\$ federation-bridge (.*)$", _section(), re.MULTILINE)
    assert len(lines) == 6
    for line in lines:
        result = run(*shlex.split(line.partition(" > ")[0]))
        assert result.exit_code == 0, (line, result.output, result.exception)


def test_the_shown_table_is_what_is_printed(run: Callable[..., Result], person: Person, clock: HeldClock) -> None:
    come(person, clock, "bob", Groups(("admins",)))
    come(person, clock, "cy", Groups((), gap="the claim is missing"))
    clock.advance(timedelta(hours=3))
    use(person, clock)
    (shown,) = re.findall(r"```text\n(.*?)```", _section(), re.DOTALL)
    printed = run("review").stdout
    assert printed.splitlines() == shown.splitlines()
