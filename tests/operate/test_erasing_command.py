# ruff: noqa: F811 - fixtures are named where they are asked for
"""`people erase` as an operator uses it, and what `audit verify` says afterwards."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from datetime import timedelta

from click.testing import Result
from databases import HeldClock
from documents.blocks import ROOT
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.model import Groups, Identity, RequestOrigin, Session


def test_what_is_kept_of_a_person_steers_no_terminal_and_stays_the_same_text(
    person: Person, clock: HeldClock, run: Callable[..., Result]
) -> None:
    """A directory's client and a provider write names; C1 controls are none to JSON."""
    name = "Ada Löve\x9b2J\u202e\U000e0041"
    identity = Identity(connection="corp", subject="ada", name=name, email="", groups=Groups(()))
    now = clock()
    session = Session("a" * 64, identity, now, now, now + timedelta(hours=1))
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", "_hostile", now)
    text = run("people", "show", "corp/ada").stdout
    assert "Ada Löve" in text
    assert not {"\x9b", "\u202e", "\U000e0041"} & set(text)
    assert name in {one["identity"]["name"] for one in map(json.loads, text.splitlines()) if one["table"] == "people"}


def test_the_command_of_the_page_erases_and_verification_says_so(
    person: Person, clock: HeldClock, run: Callable[..., Result]
) -> None:
    origin = RequestOrigin("ref-8", "192.0.2.7", "Browser of ada")
    done = audit.SignInFinished(message_id="_m", response_id="_r", groups=2)
    door_of(person.app).store.audit.record(Entry(clock(), origin, done, person="corp/ada", connection="corp"))
    shown = [json.loads(line) for line in run("people", "show", "corp/ada").stdout.splitlines()]
    assert {"people", "sessions", "audit"} <= {one["table"] for one in shown}
    (kept,) = (one["identity"] for one in shown if one["table"] == "people")
    assert kept["subject"] == "ada", kept
    page = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$ federation-bridge (people erase .*)$", page, re.MULTILINE)
    result = run(*shlex.split(line))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("1 sessions and command lines ended; 1 entries of the audit erased.\nNot reached")
    assert "1 entries of people who were erased" in run("audit", "verify").stdout
    assert "ada" not in run("audit", "export").stdout
    left = run("people", "show", "corp/ada")
    assert "nothing is kept of anybody called 'corp/ada'" in str(getattr(left.exception, "detail", "")), left.stdout
    again = run(*shlex.split(line))
    assert "nothing is kept of anybody called 'corp/ada'" in str(getattr(again.exception, "detail", ""))


def test_a_name_without_its_connection_is_told_how_people_are_named(person: Person, run: Callable[..., Result]) -> None:
    told = str(getattr(run("people", "show", "zoe").exception, "detail", ""))
    assert told.endswith("a person is named connection/subject, as in entra/0a1b")
    assert "connection/subject" not in str(getattr(run("people", "show", "corp/zoe").exception, "detail", ""))
