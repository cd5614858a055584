"""What every connection to an identity provider has."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

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
    """Domains in which only this identity provider gives out addresses, so that what it says about them is
    believed."""
    networks: tuple[Network, ...] = ()
    """Private networks that this one connection may reach (an identity provider on the premises)."""
    endpoint_hosts: tuple[Host, ...] = ()
    """Hosts (`name` or `name:port`) on which endpoints of this identity provider may lie without an
    administrator's consent, besides the issuer's own and those that the preset knows. A move to another host
    waits for it: `federation-bridge metadata accept`."""
    subject: str | None = None
    """Claim or attribute that identifies a person for good; None: as the preset says."""
    email: str | None = None
    """Claim or attribute with the e-mail address; None: as the preset says."""
    name: str | None = None
    """Claim or attribute with the name that people read; None: as the preset says."""
    skew: Duration = timedelta(seconds=60)
    """How far the identity provider's clock may be off; at most 120s."""
    max_age: Duration | None = None
    """How long ago the person may have authenticated at the identity provider; checked in the answer. OIDC providers
    are told; a SAML request cannot tell it, so whoever has an older session there has to end that first."""
    max_session: Duration | None = None
    """A sign-in through this connection holds no longer than this."""

    @field_validator("email_domains", "verified_email_domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is not a domain in lower case")
        return domains

    @field_validator("skew")
    @classmethod
    def _skew(cls, skew: timedelta) -> timedelta:
        if not timedelta(0) <= skew <= timedelta(seconds=120):
            raise ValueError("skew lies between 0s and 120s")
        return skew
