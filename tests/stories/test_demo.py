"""`make demo ONCE=1`: the whole main job, with the bridge in a process of its own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from federation_bridge.operate import commands
from federation_bridge.sandbox import demo
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.scenario import StepFailed, Teller, run_scenario
from federation_bridge.sandbox.scripted_user import ScriptedUser


def test_the_demo_keeps_every_promise_and_says_so() -> None:
    told = io.StringIO()
    status = demo.run(told, once=True)
    text = " ".join(told.getvalue().split())
    assert (status, "All of it as promised" in text) == (0, True), text
    for promised in (
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "because no identity-based policy allows the s3:PutObject action",
        "because no session policy allows the s3:GetObject action",
        "ExpiredToken",
        f"the console of {PRODUCTION}",
        f"the console of {ANALYTICS}",
        "role_not_granted",
        "the rule ended on",
        "Did you start this yourself",
        f"arn:aws:sts::{PRODUCTION}:assumed-role/Developer/",
        "aws s3 cp",
    ):
        assert promised in text


def test_the_demo_shows_no_secret(company: Company) -> None:
    told = io.StringIO()
    run_scenario(company, Teller(told))
    for person in company.directory:
        assert person.password not in told.getvalue()
    credentials = ScriptedUser(company, "ada")
    credentials.sign_in()
    shown = credentials.credentials(f"{PRODUCTION}/Developer")
    assert shown.secret_access_key not in repr(shown)
    assert shown.session_token not in repr(shown)


def test_the_walk_fails_where_an_answer_is_not_the_promised_one(own_company: Company) -> None:
    own_company.directory.move("dan", "platform-admins")
    with pytest.raises(StepFailed, match="somebody without access has a role"):
        run_scenario(own_company, Teller(io.StringIO()))


def test_a_bridge_that_does_not_start_fails_the_demo_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    real = open_company

    def spoiled(folder: Path, **more: Any):
        (folder / "bridge.db").mkdir()
        return real(folder, **more)

    monkeypatch.setattr(demo, "open_company", spoiled)
    told = io.StringIO()
    assert demo.run(told, once=True) == 1
    assert "the bridge did not start" in told.getvalue()


def test_the_operators_command_says_which_libraries_the_demo_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda _name: None)
    answer = CliRunner().invoke(commands.commands, ["demo", "--once"])
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (1, 1)
    assert "deploy/requirements/sandbox.txt" in answer.stderr


@pytest.mark.parametrize(("arguments", "once"), [(["demo"], False), (["demo", "--once"], True)])
def test_the_operators_command_runs_the_demo(monkeypatch: pytest.MonkeyPatch, arguments: list[str], once: bool) -> None:
    asked: list[bool] = []

    def run(_out: object, *, once: bool) -> int:
        asked.append(once)
        return 1

    monkeypatch.setattr(demo, "run", run)
    assert CliRunner().invoke(commands.commands, arguments).exit_code == 1
    assert asked == [once]


def test_the_last_words_lead_to_the_pages_of_administrators(company: Company) -> None:
    told = io.StringIO()
    demo._invite(company, told)
    text = told.getvalue()
    assert f"{company.bridge}/administration" in text
    assert text.count("  - id: sales-reads-reports") == 1
    for login in ("ada", "fay", "gus", "bruno", "dan"):
        assert f"  {login:6} {company.directory[login].password}" in text
