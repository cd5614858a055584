"""EndedAtProvider → Ended: a message that was checked ends what it means here, and is audited, believed or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.bridge import Parts
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.logout import AskedToEnd
from federation_bridge.errors import (
    BridgeError,
    EndingRejected,
    NotFound,
    ProviderUnreachable,
    SignInRejected,
    Unforeseen,
    arrival_foreseen,
)
from federation_bridge.model import Callback, Cause, Departure, Ended, EndedAtProvider, HandedToAws, RequestOrigin
from federation_bridge.redaction import quoted
from federation_bridge.store.writing import Writing

_log = structlog.get_logger(__name__)

BACK_CHANNEL, SINGLE_LOGOUT = "back-channel logout", "SAML single logout"


class ProviderEvents:
    """Ends what providers say has ended."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def back_channel_logout(self, connection: str, logout_token: str, origin: RequestOrigin) -> Ended:
        """Ends what a logout token names (OpenID Connect Back-Channel Logout 1.0, 2.7); somebody unknown is no error.

        EndingRejected where the token is not believed or was used before, audited with the reason; NotFound where the
        connection speaks no OpenID Connect; ProviderUnreachable where its keys are not to be had.
        """
        connector = self._parts.connectors.get(connection)
        if not isinstance(connector, OidcConnector):
            raise NotFound(f"{quoted(connection)} is no connection of OpenID Connect")
        return self._end(connection, BACK_CHANNEL, origin, lambda: connector.ended(logout_token))

    def saml_logout(self, connection: str, callback: Callback, origin: RequestOrigin) -> Departure | None:
        """Ends what a LogoutRequest names (SAML profiles 4.4.3), and gives the way back with our LogoutResponse.

        None: the provider publishes no address for the answer. Raises as `back_channel_logout` does.
        """
        logout = self._saml(connection).logout
        believed: list[AskedToEnd] = []

        def believe() -> EndedAtProvider:
            believed.append(logout.asked(callback))
            return believed[0].ended

        self._end(connection, SINGLE_LOGOUT, origin, believe)
        return logout.answer(believed[0], "_" + self._parts.randomness(20).hex())

    def check_signed_out_there(self, connection: str, callback: Callback, handle: str) -> None:
        """Passes where a LogoutResponse says that the provider has ended its session too; EndingRejected otherwise."""
        logout = self._saml(connection).logout
        try:
            with arrival_foreseen():
                logout.check_answered(callback, handle)
        except SignInRejected as refusal:
            raise EndingRejected(refusal.detail) from refusal

    def _saml(self, connection: str) -> SamlConnector:
        connector = self._parts.connectors.get(connection)
        if not isinstance(connector, SamlConnector):
            raise NotFound(f"{quoted(connection)} is no connection of SAML")
        return connector

    def _end(self, connection: str, way: str, origin: RequestOrigin, believe: Callable[[], EndedAtProvider]) -> Ended:
        try:
            with arrival_foreseen():
                told = believe()
                return self._end_here(connection, way, origin, told)
        except (SignInRejected, ProviderUnreachable) as refusal:
            self._tell_refused(connection, way, origin, refusal)
            if isinstance(refusal, ProviderUnreachable):
                raise
            rejected = EndingRejected(refusal.detail)
            rejected.is_recorded = True
            raise rejected from refusal

    def _end_here(self, connection: str, way: str, origin: RequestOrigin, told: EndedAtProvider) -> Ended:
        def entries_of(persons: tuple[str, ...], ended: Ended) -> list[Entry]:
            event = audit.EndedByProvider.of(way, told, ended)
            at = self._parts.clock()
            return [Entry(at, origin, event, person=person, connection=connection) for person in persons]

        cause = Cause("logout", told.message_issuer, way, connection)
        in_aws = "logout" in self._parts.settings.connections[connection].aws_ends_after

        def beside(writing: Writing, person: str) -> HandedToAws:
            return self._parts.endings.aws.person(writing, person, cause) if in_aws else HandedToAws()

        persons, ended = self._parts.store.provider_endings.end(connection, told, entries_of, beside)
        if not persons:
            # Providers tell of people who never came here too: such entries are counted where they are many.
            event = audit.EndedByProvider.of(way, told, Ended())
            nobody = Entry(self._parts.clock(), origin, event, connection=connection, is_somebodys=True)
            self._parts.audit.record(nobody)
        return ended

    def _tell_refused(self, connection: str, way: str, origin: RequestOrigin, refusal: BridgeError) -> None:
        if isinstance(refusal, Unforeseen):
            _log.error("unforeseen in a provider's message", reference=origin.reference, exc_info=refusal.__cause__)
        is_believed = isinstance(refusal, SignInRejected) and refusal.is_believed
        event = audit.EndingRefused(way, refusal.detail, refusal.code)
        entry = Entry(self._parts.clock(), origin, event, connection=connection)
        self._parts.audit.record(replace(entry, is_somebodys=is_believed))
        refusal.is_recorded = True
