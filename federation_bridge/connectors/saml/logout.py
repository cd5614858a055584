"""Single logout (SAML profiles 4.4), both directions: the provider ends sessions here, and we ask it to end its own.

A request is believed only signed, by redirect or by POST: whoever could end a session unsigned could lock people out
(attack G09). Nobody is ever sent where a message says, only to addresses of the metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from federation_bridge.connectors.endpoints import host_of
from federation_bridge.connectors.freshness import ahead_of_us
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.assertion import Assertion, LogoutRequest, NameId
from federation_bridge.connectors.saml.gate import decoded, form_value, parsed
from federation_bridge.connectors.saml.identity import name_of
from federation_bridge.connectors.saml.logout_writing import Written, logout_request, logout_response, sent
from federation_bridge.connectors.saml.metadata import IdpMetadata
from federation_bridge.connectors.saml.metadata_source import MetadataSource
from federation_bridge.connectors.saml.names import samlp
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.reader import read_logout_request, read_logout_response, tree_of
from federation_bridge.connectors.saml.redirect_binding import read_signed_query
from federation_bridge.connectors.saml.shape import check_shape
from federation_bridge.connectors.saml.shapes import LOGOUT_SHAPES
from federation_bridge.connectors.saml.signature import signature_of
from federation_bridge.connectors.saml.verifier import TrustedKey, verify
from federation_bridge.errors import SignInRejected, UnknownSigner, signature_held
from federation_bridge.model import Callback, Clock, Departure, EndedAtProvider, ProviderSession
from federation_bridge.settings import SamlConnection
from federation_bridge.shown_text import quoted
from federation_bridge.signing import KeyRing, Purpose

_NAMES = ("name_id", "format", "name_qualifier", "sp_name_qualifier", "session_index")
_LONGEST_NAME = 1024
_LONGEST_RELAY_STATE = 512
"""SAML bindings 3.4.3 allows 80 bytes; providers send more."""


@dataclass(frozen=True, slots=True)
class Ours:
    """Who we are, and where messages of single logout come to us."""

    entity_id: str
    url: str


@dataclass(frozen=True, slots=True)
class AskedToEnd:
    """A LogoutRequest that was believed."""

    ended: EndedAtProvider
    request_id: str
    relay_state: str


class SamlLogout:
    """Single logout with one identity provider."""

    def __init__(
        self, ours: Ours, settings: SamlConnection, keys: KeyRing, clock: Clock, source: MetadataSource
    ) -> None:
        self.ours = ours
        self._settings, self._keys, self._clock, self._source = settings, keys, clock, source

    def asked(self, callback: Callback) -> AskedToEnd:
        """What a LogoutRequest says has ended; SignInRejected says why it is not believed, ProviderUnreachable."""
        metadata, element, relay_state = self._believed(callback, "SAMLRequest", "LogoutRequest")
        with signature_held():
            request = read_logout_request(element)
            now = self._clock()
            self._check_destination(request.destination)
            if request.issuer != metadata.entity_id:
                raise SignInRejected(f"logout: issuer {quoted(request.issuer)} is not the provider's entityID")
            ends_at = self._checked_times(request, now)
            ended = EndedAtProvider(self._named(request), request.issuer, request.id, ends_at, request.issued_at)
            return AskedToEnd(ended, request.id, relay_state)

    def answer(self, asked: AskedToEnd, new_id: str) -> Departure | None:
        """The way back with our LogoutResponse; None where the provider publishes no address for it."""
        metadata = self._source.current()
        way = self._way(metadata)
        if way is None:
            return None
        binding, _, location = way
        document = logout_response(self._written(new_id, location), asked.request_id)
        key = self._keys.current(Purpose.SERVICE_PROVIDER)
        return sent(document, "SAMLResponse", binding, location, asked.relay_state, key)

    def leave(self, material: Mapping[str, str], new_id: str) -> Departure | None:
        """The way to the provider with a LogoutRequest about this session; None where there is none."""
        way = self._way(self._source.current())
        if way is None or not material.get("name_id"):
            return None
        binding, location, _ = way
        name_id = NameId(*(material.get(one) for one in _NAMES[:4]))  # type: ignore[arg-type] # texts, as they were sealed
        document = logout_request(self._written(new_id, location), name_id, material.get("session_index", ""))
        key = self._keys.current(Purpose.SERVICE_PROVIDER)
        return sent(document, "SAMLRequest", binding, location, "", key)

    def check_answered(self, callback: Callback, handle: str) -> None:
        """Passes where the provider says that it has ended its session, as the answer to the request of this handle.

        The Issuer is not compared: Entra ID names another one than its entityID; the key is the provider's.
        """
        _, element, _ = self._believed(callback, "SAMLResponse", "LogoutResponse")
        with signature_held():
            response = read_logout_response(element)
            self._check_destination(response.destination)
            if not handle or response.in_response_to != request_id_of(handle):
                raise SignInRejected("logout: answers no request of this browser")
            if response.status != names.SUCCESS:
                raise SignInRejected(f"logout: the provider says {quoted(response.status, 120)}")

    def _believed(self, callback: Callback, field: str, root: str) -> tuple[IdpMetadata, etree._Element, str]:
        metadata = self._source.current()
        try:
            return metadata, *self._verified(callback, field, root, metadata.keys)
        except UnknownSigner:
            newer = self._source.newer_than(metadata)
            if newer is None:
                raise
            return newer, *self._verified(callback, field, root, newer.keys)

    def _verified(
        self, callback: Callback, field: str, root: str, keys: tuple[TrustedKey, ...]
    ) -> tuple[etree._Element, str]:
        """The signed element, read from nothing but what was signed, and the RelayState."""
        if callback.method == "GET":
            found = read_signed_query(callback.raw_query, field, keys, POLICY)
            element = _admitted(found.message, root)
            if signature_of(element, POLICY) is not None:
                raise SignInRejected("logout: a signature in a message whose address is signed")
            return element, found.relay_state[:_LONGEST_RELAY_STATE]
        element = _admitted(decoded(form_value(callback, field), POLICY.limits), root)
        signature = signature_of(element, POLICY)
        if signature is None:
            raise SignInRejected("logout: the message is not signed")
        relayed = callback.values("RelayState")
        verified = tree_of(verify(signature, keys, POLICY).canonical)
        return verified, relayed[0][:_LONGEST_RELAY_STATE] if len(relayed) == 1 else ""

    def _check_destination(self, destination: str | None) -> None:
        if destination != self.ours.url:
            raise SignInRejected(f"logout: Destination {quoted(destination)} is not {quoted(self.ours.url)}")

    def _checked_times(self, request: LogoutRequest, now: datetime) -> datetime:
        """Until when this request could pass."""
        skew = self._settings.skew
        if request.issued_at > now + skew:
            raise SignInRejected(f"logout: {ahead_of_us('IssueInstant', request.issued_at, now, skew)}")
        ends = [request.issued_at + POLICY.longest_acceptance]
        if request.not_on_or_after is not None:
            ends.append(request.not_on_or_after)
        ends_at: datetime = min(ends) + skew
        if ends_at <= now:
            raise SignInRejected(f"logout: too old: it could be believed until {ends_at.isoformat()}")
        return ends_at

    def _named(self, request: LogoutRequest) -> ProviderSession:
        """Whom and which session it means. Several sessions of a person are taken for all of them."""
        indexes = request.session_indexes
        if len(request.name_id.text) > _LONGEST_NAME or any(not 0 < len(one) <= _LONGEST_NAME for one in indexes):
            raise SignInRejected("logout: a name that is too long, or an empty SessionIndex")
        subject = name_of(request.name_id, request.issuer, self.ours.entity_id)
        return ProviderSession(request.issuer, subject, indexes[0] if len(indexes) == 1 else "")

    def _written(self, new_id: str, location: str) -> Written:
        return Written(new_id, self.ours.entity_id, location, self._clock())

    def _way(self, metadata: IdpMetadata) -> tuple[str, str, str] | None:
        """Binding and addresses for requests and answers: on hosts where sign-on lies, or that the settings name."""
        known = {host_of(one) for one in metadata.sign_on.values()} | set(self._settings.endpoint_hosts)
        for binding in (names.REDIRECT_BINDING, names.POST_BINDING):
            found = metadata.sign_out.get(binding)
            if found is not None and {host_of(one) for one in found} <= known:
                return binding, *found
        return None


def _admitted(message: bytes, root: str) -> etree._Element:
    """The message, if its structure is what single logout lets it look like."""
    element = parsed(message, POLICY.limits)
    if element.tag != samlp(root):
        raise SignInRejected(f"logout: the message is no {root} but {quoted(element.tag, 120)}")
    check_shape(element, LOGOUT_SHAPES, POLICY.limits)
    if element.get("Version") != "2.0" or not element.get("ID"):
        raise SignInRejected("logout: no ID, or not of version 2.0")
    return element


def material_of(assertion: Assertion) -> dict[str, str]:
    """What a LogoutRequest about this sign-in needs: its NameID as it was written, and the SessionIndex."""
    name_id = assertion.name_id
    if name_id is None:
        return {}
    index = next((one.session_index for one in assertion.authn if one.session_index), None)
    values = (name_id.text, name_id.format, name_id.name_qualifier, name_id.sp_name_qualifier, index)
    return {name: value for name, value in zip(_NAMES, values, strict=True) if value}


def request_id_of(handle: str) -> str:
    """The ID of our LogoutRequest: an xs:ID may not begin with a digit."""
    return f"_{handle}"
