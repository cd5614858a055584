"""The page of credentials: a text for each program, its secrets folded, and what was granted and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aws_login_factories import stand_in
from databases import HeldClock
from web_factories import ACCOUNT, Person, person_at

from federation_bridge.aws.sts import StsClients
from federation_bridge.model import AwsCredentials
from federation_bridge.web.pages.credential_texts import SHOWN, fedbridge_lines

PRESS = f"/roles/{ACCOUNT}/Administrator/credentials"
SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfi==", "FwoGZXIvYXdzEXAMPLE//token=="


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock):
        one.sign_in(clock, "admins", "readers")
        yield one


def sold(monkeypatch: pytest.MonkeyPatch, clock: HeldClock, **values: Any) -> None:
    """AWS issues credentials with these values."""
    aws = stand_in(monkeypatch, clock)

    def redeem(_: Any, grant: Any, statement: Any) -> Any:
        found = aws.redeem(grant, statement)
        told = {"cap": grant.cap, "granted": grant.duration, "secret_access_key": SECRET, "session_token": TOKEN}
        return replace(found, credentials=replace(found.credentials, **told | values))

    monkeypatch.setattr(StsClients, "redeem", redeem)


def text_of(page: str, form: str) -> str:
    found = re.search(rf'<pre id="text-{form}"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return unescape(found[1]) if found else ""


def test_each_form_has_its_text_and_only_folded_texts_hold_a_secret(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(monkeypatch, clock)
    answer = person.post(PRESS)
    page = answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    for form in SHOWN:
        assert SECRET in text_of(page, form)
        assert TOKEN in text_of(page, form)
    # What is not folded, and would be read over a shoulder, holds no secret: neither here nor in an attribute.
    seen = unescape(re.sub(r"<details class=\"secret\">.*?</details>", "", page, flags=re.DOTALL))
    assert SECRET not in seen
    assert TOKEN not in seen
    assert seen.count("•" * 12) == 2 * len(SHOWN)
    assert '<details class="secret" open' not in page


def test_the_title_names_account_and_role(person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    sold(monkeypatch, clock)
    assert re.search(r"<h1>Administrator · Production\s", person.post(PRESS).text)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "Granted for 1h: the usual length."),
        ("30m", "Granted for 30m: as you asked."),
        ("4h", "Granted for 2h: the longest that the rule allows. You asked for 4h."),
    ],
)
def test_the_page_says_what_was_granted_and_which_cap_decided(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, asked: str, told: str
) -> None:
    sold(monkeypatch, clock)
    page = person.post(PRESS, {"duration": asked}).text
    found = re.search(r'<p id="granted">(.*?)</p>', page)
    assert found is not None
    assert re.sub(r"<[^>]+>", "", found[1]) == told


def test_the_end_stands_there_in_utc_without_scripts_and_for_scripts(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(monkeypatch, clock)
    page, ends = person.post(PRESS).text, clock() + timedelta(minutes=15)
    assert ends.strftime("%Y-%m-%d %H:%M:%S UTC") in page
    assert f'data-ends="{ends:%Y-%m-%dT%H:%M:%SZ}" data-now="{clock():%Y-%m-%dT%H:%M:%SZ}"' in page


HOSTILE = "a'b\"; $(touch broken) `x` %PATH% !x <script>alert(1)</script>"


def test_a_hostile_value_is_text_and_a_form_that_cannot_carry_it_says_so_and_hinders_no_other(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(monkeypatch, clock, secret_access_key=HOSTILE)
    page = person.post(PRESS).text
    assert "<script>alert" not in page
    assert text_of(page, "env").splitlines()[1].startswith("export AWS_SECRET_ACCESS_KEY='a'\\''b\"; $(")
    assert text_of(page, "cmd") == text_of(page, "dotenv") == ""
    assert page.count("this form cannot carry safely") == 2


@pytest.mark.parametrize(
    ("role", "word"), [("Developer", "1/Developer"), ("a,b", '"1/a,b"'), ("x=y", '"1/x=y"'), ("@x", '"1/@x"')]
)
def test_the_line_for_fedbridge_is_one_word_in_every_shell(role: str, word: str, clock: HeldClock) -> None:
    found = AwsCredentials("A", "s", "t", clock(), "1", role, "eu-central-1")
    lines = fedbridge_lines("https://aws.example.com", found).splitlines()
    assert lines == ["fedbridge login https://aws.example.com", f"fedbridge exec {word} -- aws sts get-caller-identity"]
