# ruff: noqa: F811 - fixtures are named where they are asked for
"""Three kinds of answers that nobody awaits: each has a reason and a sentence of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from flask import Flask
from pending_factories import Left, ScriptedUser, scripted_user
from web_factories import door_of

from federation_bridge.errors import BridgeError, OtherConnection, SignInExpired, StateLost, Unsolicited
from federation_bridge.web import cookies


@pytest.fixture
def ada(app: Flask, clock: HeldClock) -> ScriptedUser:
    return scripted_user(app, clock)


def begun_there(ada: ScriptedUser, gone: Left) -> Any:
    return ada.post({**ada.answer(gone, in_response_to=None), "RelayState": "https://portal.example.test/tile"})


def lost(ada: ScriptedUser, gone: Left) -> Any:
    return ada.post({"SAMLResponse": ada.answer(gone)["SAMLResponse"]})


def replaced(ada: ScriptedUser, gone: Left) -> Any:
    return ada.post({**ada.answer(gone), "RelayState": "/home"})


def elsewhere(ada: ScriptedUser, gone: Left) -> Any:
    return ada.post(ada.answer(gone), "sister")


def twice(ada: ScriptedUser, gone: Left) -> Any:
    ada.come_back(gone)
    # Who is signed in is led on instead: tests/attacks/test_answers_once_more.py.
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    return ada.come_back(gone)


@pytest.mark.parametrize(
    ("come", "kind", "reason"),
    [
        (begun_there, Unsolicited, "`allow_idp_initiated` does not allow"),
        (lost, StateLost, "answers a request, so its RelayState was lost or replaced"),
        (replaced, StateLost, "'/home'.*answers a request, so its RelayState was lost or replaced"),
        (elsewhere, OtherConnection, "begun at 'company'.*address of 'sister'"),
        (twice, SignInExpired, "holds none with the answer's handle"),
    ],
)
def test_each_answer_that_nobody_awaits_has_a_reason_and_a_sentence_of_its_own(
    app: Flask, ada: ScriptedUser, come: Callable[[ScriptedUser, Left], Any], kind: type[BridgeError], reason: str
) -> None:
    answer = come(ada, ada.leave())
    assert answer.status_code == 403
    assert kind.public in answer.text
    row = door_of(app).store.audit.entries(event="sign_in.refused")[0]
    assert row.details["code"] == kind.code
    assert row.reference in answer.text
    assert re.search(reason, str(row.details["reason"]))


def test_who_does_not_hold_the_sign_in_does_not_hear_of_which_connection_it_is(app: Flask, ada: ScriptedUser) -> None:
    mallory = scripted_user(app, ada.clock)
    mallory.leave()
    assert SignInExpired.public in mallory.post(ada.answer(ada.leave()), "sister").text


@pytest.mark.parametrize("posted", ["", "%%%", "AAAA" * 5_000, "PHg+", "\U0001f600"])
def test_a_message_that_is_none_is_a_lost_answer_and_never_a_failure(ada: ScriptedUser, posted: str) -> None:
    answer = ada.post({"SAMLResponse": posted})
    assert (answer.status_code, StateLost.public in answer.text) == (403, True)
