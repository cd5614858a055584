"""What was asked about the time of authentication is verified in the answer, the same by both protocols (F10, I07)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from lxml import etree
from openid_provider import NOON, by_query, world
from saml_factories import NOW, arrive, changed, connector, honest, saml, sign_in

from federation_bridge.errors import ConfigurationInvalid, SignInRejected
from federation_bridge.model import Identity
from federation_bridge.settings import settings_from

SKEW = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


class Sign(Protocol):
    """Signs in where the provider states that the person authenticated so long before (minus: after) the departure."""

    def __call__(self, ago: timedelta, *, fresh: bool = False, **settings: Any) -> Identity: ...


def by_saml(ago: timedelta, *, fresh: bool = False, **settings: Any) -> Identity:
    left = sign_in(fresh=fresh, started_at=NOW)
    return arrive(honest(authenticated_at=NOW - ago), connector(**settings), left).identity


def by_saml_in_a_signed_response(ago: timedelta, *, fresh: bool = False, **settings: Any) -> Identity:
    left = sign_in(fresh=fresh, started_at=NOW)
    return arrive(honest(authenticated_at=NOW - ago, signed="response"), connector(**settings), left).identity


def by_oidc(ago: timedelta, *, fresh: bool = False, force_authn: bool = False, **settings: Any) -> Identity:
    around = world(prompt="login" if force_authn else None, **settings)
    around.provider.claims["auth_time"] = int((NOON - ago).timestamp())
    begun, _ = around.begin()
    begun = replace(begun, fresh=fresh)
    answer = around.provider.authorize(around.connector.depart(begun).url)
    return around.connector.arrive(begun, by_query(*answer.items())).identity


BOTH = pytest.mark.parametrize("by", [by_saml, by_saml_in_a_signed_response, by_oidc])


@BOTH
@pytest.mark.parametrize("asked", [{"force_authn": True}, {"fresh": True}], ids=["by the connection", "by a step-up"])
def test_who_was_asked_for_anew_was_authenticated_after_leaving(by: Sign, asked: dict[str, bool]) -> None:
    for ago in (timedelta(0), SKEW, -SKEW):
        assert by(ago, **asked).subject
    for ago in (SKEW + timedelta(seconds=1), timedelta(minutes=15), timedelta(days=1)):
        with pytest.raises(SignInRejected, match="anew"):
            by(ago, **asked)
        assert by(ago).subject, "where nobody asked, an older session is the provider's business"


@BOTH
def test_max_age_holds_by_either_protocol(by: Sign) -> None:
    assert by(timedelta(minutes=16), max_age="15m").subject
    with pytest.raises(SignInRejected, match="max_age"):
        by(timedelta(minutes=16, seconds=1), max_age="15m")


@BOTH
@pytest.mark.parametrize("asked", [{}, {"force_authn": True}, {"max_age": "999d"}])
def test_an_absurd_instant_is_refused_whatever_was_asked(by: Sign, asked: dict[str, Any]) -> None:
    # Where nothing was asked of it, an honest SAML provider's instant may lie ahead as its IssueInstant may.
    ahead = SKEW if asked else timedelta(minutes=5)
    absurd = (NOW - datetime(1970, 1, 1, tzinfo=UTC), -ahead - timedelta(seconds=1), timedelta(days=-3650))
    for ago in absurd:
        with pytest.raises(SignInRejected, match="authentication"):
            by(ago, **asked)


def test_the_year_one_is_no_time_of_a_session() -> None:
    def backdate(response: etree._Element) -> None:
        response.find(f".//{saml('AuthnStatement')}").set("AuthnInstant", "0001-01-01T00:00:00Z")  # type: ignore[union-attr]

    with pytest.raises(SignInRejected, match="no time of this session"):
        arrive(changed(backdate))


@pytest.mark.parametrize("asked", [{"force_authn": True}, {"fresh": True}, {"max_age": "15m"}])
def test_a_time_that_was_asked_for_must_be_there(asked: dict[str, Any]) -> None:
    settings = {name: value for name, value in asked.items() if name == "max_age"}
    around = world(prompt="login" if asked.get("force_authn") else None, **settings)
    begun = replace(around.begin()[0], fresh=bool(asked.get("fresh")))
    answer = around.provider.authorize(around.connector.depart(begun).url)
    assert "max_age" in around.provider.asked, "without it the provider need not send auth_time"
    with pytest.raises(SignInRejected, match="missing"):
        around.connector.arrive(begun, by_query(*answer.items()))
    assert world().sign_in().identity.authenticated_at is None


def test_an_answer_that_nobody_asked_for_can_not_have_been_asked_for_anew(tmp_path: Any) -> None:
    connection = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml", "force_authn": True}
    document = {"base_url": "https://b.example", "rules": "r", "accounts": "a", "connections": {"company": connection}}
    assert settings_from(document, tmp_path).connections
    connection["allow_idp_initiated"] = True
    with pytest.raises(ConfigurationInvalid, match="force_authn"):
        settings_from(document, tmp_path)
