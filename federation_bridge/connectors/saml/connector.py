"""The connector: the way to one SAML identity provider, and the identity from an answer that passed every stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation_bridge.connectors.authentication_methods import AuthenticationMethods
from federation_bridge.connectors.freshness import Demand
from federation_bridge.connectors.presets import SAML_PRESETS
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.gate import decoded, form_value
from federation_bridge.connectors.saml.identity import (
    check_subject,
    doubts_about_the_subject,
    identity_from,
    provider_session,
)
from federation_bridge.connectors.saml.logout import Ours, SamlLogout, material_of, request_id_of
from federation_bridge.connectors.saml.metadata import IdpMetadata
from federation_bridge.connectors.saml.metadata_source import MetadataSource, Surroundings
from federation_bridge.connectors.saml.onelogin import Parties, onelogin_settings
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.request import authn_request, by_post, by_redirect
from federation_bridge.connectors.saml.response import Trust, VerifiedAssertion, verified_assertion
from federation_bridge.connectors.saml.second_opinion import agree
from federation_bridge.connectors.saml.service_provider_metadata import logout_url, service_provider_metadata
from federation_bridge.connectors.saml.succession import described
from federation_bridge.connectors.saml.validation import Expectation, acceptance_ends
from federation_bridge.connectors.saml.verifier import TrustedKey
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.errors import (
    BridgeError,
    ConnectionMisconfigured,
    OtherConnection,
    SignInOver,
    UnknownSigner,
    Unsolicited,
    signature_held,
)
from federation_bridge.model import Arrival, Callback, Departure, Identity, SignIn
from federation_bridge.settings import SamlConnection
from federation_bridge.sign_in_checks import check, naming
from federation_bridge.signing import KeyRing, Purpose, SigningKey

_KEY_ENDS = "that refuses nobody here, but the identity provider will sign with another one"
_METADATA_ENDS = "nobody is let in by it then: the identity provider has to publish it anew"
_SIGNER_ENDS = "that refuses nobody here, but another one will sign the metadata: `metadata_signing_certificate`"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What follows from one version of the metadata; made once for each."""

    metadata: IdpMetadata
    trust: Trust
    reading: OneLogin_Saml2_Settings
    writing: OneLogin_Saml2_Settings
    location: str


