# ruff: noqa: F811 - fixtures are named where they are asked for
"""Strange cookies, and how many pending sign-ins a browser holds: nobody is pushed out by another site."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from flask import Flask
from pending_factories import GO, ScriptedUser, left
from pending_fixtures import ada, refused  # noqa: F401 - a fixture

from federation_bridge.web import cookies
from federation_bridge.web.pages import pending_cookies

LED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}

# ------------------------------------------------------------------------------------------------ strange cookies


STRANGE = {
    "nothing": "",
    "no seal": "1772625600.",
    "no time": "1.abcdef.AAAA",
    "a time of letters": "soon.1.abcdef.AAAA",
    "a time without end": "9" * 3_800,
    "a negative time": "-5.1.abcdef.AAAA",
    "oversized": "1772625600.1.abcdef." + "A" * 3_800,
    "another's bytes": "\x01\x7f\xff\u20ac",
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_cookie_is_refused_and_hinders_nobody(ada: ScriptedUser, case: str) -> None:
    gone = ada.leave()
    held = ada.pending[gone.handle]
    for value in (STRANGE[case], held[: len(held) // 2] + STRANGE[case]):
        ada.set_cookie(pending_cookies.PREFIX + gone.handle, value)
        assert refused(ada.come_back(gone))
        fresh = ada.leave()
        assert ada.come_back(fresh).status_code == 303


@pytest.mark.parametrize(
    "header",
    [
        "; ".join(f"{pending_cookies.PREFIX}{number:022}=1.x" for number in range(3_000)),
        f"{pending_cookies.PREFIX}=x; {pending_cookies.PREFIX}\xff=x; {pending_cookies.PREFIX}a b=x",
        f"{pending_cookies.PREFIX}{'A' * 60_000}=x",
        f"{pending_cookies.PREFIX}{'A' * 22}=1.1.abcdef.{'A' * 100_000}",
        f'{pending_cookies.PREFIX}AAAAAAAAAAAAAAAAAAAAAA="\\000\\777"',
        "; ".join([f"{pending_cookies.PREFIX}AAAAAAAAAAAAAAAAAAAAAA=1.x"] * 500),
    ],
    ids=["thousands", "strange names", "a long name", "a long value", "no text", "one name often"],
)
def test_a_header_full_of_cookies_is_no_failure(app: Flask, ada: ScriptedUser, header: str) -> None:
    ada.leave()
    client = app.test_client(use_cookies=False)
    held = f"{cookies.SIGN_IN}={ada.cookie(cookies.SIGN_IN)}; {cookies.CONNECTION}=company"
    for cookie in (f"{held}; {header}", header):
        begun = client.get(GO, base_url="https://aws.example.com", headers={"Cookie": cookie})
        assert begun.status_code in (200, 303)
        assert len(begun.headers.getlist("Set-Cookie")) < 24
        form = {"SAMLResponse": "AAAA", "RelayState": "A" * 22}
        answer = client.post(
            "/sign-in/company/saml", base_url="https://aws.example.com", data=form, headers={"Cookie": cookie}
        )
        assert refused(answer)


# ------------------------------------------------------------------------------------------------- room for them


@pytest.mark.parametrize("return_to", ["/", GO, f"{GO}?to=" + "a" * 1_400], ids=["short", "usual", "long"])
def test_a_browser_holds_the_newest_few_and_never_more_than_3_kb(ada: ScriptedUser, return_to: str) -> None:
    begun = []
    for _ in range(12):
        begun.append(ada.leave(return_to=return_to))
        ada.clock.advance(timedelta(seconds=1))
        assert ada.bytes_held <= 3_000
        assert len(ada.pending) <= pending_cookies.MOST
    held = [gone.handle for gone in begun if gone.handle in ada.pending]
    assert held == [gone.handle for gone in begun[-len(held) :]]
    assert refused(ada.come_back(begun[0]))
    assert all(ada.come_back(gone).status_code == 303 for gone in begun if gone.handle in held)


def test_the_longest_way_back_that_our_pages_take_fits(ada: ScriptedUser) -> None:
    longest = "/v1/authorize?" + "a" * 1_900
    ada.come_back(ada.leave())  # the session that the browser holds is remembered too
    gone = ada.leave(return_to=longest)
    assert ada.bytes_held <= 3_000
    assert ada.come_back(gone).headers["Location"].endswith("a" * 1_900)


def test_cookies_that_have_run_out_make_room_first(ada: ScriptedUser) -> None:
    old = ada.leave()
    ada.clock.advance(timedelta(minutes=10))
    fresh = ada.leave()
    assert set(ada.pending) == {fresh.handle}
    assert old.handle != fresh.handle


def test_no_other_site_pushes_out_the_sign_in_that_a_person_is_in_the_middle_of(ada: ScriptedUser) -> None:
    """A page that leads the browser to us again and again, each time with the longest address that it can write."""
    gone = ada.leave()
    pages = [ada.get(f"{GO}?to=" + "a" * length, **LED) for length in (0, 0, 0, 0, 0, 1_400, 1_400, 1_400) * 2]
    assert pages[0].status_code == 303
    assert pages[-1].status_code == 200
    assert "Sign in with your company account" in pages[-1].text
    assert ada.come_back(gone).status_code == 303


def test_a_link_in_a_page_of_the_company_still_leads_straight_to_the_sign_in(ada: ScriptedUser) -> None:
    ada.come_back(ada.leave())
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    gone = left("company", ada.get(GO, **LED))
    assert ada.come_back(gone).headers["Location"] == GO


@pytest.mark.parametrize("kind", ["image", "iframe", "empty", "script"])
def test_what_a_page_embeds_begins_no_sign_in(ada: ScriptedUser, kind: str) -> None:
    ada.leave()
    before = ada.pending
    answer = ada.get(GO, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": kind})
    assert (answer.status_code, ada.pending) == (403, before)
    assert ada.get(GO, **LED).status_code == 303
