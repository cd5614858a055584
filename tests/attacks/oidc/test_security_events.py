"""Attacks on shared signals: a forged event locks people out, or lets them in (G09), each with its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from transmitters import AUDIENCE, CAEP, ISSUER, RISC, Sender, transmitter_of

from federation_bridge.connectors.signals.event import EventRefused, SecurityEvent
from federation_bridge.errors import ProviderUnreachable

REVOKED = f"{CAEP}session-revoked"
ISSUERS = frozenset({"id.example.test/realm"})


@pytest.fixture
def sender(clock: HeldClock) -> Sender:
    return Sender(clock)


def read(sender: Sender, token: str, **settings: Any) -> SecurityEvent:
    return transmitter_of(sender, **settings).event(token, ISSUERS)


@pytest.mark.parametrize(
    ("uri", "follows"),
    [
        (REVOKED, "end"),
        (f"{CAEP}credential-change", "end"),
        (f"{RISC}sessions-revoked", "end"),
        (f"{RISC}account-disabled", "block"),
        (f"{RISC}account-purged", "block"),
        (f"{RISC}account-enabled", "lift"),
        (f"{RISC}opt-out-effective", ""),
        ("https://schemas.openid.net/secevent/ssf/event-type/verification", "verification"),
    ],
)
def test_each_kind_of_event_ends_blocks_lifts_or_does_nothing(sender: Sender, uri: str, follows: str) -> None:
    event = read(sender, sender.event(uri))
    assert event.follows == follows
    assert event.subject == ("00u-person" if follows in ("end", "block", "lift") else "")


SUBJECTS: dict[str, dict[str, Any]] = {
    "of the transmitter": {"format": "iss_sub", "iss": ISSUER, "sub": "00u-person"},
    "of the connection's issuer": {"format": "iss_sub", "iss": "https://id.example.test/realm", "sub": "00u-person"},
    "with a slash more": {"format": "iss_sub", "iss": f"{ISSUER}/", "sub": "00u-person"},
    "opaque": {"format": "opaque", "id": "00u-person"},
    "complex": {"format": "complex", "user": {"format": "opaque", "id": "00u-person"}, "device": {"format": "x"}},
    "complex without a format": {"user": {"format": "iss_sub", "iss": ISSUER, "sub": "00u-person"}},
    "as Google writes it": {"subject_type": "iss-sub", "iss": ISSUER, "sub": "00u-person"},
}


@pytest.mark.parametrize("how", SUBJECTS)
@pytest.mark.parametrize("place", ["sub_id", "subject"])
def test_each_form_of_a_subject_names_its_person(sender: Sender, how: str, place: str) -> None:
    if place == "sub_id":
        token = sender.event(REVOKED, sub_id=SUBJECTS[how])
    else:
        token = sender.event(REVOKED, sub_id=..., payload={"subject": SUBJECTS[how]})
    assert read(sender, token).subject == "00u-person"


@pytest.mark.parametrize(
    "subject",
    [
        {"format": "iss_sub", "iss": "https://evil.example.test", "sub": "00u-person"},
        {"format": "iss_sub", "sub": "00u-person"},
        {"format": "iss_sub", "iss": ISSUER},
        {"format": "iss_sub", "iss": ISSUER, "sub": ""},
        {"format": "iss_sub", "iss": ISSUER, "sub": ["00u-person"]},
        {"format": "email", "email": "ada@example.test"},
        {"format": "phone_number", "phone_number": "+12065550100"},
        {"format": "complex", "device": {"format": "opaque", "id": "d"}},
        {"format": "complex", "user": {"format": "complex", "user": {}}},
        {
            "format": "aliases",
            "identifiers": [{"format": "opaque", "id": "00u-person"}, {"format": "opaque", "id": "x"}],
        },
        {"format": "aliases", "identifiers": [{"format": "email", "email": "ada@example.test"}]},
        {},
        "00u-person",
        None,
    ],
)
def test_a_subject_that_could_be_somebody_else_is_refused(sender: Sender, subject: Any) -> None:
    with pytest.raises(EventRefused) as refused:
        read(sender, sender.event(REVOKED, sub_id=subject))
    assert refused.value.err == "invalid_request"
    assert read(sender, sender.event(REVOKED)).subject == "00u-person"


def test_an_address_names_somebody_only_where_the_settings_say_that_it_lasts(sender: Sender) -> None:
    token = sender.event(REVOKED, sub_id={"format": "email", "email": "ada@example.test"})
    assert read(sender, token, email_is_stable=True).subject == "ada@example.test"
    with pytest.raises(EventRefused):
        read(sender, token)


@pytest.mark.parametrize(
    ("how", "err"),
    [
        ({"key": "attacker"}, "invalid_key"),
        ({"header": {"kid": "other"}}, "invalid_key"),
        ({"header": {"alg": "RS512"}}, "invalid_key"),
        ({"header": {"typ": "JWT"}}, "invalid_key"),
        ({"header": {"typ": "logout+jwt"}}, "invalid_key"),
        ({"header": {"crit": ["x"]}}, "invalid_key"),
        ({"iss": "https://evil.example.test"}, "invalid_issuer"),
        ({"iss": ...}, "invalid_issuer"),
        ({"aud": "https://other.example.test"}, "invalid_audience"),
        ({"aud": ...}, "invalid_audience"),
        ({"jti": ...}, "invalid_request"),
        ({"jti": ""}, "invalid_request"),
        ({"iat": ...}, "invalid_request"),
        ({"iat": "now"}, "invalid_request"),
        ({"iat": 4_000_000_000}, "invalid_request"),
        ({"iat": 1_000_000_000}, "invalid_request"),
        ({"exp": 4_000_000_000}, "invalid_request"),
        ({"nonce": "n"}, "invalid_request"),
        ({"events": ...}, "invalid_request"),
        ({"events": {}}, "invalid_request"),
        ({"events": {REVOKED: {}, f"{RISC}account-enabled": {}}}, "invalid_request"),
        ({"events": {REVOKED: True}}, "invalid_request"),
        ({"payload": {"event_timestamp": "yesterday"}}, "invalid_request"),
    ],
)
def test_an_event_that_is_not_all_that_it_must_be_is_refused_in_the_transmitters_words(
    sender: Sender, how: dict[str, Any], err: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        read(sender, sender.event(REVOKED, **how))
    assert refused.value.err == err
    assert read(sender, sender.event(REVOKED)).kind == "session-revoked"


def test_a_list_of_audiences_may_name_us_among_others(sender: Sender) -> None:
    assert read(sender, sender.event(REVOKED, aud=[AUDIENCE, "https://other.example.test"])).follows == "end"


def test_google_writes_the_type_of_any_jwt(sender: Sender) -> None:
    assert read(sender, sender.event(REVOKED, header={"typ": "JWT"}), preset="google").follows == "end"


@pytest.mark.parametrize(
    ("payload", "toe", "ago"),
    [
        ({}, ..., 0),
        ({"event_timestamp": -60}, ..., 60),
        ({"event_timestamp": -60_000}, ..., 60),
        ({}, -90, 90),
        ({"event_timestamp": 600}, ..., 0),
    ],
    ids=["when it was issued", "in seconds", "in milliseconds, as Okta writes it", "toe", "ahead of us"],
)
def test_an_event_happened_when_it_says_or_else_when_it_was_issued(
    sender: Sender, clock: HeldClock, payload: dict[str, int], toe: Any, ago: int
) -> None:
    now = int(clock().timestamp())
    for name, value in payload.items():
        payload[name] = now * 1000 + value if abs(value) >= 60_000 else now + value
    changes = {} if toe is ... else {"toe": now + toe}
    event = read(sender, sender.event(REVOKED, payload=dict(payload), **changes))
    assert event.at == clock() - timedelta(seconds=ago)


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example.test"},
        {"jwks_uri": "https://evil.example.test/keys"},
        {"jwks_uri": "http://signals.example.test/keys"},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"configuration_endpoint": "https://evil.example.test/streams"},
        {"jwks_uri": None},
    ],
)
def test_a_document_that_leads_elsewhere_is_not_followed(sender: Sender, lie: dict[str, Any]) -> None:
    """The document names where keys lie: whoever could change it alone must not lead us to others (SSRF, ADR 18)."""
    sender.configuration = lie
    with pytest.raises(ProviderUnreachable):
        read(sender, sender.event(REVOKED))
    assert {url for _, url, _ in sender.asked} == {f"{ISSUER}/.well-known/ssf-configuration"}


def test_keys_may_lie_on_a_host_that_the_settings_name(sender: Sender) -> None:
    sender.configuration = {"jwks_uri": "https://keys.example.test/keys"}
    with pytest.raises(ProviderUnreachable):
        read(sender, sender.event(REVOKED), endpoint_hosts=("keys.example.test",))
    assert sender.asked[-1][1] == "https://keys.example.test/keys"
