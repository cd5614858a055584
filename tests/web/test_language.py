# ruff: noqa: F811 - fixtures are named where they are asked for
"""The language is chosen in the page, remembered, and leads nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from web_factories import BASE, Person

from federation_bridge.web import cookies

CHINESE, ENGLISH = 'lang="zh-Hans-CN"', '<html lang="en">'


def choose(person: Person, **fields: str) -> Any:
    return person.client.post("/language", base_url=BASE, data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def test_a_language_is_chosen_remembered_and_stronger_than_what_the_browser_prefers(person: Person) -> None:
    page = person.get("/why")
    assert ENGLISH in page.text and 'name="page" value="/why"' in page.text and "简体中文" in page.text
    answer = choose(person, language="zh_Hans_CN", page="/why")
    assert answer.headers["Location"] == "/why"
    assert f"<html {CHINESE}>" in person.get("/why", **{"Accept-Language": "en"}).text
    choose(person, language="en", page="/")
    assert ENGLISH in person.get("/why", **{"Accept-Language": "zh-CN"}).text


def test_without_a_choice_the_browser_decides(person: Person) -> None:
    assert f"<html {CHINESE}>" in person.get("/", **{"Accept-Language": "zh-CN,en;q=0.5"}).text
    person.client.set_cookie(cookies.LANGUAGE, "x" * 300, domain="aws.example.com", secure=True)
    assert ENGLISH in person.get("/").text


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "/language", "/sign-out", "", "/why\r\nX: y"]
)
def test_it_leads_to_pages_of_ours_alone(person: Person, to: str) -> None:
    answer = choose(person, language="en", page=to)
    assert (answer.status_code, answer.headers.get("Location")) in ((303, "/"), (400, None))


@pytest.mark.parametrize("language", ["", "fr", "zh_Hans_CN\r\n", "../en", "EN"])
def test_a_language_that_there_is_not_is_refused(person: Person, language: str) -> None:
    answer = choose(person, language=language, page="/")
    assert answer.status_code == 400 and cookies.LANGUAGE not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("how", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_no_other_site_chooses(person: Person, how: dict[str, str]) -> None:
    answer = person.client.post("/language", base_url=BASE, data={"language": "en"}, headers=how)
    assert answer.status_code == 403


def test_the_answer_to_a_press_offers_no_other_language_as_it_cannot_be_read_again(person: Person) -> None:
    assert "/language" not in person.post("/device", {"user_code": "BCDF-GHJK"}).text
