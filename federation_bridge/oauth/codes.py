"""Authorization codes (RFC 6749 4.1 with PKCE): given to a person's browser, for one program on the way back to it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from federation_bridge.errors import NotSignedIn, OAuthRefused, UnauthorizedClient
from federation_bridge.model import AuthorizationCode, Caller, Session
from federation_bridge.oauth.approval import (
    Administers,
    check_confirmed,
    check_lasts,
    check_may_administer,
    check_may_approve,
    nobody,
)
from federation_bridge.oauth.audit_recorder import AuditRecorder
from federation_bridge.oauth.clients import Client, client_named
from federation_bridge.oauth.families import Families, approved
from federation_bridge.oauth.messages import AuthorizationRequest
from federation_bridge.oauth.opaque_secrets import new_secret
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.pkce import check_challenge

CODE_LIFE = timedelta(seconds=60)

_JKT = re.compile(r"[A-Za-z0-9_-]{43}")


class Codes:
    """The verbs of the code flow in the browser; `Tokens` has the redemption."""

    def __init__(self, parts: Parts, recorder: AuditRecorder, families: Families) -> None:
        self._parts = parts
        self._recorder = recorder
        self._families = families

    def checked_request(self, asked: AuthorizationRequest) -> Client:
        """The client behind a request for a code.

        InvalidClient and InvalidRedirect come first: then nobody may be redirected. Whatever is raised after may be
        told to the redirect address (`refusal_redirect`).
        """
        client = client_named(asked.client_id)
        client.checked_redirect(asked.redirect_uri, self._parts.settings.base_url)
        return client

    def check_terms(self, asked: AuthorizationRequest) -> None:
        """Nothing where the request is one that we serve: a code, with a S256 challenge (attack I17), and its scope."""
        client_named(asked.client_id).check_scope(asked.scope)
        check_challenge(asked.challenge_method, asked.code_challenge)
        if asked.dpop_jkt is not None and not _JKT.fullmatch(asked.dpop_jkt):
            raise OAuthRefused("dpop_jkt is no thumbprint")

    def check_may_let_in(self, client: Client, session: Session, *, administers: Administers = nobody) -> None:
        """Nothing where this person may let this client in now.

        NotSignedIn for an unconfirmed sign-in; AccessDenied and SignInTooOld for a client that administers; the latter
        also where AWS issues nothing any more until the sign-in ends. A code that is carried by hand leads as far away
        as a device code, and whoever is given it gets in: so all limits of the device flow hold for it (attack N01).
        """
        check_confirmed(session)
        if client.is_carried:
            check_may_approve(session, self._parts.settings.command_line, self._parts.clock())
        settings = self._parts.settings
        if not client.administers:
            bounds_aws = settings.connections[session.identity.connection].aws_sessions_end_with_sign_in
            check_lasts(session, bounds_aws=bounds_aws, now=self._parts.clock())
        within = settings.sessions.administration
        check_may_administer(client, session, administers, within, self._parts.clock())

    def ends_at(self, client: Client, session: Session) -> datetime:
        """Until when the client would be in, if this session let it in now."""
        return self._families.end_in(session, client)

    def authorize(
        self,
        asked: AuthorizationRequest,
        caller: Caller,
        *,
        administers: Administers = nobody,
    ) -> str:
        """The redirect that carries a code to the program, after the person agreed on a page of ours.

        What `checked_request`, `check_terms` and `check_may_let_in` raise; UnauthorizedClient for a client of one role
        without it, and the other way round; AccessDenied where the person has no role at all; NotSignedIn where the
        session has ended meanwhile; TooManyTries where they let in very many.
        """
        client = self.checked_request(asked)
        self.check_terms(asked)
        if client.one_role != bool(asked.role):
            raise UnauthorizedClient(f"{client.id} is let in for {'one role' if client.one_role else 'no single role'}")
        try:
            self.check_may_let_in(client, caller.session, administers=administers)
        except (OAuthRefused, NotSignedIn) as refusal:
            self._recorder.device_refused(caller, refusal)
            raise
        family = replace(self._families.made(client, caller), role=asked.role)
        code = new_secret("c", self._parts.randomness)
        given = AuthorizationCode(
            client_id=client.id,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            family_id=family.id,
            expires_at=self._parts.clock() + CODE_LIFE,
            dpop_jkt=asked.dpop_jkt,
        )
        entry = self._recorder.entry_by(caller, approved(family))
        self._parts.store.authorization_codes.issue(code, given, family, entry)
        return self._answer(asked, {"code": code})

    def refusal_redirect(self, asked: AuthorizationRequest, refusal: OAuthRefused) -> str:
        """The redirect that tells the program of a refusal (RFC 6749 4.1.2.1); only after `checked_request`."""
        return self._answer(asked, {"error": refusal.oauth_error, "error_description": refusal.public})

    def _answer(self, asked: AuthorizationRequest, members: dict[str, str]) -> str:
        state = {"state": asked.state} if asked.state else {}
        # `iss` tells a program that talks to several servers which one answered (RFC 9207).
        return f"{asked.redirect_uri}?{urlencode({**members, **state, 'iss': self._parts.settings.base_url})}"
