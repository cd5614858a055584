"""SAML and OpenID Connect providers."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import constraint_failed
from federation_bridge.sandbox.aws.iam.calls import IamCall, tag_list
from federation_bridge.sandbox.aws.parameters import Parameters
from federation_bridge.sandbox.aws.provisioning import (
    change_saml_provider,
    demand_client_ids,
    demand_thumbprints,
    put_oidc_provider,
    put_saml_provider,
)
from federation_bridge.sandbox.aws.state import EncryptionMode

_LONGEST_METADATA = 10_000_000


def create_saml_provider(call: IamCall) -> dict[str, Value]:
    """CreateSAMLProvider."""
    parameters = call.parameters
    provider = put_saml_provider(
        call.state,
        call.account,
        parameters.required("Name"),
        parameters.required("SAMLMetadataDocument", 1, _LONGEST_METADATA * 2).encode(),
        encryption=_encryption(parameters),
        private_key=parameters.optional("AddPrivateKey"),
        tags=dict(parameters.tags()),
    )
    return {"SAMLProviderArn": provider.arn, "Tags": tag_list(provider.tags)}


def _encryption(parameters: Parameters) -> EncryptionMode | None:
    mode = parameters.optional("AssertionEncryptionMode")
    if mode not in (None, "Allowed", "Required"):
        raise constraint_failed(mode or "", "assertionEncryptionMode", "Member must be one of [Required, Allowed]")
    return cast("EncryptionMode | None", mode)


def update_saml_provider(call: IamCall) -> dict[str, Value]:
    """UpdateSAMLProvider."""
    parameters = call.parameters
    provider = call.saml_provider()
    text = parameters.optional("SAMLMetadataDocument", 1, _LONGEST_METADATA * 2)
    change_saml_provider(
        call.state,
        call.account,
        provider.name,
        metadata=None if text is None else text.encode(),
        encryption=_encryption(parameters),
        add_private_key=parameters.optional("AddPrivateKey"),
        remove_private_key=parameters.optional("RemovePrivateKey"),
    )
    return {"SAMLProviderArn": provider.arn}


def get_saml_provider(call: IamCall) -> dict[str, Value]:
    """GetSAMLProvider."""
    provider = call.saml_provider()
    return {
        "SAMLProviderUUID": provider.uuid,
        "SAMLMetadataDocument": provider.metadata_text,
        "CreateDate": provider.created_at,
        "ValidUntil": provider.valid_until,
        "Tags": tag_list(provider.tags),
        "AssertionEncryptionMode": provider.encryption,
        "PrivateKeyList": [{"KeyId": key.id, "Timestamp": key.created_at} for key in provider.private_keys],
    }


def delete_saml_provider(call: IamCall) -> dict[str, Value]:
    """DeleteSAMLProvider."""
    call.account.saml_providers.pop(call.saml_provider().name, None)
    return {}


def list_saml_providers(call: IamCall) -> dict[str, Value]:
    """ListSAMLProviders."""
    providers = call.account.saml_providers.values()
    return {
        "SAMLProviderList": [
            {"Arn": one.arn, "ValidUntil": one.valid_until, "CreateDate": one.created_at} for one in providers
        ]
    }


def create_oidc_provider(call: IamCall) -> dict[str, Value]:
    """CreateOpenIDConnectProvider. The issuer is not fetched here, so it may be started later."""
    parameters = call.parameters
    provider = put_oidc_provider(
        call.state,
        call.account,
        parameters.required("Url"),
        parameters.texts("ClientIDList"),
        parameters.texts("ThumbprintList"),
        dict(parameters.tags()),
    )
    return {"OpenIDConnectProviderArn": provider.arn, "Tags": tag_list(provider.tags)}


def get_oidc_provider(call: IamCall) -> dict[str, Value]:
    """GetOpenIDConnectProvider."""
    provider = call.oidc_provider()
    return {
        "Url": provider.url,
        "ClientIDList": provider.client_ids,
        "ThumbprintList": provider.thumbprints,
        "CreateDate": provider.created_at,
        "Tags": tag_list(provider.tags),
    }


def delete_oidc_provider(call: IamCall) -> dict[str, Value]:
    """DeleteOpenIDConnectProvider."""
    call.account.oidc_providers.pop(call.oidc_provider().url, None)
    return {}


def list_oidc_providers(call: IamCall) -> dict[str, Value]:
    """ListOpenIDConnectProviders."""
    return {"OpenIDConnectProviderList": [{"Arn": one.arn} for one in call.account.oidc_providers.values()]}


def add_client_id(call: IamCall) -> dict[str, Value]:
    """AddClientIDToOpenIDConnectProvider."""
    provider = call.oidc_provider()
    added = call.parameters.required("ClientID", 1, 255)
    _set_client_ids(call, (*(one for one in provider.client_ids if one != added), added))
    return {}


def remove_client_id(call: IamCall) -> dict[str, Value]:
    """RemoveClientIDFromOpenIDConnectProvider."""
    removed = call.parameters.required("ClientID", 1, 255)
    _set_client_ids(call, tuple(one for one in call.oidc_provider().client_ids if one != removed))
    return {}


def _set_client_ids(call: IamCall, client_ids: tuple[str, ...]) -> None:
    demand_client_ids(client_ids)
    provider = call.oidc_provider()
    call.account.oidc_providers[provider.url] = replace(provider, client_ids=client_ids)


def update_thumbprints(call: IamCall) -> dict[str, Value]:
    """UpdateOpenIDConnectProviderThumbprint. Thumbprints are kept; loopback has no certificates to compare."""
    thumbprints = call.parameters.texts("ThumbprintList")
    demand_thumbprints(thumbprints)
    provider = call.oidc_provider()
    call.account.oidc_providers[provider.url] = replace(provider, thumbprints=thumbprints)
    return {}
