# ruff: noqa: F811 - fixtures are named where they are asked for
"""The page on which every terminal login ends: who signed in, and nothing that is not so."""

from __future__ import annotations

from databases import HeldClock
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import Person

from federation_bridge.web import cookies


def test_it_names_who_signed_in_and_says_that_the_tab_may_be_closed(person: Person) -> None:
    page = person.get("/terminal").text
    for words in ("You can go back to your terminal", "Ada", "corp/ada", "You can close this tab.", "/command-lines"):
        assert words in page
    chinese = person.get("/terminal", **{"Accept-Language": "zh-CN"}).text
    assert 'lang="zh-Hans-CN"' in chinese and "可以回到终端了" in chinese


def test_a_refusal_is_told_as_one(person: Person) -> None:
    page = person.get("/terminal?refused=1").text
    assert "The command line was refused." in page and "go back to your terminal" not in page


def test_it_names_nobody_where_nobody_is_signed_in_or_said_so(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins", token="ef" * 32, confirmed=False)
    unconfirmed = person.get("/terminal")
    person.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    for page in (unconfirmed, person.get("/terminal")):
        assert page.status_code == 200 and "corp/ada" not in page.text
