# ruff: noqa: F811 - fixtures are named where they are asked for
"""`preview`, `explain` and `sign-ins` as an administrator uses them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from databases import HeldClock
from documents.blocks import ROOT
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import ACCOUNT, Person, door_of

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.model import RequestOrigin


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """Rules in which contractors become Administrator instead of admins."""
    written = (tmp_path / "rules.yaml").read_text()
    path = tmp_path / "draft.yaml"
    path.write_text(written.replace("group: admins", "group: contractors"))
    return path


# ----------------------------------------------------------------------------------------------------------- preview


def test_the_files_in_force_change_nothing(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("preview", str(tmp_path / "rules.yaml"), str(tmp_path / "accounts.yaml"))
    assert (result.exit_code, result.stdout) == (0, "0 of 1 people change.\n")


def test_a_preview_says_who_loses_what_and_why_by_status_3(run: Callable[..., Result], draft: Path) -> None:
    result = run("preview", str(draft))
    assert result.exit_code == 3
    assert "1 of 1 people change." in result.stdout
    assert f"1 person loses {ACCOUNT}/Administrator (2h) by rule" in result.stdout
    assert "corp/ada\n    1 because they are in group 'admins'" in result.stdout
    assert "nobody who was seen is in group 'contractors'" in result.stdout


def test_people_of_a_file_are_decided_for_too(run: Callable[..., Result], draft: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.yaml"
    people.write_text("- {connection: corp, subject: cy, groups: [contractors], claims: {team: blue}}\n")
    result = run("preview", str(draft), "--people", str(people), "--json")
    assert result.exit_code == 3
    changes = json.loads(result.stdout)["changes"]
    assert {(one["kind"], *one["people"]) for one in changes} == {("loses", "corp/ada"), ("gains", "corp/cy")}


@pytest.mark.parametrize(
    ("people", "mistake"),
    [
        ("- {connection: crop, subject: cy}\n", "did you mean 'corp'"),
        ("- {connection: corp, subject: cy, gruops: [a]}\n", "did you mean 'groups'"),
        ("- &a {connection: corp, subject: cy, groups: *a}\n", "anchors"),
    ],
)
def test_a_file_of_people_that_is_broken_is_refused_with_its_line(
    run: Callable[..., Result], draft: Path, tmp_path: Path, people: str, mistake: str
) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(people)
    result = run("preview", str(draft), "--people", str(path))
    assert result.exit_code == 1
    assert "line 1" in str(result.exception.detail)  # type: ignore[union-attr]
    assert mistake in str(result.exception.detail)  # type: ignore[union-attr]


def test_a_draft_that_does_not_parse_is_refused(run: Callable[..., Result], draft: Path) -> None:
    draft.write_text(draft.read_text().replace("when:", "wen:"))
    result = run("preview", str(draft))
    assert result.exit_code == 1
    assert "did you mean 'when'" in str(result.exception.detail)  # type: ignore[union-attr]


def test_people_who_were_not_here_lately_can_be_left_out(
    run: Callable[..., Result], draft: Path, clock: HeldClock
) -> None:
    clock.advance(timedelta(days=10))
    assert run("preview", str(draft), "--seen-within", "5d").exit_code == 0
    assert run("preview", str(draft), "--seen-within", "15d").exit_code == 3


def test_a_preview_is_held_against_an_older_version_too(
    run: Callable[..., Result], person: Person, draft: Path, tmp_path: Path
) -> None:
    (first,) = door_of(person.app).store.rulebook_versions.history(5)
    (tmp_path / "rules.yaml").write_text(draft.read_text())
    assert run("preview", str(draft)).exit_code == 0
    assert run("preview", str(draft), "--against", str(first.number)).exit_code == 3
    missing = run("preview", str(draft), "--against", "99")
    assert "no version 99" in str(missing.exception.detail)  # type: ignore[union-attr]


# ----------------------------------------------------------------------------------------------------------- explain


def test_another_person_is_explained_with_the_rules_that_miss_folded(run: Callable[..., Result]) -> None:
    result = run("explain", "corp/ada")
    assert result.exit_code == 0
    assert f"  {ACCOUNT}/Administrator (" in result.stdout
    assert "they are in group 'admins'" in result.stdout
    assert "gives nothing: they are not in group 'readers'" in result.stdout
    assert "note: groups and claims are those of the last sign-in" in result.stdout


def test_many_rules_that_miss_alike_are_one_line(run: Callable[..., Result], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    many = "".join(
        f"  - {{id: x{number}, connection: corp, when: {{group: g{number}}}, grant: {{role: {ACCOUNT}/Reader}}}}\n"
        for number in range(5_000)
    )
    rules.write_text(rules.read_text().rstrip("\n") + "\n" + many)
    result = run("explain", "corp/ada")
    assert result.exit_code == 0, result.exception
    assert "5001 rules give nothing (" in result.stdout
    assert len(result.stdout.splitlines()) < 10


def test_an_unknown_person_is_refused_and_the_nearest_named(run: Callable[..., Result]) -> None:
    result = run("explain", "corp/adda")
    assert result.exit_code == 1
    assert "did you mean 'corp/ada'" in str(result.exception.detail)  # type: ignore[union-attr]


def test_other_groups_can_be_tried_and_one_role_be_asked_about(run: Callable[..., Result]) -> None:
    tried = run("explain", "corp/new", "--groups", "staff", "--role", f"{ACCOUNT}/Administrator")
    assert tried.exit_code == 0
    assert "no role" in tried.stdout
    assert "they are not in group 'admins'" in tried.stdout
    assert "readers" not in tried.stdout
    asked = run("explain", "corp/ada", "--role", f"{ACCOUNT}/Administratr")
    assert "did you mean" in str(asked.exception.detail)  # type: ignore[union-attr]


def test_a_past_time_says_what_is_not_known_any_more(run: Callable[..., Result]) -> None:
    result = run("explain", "corp/ada", "--at", "2026-01-01")
    assert "is not known: the person was not here yet" in result.stdout


def test_a_past_time_is_decided_by_the_version_of_then(
    run: Callable[..., Result], draft: Path, tmp_path: Path, clock: HeldClock
) -> None:
    then = clock()
    (tmp_path / "rules.yaml").write_text(draft.read_text())
    clock.advance(timedelta(days=1))
    now, past = run("explain", "corp/ada"), run("explain", "corp/ada", "--at", then.isoformat())
    assert "no role" in now.stdout
    assert f"{ACCOUNT}/Administrator" in past.stdout
    assert "note: the rules are those of version 1" in past.stdout
    assert f"{ACCOUNT}/Administrator" in run("explain", "corp/ada", "--version", "1").stdout


def test_a_past_time_is_explained_by_the_groups_of_then_or_says_that_they_are_not_known(
    run: Callable[..., Result], person: Person, clock: HeldClock
) -> None:
    then = clock()
    clock.advance(timedelta(days=1))
    person.sign_in(clock, "staff", token="u" * 64)
    clock.advance(timedelta(days=1))
    now, past = run("explain", "corp/ada"), run("explain", "corp/ada", "--at", then.isoformat())
    assert "no role" in now.stdout
    assert f"{ACCOUNT}/Administrator" in past.stdout
    assert f"groups and claims are those of then, as the sign-in of {then:%Y-%m-%d %H:%M} UTC told them" in past.stdout
    before = run("explain", "corp/ada", "--at", (then - timedelta(days=1)).isoformat())
    assert "note: what the groups were at the time that was asked about is not known" in before.stdout


# ---------------------------------------------------------------------------------------------------------- sign-ins


def _refused(person: Person, clock: HeldClock, reason: str) -> None:
    event = audit.SignInRefused(reason=reason, code="sign_in_rejected")
    origin = RequestOrigin("ref-9", "198.51.100.7", "Browser/1")
    door_of(person.app).store.audit.record(Entry(clock(), origin, event, connection="corp"))


def test_sign_ins_are_listed_with_their_cause_refused_ones_too(
    run: Callable[..., Result], person: Person, clock: HeldClock
) -> None:
    store = door_of(person.app).store
    done = audit.SignInFinished(message_id="_m", response_id="_r", groups=2, authn_methods=("mfa",))
    origin = RequestOrigin("ref-8", "192.0.2.7", "B")
    store.audit.record(Entry(clock(), origin, done, person="corp/ada", connection="corp"))
    clock.advance(timedelta(minutes=1))
    _refused(person, clock, "the audience is \x1b[31mothers")
    refused, finished = run("sign-ins").stdout.splitlines()
    assert "corp/?  refused (sign_in_rejected): the audience is \\u001b[31mothers  reference ref-9" in refused
    assert "corp/ada  signed in with 2 groups, by mfa  reference ref-8  from 192.0.2.7" in finished
    assert "\x1b" not in refused


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--reference", "ref-9"), 1),
        (("--address", "198.51.100.7"), 1),
        (("--connection", "corp"), 1),
        (("--person", "corp/nobody"), 0),
        (("--outcome", "refused"), 1),
        (("--outcome", "signed-in"), 0),
        (("--until", "2000-01-01"), 0),
        (("--reference", "ref-1"), 0),
    ],
)
def test_a_failed_sign_in_is_found_by_what_is_known_of_it(
    run: Callable[..., Result], person: Person, clock: HeldClock, words: tuple[str, str], count: int
) -> None:
    _refused(person, clock, "expired")
    assert run("sign-ins", *words).stdout.count("refused (sign_in_rejected): expired") == count
    documents = [json.loads(line) for line in run("sign-ins", *words, "--json").stdout.splitlines()]
    assert len(documents) == count
    for document in documents:
        assert ("told" in document) == ("--reference" in words)
        assert document.get("told", {}).get("cause", "expired") == "expired"


# ---------------------------------------------------------------------------------------------------------- the page


def _section(*titles: str) -> str:
    page = (ROOT / "docs" / "administration.md").read_text()
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)
    return "".join(text for title, text in zip(parts[1::2], parts[2::2], strict=True) if title in titles)


def test_every_command_of_the_page_is_taken(
    run: Callable[..., Result], person: Person, clock: HeldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    section = _section("Foresee", "Explain")
    (newcomers,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (tmp_path / "newcomers.yaml").write_text(newcomers)
    lines = re.findall(r"^\$ federation-bridge (.*)$", section, re.MULTILINE)
    assert len(lines) == 9
    for line in lines:
        result = run(*shlex.split(line))
        assert result.exit_code == 0, (line, result.output, result.exception)


def test_the_shown_preview_is_what_is_printed(run: Callable[..., Result], draft: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.json"
    groups = {"bob": ["admins"], "cy": ["contractors"], "dan": ["staff"]}
    people.write_text(json.dumps([{"connection": "corp", "subject": who, "groups": groups[who]} for who in groups]))
    (shown,) = re.findall(r"```text\n(.*?)```", _section("Foresee"), re.DOTALL)
    assert run("preview", str(draft), "--people", str(people)).stdout == shown
