# ruff: noqa: F811 - fixtures are named where they are asked for
"""`federation-bridge sessions`: an operator sees who is in, and puts them out at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from databases import HeldClock
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.errors import NotFound
from federation_bridge.model import Caller, Groups, Identity, RequestOrigin, Session, TokenFamily
from federation_bridge.operate import commands, signed_in

ME = "/api/v1/me"


def ended(person: Person) -> list[tuple[str, str, str]]:
    entries = door_of(person.app).store.audit.entries()
    found = [one for one in entries if one.event in ("access.ended", "command_line.ended")]
    return [(one.event, one.reference, str(one.details["reason"])) for one in found]


def family_of(person: Person) -> TokenFamily:
    (family,) = door_of(person.app).store.token_families.living("corp/ada")
    return family


def stranger(person: Person, clock: HeldClock) -> TokenFamily:
    """Another person's command line, with a label that would write over a terminal."""
    door = door_of(person.app)
    origin = RequestOrigin("ref", "198.51.100.7", "evil")
    now = clock()
    bob = Identity(connection="corp", subject="bob", name="Bob", email="bob@example.com", groups=Groups(("admins",)))
    theirs = Session(token_hash("ef" * 32), bob, now, now, now + timedelta(hours=12), confirmed=True)
    door.store.sessions.admit(theirs, "https://idp.example.com", "_bob", now + timedelta(minutes=5))
    granted = door.oauth.devices.begin("aws-sso", "\x1b[2Jbob's\n", origin)
    door.oauth.devices.claim(granted.user_code, Caller(theirs, origin))
    family = door.oauth.devices.approve(granted.user_code, Caller(theirs, origin))
    door.oauth.tokens.for_device(granted.device_code, "aws-sso", origin)
    return family


def test_the_list_tells_who_is_in_by_what_from_where_since_when_and_until_when(
    person: Person, program: Program, run: Callable[..., Result]
) -> None:
    program.login()
    listed = run("sessions", "list")
    assert listed.exit_code == 0
    browser, line = listed.output.splitlines()
    assert browser.startswith("browser  corp/ada  2026-03-04T12:00:00+00:00  until 2026-03-05T00:00:00+00:00  used ")
    assert line.startswith(f"fedbridge {family_of(person).id}  corp/ada  2026-03-04T12:00:00+00:00  until 2026-03-05")
    assert "used 2026-03-04T12:00:00" in line
    assert "let in by device from 127.0.0.1" in line
    assert line.endswith("unverified label: laptop")


def test_the_list_is_narrowed_to_a_person_and_no_label_writes_over_the_terminal(
    person: Person, program: Program, run: Callable[..., Result], clock: HeldClock
) -> None:
    program.login()
    theirs = stranger(person, clock)
    of_bob = run("sessions", "list", "--person", "corp/bob").output.splitlines()
    assert [line.split()[1] for line in of_bob] == ["corp/bob", theirs.id]
    assert "corp/bob" not in run("sessions", "list", "--person", "corp/ada").output
    everybody = run("sessions", "list").output
    assert "\x1b" not in everybody
    assert "bob's" not in everybody  # a label that is no name is not kept
    assert (
        signed_in._line("a label\x1b[2J", "of an earlier\nrelease") == "a label\\u001b[2J  of an earlier\\u000arelease"
    )
    assert len(everybody.splitlines()) == 4
    nobody = run("sessions", "list", "--person", "corp/nobody")
    assert (nobody.exit_code, nobody.output) == (0, "")


def test_a_command_line_that_is_ended_by_its_id_is_refused_at_its_next_call_and_others_go_on(
    person: Person, program: Program, run: Callable[..., Result], clock: HeldClock
) -> None:
    tokens = program.login()
    mine, theirs = family_of(person), stranger(person, clock)
    assert program.call("GET", ME, tokens["access_token"]).status_code == 200
    done = run("sessions", "end", "--id", mine.id)
    assert (done.exit_code, done.output) == (0, "1 ended.\n")
    assert program.call("GET", ME, tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert ended(person) == [("command_line.ended", "operator", "ended by an operator")]
    assert [one.id for one in door_of(person.app).store.token_families.living()] == [theirs.id]
    assert person.get("/").status_code == 200


def test_all_of_a_person_end_at_once_browsers_and_command_lines(
    person: Person, program: Program, run: Callable[..., Result]
) -> None:
    tokens = program.login()
    done = run("sessions", "end", "--person", "corp/ada")
    assert (done.exit_code, done.output) == (0, "2 ended.\n")
    assert program.call("GET", ME, tokens["access_token"]).status_code == 401
    assert person.get(ME).status_code == 401
    assert run("sessions", "list").output == ""
    (entry,) = [one for one in door_of(person.app).store.audit.entries() if one.event == "access.ended"]
    assert (entry.person, entry.connection, entry.reference) == ("corp/ada", "corp", "operator")
    told = {"kind": "administrator", "by": "operator", "reason": "ended by an operator", "in_aws": 0, "not_in_aws": ""}
    assert entry.details == {**told, "sessions": 1, "command_lines": 1, "pending": 0}


def test_an_id_that_nothing_has_is_one_plain_line_and_status_1_and_ends_nothing(
    person: Person,
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tokens = program.login()
    settings = str(tmp_path / "federation-bridge.yaml")
    for unknown in ("0" * 32, family_of(person).id[:-1], "x"):
        words = ["federation-bridge", "sessions", "end", "--settings", settings, "--id", unknown]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as exit_:
            commands.main()
        assert exit_.value.code == 1
        assert capsys.readouterr().err == f"federation-bridge: no command line {unknown!r} holds\n"
    assert program.call("GET", ME, tokens["access_token"]).status_code == 200
    assert ended(person) == []


def test_a_person_who_is_not_in_is_told_with_the_nearest_name_and_ends_nobody(
    person: Person, program: Program, run: Callable[..., Result]
) -> None:
    tokens = program.login()
    for nobody, nearest in (("1234567", ""), ("corp/adda", "; did you mean 'corp/ada'?"), ("corq/ada", "'corp/ada'")):
        done = run("sessions", "end", "--person", nobody)
        assert isinstance(done.exception, NotFound)
        assert done.exception.detail.startswith(f"nobody called {nobody!r} is signed in")
        assert nearest in done.exception.detail
    assert program.call("GET", ME, tokens["access_token"]).status_code == 200
    assert ended(person) == []


@pytest.mark.parametrize("words", [(), ("--person", "corp/ada", "--id", "0" * 32)])
def test_whom_to_end_has_to_be_said_in_one_way(
    person: Person, program: Program, run: Callable[..., Result], words: tuple[str, ...]
) -> None:
    tokens = program.login()
    refused = run("sessions", "end", *words)
    assert refused.exit_code == 2
    assert "give either --person or --id" in refused.output
    assert program.call("GET", ME, tokens["access_token"]).status_code == 200


def test_an_end_in_aws_goes_with_a_person(person: Person, program: Program, run: Callable[..., Result]) -> None:
    tokens = program.login()
    refused = run("sessions", "end", "--id", family_of(person).id, "--in-aws")
    assert (refused.exit_code, "--in-aws goes with --person" in refused.output) == (2, True)
    assert program.call("GET", ME, tokens["access_token"]).status_code == 200
    done = run("sessions", "end", "--person", "corp/ada", "--in-aws")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "2 ended.")
    assert program.call("GET", ME, tokens["access_token"]).status_code == 401
