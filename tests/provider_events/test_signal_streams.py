# ruff: noqa: F811 - fixtures are named where they are asked for
"""Streams of shared signals: who may send, and how a stream is set up, looked at, tried and removed."""

from __future__ import annotations

from typing import Any

import pytest
from databases import HeldClock
from signals_fixtures import ADA, REVOKED, bearer, is_live, person, push, sender  # noqa: F401 - fixtures
from transmitters import Sender, transmitter_of
from web_factories import BASE, Person, door_of

from federation_bridge.administration import signals as streams
from federation_bridge.errors import BadRequest, NotFound, ProviderUnreachable
from federation_bridge.settings import SamlConnection


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer wrong", "Basic eDp4", "Bearer " + "x" * 5000, "bearer"]
)
def test_nobody_without_the_token_of_the_stream_is_heard(
    person: Person, bearer: str, sender: Sender, authorization: str
) -> None:
    answer = push(person, bearer, sender.event(REVOKED), Authorization=authorization)
    assert (answer.status_code, answer.json["err"]) == (401, "authentication_failed")
    assert sender.asked == [], "nothing is looked for before that"
    assert is_live(person, ADA)


def test_wrong_tokens_of_one_network_are_counted_and_the_right_one_is_heard_all_the_same(
    person: Person, bearer: str, sender: Sender
) -> None:
    answers = [push(person, "wrong", "x") for _ in range(61)]
    assert [one.status_code for one in answers] == [401] * 60 + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert push(person, bearer, sender.event(REVOKED)).status_code == 202


def test_a_token_that_was_replaced_or_removed_opens_nothing(
    person: Person, bearer: str, sender: Sender, clock: HeldClock
) -> None:
    door = door_of(person.app)
    newer = streams.new_token(door.store, clock, door.randomness, "corp")
    assert push(person, bearer, sender.event(REVOKED)).status_code == 401
    assert push(person, newer, sender.event(REVOKED)).status_code == 202
    streams.remove(door.store, transmitter_of(sender), sender_asks(sender), clock, "")
    assert push(person, newer, sender.event(REVOKED, jti="2")).status_code == 401


@pytest.mark.parametrize(
    ("how", "err"),
    [({"key": "attacker"}, "invalid_key"), ({"aud": "x"}, "invalid_audience"), ({"iss": "x"}, "invalid_issuer")],
)
def test_the_token_alone_ends_nothing(
    person: Person, bearer: str, sender: Sender, how: dict[str, Any], err: str
) -> None:
    answer = push(person, bearer, sender.event(REVOKED, **how))
    assert (answer.status_code, answer.json["err"]) == (400, err)
    assert answer.json["description"].startswith("This message could not be verified, so no session was ended.")
    assert is_live(person, ADA)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ssf/partner", {}, 404),
        ("/ssf/nowhere", {}, 404),
        ("/ssf/corp", {"Content-Type": "application/jwt"}, 400),
        ("/ssf/corp", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
    ],
)
def test_other_addresses_and_types_take_nothing(
    person: Person, bearer: str, sender: Sender, path: str, headers: dict[str, str], status: int
) -> None:
    assert push(person, bearer, sender.event(REVOKED), path, **headers).status_code == status
    assert is_live(person, ADA)


def sender_asks(sender: Sender) -> streams.Ask:
    return lambda method, url, headers, body: sender.fetch(url, method=method, headers=headers, data=body)


def test_a_stream_is_set_up_looked_at_tried_and_removed(person: Person, sender: Sender, clock: HeldClock) -> None:
    door, ask, at = door_of(person.app), sender_asks(sender), "https://signals.example.test"
    sender.answers = {
        f"POST {at}/configuration": (201, {"stream_id": "s-1", "aud": f"{BASE}/ssf/corp"}),
        f"GET {at}/status": (200, {"stream_id": "s-1", "status": "enabled"}),
        f"POST {at}/verification": (204, {}),
        f"DELETE {at}/configuration": (204, {}),
    }
    transmitter = transmitter_of(sender)
    assert streams.set_up(door.store, transmitter, ask, clock, door.randomness, "access") == "s-1"
    asked = next(body for method, url, body in sender.asked if url == f"{at}/configuration")
    assert asked["delivery"]["endpoint_url"] == f"{BASE}/ssf/corp"
    bearer = asked["delivery"]["authorization_header"].removeprefix("Bearer ")
    assert push(person, bearer, sender.event(REVOKED)).status_code == 202
    assert streams.status(door.store, transmitter, ask, "access") == "enabled"
    assert streams.verify(door.store, transmitter, ask, door.randomness, "access")
    streams.remove(door.store, transmitter, ask, clock, "access")
    assert sender.asked[-1][:2] == ("DELETE", f"{at}/configuration?stream_id=s-1")
    assert push(person, bearer, sender.event(REVOKED, jti="2")).status_code == 401
    with pytest.raises(NotFound):
        streams.status(door.store, transmitter, ask, "access")


def test_a_transmitter_that_refuses_or_means_others_is_told_so(
    person: Person, sender: Sender, clock: HeldClock
) -> None:
    door, ask, at = door_of(person.app), sender_asks(sender), "https://signals.example.test"
    sender.answers = {f"POST {at}/configuration": (403, {})}
    with pytest.raises(ProviderUnreachable, match="403"):
        streams.set_up(door.store, transmitter_of(sender), ask, clock, door.randomness, "access")
    for audience in ("somebody", ["somebody"], [], 5, {"x": 1}, True):
        sender.answers = {f"POST {at}/configuration": (201, {"stream_id": "s-1", "aud": audience})}
        with pytest.raises(BadRequest, match=r"signals\.audience"):
            streams.set_up(door.store, transmitter_of(sender), ask, clock, door.randomness, "access")


@pytest.mark.parametrize(("subject", "is_taken"), [("sub", False), ("subject", True)])
def test_a_saml_connection_says_that_events_name_people_as_it_does(subject: str, is_taken: bool) -> None:
    asked = {
        "protocol": "saml",
        "title": "Company",
        "metadata_url": "https://idp.example.test/metadata",
        "signals": {"issuer": "https://signals.example.test", "subject": subject},
    }
    if is_taken:
        assert SamlConnection.model_validate(asked).signals is not None
        return
    with pytest.raises(ValueError, match=r"signals\.subject"):
        SamlConnection.model_validate(asked)
