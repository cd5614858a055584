"""An employee's day: sign in, see my roles, take credentials, open a console, follow a bookmark, sign out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn, read_object, write_object

ROADS = {f"{PRODUCTION}/Administrator": "saml", f"{ANALYTICS}/Administrator": "oidc"}
REFERENCE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")
EC2 = "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1"


def reference_on(page: Page) -> str:
    found = REFERENCE.search(page.words)
    assert found is not None, page.words
    return found[0]


# --------------------------------------------------------------------------------------------------------- signing in


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_i_sign_in_and_see_my_roles(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.sign_in(connection)
    assert page.url == f"{company.bridge}/"
    assert "Ada Moss" in page.words
    assert ada.roles() == [f"{PRODUCTION}/Administrator", f"{PRODUCTION}/Developer", f"{ANALYTICS}/Administrator"]


def test_the_choice_page_offers_every_company_sign_in_and_the_one_used_last_first(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    choices = [value for name, value in ada.open().form("/sign-in").buttons if name == "connection"]
    assert sorted(choices) == ["company", "company-oidc"]
    for used in ("company-oidc", "company"):
        ada.sign_in(used)
        ada.sign_out()
        choices = [value for name, value in ada.open().form("/sign-in").buttons if name == "connection"]
        assert choices[0] == used


def test_my_e_mail_address_finds_my_company_sign_in(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.open()
    form = next(form for form in page.forms if "email" in form.fields)
    page = ada.type_password(ada.browser.submit(page, form, email="ada@EXAMPLE.com"))
    assert "Ada Moss (company/p-1001)" in page.words


def test_an_address_of_nobodys_domain_leads_back_to_the_choice(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.open()
    form = next(form for form in page.forms if "email" in form.fields)
    page = ada.browser.submit(page, form, email="ada@elsewhere.example.test")
    assert page.url == f"{company.bridge}/sign-in"
    assert page.has_form("/sign-in")


def test_a_wrong_password_signs_nobody_in(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.open()
    page = ada.browser.submit(page, page.form("/sign-in"), connection="company")
    page = ada.browser.submit(page, page.form("/login"), login="ada", password="guess")
    assert page.url.startswith(company.addresses.provider)
    assert ada.roles() == []
    assert ada.open().has_form("/sign-in")


def test_who_declines_at_the_company_gets_a_clear_page_with_a_reference(company: Company, trail: Any) -> None:
    for connection in ("company", "company-oidc"):
        ada = ScriptedUser(company, "ada")
        page = ada.open()
        page = ada.browser.submit(page, page.form("/sign-in"), connection=connection)
        page = ada.browser.submit(page, page.form("/decline"))
        assert page.status == 403
        assert "The sign-in was not completed at your company." in page.words
        assert [event["event"] for event in trail(company, reference_on(page))] == ["sign_in.refused"]
        assert ada.open().has_form("/sign-in")


def test_who_has_left_the_company_is_stopped_at_the_company(company: Company) -> None:
    eve = ScriptedUser(company, "eve")
    assert eve.sign_in("company").status == 403
    assert eve.sign_in("company-oidc").status == 403
    assert eve.roles() == []


def test_a_sign_in_that_began_at_the_company_asks_who_i_am_first(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    start = ada.browser.open(company.addresses.provider)
    page = ada.type_password(ada.browser.open(start.link("/saml/start"), from_page=start))
    assert "Is this you?" in page.words
    assert ada.roles() == []
    page = ada.browser.submit(page, page.form("/confirm"))
    assert ada.roles() != []


# ---------------------------------------------------------------------------------------------------------- using AWS


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
@pytest.mark.parametrize("role", list(ROADS), ids=list(ROADS.values()))
def test_either_sign_in_leads_over_either_road_to_credentials_that_work(
    company: Company, connection: str, role: str
) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in(connection)
    credentials = ada.credentials(role)
    arn = caller_arn(company, credentials)
    assert arn == credentials.assumed_role_arn
    assert arn.startswith(f"arn:aws:sts::{role.partition('/')[0]}:assumed-role/Administrator/ada")


def test_my_session_may_do_what_the_role_may_and_nothing_else(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    credentials = ada.credentials(f"{PRODUCTION}/Developer")
    assert read_object(company, credentials, "production-reports", "2026/summary.txt") == "All is well.\n"
    with pytest.raises(ClientError, match="AccessDenied"):
        write_object(company, credentials, "production-reports", "2026/forged.txt")


def test_a_contractors_session_is_narrower_than_the_role(company: Company) -> None:
    carla = ScriptedUser(company, "carla")
    carla.sign_in()
    credentials = carla.credentials(f"{ANALYTICS}/DataReader")
    assert read_object(company, credentials, "analytics-data", "public/cities.csv").startswith("city")
    with pytest.raises(ClientError, match="no session policy allows"):
        read_object(company, credentials, "analytics-data", "private/salaries.csv")


def test_credentials_end(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    credentials = ada.credentials(f"{PRODUCTION}/Developer")
    company.end_session(credentials.access_key_id)
    with pytest.raises(ClientError, match="ExpiredToken"):
        read_object(company, credentials, "production-reports", "2026/summary.txt")


def test_who_has_no_role_learns_why(company: Company) -> None:
    dan = ScriptedUser(company, "dan")
    page = dan.sign_in()
    assert "You have no AWS role at the moment." in page.words
    words = dan.browser.open(page.link("/why"), from_page=page).words
    assert "company.platform" in words
    assert "you are not in group 'platform-admins'" in words


@pytest.mark.parametrize("path", ["/credentials", "/console"])
@pytest.mark.parametrize("role", ["Administrator", "NoSuchRole"])
def test_a_role_that_no_rule_gives_me_is_refused_in_the_same_words_whether_or_not_it_exists(
    company: Company, trail: Any, path: str, role: str
) -> None:
    carla = ScriptedUser(company, "carla")
    carla.sign_in()
    page = carla.open()
    form = page.form(f"/roles/{ANALYTICS}/DataReader{path}")
    answer = carla.browser.post(
        f"{company.bridge}/roles/{PRODUCTION}/{role}{path}",
        form.fields,
    )
    assert answer.status == 403
    assert "You do not have this role." in answer.words
    (event,) = trail(company, reference_on(answer))
    assert event["event"] == "grant.refused"
    assert f"{PRODUCTION}/{role}" in event["details"]["reason"]


# -------------------------------------------------------------------------------------------------------- the console


@pytest.mark.parametrize("role", list(ROADS), ids=list(ROADS.values()))
def test_i_open_a_console_as_one_role(company: Company, role: str) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    page = ada.console(role)
    assert page.url.startswith(f"{company.addresses.aws}/console")
    assert page.by_id["account"] == role.partition("/")[0]
    assert ":assumed-role/Administrator/ada" in page.by_id["principal"]


@pytest.mark.parametrize("role", list(ROADS), ids=list(ROADS.values()))
def test_a_bookmark_signs_me_in_on_the_way_and_lands_on_its_page(company: Company, role: str) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.follow_bookmark(role, EC2)
    page = ada.type_password(ada.browser.submit(page, page.form("/sign-in"), connection="company"))
    assert "Open the AWS console?" in page.words
    page = ada.browser.submit(page, page.form("/console"))
    assert page.by_id["destination"] == EC2


def test_my_own_bookmark_shows_where_it_leads_and_opens_with_one_press(company: Company, trail: Any) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    before = len(trail(company))
    page = ada.follow_bookmark(f"{PRODUCTION}/Administrator", EC2)
    assert "eu-central-1.console.aws.amazon.com /ec2/home" in page.words
    assert [event for event in trail(company)[before:] if event["event"].startswith("grant")] == []
    assert ada.browser.submit(page, page.form("/console")).by_id["destination"] == EC2


def test_a_bookmark_that_another_site_follows_issues_nothing(company: Company, trail: Any) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    before = len(trail(company))
    elsewhere = ada.browser.open(company.addresses.provider)
    page = ada.browser.open(f"{company.bridge}/go/{PRODUCTION}/Administrator", from_page=elsewhere)
    assert page.has_form("/console")
    assert [event for event in trail(company)[before:] if event["event"].startswith("grant")] == []


@pytest.mark.parametrize(
    "to",
    [
        "https://console.aws.amazon.com.example.test/",
        "//example.test/",
        "javascript:alert(1)",
        "http://console.aws.amazon.com/",
    ],
)
def test_a_bookmark_leads_to_no_page_but_the_console(company: Company, to: str) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    page = ada.follow_bookmark(f"{PRODUCTION}/Administrator", to)
    assert page.status == 400
    assert page.url.startswith(company.bridge)


def test_a_console_that_has_ended_leads_back_to_its_page(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    page = ada.follow_bookmark(f"{ANALYTICS}/Administrator", EC2)
    console = ada.browser.submit(page, page.form("/console"))
    with monkeypatch.context() as later:
        later.setattr(company.local.state, "clock", lambda: datetime.now(UTC) + timedelta(hours=2))
        ended = ada.browser.open(console.url)
        assert ended.by_id["code"] == "SessionEnded"
    page = ada.browser.open(ended.link("/go/"), from_page=ended)
    assert ada.browser.submit(page, page.form("/console")).by_id["destination"] == EC2


# ------------------------------------------------------------------------------------------------ what others might do


def test_an_answer_works_once(company: Company, trail: Any) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.open()
    page = ada.browser.submit(page, page.form("/sign-in"), connection="company")
    person = ada.person
    answer = ada.browser.submit_and_stop(page, page.form("/login"), login=person.login, password=person.password)
    assert ada.browser.submit(answer, answer.form("/saml")).url == f"{company.bridge}/"
    again = ada.browser.submit(answer, answer.form("/saml"))
    assert again.status == 403
    assert [event["event"] for event in trail(company, reference_on(again))] == ["sign_in.refused"]


def test_an_answer_works_only_in_the_browser_that_asked_for_it(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.open()
    page = ada.browser.submit(page, page.form("/sign-in"), connection="company-oidc")
    person = ada.person
    login = page.form("/login")
    answer = ada.browser.post(login.action, {**login.fields, "login": person.login, "password": person.password})
    other = Browser()
    assert other.open(answer.headers["Location"]).status == 403
    assert ada.browser.open(answer.headers["Location"]).url == f"{company.bridge}/"


def test_a_form_on_another_site_takes_no_credentials(company: Company, trail: Any) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    form = ada.open().form(f"/roles/{PRODUCTION}/Administrator/credentials")
    elsewhere = ada.browser.open(company.addresses.provider)
    page = ada.browser.submit(elsewhere, form)
    assert page.status in (401, 403)
    assert "text-json" not in page.by_id


def test_signing_out_ends_the_session_and_not_only_the_cookie(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    held = {cookie.name: cookie.value for cookie in ada.browser.cookies}
    assert "You are signed out here" in ada.sign_out().words
    assert ada.roles() == []
    thief = Browser()
    cookies = "; ".join(f"{name}={value}" for name, value in held.items())
    page = thief.call(thief.open(f"{company.bridge}/"), "GET", "/", headers={"Cookie": cookies})
    assert page.has_form("/sign-in")
    assert "Ada" not in page.words
