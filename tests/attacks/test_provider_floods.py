"""A provider that is down or publishes what is no good: whoever presses "sign in" meanwhile fills no audit with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from openid_provider import NOON, DirectOutgoing, World, world
from saml_factories import ENTITY_ID, IDP, NOW, Kept, Wire, idp_signer, key_ring, sign_in

from federation_bridge.connectors import refusals_told
from federation_bridge.connectors.changes import DocumentRefused
from federation_bridge.connectors.refusals_told import RefusalsTold
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.errors import BridgeError
from federation_bridge.model import Notice
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml
from federation_bridge.settings import SamlConnection

PRESSES = 40
URL = f"{IDP}/metadata"


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


def refusals(notices: list[Notice]) -> int:
    return len([one for one in notices if isinstance(one, DocumentRefused)])


def pressed(press: Callable[[], object], clock: list[datetime], every: timedelta) -> None:
    for _ in range(PRESSES):
        clock[0] += every
        with suppress(BridgeError):
            press()


def is_down(around: World, *, down: bool) -> None:
    assert isinstance(around.outgoing, DirectOutgoing)
    around.outgoing.is_down = down


def test_o04_presses_while_an_openid_provider_is_down_are_told_once() -> None:
    around = world()
    is_down(around, down=True)
    pressed(around.begin, around.clock, timedelta(seconds=6))
    assert refusals(around.notices) == 1
    is_down(around, down=False)
    around.clock[0] += timedelta(seconds=6)
    assert around.sign_in().identity.subject
    is_down(around, down=True)
    around.clock[0] += timedelta(days=8)
    pressed(around.begin, around.clock, timedelta(seconds=6))
    assert refusals(around.notices) == 2, "after it was good, it is news again"


def test_o04_tokens_of_unknown_keys_while_the_keys_are_no_good_are_told_once() -> None:
    around = world()
    around.sign_in()
    around.provider.headers["kid"] = "unknown"
    around.provider.raw_keys = b"{}"
    pressed(around.sign_in, around.clock, timedelta(seconds=61))
    assert refusals(around.notices) == 1


def test_o04_presses_while_metadata_has_expired_are_told_a_few_times_an_hour() -> None:
    told: list[Notice] = []
    clock = [NOW]
    ended = metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()]).replace(
        b"entityID=", b'validUntil="2020-01-01T00:00:00Z" entityID='
    )
    around = Surroundings(Wire({URL: ended}), Kept(), lambda: clock[0], told.append)  # type: ignore[arg-type]
    settings = SamlConnection(protocol="saml", title="Company", metadata_url=URL, subject="uid")
    company = SamlConnector("company", settings, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)
    pressed(lambda: company.depart(sign_in()), clock, timedelta(seconds=6))
    assert 1 <= refusals(told) <= refusals_told.MOST, "each names another present time"
    clock[0] += timedelta(hours=1)
    pressed(lambda: company.depart(sign_in()), clock, timedelta(seconds=6))
    assert refusals_told.MOST < refusals(told) <= 2 * refusals_told.MOST


def test_each_other_refusal_is_told_and_all_again_once_it_was_good() -> None:
    clock = [NOON]
    told = RefusalsTold(lambda: clock[0])
    assert [told.is_due(one) for one in ("down", "down", "unreadable", "down")] == [True, False, True, False]
    told.forget()
    assert told.is_due("down")
    assert sum(told.is_due(f"at {number}") for number in range(100)) == refusals_told.MOST - 3
    clock[0] -= timedelta(hours=2)
    assert told.is_due("a clock that was set back keeps nothing quiet")
