"""An engineer of two companies at one terminal: both bridges in turn, and a job beside a sign-in that waits."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from cli_factories import MAIN, Person
from pseudo_terminal import Sitting, sitting

from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

DEVELOPER = f"{PRODUCTION}/Developer"


@pytest.fixture
def companies(tmp_path: Path) -> Iterator[tuple[Company, Company]]:
    with ExitStack() as stack:
        found = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            found.append(stack.enter_context(open_company(tmp_path / name, in_this_process=True)))
        yield found[0], found[1]


@pytest.fixture
def ada(companies: tuple[Company, Company], tmp_path: Path) -> Person:
    (tmp_path / "home").mkdir()
    return Person(tmp_path / "home", companies[0].bridge, {"TERM": "xterm-256color", "LANG": "C.UTF-8"})


def at_terminal(ada: Person, *words: str) -> AbstractContextManager[Sitting]:
    return sitting([sys.executable, "-I", str(MAIN), *words], ada.environ())


def approve(company: Company, code: str) -> None:
    user = ScriptedUser(company, "ada")
    user.sign_in()
    page = user.open("/device")
    page = user.browser.submit(page, page.form("/device"), user_code=code)
    user.browser.submit(page, page.form("/device/decision"), decision="allow")


def sign_in(ada: Person, company: Company, *more: str) -> None:
    with at_terminal(ada, "login", company.bridge, "--device", *more) as seat:
        approve(company, seat.until(r"([BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4})")[1])
        seat.until("Signed in as Ada Moss, until ")
        assert seat.end() == 0, seat.text()


def test_two_bridges_are_used_in_turn_from_one_terminal(ada: Person, companies: tuple[Company, Company]) -> None:
    one, two = companies
    sign_in(ada, one)
    sign_in(ada, two, "--name", "two")
    with at_terminal(ada) as seat:
        assert seat.end() == 0
        assert [seat.text().count(each) for each in (one.bridge, two.bridge, "Ada Moss", "two *")] == [1, 1, 2, 1]
    keys = {}
    for name in ("two", one.bridge):
        status, out, told = ada.run("credentials", DEVELOPER, "--bridge", name)
        assert (status, f"{DEVELOPER}: 1h, until" in told) == (0, True), told
        keys[name] = json.loads(out)["AccessKeyId"]
        again = ada.run("credential-process", "--role", DEVELOPER, "--bridge", name)[1]
        assert json.loads(again)["AccessKeyId"] == keys[name]
    assert len(set(keys.values())) == 2
    assert ada.run("use", one.bridge)[0] == 0
    assert json.loads(ada.run("credentials", DEVELOPER)[1])["AccessKeyId"] == keys[one.bridge]
    assert ada.run("configure", "--yes")[0] == ada.run("configure", "--yes", "--bridge", "two")[0] == 0
    config = (ada.home / ".aws/config").read_text()
    assert all(f"[profile {name}]" in config for name in ("production-Developer", "two-production-Developer"))
    assert ada.run("logout", "--bridge", "two")[0] == 0
    assert [ada.run("whoami", "--bridge", name)[0] for name in ("two", one.bridge)] == [3, 0]


def test_a_job_beside_a_sign_in_that_waits_ends_at_once_and_a_second_window_shares_it(
    ada: Person, companies: tuple[Company, Company]
) -> None:
    one = companies[0]
    sign_in(ada, one)
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
