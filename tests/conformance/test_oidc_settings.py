"""Settings of a connection by OpenID Connect through the public door: each lets in whom it is for, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask.testing import FlaskClient
from openid_provider import CLIENT_ID, ISSUERS, OpenIdProvider, served, world
from web_factories import BASE, door_of, made_app

from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable, SignInRejected
from federation_bridge.model import Identity
from federation_bridge.settings import settings_from
from federation_bridge.web import cookies

SECRET = "quiet secret"
ZITADEL = {"aud": ["project-7", CLIENT_ID, "sibling"], "azp": CLIENT_ID}


@pytest.fixture(autouse=True)
def _client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", SECRET)


@dataclass(frozen=True)
class Door:
    """The bridge with one connection, and its provider; both on this machine."""

    provider: OpenIdProvider
    client: FlaskClient

    def sign_in(self) -> Any:
        begun = self.client.post(
            "/sign-in", base_url=BASE, data={"connection": "corp"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        if begun.status_code != 303:
            return begun
        back = self.provider.authorize(begun.headers["Location"])
        return self.client.get("/sign-in/corp/oidc", base_url=BASE, query_string=back)

    @property
    def identity(self) -> Identity:
        bridge = door_of(self.client.application).bridge
        cookie = self.client.get_cookie(cookies.SESSION, domain="aws.example.com")
        assert cookie is not None
        return bridge.session(cookie.value).identity

    @property
    def reasons(self) -> list[str]:
        """What the audit says of refused sign-ins and documents."""
        rows = door_of(self.client.application).store.audit.entries()
        return [str(row.details.get("reason", row.details.get("detail"))) for row in rows if "refused" in row.event]


@contextmanager
def door(folder: Path, clock: HeldClock, **settings: Any) -> Iterator[Door]:
    provider = OpenIdProvider("", {"email_verified": True}, clock, secret=SECRET)
    with served(provider.respond) as address:
        provider.issuer = address + "/realm"
        connection = {
            "protocol": "oidc",
            "title": "Company",
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": {"environment": "TEST_CLIENT_SECRET"},
            "networks": ["127.0.0.0/8"],
            **{name: value(address) if callable(value) else value for name, value in settings.items()},
        }
        kept = {name: value for name, value in connection.items() if value is not None}
        app = made_app(folder, clock, connections={"corp": kept, "partner": {**kept, "client_id": "other"}})
        try:
            yield Door(provider, app.test_client())
        finally:
            door_of(app).store.close()


def comes_in(opened: Door) -> Identity:
    answer = opened.sign_in()
    assert (answer.status_code, opened.reasons) == (303, [])
    return opened.identity


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


# --------------------------------------------------------------------------------------------- where the groups stand


def test_groups_that_stand_at_userinfo_alone_are_read_there_and_nothing_else_is(
    tmp_path: Path, clock: HeldClock
) -> None:
    with door(tmp_path, clock, groups_from="userinfo") as opened:
        opened.provider.without = ("groups",)
        opened.provider.userinfo = {"groups": ["admins"], "email": "root@example.test", "name": "Root", "tier": "gold"}
        identity = comes_in(opened)
        assert (identity.groups.names, identity.groups.gap) == (("admins",), None)
        assert (identity.email, identity.name) == ("ada@example.test", "Ada Example")
        assert "tier" not in identity.attributes


def test_groups_of_the_id_token_count_for_nothing_where_userinfo_has_them() -> None:
    around = world(groups_from="userinfo")
    identity = around.sign_in().identity
    assert identity.groups.names == ()
    assert "no claim 'groups'" in str(identity.groups.gap)


@pytest.mark.parametrize(
    "lie",
    [
        {"userinfo": {"sub": "00u-somebody"}},
        {"userinfo": {"sub": None}},
        {"userinfo": {"sub": ["00u-person"]}},
        {"userinfo": {"sub": "00u-person "}},
        {"raw_userinfo": (200, b'{"groups": ["admins"]}')},
        {"raw_userinfo": (200, b'{"sub": "00u-somebody", "sub": "00u-person", "groups": ["admins"]}')},
        {"raw_userinfo": (200, b'["00u-person"]')},
        {"raw_userinfo": (200, b"eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMHUtcGVyc29uIn0.")},
        {"raw_userinfo": (200, b"<html>")},
        {"raw_userinfo": (403, b'{"error": "insufficient_scope"}')},
        {"raw_userinfo": (500, b"")},
        {"token_answer": {"access_token": None}, "without": ("at_hash",)},
        {"token_answer": {"access_token": "another"}, "without": ("at_hash",)},
        {"token_answer": {"access_token": "a\r\nX: y"}, "without": ("at_hash",)},
    ],
    ids=str,
)
def test_i09_userinfo_about_anybody_else_or_in_another_form_lets_nobody_in(lie: dict[str, Any]) -> None:
    around = world(groups_from="userinfo")
    around.provider.userinfo = {"groups": ["admins"]}
    assert around.sign_in().identity.groups.names == ("admins",)
    for name, value in lie.items():
        setattr(around.provider, name, value)
    with pytest.raises((SignInRejected, ProviderUnreachable), match=r"userinfo|token endpoint"):
        around.sign_in()


def test_signed_userinfo_is_refused_by_its_media_type() -> None:
    around = world(groups_from="userinfo")
    fetch = around.outgoing.fetch

    def signed(url: str, **asked: Any) -> Any:
        answer = fetch(url, **asked)
        is_userinfo = url.endswith("/userinfo")
        media_type = "application/jwt; charset=utf-8" if is_userinfo else "application/json"
        return type(answer)(answer.status, {"content-type": media_type}, answer.body)

    around.outgoing.fetch = signed  # type: ignore[method-assign]
    with pytest.raises(SignInRejected, match="signed or encrypted"):
        around.sign_in()


def test_i16_the_userinfo_endpoint_is_pinned_where_it_is_used_and_not_looked_at_where_it_is_not() -> None:
    elsewhere = {"userinfo_endpoint": "https://attacker.example.test/userinfo"}
    around = world(groups_from="userinfo")
    around.provider.discovery = elsewhere
    with pytest.raises(ProviderUnreachable, match="attacker"):
        around.sign_in()
    assert not any("attacker" in url for url in around.provider.fetched)
    around = world()
    around.provider.discovery = elsewhere
    assert around.sign_in().identity.groups.names
    assert not any("userinfo" in url for url in around.provider.fetched)


def test_a_provider_without_userinfo_is_told_about_by_check() -> None:
    around = world(groups_from="userinfo")
    around.provider.discovery = {"userinfo_endpoint": None}
    assert "`userinfo_endpoint`" in around.connector.check()[0]


# ---------------------------------------------------------------------------------------------------- nested claims


def test_a_list_leads_to_a_claim_inside_others(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, groups=["realm_access", "roles"]) as opened:
        opened.provider.claims.update(realm_access={"roles": ["admins", "readers"]}, groups=["others"])
        assert comes_in(opened).groups.names == ("admins", "readers")


NOT_THERE: list[dict[str, Any]] = [
    {"realm_access.roles": ["admins"]},
    {"realm_access > roles": ["admins"]},
    {"realm_access": {"roles": {"admins": 1}}},
    {"realm_access": ["roles"]},
    {"realm_access": "roles"},
    {"realm_access": {"other": {"roles": ["admins"]}}},
    {"roles": ["admins"]},
    {"realm_access": None},
    {"realm_access": {"roles": [["admins"]]}},
]


@pytest.mark.parametrize("claims", NOT_THERE, ids=str)
def test_i14_whatever_is_not_at_the_end_of_the_list_grants_nothing(claims: dict[str, Any]) -> None:
    around = world(groups=["realm_access", "roles"])
    around.provider.claims.update(claims)
    assert around.sign_in().identity.groups.names == ()


def test_i14_a_name_with_dots_is_one_claim_and_leads_nowhere() -> None:
    around = world(groups="https://example.test/realm_access.roles")
    around.provider.claims["https://example.test/realm_access.roles"] = ["admins"]
    assert around.sign_in().identity.groups.names == ("admins",)
    around = world(groups="realm_access.roles")
    around.provider.claims["realm_access"] = {"roles": ["admins"]}
    identity = around.sign_in().identity
    assert identity.groups.names == ()
    assert "inside others is named by a list" in str(identity.groups.gap)


def test_groups_inside_others_are_found_at_userinfo_too() -> None:
    around = world(groups=["resource_access", CLIENT_ID, "roles"], groups_from="userinfo")
    around.provider.userinfo = {"resource_access": {CLIENT_ID: {"roles": ["admins"]}, "other": {"roles": ["root"]}}}
    assert around.sign_in().identity.groups.names == ("admins",)


# --------------------------------------------------------------------------------------------------- email_verified


@pytest.mark.parametrize("domains", [(), ("example.test",)])
def test_a_text_in_place_of_the_truth_is_believed_where_the_settings_say_so(domains: tuple[str, ...]) -> None:
    for said, believed in (("true", True), (True, True), ("false", False), (False, False), ("True", False), (1, False)):
        around = world(email_verified_text=True, verified_email_domains=domains)
        around.provider.claims["email_verified"] = said
        assert around.sign_in().identity.email_is_verified is believed, said


@pytest.mark.parametrize("preset", ISSUERS)
def test_g03_a_text_in_place_of_the_truth_is_not_believed_by_any_preset_alone(preset: str) -> None:
    around = world(preset)
    around.provider.claims["email_verified"] = "true"
    assert not around.sign_in().identity.email_is_verified


def test_a_believed_text_comes_through_the_door(tmp_path: Path, clock: HeldClock) -> None:
    with door(tmp_path, clock, email_verified_text=True) as opened:
        opened.provider.claims["email_verified"] = "true"
        assert comes_in(opened).email_is_verified


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