class SamlConnector:
    """Sign-in at one SAML 2.0 identity provider."""

    def __init__(
        self, connection: str, settings: SamlConnection, house: tuple[str, str], keys: KeyRing, around: Surroundings
    ) -> None:
        """`house`: our base URL and our entityID. ConfigurationInvalid where metadata from a file is no good."""
        base_url, self._entity_id = house
        self.connection, self.title = connection, settings.title
        self._settings, self._preset = settings, SAML_PRESETS[settings.preset]
        check_subject(connection, settings, self._preset)
        self.methods = AuthenticationMethods.of(connection, settings)
        self._keys, self._around = keys, around
        self._acs_url = f"{base_url}/sign-in/{connection}/saml"
        self._source = MetadataSource(connection, settings, around)
        self._prepared: _Prepared | None = None
        self.logout = SamlLogout(
            Ours(self._entity_id, logout_url(self._acs_url)), settings, keys, around.clock, self._source
        )
        self.refresher = Refresher(f"saml-{connection}", self._source.refresh, settings.metadata_refresh)

    def depart(self, sign_in: SignIn) -> Departure:
        """The way to the identity provider with a signed AuthnRequest; ProviderUnreachable without metadata."""
        prepared = self._now_prepared()
        settings = self._settings
        request = authn_request(
            prepared.writing,
            sign_in,
            self._around.clock(),
            force_authn=self._asks_anew(sign_in),
            names_format=settings.name_id_format is not None,
            contexts=self.methods.requested(sign_in.methods),
        )
        send = by_post if settings.request_binding == "post" else by_redirect
        return send(prepared.location, request, sign_in, self._keys.current(Purpose.SERVICE_PROVIDER))

    def arrive(self, sign_in: SignIn | None, callback: Callback, _take: Callable[[], None] | None = None) -> Arrival:
        """Who has come back with this Response. Nobody is asked about it: the caller spends it with its sign-in.

        `sign_in` None: nobody left from here; only a connection that allows it takes such an answer. Raises
        SignInRejected (SignInExpired, VerifiersDisagree) with the reason; ProviderUnreachable without metadata.
        """
        now = self._around.clock()
        with check("request"):
            request_id = self._pending_request(sign_in, now)
        with check("form"):
            posted = form_value(callback)
            message = decoded(posted, POLICY.limits)
        verified, prepared = self._verified(message)
        expected = Expectation(
            entity_id=self._entity_id,
            acs_url=self._acs_url,
            idp_entity_id=prepared.metadata.entity_id,
            request_id=request_id,
            now=now,
            skew=self._settings.skew,
            authentication=self._authentication(sign_in, now),
        )
        with signature_held():
            naming(lambda: self._identity(verified).person)
            ends = acceptance_ends(verified.assertion, verified.envelope, expected, POLICY)
            with check("second opinion"):
                agree(posted, verified, expected, prepared.reading)
            with check("identity"):
                identity = self._identity(verified)
            return Arrival(
                identity=identity,
                message_issuer=verified.assertion.issuer,
                message_id=verified.assertion.id,
                message_ends_at=ends + self._settings.skew,
                response_id=verified.envelope.id,
                at_provider=provider_session(verified.assertion, self._entity_id),
                issued_at=verified.assertion.issued_at,
                material=material_of(verified.assertion) if self._settings.sign_out_there else {},
            )

    def _verified(self, message: bytes) -> tuple[VerifiedAssertion, _Prepared]:
        with check("documents"):
            prepared = self._now_prepared()
        try:
            return verified_assertion(message, prepared.trust, POLICY), prepared
        except UnknownSigner as unknown:
            # Of this message nothing is believed: not where to look, nor for which key.
            prepared = self._newer_prepared(prepared, unknown)
            return verified_assertion(message, prepared.trust, POLICY), prepared

    def sign_out(self, material: Mapping[str, str], handle: str) -> Departure | None:
        """The way to the provider with a LogoutRequest, whose ID follows from the handle; None where there is none."""
        return self.logout.leave(material, request_id_of(handle))

    def recheck(self, material: Mapping[str, str]) -> dict[str, str] | None:  # noqa: ARG002 - the protocol's
        """None: SAML has no way to ask without the person."""
        return None

    def _identity(self, verified: VerifiedAssertion) -> Identity:
        found = identity_from(verified.assertion, self.connection, self._settings, self._preset)
        return self.methods.stated(found)

    def standing(self) -> Standing:
        """What waits for an administrator, and what ends; nothing is fetched. Unavailable as the store."""
        self._source.watch()
        metadata = self._source.in_force
        signers = [_ending("metadata's signing certificate", key, _SIGNER_ENDS) for key in self._source.signers]
        if metadata is None:
            return Standing(self._source.waits(), tuple(signers))
        endings = [_ending("signing certificate", key, _KEY_ENDS) for key in metadata.keys]
        if metadata.valid_until is not None:
            endings.append(Ending("metadata", "", metadata.valid_until, _METADATA_ENDS))
        return Standing(self._source.waits(), (*endings, *signers), described(metadata))

    def refresh(self) -> str:
        """Looks at the metadata now, however new it is; gives what is wrong with it, or nothing."""
        return self._source.look()

    def watch(self) -> None:
        """Follows the metadata's file."""
        self._source.watch_file()

    @property
    def idp_entity_id(self) -> str | None:
        """The identity provider's entityID, where it is known already."""
        return self._source.entity_id

    def metadata_xml(self) -> bytes:
        """Our SP metadata for this connection."""
        return service_provider_metadata(
            self._entity_id,
            self._acs_url,
            self._keys.all(Purpose.SERVICE_PROVIDER),
            () if self._settings.encryption == "refused" else self._keys.all(Purpose.DECRYPTION),
            wants_assertions_signed=self._settings.signed in ("assertion", "both"),
            name_id_format=self._settings.name_id_format,
        )

    def check(self) -> tuple[str, ...]:
        """What an operator should mend, in plain words; nothing where all is well."""
        self._source.refresh()
        where = f"connection {self.connection}"
        standing = [f"{where}: {one}" for one in self.standing().told(self._around.clock())]
        try:
            prepared = self._looked_at()
        except BridgeError as refusal:
            return (f"{where}: {refusal.detail}", *standing)
        told = [f"{where}: {weak}" for weak in prepared.metadata.weak]
        if self._source.problem and f"{where}: {self._source.problem}" not in standing:
            told.append(f"{where}: the last good metadata is in use, because: {self._source.problem}")
        told.extend(standing)
        told.extend(f"{where}: {doubt}" for doubt in doubts_about_the_subject(self._settings, self._preset))
        return tuple(told)

    def obstacle(self) -> BridgeError | None:
        """Why nobody can sign in here as things stand, or None."""
        try:
            self._looked_at()
        except BridgeError as refusal:
            return refusal
        return None

    def _looked_at(self) -> _Prepared:
        # Before a first start there is no key yet: all else can be told then, and is most wanted then.
        return self._prepare(self._source.current(), self._keys.made(Purpose.DECRYPTION))

    def _asks_anew(self, sign_in: SignIn | None) -> bool:
        return self._settings.force_authn or (sign_in is not None and sign_in.fresh)

    def _authentication(self, sign_in: SignIn | None, now: datetime) -> Demand:
        left_at = None if sign_in is None else sign_in.started_at
        return Demand(now, self._settings.skew, self._asks_anew(sign_in), left_at, self._settings.max_age)

    def _pending_request(self, sign_in: SignIn | None, now: datetime) -> str | None:
        if sign_in is None:
            if not self._settings.allow_idp_initiated:
                raise Unsolicited("request: an answer that nobody here asked for (`allow_idp_initiated` is off)")
            return None
        if sign_in.connection != self.connection:
            raise OtherConnection(
                f"request: the sign-in that is pending is of another connection, {sign_in.connection!r}"
            )
        if now >= sign_in.expires_at:
            told = f"could be answered until {sign_in.expires_at.isoformat()}, and here it is {now.isoformat()}"
            raise SignInOver(f"request: the answer came too late: it {told}")
        return sign_in.request_id

    def _newer_prepared(self, prepared: _Prepared, unknown: UnknownSigner) -> _Prepared:
        """What follows from newer metadata; UnknownSigner where there is none."""
        newer = self._source.newer_than(prepared.metadata)
        if newer is None:
            waits = f"; {self._source.problem}" if self._source.problem else ""
            raise UnknownSigner(f"{unknown.detail}; there is no newer key{waits}")
        return self._prepared_by(newer)

    def _now_prepared(self) -> _Prepared:
        return self._prepared_by(self._source.current())

    def _prepared_by(self, metadata: IdpMetadata) -> _Prepared:
        prepared = self._prepared
        decryption = self._keys.all(Purpose.DECRYPTION)
        if prepared is None or prepared.metadata is not metadata or prepared.trust.decryption_keys is not decryption:
            prepared = self._prepared = self._prepare(metadata, decryption)
        return prepared

    def _prepare(self, metadata: IdpMetadata, decryption: tuple[SigningKey, ...]) -> _Prepared:
        settings = self._settings
        binding = names.POST_BINDING if settings.request_binding == "post" else names.REDIRECT_BINDING
        location = metadata.sign_on.get(binding)
        if location is None:
            offered = ", ".join(one.rpartition(":")[2] for one in metadata.sign_on) or "none"
            raise ConnectionMisconfigured(
                f"`request_binding` says {settings.request_binding!r}, and the metadata has no sign-on address for"
                f" {binding.rpartition(':')[2]}; it has: {offered}"
            )
        parties = Parties(
            self._entity_id,
            self._acs_url,
            metadata.entity_id,
            location,
            tuple(key.certificate_b64 for key in metadata.keys),
            settings.name_id_format,
        )
        trust = Trust(
            keys=metadata.keys,
            decryption_keys=decryption,
            signed=settings.signed,
            encryption=settings.encryption,
            allow_cbc=settings.allow_cbc,
        )
        for_writing = onelogin_settings(parties, is_for_writing=True)
        return _Prepared(metadata, trust, onelogin_settings(parties), for_writing, location)


def _ending(kind: str, key: TrustedKey, consequence: str) -> Ending:
    return Ending(kind, key.fingerprint[:16], key.expires_at, consequence, key.begins_at)
