"""What every connector for OpenID Connect does, against a provider on this machine and through real fetching."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_secret_fixtures import SECRET, secret_is_set  # noqa: F401 - a fixture
from openid_provider import (
    BASE_URL,
    CLIENT_ID,
    ISSUERS,
    NOON,
    OTHER_TENANT,
    PERSON_CLAIMS,
    SETTINGS,
    TENANT,
    Memory,
    OpenIdProvider,
    World,
    by_query,
    joined,
    served,
    world,
)

from federation_bridge.connectors.from_settings import connectors_from
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable, SignInRejected
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import OidcConnection, settings_from
from federation_bridge.signing import KeyRing, Purpose


@contextmanager
def on_this_machine(preset: str, **settings: Any) -> Iterator[World]:
    """A connection whose provider answers over HTTP on loopback."""
    clock = [NOON]
    provider = OpenIdProvider("", dict(PERSON_CLAIMS[preset]), lambda: clock[0], secret=SECRET)
    with served(provider.respond) as address:
        provider.issuer = address + (f"/{TENANT}/v2.0" if preset == "entra" else "/realm")
        chosen = {
            "protocol": "oidc",
            "title": "Company",
            "preset": preset,
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": {"environment": "TEST_CLIENT_SECRET"},
            "networks": ("127.0.0.0/8",),
            **SETTINGS.get(preset, {}),
            **settings,
        }
        connection = OidcConnection.model_validate(chosen)
        yield joined(preset, provider, connection, Outgoing(), Memory(), clock)


@pytest.mark.parametrize("preset", ISSUERS)
def test_a_person_leaves_and_comes_back_as_somebody(preset: str) -> None:
    with on_this_machine(preset) as asked:
        sign_in, answer = asked.begin()
        arrival = asked.connector.arrive(sign_in, by_query(*answer.items()))
        # The ID token's time is not that of the answer, which is the code.
        assert arrival.issued_at is None
        assert asked.connector.check() == ()
    assert arrival.identity.connection == "company"
    assert arrival.identity.person.startswith("company/")
    assert arrival.message_issuer == asked.provider.issuer
    assert arrival.message_ends_at == NOON + timedelta(seconds=3660)
    assert asked.provider.asked["redirect_uri"] == f"{BASE_URL}/sign-in/company/oidc"
    assert asked.provider.asked["scope"] == "openid profile email"
    assert asked.notices == []


def test_a_provider_inside_is_not_reached_by_a_connection_that_names_no_network() -> None:
    with on_this_machine("generic", networks=()) as asked:
        with pytest.raises(ProviderUnreachable):
            asked.begin()
        assert asked.provider.fetched == []
        assert "may reach" in asked.connector.check()[0]


def test_two_tokens_are_two_messages_and_one_token_is_one() -> None:
    asked = world()
    first, again = asked.sign_in(), asked.sign_in()
    assert first.message_id == again.message_id, "the same token, replayed by its provider"
    asked.clock[0] += timedelta(seconds=1)
    assert asked.sign_in().message_id != first.message_id
    assert world("okta").sign_in().message_id == "ID.first"


def test_the_settings_of_a_connection_reach_the_provider() -> None:
    asked = world("google", prompt="select_account", max_age="15m", scopes=("openid", "email"))
    asked.begin()
    sent = asked.provider.asked
    assert (sent["prompt"], sent["max_age"], sent["scope"], sent["hd"]) == (
        "select_account", "900", "openid email", "example.test",
    )  # fmt: skip


def test_max_age_is_checked_and_not_only_asked_for() -> None:
    asked = world(max_age="15m")
    with pytest.raises(SignInRejected, match="auth_time"):
        asked.sign_in()
    now = int(NOON.timestamp())
    asked.provider.claims["auth_time"] = now - 960
    assert asked.sign_in().identity.authenticated_at == NOON - timedelta(minutes=16)
    asked.provider.claims["auth_time"] = now - 961
    with pytest.raises(SignInRejected, match="max_age"):
        asked.sign_in()


# ---------------------------------------------------------------------------------------------------- who we are


def test_a_secret_goes_by_post_where_offered_else_by_basic_encoded() -> None:
    asked = world()
    asked.sign_in()
    fields, headers = asked.provider.token_requests[0]
    assert (fields["client_secret"], "authorization" in headers) == (SECRET, False)
    asked = world()
    asked.provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    asked.provider.secret = None
    asked.sign_in()
    fields, headers = asked.provider.token_requests[0]
    assert "client_secret" not in fields
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"the-bridge:quiet+secret"


@pytest.mark.parametrize(("preset", "audience"), [("generic", ""), ("okta", "/token"), ("entra", "/token")])
def test_without_a_secret_a_key_of_our_own_speaks_for_us_once_and_for_a_minute(preset: str, audience: str) -> None:
    asked = world(preset, client_secret=None)
    asked.sign_in()
    fields, _ = asked.provider.token_requests[0]
    keys = KeyRing(b"k" * 32, asked.memory, lambda: NOON, "bridge.example.test")
    key = keys.current(Purpose.CLIENT_ASSERTION)
    decoded = jwt.decode(fields["client_assertion"], RSAKey.import_key({**key.public_jwk()}), algorithms=["RS256"])
    assert decoded.header["kid"] == key.kid
    assert decoded.claims["aud"] == asked.provider.issuer + audience
    assert (decoded.claims["iss"], decoded.claims["sub"]) == (CLIENT_ID, CLIENT_ID)
    assert decoded.claims["exp"] - decoded.claims["iat"] == 60
    assert fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in fields


def test_a_provider_that_offers_no_way_of_ours_is_told_about_by_check() -> None:
    asked = world(client_secret=None)
    asked.provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_jwt"]}
    assert "private_key_jwt" in asked.connector.check()[0]
    with pytest.raises(ProviderUnreachable):
        asked.sign_in()


def test_no_secret_stands_in_a_repr() -> None:
    asked = world()
    sign_in, _ = asked.begin()
    shown = repr(asked.connector._client) + repr(asked.connector._expected(sign_in, None))
    assert SECRET not in shown
    assert sign_in.nonce not in shown


# --------------------------------------------------------------------------------------------------------- tenants


def test_an_authority_of_many_tenants_lets_in_those_that_are_named_each_under_its_own_issuer() -> None:
    shared = "https://login.example.test/organizations/v2.0"
    asked = world("entra", issuer=shared, tenants=(TENANT,))
    template = "https://login.example.test/{tenantid}/v2.0"
    asked.provider.discovery = {"issuer": template, "authorization_response_iss_parameter_supported": False}
    asked.provider.answer["iss"] = None
    asked.provider.keys[0]["issuer"] = template
    asked.provider.claims["iss"] = f"https://login.example.test/{TENANT}/v2.0"
    assert asked.sign_in().message_issuer == f"https://login.example.test/{TENANT}/v2.0"
    for lie in (
        {"iss": f"https://login.example.test/{OTHER_TENANT}/v2.0", "tid": OTHER_TENANT},
        {"iss": f"https://login.example.test/{TENANT}/v2.0", "tid": OTHER_TENANT},
        {"iss": template},
        {"iss": shared},
        {"tid": "{tenantid}", "iss": template},
    ):
        asked.provider.claims.update({"tid": TENANT, **lie})
        with pytest.raises(SignInRejected):
            asked.sign_in()


def test_google_writes_its_issuer_in_two_ways_and_no_third() -> None:
    asked = world("google")
    for spelling in ("https://accounts.example.test", "accounts.example.test"):
        asked.provider.claims["iss"] = spelling
        assert asked.sign_in().message_issuer == spelling
    for wrong in ("http://accounts.example.test", "//accounts.example.test", "accounts.example.test/"):
        asked.provider.claims["iss"] = wrong
        with pytest.raises(SignInRejected):
            asked.sign_in()


@pytest.mark.parametrize(
    ("preset", "settings", "told"),
    [
        ("google", {"tenants": ()}, "hosted domains"),
        ("entra", {"issuer": "https://login.example.test/common/v2.0"}, "tenants"),
        ("entra", {"issuer": "https://login.example.test/organizations/v2.0"}, "tenants"),
        ("entra", {"issuer": "https://login.example.test/consumers/v2.0"}, "tenants"),
        ("generic", {"subject": "email"}, "another person"),
        ("entra", {"subject": "upn"}, "another person"),
    ],
)
def test_settings_that_would_let_in_anybody_stop_the_start(preset: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=told):
        world(preset, **settings)


def test_the_house_makes_a_connector_for_each_connection(tmp_path: Path) -> None:
    connection = {"protocol": "oidc", "title": "Company", "issuer": ISSUERS["generic"], "client_id": CLIENT_ID}
    document = {
        "base_url": BASE_URL,
        "rules": "rules.yaml",
        "accounts": "accounts.yaml",
        "connections": {"one": connection, "two": {**connection, "issuer": ISSUERS["okta"], "preset": "okta"}},
    }
    memory = Memory()
    connectors = connectors_from(
        settings_from(document, tmp_path),
        keys=KeyRing(b"k" * 32, memory, lambda: NOON, "bridge.example.test"),
        outgoing=Outgoing(),
        kept=memory,
        clock=lambda: NOON,
        notice=lambda *_: None,
    )
    assert [(name, one.connection, one.title) for name, one in connectors.items()] == [
        ("one", "one", "Company"),
        ("two", "two", "Company"),
    ]


def test_the_way_out_carries_exactly_what_is_needed() -> None:
    asked = world()
    sign_in, _ = asked.begin()
    departure = asked.connector.depart(sign_in)
    assert departure.form is None
    always = {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce"}
    assert set(parse_qs(urlsplit(departure.url).query)) == always | {"code_challenge", "code_challenge_method"}
