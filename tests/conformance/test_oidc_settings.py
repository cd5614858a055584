"""Settings of a connection by OpenID Connect through the public door: each lets in whom it is for, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from oidc_door_fixtures import Door, comes_in, door
from oidc_secret_fixtures import secret_is_set  # noqa: F401 - a fixture
from openid_provider import CLIENT_ID, ISSUERS, world
from web_factories import BASE

from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable, SignInRejected
from federation_bridge.settings import settings_from

ZITADEL = {"aud": ["project-7", CLIENT_ID, "sibling"], "azp": CLIENT_ID}


def stays_out(opened: Door, reason: str) -> None:
    answer = opened.sign_in()
    assert answer.status_code in (403, 502)
    assert any(reason in one for one in opened.reasons), opened.reasons


# -------------------------------------------------------------------------------------------------------- audiences


def test_a_token_for_us_and_for_those_that_are_named_comes_in(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, audiences=["project-7", "sibling", "another"]) as opened:
        opened.provider.claims.update(ZITADEL)
        assert comes_in(opened).subject == "00u-person"


FOREIGN_AUDIENCES: list[dict[str, Any]] = [
    {"aud": ["project-7", CLIENT_ID, "stranger"]},
    {"aud": ["project-7", "sibling"]},
    {"aud": ["project-7", "project-7"]},
    {"aud": "project-7"},
    {"aud": ["project-7"]},
    {"aud": [CLIENT_ID, "project-7", "project-7"]},
    {"aud": [CLIENT_ID, CLIENT_ID]},
    {"aud": [CLIENT_ID, ["project-7"]]},
    {"aud": [CLIENT_ID, 7]},
    {"aud": {CLIENT_ID: 1, "project-7": 1}},
    {"azp": "sibling"},
    {"azp": None},
    {"azp": [CLIENT_ID]},
    {"azp": ...},
]


@pytest.mark.parametrize("lie", FOREIGN_AUDIENCES, ids=str)
def test_i08_a_token_for_anybody_else_or_asked_for_by_another_does_not(lie: dict[str, Any]) -> None:
    around = world(audiences=("project-7", "sibling"))
    around.provider.claims.update(ZITADEL)
    assert around.sign_in().identity.subject == "00u-person"
    around.provider.claims.update({name: value for name, value in lie.items() if value is not ...})
    around.provider.without = tuple(name for name, value in lie.items() if value is ...)
    with pytest.raises(SignInRejected, match=r"audience|client|azp"):
        around.sign_in()


def test_i08_a_connection_that_names_no_audiences_takes_none(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock) as opened:
        opened.provider.claims.update(ZITADEL)
        stays_out(opened, "is not us and those of `audiences` alone")


# ------------------------------------------------------------------------------------------- the discovery's address


def test_a_description_at_another_address_is_read_and_its_issuer_stays_exact(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, discovery_url=lambda address: f"{address}/elsewhere.json?app=1") as opened:
        opened.provider.discovery_at = "/elsewhere.json?app=1"
        assert comes_in(opened).subject == "00u-person"
        assert not any("well-known" in url for url in opened.provider.fetched)


def test_i06_a_description_at_another_address_cannot_name_another_issuer(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, discovery_url=lambda address: f"{address}/elsewhere.json") as opened:
        opened.provider.discovery_at = "/elsewhere.json"
        opened.provider.discovery["issuer"] = "https://attacker.example.test"
        stays_out(opened, "found is 'https://attacker.example.test'")


def test_i16_the_hosts_of_issuer_and_description_are_the_administrators_word_and_no_other_host_is() -> None:
    around = world(discovery_url="https://login.example.test/company.json")
    around.provider.discovery_at = "/company.json"
    around.provider.discovery["authorization_endpoint"] = "https://login.example.test/authorize"
    assert around.sign_in().identity.subject == "00u-person"
    around = world(discovery_url="https://login.example.test/company.json")
    around.provider.discovery_at = "/company.json"
    around.provider.discovery["token_endpoint"] = "https://attacker.example.test/token"
    with pytest.raises(ProviderUnreachable, match="attacker"):
        around.sign_in()


# --------------------------------------------------------------------------------------------------- public clients


def test_a_public_client_comes_in_by_pkce_alone(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, public_client=True, client_secret=None) as opened:
        opened.provider.secret = None
        assert comes_in(opened).subject == "00u-person"
        (fields, headers), *_ = opened.provider.token_requests
        assert fields["client_id"] == CLIENT_ID
        assert "code_verifier" in fields
        assert not {"client_secret", "client_assertion"} & fields.keys()
        assert "authorization" not in headers


def test_i17_a_code_without_its_verifier_is_worth_nothing_to_a_public_client(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, public_client=True, client_secret=None) as opened:
        opened.provider.secret = None
        opened.provider.answer["code"] = "stolen"
        stays_out(opened, "token endpoint: refused with 'invalid_grant'")


def test_a_connection_that_is_no_public_client_never_goes_without_its_secret() -> None:
    around = world()
    around.provider.discovery = {"token_endpoint_auth_methods_supported": ["none"]}
    with pytest.raises(ProviderUnreachable, match="offers"):
        around.sign_in()
    assert around.provider.token_requests == []


def test_check_has_nothing_to_say_of_a_public_client_that_works() -> None:
    around = world(public_client=True, client_secret=None)
    around.provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert around.connector.check() == ()


# ------------------------------------------------------------------------------------------------------- the file


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"public_client": True, "client_secret": {"environment": "X"}}, "a `public_client` has no `client_secret`"),
    ({"groups": []}, "a list of at most 8 that leads to one inside others"),
    ({"groups": ["realm_access", 7]}, "a list of at most 8 that leads to one inside others"),
    ({"groups": ""}, "write a claim's name"),
    ({"groups": ["a"] * 9}, "a list of at most 8"),
    ({"audiences": [""]}, "audiences"),
    ({"discovery_url": "http://id.example.test/x"}, "must begin with https://"),
    ({"groups_from": "graph"}, "is one of `id_token`, `userinfo`"),
]


@pytest.mark.parametrize(("changes", "sentence"), WRONG, ids=[str(changes) for changes, _ in WRONG])
def test_a_wrong_setting_is_refused_with_what_to_mend(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    connection = {"protocol": "oidc", "title": "C", "issuer": ISSUERS["generic"], "client_id": CLIENT_ID}
    document = {"base_url": BASE, "rules": "r", "accounts": "a", "connections": {"c": {**connection, **changes}}}
    with pytest.raises(ConfigurationInvalid) as refusal:
        settings_from(document, tmp_path)
    assert sentence in refusal.value.detail
    assert "connections.c" in refusal.value.detail


AT_THE_START: list[tuple[str, dict[str, Any], str]] = [
    ("google", {"groups_from": "userinfo"}, "name the claim of userinfo"),
    ("okta", {"email_verified_text": True}, "writes a truth value"),
    ("entra", {"email_verified_text": True}, "writes a truth value"),
]


@pytest.mark.parametrize(("preset", "settings", "told"), AT_THE_START)
def test_a_setting_that_means_nothing_for_its_preset_stops_the_start(
    preset: str, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationInvalid, match=told):
        world(preset, **settings)
