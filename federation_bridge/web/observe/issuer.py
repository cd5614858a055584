"""What AWS reads of us: our metadata as IAM SAML provider, and discovery and keys as IAM OIDC provider. All public."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from federation_bridge.aws import issuer
from federation_bridge.web.door import door
from federation_bridge.web.guards import guarded, public

pages = Blueprint("issuer", __name__)


@pages.get("/saml/metadata")
@guarded(public)
def saml_metadata() -> Response:
    """Our IAM metadata: the document for `aws iam create-saml-provider`."""
    settings = door().settings
    document = issuer.saml_metadata(door().keys, settings.saml_entity_id, settings.base_url)
    return Response(document, mimetype="application/samlmetadata+xml")


@pages.get("/.well-known/openid-configuration")
@guarded(public)
def openid_configuration() -> Response:
    """Our discovery document (OIDC discovery 4) towards AWS."""
    return jsonify(issuer.openid_configuration(door().settings.issuer))


@pages.get("/.well-known/jwks.json")
@guarded(public)
def jwks() -> Response:
    """Our public keys (RFC 7517) towards AWS: exactly the members that STS wants."""
    return jsonify(issuer.jwks(door().keys))
