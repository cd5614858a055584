# ruff: noqa: F811 - fixtures are named where they are asked for
"""Every sign-in leaves each check with its verdict and what arrived, failed ones too: bounded, redacted, readable."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from documents.blocks import ROOT
from openid_provider import World, by_query, world
from package_modules import nodes
from pending_factories import ScriptedUser, bridge_at, scripted_user
from saml_factories import stranger
from sign_in_records_fixtures import ada, last, secret, verdicts_of  # noqa: F401 - fixtures
from web_factories import BASE, door_of

import federation_bridge
from federation_bridge.administration import sign_in_advice
from federation_bridge.administration.sign_in_record import lines_of, told
from federation_bridge.administration.sign_ins import line_of
from federation_bridge.bridge import sign_in_record
from federation_bridge.bridge.sign_in_record import received_of
from federation_bridge.errors import BridgeError
from federation_bridge.model import Received
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.sign_in_checks import CHECKS, Record, recording

# ------------------------------------------------------------------------------------------------------------ checks


def test_a_sign_in_that_succeeds_passed_every_check_that_is_always_made(ada: ScriptedUser) -> None:
    assert ada.come_back(ada.leave()).status_code == 303
    verdicts = verdicts_of(last(ada))
    assert {one.name for one in CHECKS["saml"] if one.is_always} <= {
        name for name, verdict in verdicts.items() if verdict == "passed"
    }
    assert verdicts["decryption"] == "not needed"
    assert "FAILED" not in verdicts.values()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another audience": ({"audience": "https://other.example.test"}, "AudienceRestriction"),
    "another recipient": ({"recipient": f"{BASE}/sign-in/sister/saml"}, "Destination"),
    "another request": ({"in_response_to": "_other"}, "InResponseTo"),
    "another issuer": ({"issuer": "https://other.example.test/saml"}, "Response Issuer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_one_names_the_check_that_failed_and_those_before_and_behind(case: str, ada: ScriptedUser) -> None:
    changes, failed = REFUSED[case]
    ada.come_back(ada.leave(), **changes)
    verdicts = verdicts_of(last(ada))
    names = [one.name for one in CHECKS["saml"] if one.name != "other"]
    own_database = names.index(failed)
    assert verdicts[failed] == "FAILED"
    assert {verdicts[name] for name in names[:own_database]} == {"passed", "not needed"}
    assert {verdicts[name] for name in names[own_database + 1 :]} == {"not reached"}


def test_a_message_that_is_sent_again_fails_at_the_check_of_once(tmp_path: Path, clock: HeldClock) -> None:
    opened = bridge_at(tmp_path / "one", clock, allow_idp_initiated=True)
    here = scripted_user(opened, clock)
    form = here.answer(here.leave(), in_response_to=None)
    form = {"SAMLResponse": form["SAMLResponse"]}
    assert here.post(form).status_code == 303
    assert scripted_user(opened, clock).post(form).status_code == 403
    row = last(here)
    assert verdicts_of(row)["once"] == "FAILED"
    assert set(verdicts_of(row).values()) == {"passed", "not needed", "FAILED"}
    assert row.person.startswith("company/")
    door_of(opened).store.close()


def test_a_message_of_a_stranger_names_nobody_and_says_what_nobody_signed(ada: ScriptedUser) -> None:
    left = ada.leave()
    form = ada.answer(left)
    message = made.SamlMessage(
        issuer="https://forged.example.test",
        audience=f"{BASE}/saml/metadata",
        recipient=f"{BASE}/sign-in/company/saml",
        in_response_to=left.request_id,
        issued_at=ada.clock(),
        attributes={"groups": ("admins",)},
    )
    form["SAMLResponse"] = base64.b64encode(made.response_xml(message, stranger())).decode()
    ada.post(form)
    row = last(ada)
    verdicts, found = verdicts_of(row), told(row, "saml")
    assert (row.person, verdicts["Assertion signature"], verdicts["identity"]) == ("", "FAILED", "not reached")
    assert {one.name for one in found.arrived} == {
        "Response Issuer",
        "Response IssueInstant",
        "Destination",
        "InResponseTo",
    }
    assert not any(one.is_signed for one in found.arrived)
    assert "metadata" in (found.advice or "")


def test_a_believed_message_that_is_refused_is_found_by_its_person(ada: ScriptedUser) -> None:
    ada.come_back(ada.leave(), audience="https://other.example.test")
    refused = last(ada)
    assert ada.come_back(ada.leave()).status_code == 303
    assert refused.person == last(ada).person != ""
    # Whoever signs as this provider names nobody else's people.
    ada.come_back(ada.leave(), issuer="https://other.example.test/saml")
    assert last(ada).person == ""


# ---------------------------------------------------------------------------------------------------- OpenID Connect


def _arrival(asked: World) -> tuple[Record, str]:
    with recording("oidc") as record:
        sign_in, answer = asked.begin()
        try:
            asked.connector.arrive(sign_in, by_query(*answer.items()))
        except BridgeError as refusal:
            return record, refusal.detail
    return record, ""


def test_by_openid_connect_every_check_is_made_too() -> None:
    record, refused = _arrival(world())
    assert refused == ""
    assert set(record.left_out()) == {"address", "pending sign-in", "sign-in taken"}  # these are the pipeline's own


SPOILED: dict[str, tuple[Callable[[World], None], str]] = {
    "another audience": (lambda asked: asked.provider.claims.update(aud="other"), "aud"),
    "another nonce": (lambda asked: asked.provider.claims.update(nonce="other"), "nonce"),
    "an old token": (lambda asked: asked.provider.claims.update(exp=1, iat=0), "times"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_by_openid_connect_the_check_that_failed_is_named_with_what_arrived(case: str) -> None:
    spoil, failed = SPOILED[case]
    asked = world()
    spoil(asked)
    record, _ = _arrival(asked)
    assert record.finished(is_refused=True).failed == failed
    received = record.received()
    assert "aud" in received.said
    assert received.attributes.get("nonce", ()) == ()
    assert record.person().startswith("company/")


# ---------------------------------------------------------------------------------------------------------- the page


def test_the_page_shows_what_is_printed(ada: ScriptedUser) -> None:
    page = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```text\n([^`]*AudienceRestriction.*?)\n```", page, re.DOTALL)
    groups = {"groups": tuple(f"g{number}" for number in range(12))}
    ada.come_back(ada.leave(), audience="https://other.example.test", attributes=groups)
    row = last(ada)
    printed = [line_of(row), *lines_of(told(row, "saml"))]
    for shown in (line for line in block.split("\n") if line.strip() != "..."):
        assert any(line.startswith(shown.removesuffix("...")) for line in printed), "\n".join([shown, *printed])


# ------------------------------------------------------------------------------------------------------- the mapping


def test_every_check_that_the_code_makes_is_listed_and_has_its_advice() -> None:
    package = Path(federation_bridge.__file__).parent
    made_in_code = {
        node.args[0].value
        for path in package.rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("check", "_verified")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    listed = {one.name for checks in CHECKS.values() for one in checks}
    assert made_in_code == listed - {"other"}
    assert set(sign_in_advice.OF_CHECKS) == listed


def test_no_check_is_without_a_name_of_its_own() -> None:
    for checks in CHECKS.values():
        names = [one.name for one in checks]
        assert len(set(names)) == len(names)


def test_only_what_is_kept_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: thousands of values in one message, each a megabyte, kept a thread busy for minutes."""
    seen: list[str] = []

    def counted(text: str) -> str:
        seen.append(text)
        return text

    monkeypatch.setattr(sign_in_record, "masked", counted)
    received_of(Received({}, (), "", {"groups": tuple(map(str, range(5_000)))}), "all", is_refused=True)
    assert len(seen) < 50
