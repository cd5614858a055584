"""Access that ends: told by the company's directory, and felt by the session that AWS issued, within a minute.

The bridge runs in a process of its own: what reaches AWS is done beside its requests, on the real clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from company_factories import company_at

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS
from federation_bridge.sandbox.scripted_user import Credentials, ScriptedUser, list_buckets, read_object
from federation_bridge.sandbox.terminal import Terminal

READER, AUDIT, ADMINISTRATOR = (f"{ANALYTICS}/{role}" for role in ("DataReader", "ReadOnly", "Administrator"))
ELSEWHERE = "111122223333/Administrator"
WITHIN = 60.0
"""Seconds from the word of the provider to the denial in AWS."""


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, its bridge in a process of its own: an end keeps its person waiting, so each story has another."""
    with company_at(tmp_path_factory.mktemp("company")) as opened:
        yield opened


def reads(company: Company, credentials: Credentials) -> str:
    """What AWS answers to a session that reads: the text, or the words of its refusal."""
    try:
        return read_object(company, credentials, "analytics-data", "public/cities.csv")
    except ClientError as refused:
        return f"{refused.response.get('Error', {}).get('Code')}: {refused}"


def in_time(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within a minute."""
    give_up_at = time.monotonic() + WITHIN
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        threading.Event().wait(0.1)
    return True


def test_a_contractor_who_is_disabled_is_denied_in_aws_while_a_colleague_in_the_same_role_goes_on(
    served: Company, tmp_path: Path
) -> None:
    served.connect_by_scim()
    people = {login: ScriptedUser(served, login) for login in ("carla", "hal")}
    for one in people.values():
        one.sign_in()
    terminal = Terminal(tmp_path, served)
    with terminal.device_login(people["carla"]) as login:
        login.ended()
    assert "ASIA" in terminal.fedbridge("credentials", "--role", READER)
    sessions = {login: one.credentials(READER) for login, one in people.items()}
    assert [reads(served, one)[:4] for one in sessions.values()] == ["city", "city"]

    served.directory.off_board("carla")

    told = people["carla"].open()
    assert told.has_form("/sign-in")
    assert "Your access is blocked for now" in told.words
    with pytest.raises(LookupError, match="ended with 4: fedbridge: Your access is blocked for now"):
        terminal.fedbridge("credentials", "--role", f"{ANALYTICS}/ReadOnly")
    assert in_time(lambda: reads(served, sessions["carla"]).startswith("AccessDenied"))
    assert "explicit deny in a permissions boundary" in reads(served, sessions["carla"])
    assert reads(served, sessions["hal"]).startswith("city")
    assert people["hal"].credentials(READER).access_key_id.startswith("ASIA")
    assert people["carla"].sign_in().status == 403


def test_an_incident_keeps_everybody_out_but_two_and_ends_with_a_press(served: Company) -> None:
    ada, fay, bruno = (ScriptedUser(served, login) for login in ("ada", "fay", "bruno"))
    for one in (ada, fay, bruno):
        one.sign_in()
    brunos, adas = bruno.credentials(AUDIT), ada.credentials(ADMINISTRATOR)
    page = ada.administer("/administration/blocks")

    form = next(one for one in page.forms if "excepted" in one.fields)
    in_chat = {"reason": "a key was seen in a chat", "in_aws": "yes"}
    ada.browser.submit(page, form, do="begin", excepted=f"company/{fay.person.subject}", **in_chat)

    assert bruno.open().has_form("/sign-in")
    assert "blocked" in bruno.sign_in().words
    assert in_time(lambda: reads(served, brunos).startswith("AccessDenied"))
    assert reads(served, adas).startswith("city")
    assert ada.credentials(ADMINISTRATOR).access_key_id.startswith("ASIA")
    assert fay.open().has_form("/sign-out")

    page = ada.administer("/administration/blocks")
    ada.browser.submit(page, next(one for one in page.forms if "connection" in one.fields), do="over")
    bruno.sign_in()
    assert AUDIT in bruno.roles()


def test_an_administrator_ends_one_grant_by_the_page_and_the_person_s_other_session_goes_on(served: Company) -> None:
    ada, hal = (ScriptedUser(served, login) for login in ("ada", "hal"))
    for one in (ada, hal):
        one.sign_in()
    ended, other, hals = ada.credentials(ADMINISTRATOR), ada.credentials(ELSEWHERE), hal.credentials(READER)
    assert [reads(served, one)[:4] for one in (ended, hals)] == ["city", "city"]
    before = list_buckets(served, other)

    of_ada = f"person=company/{ada.person.subject}&account={ANALYTICS}&role=Administrator"
    ada.administer()
    alive = ada.open(f"/administration/grants?{of_ada}")
    page = ada.browser.open(alive.link("kind=grant"))
    form = next(one for one in page.forms if "reason" in one.fields)
    said = ada.browser.submit(page, form, kind="grant", reason="the task is done")
    assert "AWS sessions that are ending: 1." in said.words, said.words

    assert in_time(lambda: reads(served, ended).startswith("AccessDenied"))
    assert list_buckets(served, other) == before
    assert reads(served, hals).startswith("city")
    assert in_time(lambda: "ended, checked" in ada.administer("/administration/aws/endings").words)
