"""`make demo ONCE=1`: the whole main job, with the bridge in a process of its own."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pseudo_terminal import sitting
from service_factories import until

from federation_bridge.operate import commands as operate_commands
from federation_bridge.sandbox import demo
from federation_bridge.sandbox.aws_cli import unpacked_cli
from federation_bridge.sandbox.company import Company, Premises, open_company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.handover import commands, invitation, write_environment
from federation_bridge.sandbox.scenario import run_scenario
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn
from federation_bridge.sandbox.telling import StepFailed, Teller
from federation_bridge.sandbox.terminal import _approve, _told_code


def test_the_demo_keeps_every_promise_says_so_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Company] = []

    @contextmanager
    def noted(folder: Path, **more: Any) -> Iterator[Company]:
        with open_company(folder, **more) as company:
            opened.append(company)
            yield company

    monkeypatch.setattr(demo, "open_company", noted)
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
        "with an explicit deny in a permissions boundary",
        "seconds after the word of the directory",
    ):
        assert promised in text
    (company,) = opened
    passwords = {person.password for person in company.directory}
    assert passwords
    assert [password for password in passwords if password in told.getvalue()] == []


def test_credentials_that_are_told_of_show_no_secret(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    shown = ada.credentials(f"{PRODUCTION}/Developer")
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
    monkeypatch.setattr(operate_commands, "find_spec", lambda _name: None)
    answer = CliRunner().invoke(operate_commands.commands, ["demo", "--once"])
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (1, 1)
    assert "deploy/requirements/sandbox.txt" in answer.stderr


@pytest.mark.parametrize(
    ("words", "called"), [("", (False, None)), ("--once", (True, None)), ("--once --port 9000", (True, 9000))]
)
def test_the_operators_command_runs_the_demo(
    monkeypatch: pytest.MonkeyPatch, words: str, called: tuple[bool, int | None]
) -> None:
    asked: list[tuple[bool, int | None]] = []

    def run(_out: object, *, once: bool, port: int | None) -> int:
        asked.append((once, port))
        return 1

    monkeypatch.setattr(demo, "run", run)
    assert CliRunner().invoke(operate_commands.commands, ["demo", *words.split()]).exit_code == 1
    assert asked == [called]


def test_the_last_words_lead_to_the_pages_of_administrators(large: Company, environment: Path) -> None:
    text = invitation(large, environment)
    assert f"{large.bridge}/administration" in text
    assert text.count("  - id: sales-reads-reports") == 1
    for login in ("ada", "fay", "gus", "bruno", "dan", "ivy"):
        assert f"  {login:6} {large.directory[login].password}" in text


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        yield


def three_free() -> int:
    """A port that is free, as the two after it are."""
    return next(port for port in range(30_000, 40_000, 3) if all(map(demo._is_free, range(port, port + 3))))


def test_the_demo_has_ports_that_stay_unless_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first = three_free()
    monkeypatch.setattr(demo, "_PORT", first)
    assert demo._premises(None) == Premises(first, first + 1, first + 2, has_estate=True)
    with listening(first + 2):
        assert demo._premises(None) == Premises(has_estate=True)


def test_a_port_that_was_asked_for_and_is_taken_is_named(tmp_path: Path) -> None:
    first, told = three_free(), io.StringIO()
    with listening(first + 1):
        assert demo.run(told, once=True, port=first) == 1
    assert f"port {first + 1} is taken; the demo needs {first}, {first + 1} and {first + 2}" in told.getvalue()
    assert demo.run(told, once=True, port=65_534) == 1
    assert "65534 is no port with two more after it" in told.getvalue()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company as the demo opens it."""
    folder = tmp_path_factory.mktemp("company")
    premises = Premises(has_estate=True)
    with open_company(folder, in_this_process=True, rulebook="database", premises=premises) as opened:
        yield opened


@pytest.fixture(scope="module")
def environment(large: Company) -> Path:
    return write_environment(large, unpacked_cli())


