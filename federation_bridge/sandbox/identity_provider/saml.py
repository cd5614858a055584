"""SAML 2.0 web browser SSO, the provider's side (SAML profiles 4.1): metadata, requests in, Responses out."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from federation_bridge.sandbox.identity_provider import authn_request
from federation_bridge.sandbox.identity_provider.applications import ServiceProvider
from federation_bridge.sandbox.identity_provider.authn_request import AuthnRequest, UnregisteredAcs
from federation_bridge.sandbox.identity_provider.login import run, whoever_is_here
from federation_bridge.sandbox.identity_provider.pages import self_posting_form
from federation_bridge.sandbox.identity_provider.presence import Errand, Presence
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import Refusal
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, form_value
from federation_bridge.sandbox.identity_provider.saml_message.names import PASSWORD
from federation_bridge.sandbox.identity_provider.second_factor import MFA_CONTEXT, wanted_by
from federation_bridge.sandbox.identity_provider.styles import saml_answer

_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


def saml_pages(provider: IdentityProvider) -> Blueprint:
    """Metadata, the single sign-on service by both bindings, and the start of an IdP-initiated sign-in."""
    pages = Blueprint("saml", __name__, url_prefix="/saml")

    @pages.get("/metadata")
    def metadata() -> ResponseReturnValue:
        return Response(provider.metadata(), content_type="application/samlmetadata+xml")

    @pages.route("/sso", methods=["GET", "POST"])
    def single_sign_on() -> ResponseReturnValue:
        return _sign_on(provider)

    @pages.get("/start")
    def start() -> ResponseReturnValue:
        application = provider.service_providers.get(request.args.get("application", ""))
        if application is None:
            raise Refusal("application", "there is no such application here", 404)
        asked = _unasked(application, request.args.get("RelayState", application.default_relay_state))
        return run(provider, _errand(provider, asked))

    return pages


def _sign_on(provider: IdentityProvider) -> ResponseReturnValue:
    try:
        asked = _received(provider)
    except UnregisteredAcs as refusal:
        return _refused_acs(provider, refusal)
    wanted = "nothing" if provider.passes_over_wishes else wanted_by(asked.contexts)
    if wanted == "unknown":
        return _error(provider, asked, "Responder", "NoAuthnContext", "people are not authenticated so here")
    if asked.is_passive and (asked.force_authn or whoever_is_here(provider) is None):
        return _error(provider, asked, "Responder", "NoPassive", "nobody is signed in here")
    errand = _errand(provider, asked, wants_second_factor=wanted == "second factor")
    return run(provider, errand, max_age=timedelta(0) if asked.force_authn else None)


def _errand(provider: IdentityProvider, asked: AuthnRequest, *, wants_second_factor: bool = False) -> Errand:
    return Errand(
        asked.service_provider.entity_id,
        answer=lambda presence: _answer(provider, asked, presence),
        decline=lambda: _error(provider, asked, "Responder", "AuthnFailed", "the person did not sign in"),
        wants_second_factor=wants_second_factor,
    )


def _received(provider: IdentityProvider) -> AuthnRequest:
    if request.method == "POST":
        return authn_request.from_post(request.form, provider.sso_url, provider.service_providers)
    return authn_request.from_redirect(request.query_string, provider.sso_url, provider.service_providers)


def _unasked(application: ServiceProvider, relay_state: str) -> AuthnRequest:
    return AuthnRequest("", application, application.acs_urls[0], relay_state, False, False, None)


def _answer(provider: IdentityProvider, asked: AuthnRequest, presence: Presence) -> ResponseReturnValue:
    if not presence.person.is_assigned:
        raise Refusal("not_assigned", f"{presence.person.name} is not assigned to this application", 403)
    told = saml_answer(provider.style, presence.person)
    message = SamlMessage(
        issuer=provider.entity_id,
        audience=asked.service_provider.entity_id,
        recipient=asked.acs_url,
        in_response_to=asked.id or None,
        name_id=told.name_id,
        name_id_format=told.name_id_format,
        attributes=told.attributes,
        issued_at=provider.clock(),
        authenticated_at=presence.authenticated_at,
        signed=told.signed,
        style=told.style,
        authn_context=MFA_CONTEXT if presence.has_second_factor else PASSWORD,
        encrypt_to=asked.service_provider.encryption_certificate,
    )
    return _post(provider, message, asked.relay_state)


def _error(provider: IdentityProvider, asked: AuthnRequest, top: str, nested: str, sentence: str) -> Response:
    message = SamlMessage(
        issuer=provider.entity_id,
        recipient=asked.acs_url,
        in_response_to=asked.id or None,
        issued_at=provider.clock(),
        style=provider.style,
        signed="response",
        status=_STATUS + top,
        nested_status=_STATUS + nested,
        status_message=sentence,
        has_assertion=False,
    )
    return _post(provider, message, asked.relay_state)


def _refused_acs(provider: IdentityProvider, refusal: UnregisteredAcs) -> Response:
    # Google tells the application at its registered address, unsigned and without InResponseTo; the others only
    # show a page of their own.
    if provider.style != "google":
        raise refusal
    message = SamlMessage(
        issuer=provider.entity_id,
        recipient=refusal.service_provider.acs_urls[0],
        issued_at=provider.clock(),
        style="google",
        signed="none",
        status=_STATUS + "Requester",
        nested_status=_STATUS + "RequestDenied",
        status_message=f"Invalid request: {refusal.sentence}",
        has_assertion=False,
    )
    return _post(provider, message, "")


def _post(provider: IdentityProvider, message: SamlMessage, relay_state: str) -> Response:
    fields = {"SAMLResponse": form_value(message, provider.signer)}
    if relay_state:
        fields["RelayState"] = relay_state
    return self_posting_form(message.recipient, fields)
