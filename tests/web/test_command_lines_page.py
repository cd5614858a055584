# ruff: noqa: F811 - fixtures are named where they are asked for
"""What the pages tell a person about the command lines that are in under their name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_login_factories import AwsLogin, stand_in
from database_traffic import statements
from databases import HeldClock
from forged_rows import write_macs_anew
from oauth_factories import Program, approve
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from store_factories import session
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.store.tables import TOKEN_FAMILIES
from federation_bridge.web import cookies

NOTICE = "that you have not looked at in this browser: 1."
LINK = '<a href="/command-lines">My command lines</a>'
AWS_CLI = "aws-cli/2.38.5 md/awscrt#0.31 os/linux#6.1 md/command#sso.login"


def stock_device(person: Person) -> dict[str, Any]:
    """A device login of `aws sso login`, begun and not approved."""
    client = {"clientId": "aws-sso", "clientSecret": "public"}
    answer = person.client.post(
        "/device_authorization", base_url="https://aws.example.com", json=client, headers={"User-Agent": AWS_CLI}
    )
    begun: dict[str, Any] = answer.get_json()
    body = {**client, "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": begun["deviceCode"]}
    begun["collect"] = lambda: person.client.post("/token", base_url="https://aws.example.com", json=body)
    return begun


def test_a_page_tells_nothing_where_no_command_line_is_in(person: Person) -> None:
    page = person.get("/").text
    assert "/command-lines" not in page
    assert "not looked at" not in page


def test_every_page_links_to_the_command_lines_while_any_is_in_and_tells_of_a_new_one_until_it_was_looked_at(
    person: Person, program: Program, clock: HeldClock
) -> None:
    program.login()
    for path in ("/", "/why", "/device"):
        page = person.get(path).text
        assert LINK in page, path
        assert NOTICE in page, path
    clock.advance(timedelta(minutes=1))
    assert "not looked at" not in person.get("/command-lines").text
    seen = person.get("/").text
    assert LINK in seen
    assert "not looked at" not in seen
    clock.advance(timedelta(minutes=1))
    program.login()
    assert NOTICE in person.get("/").text


def test_what_was_let_in_more_than_a_day_ago_is_no_news(person: Person, program: Program, clock: HeldClock) -> None:
    """Sessions of this house end sooner; the rule holds where an operator makes them longer."""
    program.login()
    store = door_of(person.app).store
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE token_families SET started_at = started_at - 86401000000")
    write_macs_anew(store, TOKEN_FAMILIES)
    page = person.get("/").text
    assert LINK in page
    assert "not looked at" not in page


@pytest.mark.parametrize("forged", ["", "x", "99999999999.", "99999999999.00", "9" * 40 + ".x", "\u0663.x"])
def test_a_forged_look_hides_nothing(person: Person, program: Program, forged: str) -> None:
    program.login()
    person.client.set_cookie(cookies.LOOKED, forged.encode().decode("latin-1"), domain="aws.example.com", secure=True)
    assert NOTICE in person.get("/").text


def test_what_one_person_looked_at_the_next_one_at_this_browser_has_not(
    person: Person, program: Program, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.login()
    began = clock()
    clock.advance(timedelta(minutes=1))
    person.get("/command-lines")
    assert "not looked at" not in person.get("/").text
    # Somebody else signs in here, and a command line came in under their name at the same time.
    store, token = door_of(person.app).store, "cd" * 32
    bruno = session(clock(), token_hash(token), "bruno")
    store.sessions.admit(bruno, "https://idp.example.com", "_bruno", clock() + timedelta(minutes=5))
    person.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
    monkeypatch.setattr(door_of(person.app).oauth.families, "beginnings", lambda _: [began])
    assert NOTICE in person.get("/").text


def test_who_looked_is_told_of_nothing_twice_when_they_sign_in_anew(
    person: Person, program: Program, clock: HeldClock
) -> None:
    program.login()
    clock.advance(timedelta(minutes=1))
    person.get("/command-lines")
    person.sign_in(clock, "admins", token="cd" * 32)
    assert "not looked at" not in person.get("/").text
    person.client.delete_cookie(cookies.LOOKED, domain="aws.example.com")
    assert NOTICE in person.get("/").text


def test_an_unconfirmed_sign_in_is_told_nothing(person: Person, program: Program, clock: HeldClock) -> None:
    program.login()
    person.sign_in(clock, "admins", token="cd" * 32, confirmed=False)
    assert "/command-lines" not in person.get("/").text


def test_the_news_cost_a_page_one_query(person: Person, program: Program) -> None:
    program.login()
    with statements(door_of(person.app).store) as asked:
        person.get("/why")
    assert len([statement for statement in asked if "token_families" in statement]) == 1


def test_one_click_ends_one_and_leaves_the_others(person: Person, program: Program) -> None:
    first, second = program.login(), program.login()
    kept, unwanted = (one.id for one in door_of(person.app).store.token_families.living())
    assert unwanted in person.get("/command-lines").text
    assert person.post("/command-lines/end", {"family": unwanted}).status_code == 303
    page = person.get("/command-lines").text
    assert kept in page
    assert unwanted not in page
    alive = [program.call("GET", "/api/v1/me", one["access_token"]).status_code for one in (first, second)]
    assert sorted(alive) == [200, 401]


def test_the_list_tells_what_of_whose_word_by_which_way_from_where_and_when(
    person: Person, program: Program, clock: HeldClock
) -> None:
    tokens = program.login()
    clock.advance(timedelta(minutes=14))
    program.refresh(tokens["refresh_token"])
    page = person.get("/command-lines").text
    for shown in ("fedbridge", "laptop", "nobody has checked it", "by a typed code", "127.0.0.1", "unknown place"):
        assert shown in page, shown
    assert "2026-03-04 12:00 UTC" in page
    assert "2026-03-04 12:14 UTC" in page


def test_a_stock_client_is_shown_by_what_its_user_agent_tells_when_it_asks_and_in_the_list(person: Person) -> None:
    begun = stock_device(person)
    page = person.post("/device", {"user_code": begun["userCode"]}).text
    assert "<dd>aws-cli/2.38.5 (linux)</dd>" in page
    assert "nobody has checked it" in page
    approve(person, begun["userCode"])
    assert begun["collect"]().status_code == 200
    listed = person.get("/command-lines").text
    assert "“aws-cli/2.38.5 (linux)” (nobody has checked it)" in listed
    assert "AWS CLI (aws sso login)" in listed


def test_a_program_that_was_let_in_by_a_redirect_is_labelled_when_it_collects_its_tokens(
    person: Person, program: Program, monkeypatch: pytest.MonkeyPatch, clock: HeldClock
) -> None:
    stand_in(monkeypatch, clock)
    cli = AwsLogin(program)
    assert cli.redeem(cli.code()).status_code == 200
    listed = person.get("/command-lines").text
    for shown in ("AWS CLI (aws login)", f"{ACCOUNT}/Administrator", "aws-cli/2.38.5 (linux)", "in the browser"):
        assert shown in listed, shown


def test_what_a_program_says_of_itself_is_text_and_never_markup(
    make_person: Callable[..., Person], clock: HeldClock
) -> None:
    person = make_person()
    program = Program(person, clock)
    begun = program.post("/oauth/device_authorization", client_label="<b onclick=x>root</b>").get_json()
    approve(person, begun["user_code"])
    assert program.poll(begun["device_code"]).status_code == 200
    assert "<b onclick" not in person.get("/command-lines").text


def test_a_person_ends_everything_of_theirs_and_nothing_of_others(
    person: Person, program: Program, clock: HeldClock
) -> None:
    token = program.login()["access_token"]
    store = door_of(person.app).store
    store.sessions.admit(session(clock(), "b" * 64, "bob"), "https://idp.example.com", "_bob", clock())
    assert "End everything" in person.get("/command-lines").text
    answer = person.post("/command-lines/end-all")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert program.call("GET", "/api/v1/me", token).status_code == 401
    assert [one.identity.person for one in store.sessions.living()] == ["corp/bob"]
    (told,) = store.audit.entries(event="access.ended")
    assert (told.person, told.details["kind"], told.details["in_aws"]) == ("corp/ada", "person", 0)
    assert told.details["not_in_aws"] == ""


def test_another_site_ends_nothing_of_a_person(person: Person, program: Program) -> None:
    program.login()
    assert person.post("/command-lines/end-all", token=None).status_code == 403
    assert door_of(person.app).store.token_families.living()
