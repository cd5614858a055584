# ruff: noqa: F811 - fixtures are named where they are asked for
"""Answers that nobody here asked for, and answers that came to the other protocol's address."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from bridge_fixtures import there  # noqa: F401 - a fixture
from pending_factories import GO, ScriptedUser
from web_factories import BASE, door_of

from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token


@pytest.mark.parametrize(
    ("state", "lands_at"),
    [
        (GO, GO),
        (f"{GO}?to=/ec2/home", f"{GO}?to=/ec2/home"),
        (f"https://aws.example.com{GO}", GO),
        ("/", "/"),
        ("", "/"),
        ("/confirm", "/"),
        ("/roles/111122223333/Administrator/console", "/"),
        ("/sign-out", "/"),
        ("//evil.example/go/111122223333/Administrator", "/"),
        ("https://evil.example/", "/"),
        ("https://aws.example.com.evil.example/", "/"),
        ("https://aws.example.com@evil.example/", "/"),
        ("https://aws.example.com//evil.example/", "/"),
        ("https://aws.example.comhttps://aws.example.com/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        (f"{GO}\r\nX: y", "/"),
        ("/go/" + "1" * 4000, "/"),
    ],
)
def test_g07_an_unsolicited_answer_lands_on_the_page_of_ours_that_it_names_after_the_click(
    there: ScriptedUser, state: str, lands_at: str
) -> None:
    answer = {**there.answer(there.leave(), in_response_to=None), "RelayState": state}
    asked = there.post(answer)
    assert (asked.status_code, urlsplit(asked.headers["Location"]).path) == (303, "/confirm")
    page = there.get(asked.headers["Location"])
    assert "Is this you?" in page.text
    assert "Is this you?" in there.get("/").text
    token = form_token(there.cookie(cookies.SESSION) or "")
    (return_to,) = re.findall(r'name="return_to" value="([^"]*)"', page.text)
    fields = {"csrf_token": token, "return_to": html.unescape(return_to)}
    landed = there.client.post("/confirm", base_url=BASE, data=fields)
    assert (landed.status_code, landed.headers["Location"]) == (303, lands_at)
    assert there.is_signed_in


def test_g07_two_relay_states_lead_nowhere_but_home(there: ScriptedUser) -> None:
    answer = there.answer(there.leave(), in_response_to=None)
    asked = there.client.post("/sign-in/company/saml", base_url=BASE, data={**answer, "RelayState": [GO, "/device"]})
    assert asked.headers["Location"] == "/confirm?to=/"


def _reason(here: ScriptedUser, answer: Any) -> str:
    """Why this answer was refused, as the audit says it."""
    assert answer.status_code == 403, answer.text
    (reference,) = re.findall(r'class="reference">([^<]+)<', answer.text)
    (row,) = door_of(here.client.application).store.audit.entries(reference=reference)
    return str(row.details["reason"])


def _at(here: ScriptedUser, address: str, **sent: Any) -> Any:
    method = "POST" if "data" in sent else "GET"
    return here.client.open(f"/sign-in/{address}", base_url=BASE, method=method, **sent)


def test_a_saml_answer_at_an_address_of_openid_connect_is_refused_by_its_name(there: ScriptedUser) -> None:
    gone = there.leave()
    answer = there.answer(gone)
    assert "came at the address of OpenID Connect, and this connection speaks SAML" in _reason(
        there, _at(there, "company/oidc", data=answer)
    )
    named = "a SAML answer at the address of OpenID Connect (the redirect URI)"
    assert named in _reason(there, _at(there, "corp/oidc", data=answer))
    assert named in _reason(there, _at(there, "corp/oidc", query_string=answer))
    assert "came at the address of SAML" in _reason(there, _at(there, "corp/saml", data=answer))
    assert not there.is_signed_in
    assert _at(there, "company/saml", data=answer).status_code == 303


def test_an_answer_of_openid_connect_at_an_address_of_saml_is_refused_by_its_name(there: ScriptedUser) -> None:
    gone = there.leave()
    answer = {"code": "c", "state": gone.handle, "iss": "https://idp.example.com"}
    named = "an OpenID Connect answer at the address of SAML (the assertion consumer service)"
    assert named in _reason(there, _at(there, "company/saml", data=answer))
    assert named in _reason(there, _at(there, "company/saml", query_string=answer))
    assert "this connection speaks OpenID Connect" in _reason(there, _at(there, "corp/saml", query_string=answer))
    assert there.come_back(gone).status_code == 303


def test_a_saml_answer_in_the_address_is_refused_and_an_empty_visit_is_told_the_method(there: ScriptedUser) -> None:
    gone = there.leave()
    assert "by POST only" in _reason(there, _at(there, "company/saml", query_string=there.answer(gone)))
    bare = _at(there, "company/saml")
    assert (bare.status_code, bare.headers["Allow"]) == (405, "OPTIONS, POST")
    assert there.come_back(gone).status_code == 303
