"""Where a connection by OpenID Connect finds groups and who is verified: each setting grants what it says, no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from oidc_door_fixtures import comes_in, door
from oidc_secret_fixtures import secret_is_set  # noqa: F401 - a fixture
from openid_provider import CLIENT_ID, ISSUERS, world

from federation_bridge.errors import ProviderUnreachable, SignInRejected

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
