"""The sandbox's provider and its refresh tokens: each good once, for its own client, until it is revoked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.authorization import AuthorizationRequest, ReturnAddress
from federation_bridge.sandbox.identity_provider.codes import Consent
from federation_bridge.sandbox.identity_provider.presence import Presence
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal
from federation_bridge.sandbox.identity_provider.token import TokenEndpoint

OURS = OidcClient("bridge", ("https://bridge.example.test/back",), secret="quiet")
OTHER = OidcClient("other", ("https://other.example.test/back",), secret="other")


@pytest.fixture(scope="module")
def provider() -> IdentityProvider:
    made = IdentityProvider("http://localhost:1", example_company(), style="okta")
    made.register_client(OURS)
    made.register_client(OTHER)
    return made


def consent(provider: IdentityProvider, *scopes: str) -> Consent:
    to = ReturnAddress(OURS, OURS.redirect_uris[0], "state", "query")
    asked = AuthorizationRequest(to=to, scopes=frozenset(scopes), nonce="", code_challenge="", prompt="", max_age=None)
    return Consent(asked, Presence(provider.directory["ada"], datetime.now(UTC), "sid"))


def renew(provider: IdentityProvider, refresh_token: str, client: OidcClient = OURS) -> dict[str, Any]:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client.client_id,
        "client_secret": str(client.secret),
    }
    return TokenEndpoint(provider).answer(form, None)[0]


def test_each_refresh_token_is_good_once_and_gives_the_next(provider: IdentityProvider) -> None:
    first = provider.codes.refresh_token(consent(provider, "openid", "offline_access"))
    second = renew(provider, first)["refresh_token"]
    assert second != first
    with pytest.raises(OAuthRefusal) as refused:
        renew(provider, first)
    assert refused.value.code == "invalid_grant"
    assert renew(provider, second)["access_token"]


def test_one_that_was_revoked_or_is_another_clients_is_refused(provider: IdentityProvider) -> None:
    asked = consent(provider, "openid", "offline_access")
    revoked, others = (provider.codes.refresh_token(one) for one in (asked, replace(asked)))
    with pytest.raises(OAuthRefusal):
        renew(provider, others, OTHER)
    assert provider.codes.revoke_of("ada") >= 1
    with pytest.raises(OAuthRefusal):
        renew(provider, revoked)
