"""One role's page, the press for its console, and the bookmark: where they lead, for how long, why, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of, person_at

from federation_bridge.aws.console import Endpoints, signed_out_first
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.bridge import granting, token_hash
from federation_bridge.model import Departure
from federation_bridge.web import cookies
from federation_bridge.web.forms import checked_return_path

ROLE = f"/roles/{ACCOUNT}/Administrator"
HOME = "https://us-east-1.console.aws.amazon.com"
DETAILS = """    aliases: [Live]
    links: [{name: Queues, page: /sqs/v3/home}]
    roles:"""


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock):
        register = tmp_path / "accounts.yaml"
        register.write_text(register.read_text().replace("    roles:", DETAILS))
        one.sign_in(clock, "admins")
        yield one


def lands_on(answer: Any) -> str:
    """The page of the console to which the form that posts itself leads."""
    found = re.search(r'name="RelayState" value="([^"]*)"', answer.text)
    return unescape(found[1]) if found else ""


# ---------------------------------------------------------------------------------------------------------- where to


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({}, f"{HOME}/console/home?region=us-east-1"),
        ({"region": "eu-west-1"}, "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"),
        ({"link": "/sqs/v3/home"}, f"{HOME}/sqs/v3/home"),
        ({"link": "/sqs/v3/home", "region": "eu-west-1"}, "https://eu-west-1.console.aws.amazon.com/sqs/v3/home"),
        ({"to": f"{HOME}/s3?a=b#c", "link": "/sqs/v3/home", "region": "eu-west-1"}, f"{HOME}/s3?a=b#c"),
    ],
)
def test_a_press_leads_to_the_chosen_page_in_the_chosen_region(
    person: Person, fields: dict[str, str], page: str
) -> None:
    assert lands_on(person.post(f"{ROLE}/console", fields)) == page


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "https://evil.example/"},
        {"link": "https://evil.example/"},
        {"link": "//evil.example/"},
        {"region": "evil.example/"},
        {"region": "cn-north-1"},
        {"to": "https://console.amazonaws.cn/"},
    ],
)
def test_l05_a_press_leads_nowhere_else_whatever_the_form_says(person: Person, fields: dict[str, str]) -> None:
    assert person.post(f"{ROLE}/console", fields).status_code == 400
    if "region" not in fields:
        told = person.post(f"{ROLE}/console", fields).text
        assert "This address is no page of the account&#39;s AWS console." in told
    query = urlencode({"to": fields.get("to") or fields.get("link", ""), "region": fields.get("region", "")})
    assert person.get(f"/go/{ACCOUNT}/Administrator?{query}").status_code == 400
    assert "grant.made" not in [entry.event for entry in door_of(person.app).store.audit.entries()]


def test_who_pressed_very_often_is_told_to_wait(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granting, "_MOST_LEAVE", 1)
    assert person.post(f"{ROLE}/console").status_code == 200
    page = person.post(f"{ROLE}/console")
    assert (page.status_code, page.headers["Retry-After"]) == (429, "600")
    assert "Too many tries. Please wait ten minutes." in page.text


# ----------------------------------------------------------------------------------------------- what was granted


def told(page: Any) -> list[str]:
    """What the page says was granted, as it is read."""
    found = re.findall(r'<p class="news">(Granted:.*?)</p>', page.text)
    return [unescape(re.sub(r"<[^>]+>", "", one)) for one in found]


def test_whoever_comes_back_from_the_console_reads_what_was_granted_for_ten_minutes(
    person: Person, clock: HeldClock
) -> None:
    assert told(person.get("/")) == []
    assert person.post(f"{ROLE}/console", {"duration": "2h"}).status_code == 200
    assert person.post(f"{ROLE}/console", {"duration": "1h"}).status_code == 200
    granted = f"Granted: Administrator · Production {ACCOUNT}, until 2026-03-04 13:00 UTC For 1h: as you asked."
    expected = [granted]
    for path in ("/", ROLE, "/roles/granted"):
        assert told(person.get(path)) == expected
    clock.advance(timedelta(minutes=11))
    assert told(person.get("/")) == []


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        ("", "For 1h: the usual length."),
        ("15m", "For 15m: as you asked."),
        ("12h", "For 2h: the longest that the rule allows."),
    ],
)
def test_why_it_is_so_long_is_told_as_the_page_of_credentials_does(person: Person, duration: str, said: str) -> None:
    assert person.post(f"{ROLE}/console", {"duration": duration} if duration else {}).status_code == 200
    (line,) = told(person.get("/"))
    assert line.endswith(f" UTC {said}")
    assert said in person.get("/activity").text
    chinese = door_of(person.app).settings.base_url + "/roles/granted"
    assert "时长" in person.client.get(chinese, headers={"Accept-Language": "zh-CN"}).text


def test_what_was_granted_without_an_entry_in_the_audit_is_told_without_a_reason(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert person.post(f"{ROLE}/console").status_code == 200
    monkeypatch.setattr(type(door_of(person.app).store.audit), "found", lambda *_: iter(()))
    (line,) = told(person.get("/"))
    assert line.endswith(" UTC")


def test_what_was_granted_is_told_to_nobody_else(person: Person, clock: HeldClock) -> None:
    assert person.post(f"{ROLE}/console").status_code == 200
    person.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    assert told(person.get("/roles/granted")) == told(person.get("/")) == []
    ada = person.sign_in(clock, "admins", token="cd" * 32)
    eve = replace(ada, key=token_hash("ef" * 32), identity=replace(ada.identity, subject="eve"))
    door_of(person.app).store.sessions.admit(eve, "https://idp.example.com", "_eve", clock() + timedelta(minutes=5))
    person.client.set_cookie(cookies.SESSION, "ef" * 32, domain="aws.example.com", secure=True)
    assert "corp/eve" in person.get("/").text
    assert told(person.get("/roles/granted")) == told(person.get("/")) == []


# ------------------------------------------------------------------------------------------------- one role's page


def test_the_page_of_a_role_offers_what_is_possible_and_says_the_limit_beforehand(person: Person) -> None:
    page = person.get(ROLE).text
    assert "<h1>Administrator · Production" in page
    assert re.findall(r"<option(?: value=\"\w*\")?>([^<]*h|[^<]*m)</option>", page) == [
        "as usual: 1h",
        "15m",
        "30m",
        "1h",
        "2h",
    ]
    assert "At most 2h: the longest that the rule allows." in page
    assert '<option value="/sqs/v3/home">Queues</option>' in page
    assert page.count("<option>eu-central-1</option>") == 1
    assert f"https://aws.example.com/go/{ACCOUNT}/Administrator</pre>" in page
    assert person.post(f"{ROLE}/console", {"duration": "2h", "reason": "ticket 7"}).status_code == 200
    made = next(entry for entry in door_of(person.app).store.audit.entries() if entry.event == "grant.made")
    assert (made.details["reason"], made.details["duration"]) == ("ticket 7", 7200)


@pytest.mark.parametrize("path", [f"/roles/{ACCOUNT}/Nobody", "/roles/word/word", "/roles/1/x"])
def test_the_page_of_a_role_that_a_person_lacks_says_so_and_no_more(person: Person, path: str) -> None:
    answer = person.get(path)
    assert answer.status_code == 403
    assert "You do not have this role." in answer.text


def test_the_page_of_a_role_takes_nothing_from_its_address(person: Person) -> None:
    """A link could fill in a reason or a page that nobody reads in a long field."""
    assert "evil" not in person.get(f"{ROLE}?reason=evil&to=/evil&duration=evil").text


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("account", [ACCOUNT, "Production", "production", "live"])
@pytest.mark.parametrize("role", ["Administrator", "administrator"])
def test_a_bookmark_may_name_the_account_as_people_do(person: Person, account: str, role: str) -> None:
    if account == ACCOUNT and role != "Administrator":
        return
    for path in (f"/go/{account}/{role}", f"/roles/{account}/{role}"):
        assert f'action="/roles/{ACCOUNT}/Administrator/console"' in person.get(path).text


@pytest.mark.parametrize("account", ["Production", "Prod", "nothing"])
def test_a_name_tells_nobody_that_an_account_is_there_whose_rules_do_not_name_them(
    person: Person, clock: HeldClock, account: str
) -> None:
    person.sign_in(clock, "strangers", token="cd" * 32)
    answer = person.get(f"/go/{account}/Administrator")
    assert answer.status_code == 403
    assert re.sub(account, "", answer.text) == re.sub("nothing", "", person.get("/go/nothing/Administrator").text)


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/go/production/Admin", True),
        ("/go/My%20account%20%E5%88%86/Admin?region=eu-west-1&duration=1h", True),
        ("/roles/production/Admin", True),
        ("/go/a/b/c", False),
        ("/go//evil.example/x", False),
        ("/roles/production/Admin/console", False),
        ("/roles/a/b?to=/x", False),
    ],
)
def test_a_sign_in_leads_back_to_a_role_by_its_name(path: str, back: bool) -> None:
    assert checked_return_path(path) == (path if back else "/")


def test_a_sign_in_on_the_way_keeps_a_name_in_other_letters(person: Person, clock: HeldClock) -> None:
    person.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    answer = person.get("/go/%E5%88%86%20x/Reader?region=eu-west-1")
    assert 'value="/go/%E5%88%86%20x/Reader?region=eu-west-1"' in answer.text


# ------------------------------------------------------------------------------------------------ signing out first


def test_signing_out_first_is_chosen_once_and_remembered_by_the_browser(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    manners: list[bool] = []
    bridge, opened = door_of(person.app).bridge, type(door_of(person.app).bridge).console

    def console(self: Any, caller: Any, asked: Any, page: str, manner: Any) -> Any:
        manners.append(manner.signs_out_first)
        return opened(self, caller, asked, page)

    monkeypatch.setattr(type(bridge), "console", console)
    for fields in ({}, {"asked_first": "yes", "sign_out_first": "first"}, {}, {"asked_first": "yes"}, {}):
        assert person.post(f"{ROLE}/console", fields).status_code == 200
    assert manners == [False, True, True, False, False]


def test_the_sign_out_leads_to_the_sign_in_link_of_the_home_regions_own_host() -> None:
    link = Departure("https://signin.aws.amazon.com/federation?Action=login&SigninToken=x")
    out = (Endpoints("f", "s", sign_out="https://us-east-1.signin.aws.amazon.com/oauth"),)
    led = urlsplit(signed_out_first(link, out, PARTITIONS["aws"]).url)
    assert (led.hostname, led.path) == ("us-east-1.signin.aws.amazon.com", "/oauth")
    assert parse_qs(led.query) == {
        "Action": ["logout"],
        "redirect_uri": ["https://us-east-1.signin.aws.amazon.com/federation?Action=login&SigninToken=x"],
    }
    assert signed_out_first(link, (Endpoints("f", "s"),), PARTITIONS["aws-cn"]) is link
