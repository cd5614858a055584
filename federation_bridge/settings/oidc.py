"""A connection to an identity provider that speaks OpenID Connect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from federation_bridge.settings.connection import CommonConnection
from federation_bridge.settings.secret import Secret
from federation_bridge.settings.values import LONGEST_NAME, ClaimPlace, Url


class OidcConnection(CommonConnection):
    """An identity provider that speaks OpenID Connect."""

    protocol: Literal["oidc"]
    """`oidc`"""
    issuer: Url
    """The issuer, exactly as it stands in its discovery document and tokens."""
    client_id: str = Field(min_length=1, max_length=256)
    """The client id that the identity provider gave us."""
    client_secret: Secret | None = None
    """If left out: we authenticate with private_key_jwt, with a key of our own (`federation-bridge keys show`)."""
    public_client: bool = False
    """The identity provider knows us as a public client (`token_endpoint_auth_method: none`): PKCE alone binds a code
    to the browser that left. Use it only if the provider gives out no secret and accepts no key."""
    discovery_url: Url | None = None
    """Where the discovery document lies, if not at the issuer's well-known address; the issuer in it must be `issuer`
    all the same."""
    audiences: tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)], ...] = ()
    """Further audiences that an ID token may name beside `client_id`, each by its name (Zitadel: the project's id and
    its other clients); `azp` must then name us. A token that names any other is refused."""
    groups: ClaimPlace | None = None
    """Claim that names the groups; if left out: as the preset says. A text is one claim's name, dots and all; a list
    leads to a claim inside others: `[realm_access, roles]`."""
    groups_from: Literal["id_token", "userinfo"] = "id_token"
    """Where the groups stand: in the ID token, or (`userinfo`) only at the provider's userinfo endpoint, which is then
    asked at each sign-in. Everything else comes from the ID token alone."""
    email_verified_text: bool = False
    """Accepts `email_verified` also if the provider writes the text `true` instead of the boolean (Cognito,
    PingFederate). Only with the preset `generic`: the other providers write a boolean."""
    algorithms: tuple[Literal["RS256", "PS256", "ES256"], ...] = ("RS256",)
    """Signature algorithms of ID tokens that are accepted; a token or its issuer never decides this."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """Scopes to ask for."""
    response_mode: Literal["query", "form_post"] = "query"
    """How the answer comes back."""
    tenants: tuple[str, ...] = ()
    """Entra: tenant ids that may sign in. Google: hosted domains (`hd`)."""
    prompt: Literal["login", "select_account"] | None = None
    """Asks the identity provider to show its sign-in, or its choice of accounts, each time; with `login` its answer
    must tell by `auth_time` that it did."""

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> OidcConnection:
        if self.public_client and self.client_secret is not None:
            raise ValueError("a `public_client` has no `client_secret`: leave one of them out")
        return self

    @model_validator(mode="after")
    def _subjects_of_several_tenants(self) -> OidcConnection:
        is_composed = self.preset == "entra" and self.subject is None
        if self.scim is not None and is_composed and not self.scim.subject_prefix and len(self.tenants) != 1:
            raise ValueError(
                "scim.subject_prefix: a subject is `TENANT.OBJECT` here: write `TENANT.`, or one tenant in `tenants`"
            )
        return self

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("`scopes` must name openid")
        return scopes
