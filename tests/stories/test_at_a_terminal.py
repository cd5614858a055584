"""An engineer at one terminal, as docs/command-line.md shows: one bridge, two in turn, a job beside a sign-in."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from cli_factories import MAIN, Person, address_in, with_terraform
from documents.blocks import blocks
from pseudo_terminal import ENTER, Sitting, sitting

from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

DEVELOPER = f"{PRODUCTION}/Developer"
PROCESS = ("credential-process", "--role", DEVELOPER)


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Company]]:
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
        one, two = (stack.enter_context(open_company(folder, in_this_process=True)) for folder in folders)
        yield one, two


@pytest.fixture
def ada(companies: tuple[Company, Company], tmp_path: Path) -> Person:
    (tmp_path / "home").mkdir()
    variables = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "BROWSER": "/bin/true"}
    return Person(tmp_path / "home", companies[0].bridge, variables)


def at_terminal(ada: Person, *words: str) -> AbstractContextManager[Sitting]:
    return sitting([sys.executable, "-I", str(MAIN), *words], ada.environ())


def approve(company: Company, code: str) -> None:
    user = ScriptedUser(company, "ada")
    user.sign_in()
    page = user.open("/device")
    page = user.browser.submit(page, page.form("/device"), user_code=code)
    user.browser.submit(page, page.form("/device/decision"), decision="allow")


def sign_in(ada: Person, company: Company, *words: str) -> str:
    """By the browser of this computer; what the terminal said."""
    browser = ScriptedUser(company, "ada")
    browser.sign_in()
    with at_terminal(ada, *words) as seat:
        seat.until(r"/oauth/authorize\?\S+\s")
        page = browser.browser.open(address_in(next(ada.home.glob("*/sign-in.html")).read_text()))
        browser.browser.submit(page, page.form("/oauth/authorize"), decision="allow")
        assert seat.end() == 0, seat.text()
        return seat.text()


def is_told(line: str, said: str) -> bool:
    """Whether the terminal says this line, in which addresses and times are others."""
    return re.search(re.sub(r"https?:\S+|[0-9]+", r"\\S+", re.escape(line)), said) is not None


def test_from_nothing_to_terraform_plan_as_the_page_shows(ada: Person, companies: tuple[Company, Company]) -> None:
    """From the login on: `tests/deploy/test_walk.py` installs."""
    shown, company = blocks()["docs/command-line.md console 1"], companies[0]
    _, _, login, configure, work = shown.commands
    said = sign_in(ada, company, *shlex.split(login.replace("https://aws.example.com", company.bridge))[1:])
    told = [line for line in shown.text.splitlines() if not line.startswith("$ ")]
    assert len(told) == 3
    assert [line for line in told if not is_told(line, said)] == []
    with at_terminal(ada, *shlex.split(configure)[1:]) as seat:
        seat.until(r"profiles \+\d+[\s\S]*Write this\? ")
        assert not (ada.home / ".aws" / "config").exists()
        seat.type(f"y{ENTER}")
        assert seat.end() == 0, seat.text()
    assert "[profile production-Developer]" in (ada.home / ".aws" / "config").read_text()
    found = with_terraform(ada.home / "bin", company.addresses.aws)
    plan = ada.start_command(["sh", "-c", work], found)
    out, words = plan.communicate(timeout=60)
    assert f"{PRODUCTION}:assumed-role/Developer/" in out, words


def test_two_bridges_are_used_in_turn_as_the_page_shows(ada: Person, companies: tuple[Company, Company]) -> None:
    one, two = companies
    lines = "\n".join(blocks()["docs/command-line.md console 2"].commands)
    lines = lines.replace("https://aws.example.com", one.bridge).replace("https://aws.other.example", two.bridge)
    named = one.bridge.partition("://")[2]
    commands = [shlex.split(line)[1:] for line in lines.replace("aws.example.com", named).splitlines()]
    login, login_other, back, work, profiles, alone = commands
    sign_in(ada, one, *login)
    sign_in(ada, two, *login_other)
    assert ada.run(*PROCESS)[1] == ada.run(*PROCESS, "--bridge", "other")[1]
    assert ada.run(*back)[0] == 0
    assert ada.run(*PROCESS)[1] == ada.run(*PROCESS, "--bridge", named)[1]
    keys = {json.loads(ada.run(*PROCESS, "--bridge", name)[1])["AccessKeyId"] for name in ("other", named)}
    assert len(keys) == 2
    # Only the other company's AWS knows what the other company's bridge gave.
    status, out, told = ada.run(*work, variables=with_terraform(ada.home / "bin", two.addresses.aws))
    assert (status, f"{PRODUCTION}:assumed-role/Developer/" in out) == (0, True), told
    assert ada.run("configure", "--yes")[0] == ada.run(*profiles, "--yes")[0] == 0
    config = (ada.home / ".aws/config").read_text()
    assert all(f"[profile {name}]" in config for name in ("production-Developer", "other-production-Developer"))
    with at_terminal(ada, *alone) as seat:
        assert seat.end() == 0
        assert [seat.text().count(each) for each in (one.bridge, two.bridge, "Ada Moss", f"{named} *")] == [1, 1, 2, 1]
        assert len(re.findall(r"Ada Moss +[0-9]", seat.text())) == 2, "until when"
    assert ada.run("logout", "--bridge", "other")[0] == 0
    assert [ada.run("whoami", "--bridge", name)[0] for name in ("other", named)] == [3, 0]


def test_a_job_beside_a_sign_in_that_waits_ends_at_once_and_a_second_window_shares_it(
    ada: Person, companies: tuple[Company, Company]
) -> None:
    one = companies[0]
    sign_in(ada, one, "login", one.bridge)
    assert ada.run("logout")[0] == 0
    with at_terminal(ada, "credentials", DEVELOPER, "--device") as first:
        code = first.until(r"([BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4})")[1]
        status, out, told = ada.run("credential-process", "--role", DEVELOPER)
        assert (status, out) == (3, "")
        assert f"fedbridge credentials (process {first.process.pid}, since " in told
        assert "there is no terminal here to wait at" in told
        with at_terminal(ada, "roles") as second:
            second.until(f"Waiting for the sign-in of fedbridge credentials \\(process {first.process.pid}, since ")
            approve(one, code)
            first.until('"AccessKeyId": "')
            assert (first.end(), second.end()) == (0, 0), second.text()
    assert ada.run("credential-process", "--role", DEVELOPER)[0] == 0
