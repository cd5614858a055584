"""Attacks on single logout: whoever ends sessions can lock people out (attacks A13, B21, G09), each with its twin."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from databases import HeldClock
from flask import Flask
from lxml import etree
from pending_factories import IDP, ScriptedUser, bridge_at, scripted_user
from saml_factories import idp_signer, stranger
from web_factories import BASE

from federation_bridge.sandbox.identity_provider.saml_logout import logout_request, signed_address
from federation_bridge.sandbox.identity_provider.saml_message import PROTOCOL, Signer, instant, sign

SLO = f"{BASE}/sign-in/company/saml/logout"
PATH = "/sign-in/company/saml/logout"
ADA, DAN = "ada@example.com", "dan@example.com"


@pytest.fixture
def app(tmp_path: Path, clock: HeldClock) -> Flask:
    return bridge_at(tmp_path / "node", clock, sign_out_there=True)


@pytest.fixture
def people(app: Flask, clock: HeldClock) -> tuple[ScriptedUser, ScriptedUser, ScriptedUser]:
    """Ada in two browsers and Dan in one, each signed in by SAML."""
    browsers = tuple(scripted_user(app, clock) for _ in range(3))
    for one, name, index in zip(browsers, (ADA, ADA, DAN), ("s-1", "s-2", "s-3"), strict=True):
        assert one.come_back(one.leave(), name_id=name, session_index=index).status_code == 303
    return browsers  # type: ignore[return-value]


def request_about(clock: HeldClock, **changes: Any) -> etree._Element:
    honest: dict[str, Any] = {
        "id": "_out",
        "issuer": IDP,
        "destination": SLO,
        "at": instant(clock()),
        "name_id": ADA,
        "session_indexes": ("s-1",),
    }
    return logout_request(**{**honest, **changes})


def by_redirect(people: Any, message: etree._Element, **how: Any) -> Any:
    address = signed_address(SLO, "SAMLRequest", message, how.pop("signer", idp_signer()), **how)
    return people[2].get(address.removeprefix(BASE))


def by_post(people: Any, message: etree._Element, signer: Signer | None, **fields: str) -> Any:
    if signer is not None:
        sign(message, signer)
    form = {"SAMLRequest": base64.b64encode(etree.tostring(message)).decode(), **fields}
    return people[2].client.post(PATH, base_url=BASE, data=form)


def signed_in(people: Any) -> tuple[bool, bool, bool]:
    return tuple(one.is_signed_in for one in people)


def _answer(response: Any) -> etree._Element:
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLResponse"][0]), -15))


def test_a_signed_request_by_redirect_ends_its_session_and_is_answered(people: Any, clock: HeldClock) -> None:
    response = by_redirect(people, request_about(clock), relay_state="theirs")
    assert signed_in(people) == (False, True, True)
    assert response.headers["Location"].startswith("https://company.example.test/slo?SAMLResponse=")
    assert "RelayState=theirs" in response.headers["Location"]
    answer = _answer(response)
    assert (answer.get("InResponseTo"), answer.get("Destination")) == ("_out", "https://company.example.test/slo")
    assert answer.find(f".//{{{PROTOCOL}}}StatusCode").get("Value", "").endswith(":Success")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"session_indexes": ()}, (False, False, True)),
        ({"session_indexes": ("s-1", "s-2")}, (False, False, True)),
        ({"session_indexes": ("s-9",)}, (True, True, True)),
        ({"name_id": DAN}, (True, True, True)),
        ({"name_id": DAN, "session_indexes": ("s-3",)}, (True, True, False)),
        ({"name_id": "nobody@example.com"}, (True, True, True)),
        ({"NotOnOrAfter": "2026-03-04T12:05:00Z"}, (False, True, True)),
        ({"NameQualifier": IDP, "SPNameQualifier": f"{BASE}/saml/metadata"}, (False, True, True)),
        ({"NameQualifier": "https://other.example.test"}, (True, True, True)),
        ({"Reason": "urn:oasis:names:tc:SAML:2.0:logout:user"}, (False, True, True)),
    ],
)
def test_a_request_ends_what_it_names_and_nothing_else(
    people: Any, clock: HeldClock, changes: dict[str, Any], left: tuple[bool, bool, bool]
) -> None:
    assert by_redirect(people, request_about(clock, **changes)).status_code == 303
    assert signed_in(people) == left


def test_a_signed_request_by_post_ends_its_session(people: Any, clock: HeldClock) -> None:
    assert by_post(people, request_about(clock), idp_signer()).status_code == 303
    assert signed_in(people) == (False, True, True)


def _unsigned(address: str) -> str:
    return re.sub(r"&SigAlg=.*", "", address)


def _without_relay_state(address: str) -> str:
    return re.sub(r"&RelayState=[^&]*", "", address)


def _twice(address: str) -> str:
    return address.replace("?", f"?{re.search('SAMLRequest=[^&]*', address)[0]}&", 1)  # type: ignore[index]


def _bomb(address: str) -> str:
    packer = zlib.compressobj(wbits=-15)
    deflated = packer.compress(b" " * 200_000) + packer.flush()
    value = base64.b64encode(deflated).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return re.sub(r"SAMLRequest=[^&]*", f"SAMLRequest={value}", address)


ADDRESSES: dict[str, Callable[[str], str]] = {
    "unsigned": _unsigned,
    "no signature": lambda address: re.sub(r"&Signature=.*", "", address),
    "no algorithm": lambda address: re.sub(r"&SigAlg=[^&]*", "", address),
    "an unknown algorithm": lambda address: address.replace("rsa-sha256", "rsa-sha257"),
    "SHA-1": lambda address: address.replace("2001%2F04%2Fxmldsig-more%23rsa-sha256", "2000%2F09%2Fxmldsig%23rsa-sha1"),
    "RelayState taken out": _without_relay_state,
    "RelayState changed": lambda address: address.replace("RelayState=theirs", "RelayState=mine"),
    "the request twice": _twice,
    "another parameter": lambda address: address + "&x=1",
    "a name written in another way": lambda address: address.replace("SAMLRequest=", "SAML%52equest="),
    "too much when unpacked": _bomb,
    "a response beside": lambda address: address + "&SAMLResponse=x",
    "an encoding changed": lambda address: address.replace("%3A", "%3a", 1),
}


@pytest.mark.parametrize("how", ADDRESSES)
def test_an_address_that_was_changed_ends_nothing(people: Any, clock: HeldClock, how: str) -> None:
    honest = signed_address(SLO, "SAMLRequest", request_about(clock), idp_signer(), relay_state="theirs")
    changed = ADDRESSES[how](honest)
    assert changed != honest
    assert people[2].get(changed.removeprefix(BASE)).status_code == 400
    assert signed_in(people) == (True, True, True)
    assert people[2].get(honest.removeprefix(BASE)).status_code == 303
    assert signed_in(people) == (False, True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": f"{BASE}/sign-in/sister/saml/logout"},
        {"destination": f"{SLO}/"},
        {"destination": f"{BASE}/sign-in/company/saml"},
        {"issuer": "https://sister.example.test/saml"},
        {"at": "2026-03-04T11:40:00Z"},
        {"at": "2026-03-04T12:30:00Z"},
        {"at": "yesterday"},
        {"NotOnOrAfter": "2026-03-04T11:55:00Z"},
        {"session_indexes": ("",)},
        {"id": "1-begins-with-a-digit"},
        {"Version": "1.1"},
        {"Extra": "x"},
    ],
)
def test_a_request_that_is_not_for_us_now_ends_nothing(people: Any, clock: HeldClock, changes: dict[str, Any]) -> None:
    assert by_redirect(people, request_about(clock, **changes)).status_code == 400
    assert by_post(people, request_about(clock, **changes), idp_signer()).status_code == 400
    assert signed_in(people) == (True, True, True)


def test_a_request_of_somebody_else_ends_nothing(people: Any, clock: HeldClock) -> None:
    assert by_redirect(people, request_about(clock), signer=stranger()).status_code == 400
    assert by_post(people, request_about(clock), stranger()).status_code == 400
    assert by_post(people, request_about(clock), None).status_code == 400
    assert signed_in(people) == (True, True, True)


def test_the_sister_ends_nothing_of_this_connection(people: Any, clock: HeldClock) -> None:
    """Her own signed request, at her own address, about a person whom she names as the company does."""
    there = "https://aws.example.com/sign-in/sister/saml/logout"
    message = request_about(clock, issuer="https://sister.example.test/saml", destination=there)
    address = signed_address(there, "SAMLRequest", message, stranger())
    assert people[2].get(address.removeprefix(BASE)).status_code == 303
    assert signed_in(people) == (True, True, True)


def test_a_request_works_once(people: Any, clock: HeldClock, app: Flask) -> None:
    assert by_redirect(people, request_about(clock)).status_code == 303
    again = scripted_user(app, clock)
    clock.now += timedelta(minutes=1)
    assert again.come_back(again.leave(), name_id=ADA, session_index="s-1").status_code == 303
    assert by_redirect(people, request_about(clock)).status_code == 400
    assert by_post(people, request_about(clock), idp_signer()).status_code == 400
    assert again.is_signed_in


def test_a_signature_within_a_signed_address_is_refused(people: Any, clock: HeldClock) -> None:
    message = request_about(clock)
    sign(message, idp_signer())
    assert by_redirect(people, message).status_code == 400
    assert signed_in(people) == (True, True, True)


def test_another_signed_message_of_the_provider_is_no_logout_request(people: Any, clock: HeldClock) -> None:
    ada = people[0]
    response = ada.answer(ada.leave(), name_id=ADA, signed="response")["SAMLResponse"]
    form = {"SAMLRequest": response}
    assert ada.client.post(PATH, base_url=BASE, data=form).status_code == 400
    assert signed_in(people) == (True, True, True)


def test_a_posted_request_beside_another_field_of_saml_is_refused(people: Any, clock: HeldClock) -> None:
    assert by_post(people, request_about(clock), idp_signer(), SAMLResponse="x").status_code == 400
    assert signed_in(people) == (True, True, True)


def test_an_answer_of_nobody_says_nothing_and_leads_nowhere(people: Any, clock: HeldClock) -> None:
    """A LogoutResponse ends nothing, and its RelayState is no way to another site."""
    response = etree.Element(f"{{{PROTOCOL}}}LogoutResponse", nsmap={"samlp": PROTOCOL})
    for name, value in (("ID", "_a"), ("Version", "2.0"), ("Destination", SLO), ("InResponseTo", "_theirs")):
        response.set(name, value)
    response.set("IssueInstant", instant(clock()))
    status = etree.SubElement(response, f"{{{PROTOCOL}}}Status")
    etree.SubElement(status, f"{{{PROTOCOL}}}StatusCode", Value="urn:oasis:names:tc:SAML:2.0:status:Success")
    address = signed_address(SLO, "SAMLResponse", response, idp_signer(), relay_state="https://evil.example.test/")
    answer = people[0].get(address.removeprefix(BASE))
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert "We do not know whether your company sign-in has ended too" in answer.text
    assert signed_in(people) == (True, True, True)
