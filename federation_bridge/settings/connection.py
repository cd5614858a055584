"""What every connection to an identity provider has."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from federation_bridge.settings.authentication_method import AuthenticationMethods
from federation_bridge.settings.scim import Scim
from federation_bridge.settings.signals import Signals
from federation_bridge.settings.values import Duration, Host, Network, Section

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class CommonConnection(Section):
    """What every connection to an identity provider has."""

    title: str = Field(min_length=1, max_length=80)
    """What people read on the choice page."""
    preset: Literal["entra", "okta", "google", "generic"] = "generic"
    """Which identity provider it is: knows the names of its claims."""
    email_domains: tuple[str, ...] = ()
    """People who type an address of these domains are led to this connection."""
    verified_email_domains: tuple[str, ...] = ()
    """Domains in which only this identity provider gives out addresses, so that its word about them is trusted."""
    networks: tuple[Network, ...] = ()
    """Private networks that this one connection may reach (an identity provider on the premises)."""
    endpoint_hosts: tuple[Host, ...] = ()
    """Hosts (`name` or `name:port`) on which endpoints of this identity provider may lie without an
    administrator's consent, besides the issuer's own and those that the preset knows. A move to another host
    waits for it: `federation-bridge metadata accept`."""
    subject: str | None = None
    """Claim or attribute that identifies a person for good; if left out: as the preset says."""
    email: str | None = None
    """Claim or attribute with the e-mail address; if left out: as the preset says."""
    name: str | None = None
    """Claim or attribute with the name that people read; if left out: as the preset says."""
    skew: Duration = timedelta(seconds=60)
    """How far the identity provider's clock may be off; at most 120s."""
    max_age: Duration | None = None
    """How long ago the person may have authenticated at the identity provider; checked in the answer. OIDC providers
    are told; a SAML request cannot tell it, so a person with an older session there has to end that session first."""
    aws_sessions_end_with_sign_in: bool = True
    """Whether AWS sessions end with the sign-in (of a browser or a command line) that they came from; else they may
    outlive it, up to what the rules allow."""
    aws_ends_after: tuple[Literal["logout", "re-check"], ...] = ()
    """Which events of the identity provider end all AWS sessions of the person, too: `logout` (back-channel or
    single logout), `re-check` (it was asked again and said no). Shared signals and SCIM have a setting of their own."""
    recheck_every: Duration | None = None
    """How often the identity provider is asked again whether a signed-in person may stay signed in, at their next page
    or renewal: by the refresh token of an OpenID Connect sign-in, which is kept sealed; else by a fresh sign-in, which
    a person with a session there does not see. If left out: not before the session ends. At least 5m."""
    recheck_silently: bool = True
    """Whether that fresh sign-in asks the provider first to show the person nothing (`prompt=none`, IsPassive); if it
    answers that it must show something, an ordinary sign-in follows. Switch it off for a provider that does not accept
    such requests."""
    recheck_grace: Duration = timedelta(minutes=30)
    """How much longer a session stays valid while the provider cannot be asked."""
    sign_out_there: bool = False
    """Offers, where somebody signs out, to sign out at this identity provider too: at its `end_session_endpoint`
    (OpenID Connect) or its SingleLogoutService (SAML). What that needs (the ID token, or the NameID) is kept,
    sealed, as long as the session."""
    max_session: Duration | None = None
    """A sign-in through this connection is valid no longer than this."""
    authentication_methods: AuthenticationMethods = Field(default_factory=dict)
    """Methods by the names that rules use (`mfa: {request: [...], accept: [...]}`): how each is asked for (`request`:
    AuthnContextClassRefs, or values of `acr`) and what in an answer says that it was used (`accept`). They take
    precedence over those of the preset."""
    second_factor: str | None = None
    """Which of these methods administration asks for; if left out: `mfa`, where the preset knows it; `none`: it asks
    for none."""
    signals: Signals | None = None
    """Takes shared signals of this identity provider, as this section says; if left out: it sends none."""
    scim: Scim | None = None
    """What the identity provider may tell of its people by SCIM; if left out: nothing."""

    @field_validator("email_domains", "verified_email_domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is not a domain in lower case")
        return domains

    @field_validator("recheck_every")
    @classmethod
    def _recheck_every(cls, every: timedelta | None) -> timedelta | None:
        if every is not None and every < timedelta(minutes=5):
            raise ValueError("recheck_every is at least 5m")
        return every

    @field_validator("skew")
    @classmethod
    def _skew(cls, skew: timedelta) -> timedelta:
        if not timedelta(0) <= skew <= timedelta(seconds=120):
            raise ValueError("skew lies between 0s and 120s")
        return skew
