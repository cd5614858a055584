# ruff: noqa: F811 - fixtures are named where they are asked for
"""`federation-bridge people block` and `incident`: who is kept out, at once, and who is told what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from block_factories import put
from click.testing import Result
from databases import HeldClock
from live_grant_factories import made
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.errors import BadRequest, NotFound

ME = "/api/v1/me"
Run = Callable[..., Result]


def administers(tmp_path: Path, group: str) -> None:
    """The rules make everybody in this group an administrator."""
    rules = yaml.safe_load((tmp_path / "rules.yaml").read_text())
    rules["administration"] = [{"id": "us", "as": "administrator", "connection": "corp", "when": {"group": group}}]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))


def test_who_is_blocked_is_out_at_once_and_stays_out_until_that_is_lifted(
    person: Person, program: Program, run: Run, clock: HeldClock
) -> None:
    tokens = program.login()
    done = run("people", "block", "corp/ada", "--reason", "left the company")
    assert done.output.splitlines() == [
        "corp/ada is blocked.",
        "Ended: 1 browser sessions, 1 command lines, 0 command lines not let in yet.",
    ]
    assert person.get(ME).status_code == 401
    assert program.call("GET", ME, tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert run("people", "blocked").output == (
        "corp/ada  by operator (administrator)  since 2026-03-04 12:00 UTC  left the company\n"
    )
    (told,) = door_of(person.app).store.audit.entries(event="block.put")
    assert (told.person, told.reference, told.details["reason"]) == ("corp/ada", "operator", "left the company")
    assert run("people", "unblock", "corp/ada").output == "corp/ada is not blocked any more.\n"
    assert run("people", "blocked").output == "Nobody is blocked.\n"
    clock.advance(timedelta(minutes=1))
    person.sign_in(clock, "admins")
    assert person.get(ME).status_code == 200


def test_aws_is_told_where_that_is_demanded(person: Person, run: Run, clock: HeldClock) -> None:
    store = door_of(person.app).store
    made(store, clock())
    done = run("people", "block", "corp/ada", "--reason", "left", "--in-aws")
    assert done.exit_code == 0
    assert "1 AWS sessions are ending." in done.output.splitlines()
    assert [one.person for one in store.revocations.newest(9)] == ["corp/ada"]
    assert "corp/ada" in run("aws", "endings").output


def test_one_command_ends_aws_sessions_alone(person: Person, run: Run, clock: HeldClock) -> None:
    store = door_of(person.app).store
    made(store, clock())
    done = run("aws", "end", "--person", "corp/ada", "--reason", "left a key behind")
    assert done.exit_code == 0
    assert done.output.startswith("1 AWS sessions are ending")
    assert person.get(ME).status_code == 200
    (told,) = store.audit.entries(event="aws_sessions.end_asked")
    assert told.details["reason"] == "left a key behind"
    assert run("aws", "end", "--person", "a/b", "--grant", "c", "--reason", "x").exit_code == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("corp/adda", "did you mean 'corp/ada'?"),
        ("corq/ada", "did you mean 'corp'?"),
        ("ada", "is no connection/subject"),
    ],
)
def test_nobody_of_that_name_is_told_with_the_nearest_and_nothing_changes(
    person: Person, run: Run, name: str, told: str
) -> None:
    refused = run("people", "block", name, "--reason", "left")
    assert isinstance(refused.exception, NotFound)
    assert told in refused.exception.detail
    assert run("people", "blocked").output == "Nobody is blocked.\n"
    assert person.get(ME).status_code == 200


def test_somebody_who_never_came_is_blocked_ahead_by_the_name_alone(person: Person, run: Run) -> None:
    assert run("people", "block", "corp/zoe", "--reason", "no contract", "--unseen").exit_code == 0
    assert "corp/zoe" in run("people", "blocked").output


def test_the_last_administrator_is_not_blocked_by_mistake_and_in_an_emergency_they_are(
    person: Person, run: Run, tmp_path: Path
) -> None:
    administers(tmp_path, "admins")
    refused = run("people", "block", "corp/ada", "--reason", "a mistake")
    assert isinstance(refused.exception, BadRequest)
    assert "the last administrator" in refused.exception.detail
    assert person.get(ME).status_code == 200
    assert run("people", "block", "corp/ada", "--reason", "their laptop was taken", "--emergency").exit_code == 0
    assert person.get(ME).status_code == 401


def test_an_incident_keeps_all_out_but_a_list_that_has_an_administrator(
    person: Person, run: Run, tmp_path: Path, clock: HeldClock
) -> None:
    administers(tmp_path, "admins")
    refused = run("incident", "begin", "--reason", "a break-in")
    assert isinstance(refused.exception, BadRequest)
    assert "one of corp/ada" in refused.exception.detail
    assert person.get(ME).status_code == 200
    done = run("incident", "begin", "--reason", "a break-in", "--except", "corp/ada")
    assert done.output.startswith("Everybody is blocked but corp/ada.\n")
    assert person.get(ME).status_code == 200
    assert run("people", "blocked").output == (
        "everybody but corp/ada  by operator (incident)  since 2026-03-04 12:00 UTC  a break-in\n"
    )
    assert run("incident", "end").output == "The incident is over; it stood since 2026-03-04 12:00 UTC.\n"
    assert isinstance(run("incident", "end").exception, NotFound)


def test_who_somebody_else_blocked_is_not_let_in_by_an_administrator(
    person: Person, run: Run, clock: HeldClock, tmp_path: Path
) -> None:
    take(tmp_path, "signals")
    put(door_of(person.app).store, clock, "corp/ada", "signal")
    refused = run("people", "unblock", "corp/ada")
    assert isinstance(refused.exception, NotFound)
    assert "blocked by signal, which alone lifts that" in refused.exception.detail


SECTIONS = {"scim": {}, "signals": {"issuer": "https://signals.example.test", "subject": "subject"}}


def take(folder: Path, section: str) -> None:
    path = folder / "federation-bridge.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["connections"]["corp"][section] = SECTIONS[section]
    path.write_text(yaml.safe_dump(settings))


@pytest.mark.parametrize(
    ("source", "section", "what", "whom"),
    [("scim", "scim", "SCIM", "SCIM"), ("signal", "signals", "shared signals", "a signal")],
)
def test_a_block_is_lifted_by_an_administrator_where_nobody_takes_its_source_any_more(
    person: Person, run: Run, clock: HeldClock, tmp_path: Path, source: Any, section: str, what: str, whom: str
) -> None:
    store = door_of(person.app).store
    put(store, clock, "corp/ada", source)
    written = (tmp_path / "federation-bridge.yaml").read_text()
    take(tmp_path, section)
    refused = run("people", "unblock", "corp/ada", "--reason", "attack")
    assert isinstance(refused.exception, NotFound) and len(store.blocks.standing()) == 1
    assert "any more, and people whom" not in run("check").output

    (tmp_path / "federation-bridge.yaml").write_text(written)
    assert f"takes no {what} any more, and people whom {whom} blocked stay out (1)" in run("check").output
    assert run("people", "unblock", "corp/ada", "--reason", "moved").output == "corp/ada is not blocked any more.\n"
    assert not store.blocks.standing()
    (told,) = store.audit.entries(event="block.lifted")
    assert (told.person, told.details["source"]) == ("corp/ada", source)


def test_rules_that_cannot_be_read_keep_nobody_in(person: Person, run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("no rules: [")
    assert run("people", "block", "corp/ada", "--reason", "left").exit_code == 0
    assert person.get(ME).status_code == 401
