"""AWS's side in a browser: the last look at the accounts, and the files that make accounts believe the bridge."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of, made_app, write_files

from federation_bridge import app
from federation_bridge.administration.account_checks import AccountChecks, waiting
from federation_bridge.aws.account_check import RealAccount
from federation_bridge.operate.commands import commands

MORE = """
administration:
  - {id: admins-of-this, as: administrator, connection: corp, when: {group: identity-team}}
  - {id: authors, as: author, connection: corp, when: {group: writers}, accounts: ["111122223333"]}
  - {id: auditors, as: auditor, connection: corp, when: {group: auditors}}
"""
PAGE, FILES, CHECK = "/administration/aws", "/administration/aws/files", "/administration/aws/check"


def browser(folder: Path, clock: HeldClock, **aws: Any) -> Iterator[Person]:
    write_files(folder)
    made = made_app(folder, clock, aws=aws)
    rules = folder / "rules.yaml"
    rules.write_text(rules.read_text() + MORE)
    settings = folder / "federation-bridge.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | {"aws": aws}))
    yield Person(made, made.test_client())
    door_of(made).store.close()


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from browser(tmp_path, clock, check_accounts=True)


@pytest.fixture
def not_allowed(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from browser(tmp_path, clock)


def look(person: Person, real: RealAccount | None = None) -> bool:
    here = door_of(person.app)
    found = real or RealAccount({}, frozenset())
    return AccountChecks(here.store, here.keys, here.rulebook, here.settings, here.clock, lambda _: found).look()


def test_the_page_shows_what_was_found_and_what_mends_it(ada, clock) -> None:
    ada.sign_in(clock, "auditors")
    assert "The accounts have not been checked yet" in ada.get(PAGE).text
    assert look(ada)
    page = ada.get(PAGE).text
    assert "Would fail" in page
    assert f"<h3>{ACCOUNT}/Administrator</h3>" in page
    assert "sts:AssumeRoleWithSAML" in page
    assert "2026-03-04 12:00 UTC" in page
    assert 'action="/administration/aws/check"' not in page


def test_what_stands_in_an_account_is_text_on_the_page(ada, clock) -> None:
    """Attack: a policy of an account speaks to the browser of an administrator."""
    ada.sign_in(clock, "auditors")
    look(ada, RealAccount({}, problem="<script>alert(1)</script>"))
    page = ada.get(PAGE).text
    assert "Cannot be determined" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_administrator_asks_for_a_look_once_and_it_is_told_who(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    look(ada)
    clock.advance(timedelta(minutes=1))
    assert "Check now" in ada.get(PAGE).text
    assert ada.post(CHECK, {"do": "check"}).headers["Location"] == PAGE
    page = ada.get(PAGE).text
    assert "A check was requested" in page
    assert "Check now" not in page
    newest = door_of(ada.app).store.audit.entries(limit=1)[0]
    assert (newest.event, newest.person) == ("accounts.check_asked", "corp/ada")
    again = ada.post(CHECK, {"do": "check"})
    assert (again.status_code, "asked for already" in again.text) == (400, True)
    assert look(ada)
    assert "Requested by corp/ada" in ada.get(PAGE).text


@pytest.mark.parametrize("group", ["auditors", "writers"])
def test_whoever_is_no_administrator_starts_nothing(ada, clock, group) -> None:
    ada.sign_in(clock, group)
    assert ada.get(PAGE).status_code == 200
    assert ada.post(CHECK, {"do": "check"}).status_code == 404
    assert waiting(door_of(ada.app).store) is None


@pytest.mark.parametrize("path", [PAGE, f"{FILES}?format=json"])
def test_for_everybody_else_there_is_no_such_page(ada, clock, path) -> None:
    ada.sign_in(clock, "admins")
    assert ada.get(path).status_code == 404


def test_where_the_settings_do_not_allow_it_nobody_is_asked(not_allowed, clock) -> None:
    not_allowed.sign_in(clock, "identity-team")
    page = not_allowed.get(PAGE).text
    assert "aws.check_accounts" in page
    assert "Check now" not in page
    refused = not_allowed.post(CHECK, {"do": "check"})
    assert (refused.status_code, "do not let nodes read the accounts" in refused.text) == (400, True)
    assert app._looks_at_accounts(door_of(not_allowed.app)) == ()


def test_where_they_allow_it_it_is_done_beside_the_requests(ada) -> None:
    assert len(app._looks_at_accounts(door_of(ada.app))) == 1


@pytest.mark.parametrize("form", ["cloudformation", "stack-set", "terraform", "cli", "json"])
def test_files_for_the_chosen_accounts_are_those_of_the_command(ada, clock, form, tmp_path) -> None:
    ada.sign_in(clock, "auditors")
    answer = ada.get(f"{FILES}?format={form}&account={ACCOUNT}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    words = ["aws", "onboard", "--settings", str(tmp_path / "federation-bridge.yaml"), "--format", form]
    made = CliRunner().invoke(commands, [*words, "--to", str(tmp_path / "made")])
    assert made.exit_code == 0, made.exception
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").rglob("*") if path.is_file()}
    if answer.mimetype == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert {Path(name).name: archive.read(name) for name in archive.namelist()} == files
    else:
        assert [answer.data] == list(files.values())


@pytest.mark.parametrize("query", ["format=docx", "", f"format=json&account={ACCOUNT}&account=999988887777"])
def test_what_cannot_be_written_is_told_on_the_page(ada, clock, query) -> None:
    ada.sign_in(clock, "auditors")
    answer = ada.get(f"{FILES}?{query}")
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)


def test_the_last_look_is_told_at_a_terminal(ada, tmp_path) -> None:
    words = ["aws", "last-check", "--settings", str(tmp_path / "federation-bridge.yaml")]
    none = CliRunner().invoke(commands, words)
    assert (none.exit_code, "No node has looked" in none.stdout) == (1, True)
    look(ada)
    told = CliRunner().invoke(commands, words)
    assert told.exit_code == 1
    assert "as each night: 1 accounts looked at" in told.stdout
    assert "at least one nightly check did not take place" in told.stdout  # the clock of these tests is held in March
    assert f"The trust policy of {ACCOUNT}/Administrator" in told.stdout
    assert json.loads(CliRunner().invoke(commands, [*words, "--json"]).stdout)["accounts"] == 1