def test_somebody_has_two_hundred_roles_in_forty_accounts_which_work(large: Company) -> None:
    ivy = ScriptedUser(large, "ivy")
    ivy.sign_in()
    assert "200 roles" in ivy.open().words
    arn = caller_arn(large, ivy.credentials("700000003001/Support"))
    assert arn.startswith("arn:aws:sts::700000003001:assumed-role/Support/")


def test_the_lines_that_are_handed_over_work_as_they_stand_in_a_shell(large: Company, environment: Path) -> None:
    told = invitation(large, environment)
    pasted = commands(large, environment)
    assert "\n".join(f"  {line}" for line in pasted) in told
    setting_up, login, *others = pasted
    ada = ScriptedUser(large, "ada")
    ada.sign_in()
    # Here no browser opens, so that the login is asked for by a code.
    with in_a_shell(f"{setting_up}\n{login} --device") as shell:
        _approve(ada, _told_code(shell))
        said, _ = shell.communicate(timeout=60)
        assert (shell.returncode, "Signed in as Ada Moss" in said) == (0, True), said
    with in_a_shell("\n".join(("set -e", setting_up, *others, "federation-bridge rules history"))) as shell:
        said, _ = shell.communicate(timeout=60)
    assert shell.returncode == 0, said
    for shown in ("assumed-role/Developer/ada@example.com", "summary.txt", "the rules of the example company"):
        assert shown in said
    assert {path.name for path in (large.folder / "terminal").iterdir()} >= {"config", "fedbridge"}


MINE = {"FEDBRIDGE_URL": "https://mine.example.com", "AWS_ROLE_ARN": "arn:mine", "AWS_WEB_IDENTITY_TOKEN_FILE": "/mine"}
"""What somebody's shell may hold already."""


@contextmanager
def in_a_shell(text: str) -> Iterator[subprocess.Popen[str]]:
    """Bash with these lines, in a home that is empty and stays so."""
    with tempfile.TemporaryDirectory() as home:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        variables = {**kept, "HOME": home, "LANG": "C.UTF-8", "AWS_PROFILE": "mine", "AWS_PAGER": "", **MINE}
        shell = subprocess.Popen(
            ["bash", "-c", text], env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield shell
        finally:
            shell.kill()
            shell.wait()
        left = [path.relative_to(home) for path in Path(home).rglob("*") if path.is_file()]
        # The AWS CLI counts its own sessions, of whichever account.
        assert [path for path in left if path.parts[:3] != (".aws", "cli", "cache")] == []


def test_everything_is_told_within_eighty_columns(large: Company, environment: Path) -> None:
    told = io.StringIO()
    teller = Teller(told)
    teller.chapter("Ada")
    teller.step("word " * 40)
    teller.answered("arn:aws:sts::444455556666:assumed-role/Administrator/ada-example.com-j7zkubgo4qa7dcg2 and more")
    text = told.getvalue() + invitation(large, environment)
    assert [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()] == []


QUICK = "import sys; from federation_bridge.sandbox import demo; demo.run_scenario = print; sys.exit(demo.main())"


@pytest.mark.parametrize("reason", ["its terminal is closed", "it is told twice to stop"])
def test_a_demo_that_ends_leaves_no_process_and_no_secret(tmp_path: Path, reason: str) -> None:
    home = {"TMPDIR": str(tmp_path), "PATH": os.environ["PATH"], "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    with sitting([sys.executable, "-c", QUICK], home) as seat:
        seat.until("Now it is yours")
        seat.until("rules history")
        assert len(list(tmp_path.glob("federation-bridge-demo-*"))) == 1
        of_it = processes_of(seat.process.pid)
        assert len(of_it) > 1
        if reason == "its terminal is closed":
            seat.close_window()
        else:
            for _ in range(2):
                seat.process.terminate()
        seat.process.wait(60)
    assert list(tmp_path.iterdir()) == []
    until(lambda: not [pid for pid in of_it if Path(f"/proc/{pid}").exists()], "a process is left")


def processes_of(parent: int) -> list[int]:
    """A process and all that it started."""
    found = [parent]
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # a task may have ended since it was found
            found += [pid for child in children.read_text().split() for pid in processes_of(int(child))]
    return found
