"""A connection to an identity provider that speaks SAML 2.0."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from federation_bridge.settings.connection import CommonConnection
from federation_bridge.settings.values import Duration, Url


class SamlConnection(CommonConnection):
    """An identity provider that speaks SAML 2.0."""

    protocol: Literal["saml"]
    """`saml`"""
    metadata_file: Path | None = None
    """The identity provider's metadata as a file; a changed file is used from the next message on."""
    metadata_url: Url | None = None
    """The identity provider's metadata by address; refreshed in the background, and for a message whose key is
    unknown; the last good one is kept."""
    metadata_signing_certificate: Path | None = None
    """Demands that the metadata be signed by this certificate's key."""
    metadata_refresh: Duration = timedelta(hours=1)
    """How often the metadata is fetched again when no message needs it."""
    hold_new_keys: bool = False
    """A signing key that appears in refreshed metadata is not used before an administrator accepts it
    (`federation-bridge metadata accept`)."""
    idp_entity_id: str | None = None
    """The identity provider's entityID; needed where the metadata describes several."""
    request_binding: Literal["redirect", "post"] = "redirect"
    """How our signed AuthnRequest travels."""
    signed: Literal["either", "assertion", "response", "both"] = "either"
    """What must be signed. Every signature that is present must be valid in any case."""
    encryption: Literal["allowed", "required", "refused"] = "allowed"
    """Whether assertions may or must be encrypted to us (AES-GCM, RSA-OAEP)."""
    allow_cbc: bool = False
    """Accepts AES-CBC, but only under a Response signature that was verified first."""
    allow_idp_initiated: bool = False
    """Whether people may sign in from the identity provider's side, by a tile in its portal; they confirm on a page of
    ours first."""
    force_authn: bool = False
    """Asks the identity provider to authenticate anew for each sign-in; AuthnInstant must tell that it did."""
    subject_kind: Literal["lasting", "email"] = "lasting"
    """What the subject is. `lasting`: it never passes to another person, so a NameID that is an e-mail address is
    refused, and so is a `subject` that names one. `email`: an address is taken, though whoever gets it later gets the
    access of who had it before."""
    groups: str | None = None
    """Attribute that names the groups; if left out: as the preset says."""
    name_id_format: str | None = None
    """NameIDPolicy Format to ask for; if left out: the identity provider's own choice."""

    @model_validator(mode="after")
    def _signals_name_people_as_we_do(self) -> SamlConnection:
        if self.signals is not None and self.signals.subject != "subject":
            raise ValueError("signals.subject: SAML knows nobody by `sub`; write `subject: subject`")
        return self

    @model_validator(mode="after")
    def _one_source(self) -> SamlConnection:
        if (self.metadata_file is None) == (self.metadata_url is None):
            raise ValueError("give either `metadata_file` or `metadata_url`")
        return self

    @model_validator(mode="after")
    def _anew_is_asked_for(self) -> SamlConnection:
        if self.force_authn and self.allow_idp_initiated:
            raise ValueError("`force_authn` cannot be asked of answers that come unasked (`allow_idp_initiated`)")
        return self
