"""The connector: the way to the provider, the way back, and the identity. All checks are here, none in a preset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from federation_bridge.connectors.authentication_methods import AuthenticationMethods
from federation_bridge.connectors.oidc.afterwards import material_of, scopes_of, sign_out_there
from federation_bridge.connectors.oidc.callback import read_answer
from federation_bridge.connectors.oidc.claims import bare_issuer
from federation_bridge.connectors.oidc.connection import check_settings, issuers_of
from federation_bridge.connectors.oidc.discovery import ProviderMetadata
from federation_bridge.connectors.oidc.id_token import Expected, IdToken, verify_id_token
from federation_bridge.connectors.oidc.identity import identity_from, provider_session
from federation_bridge.connectors.oidc.logout_token import ExpectedLogout, verify_logout_token
from federation_bridge.connectors.oidc.provider import Provider, Surroundings
from federation_bridge.connectors.oidc.token_request import (
    Client,
    Tokens,
    asking_for,
    authorization_address,
    client_assertion,
    method_at,
    redeem_code,
    redeem_refresh_token,
)
from federation_bridge.connectors.oidc.told import told_by
from federation_bridge.connectors.oidc.userinfo import ask_userinfo, read_userinfo
from federation_bridge.connectors.presets import OIDC_PRESETS
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.connectors.slots import slots_of_a_connection
from federation_bridge.connectors.standing import Standing
from federation_bridge.errors import (
    BridgeError,
    GrantEnded,
    ProviderUnreachable,
    SignInOver,
    SignInRejected,
    signature_held,
)
from federation_bridge.model import Arrival, Callback, Departure, EndedAtProvider, Identity, JsonObject, SignIn
from federation_bridge.outgoing import Fetched, OutgoingAdapter
from federation_bridge.settings import OidcConnection
from federation_bridge.sign_in_checks import check, naming, received
from federation_bridge.signing import Purpose

_REFRESH_EVERY = timedelta(minutes=30)
_LARGEST_TOKEN_ANSWER = 512_000


class OidcConnector:
    """Sign-in at one OpenID Connect provider."""

    def __init__(self, connection: str, settings: OidcConnection, base_url: str, surroundings: Surroundings) -> None:
        """ConfigurationInvalid where these settings would let in people whom nobody meant."""
        self.connection, self.title = connection, settings.title
        self._settings, self._preset = settings, OIDC_PRESETS[settings.preset]
        check_settings(connection, settings, self._preset)
        self.methods = AuthenticationMethods.of(connection, settings)
        self._surroundings, self._base_url = surroundings, base_url
        self._provider = Provider(connection, settings, self._preset, surroundings)
        self._issuers = issuers_of(settings, self._preset)
        self._client = Client(
            settings.client_id,
            f"{base_url}/sign-in/{connection}/oidc",
            scopes_of(settings),
            settings.client_secret.read if settings.client_secret else None,
            self._assertion if not settings.public_client else None,
        )
        self._adapter = OutgoingAdapter(surroundings.outgoing, settings.networks, _LARGEST_TOKEN_ANSWER)
        waiting = surroundings.waiting
        self._exchanges = slots_of_a_connection(connection, waiting.threads, waiting.slots)
        self.refresher = Refresher(f"oidc-{connection}", self._provider.refresh, _REFRESH_EVERY)

    def depart(self, sign_in: SignIn) -> Departure:
        """The way to the provider; ProviderUnreachable where its metadata was never to be had."""
        extra = {"response_mode": "form_post"} if self._settings.response_mode == "form_post" else {}
        if self._settings.prompt is not None:
            extra["prompt"] = self._settings.prompt
        elif sign_in.silent and not sign_in.fresh:
            extra["prompt"] = "none"
        if self._asks_anew(sign_in):
            # max_age also asks for auth_time, which tells whether the provider did as it was asked.
            extra |= {"prompt": "login", "max_age": "0"}
        elif self._settings.max_age is not None:
            extra["max_age"] = str(int(self._settings.max_age.total_seconds()))
        extra |= asking_for(self.methods.requested(sign_in.methods), self._preset.context_claim)
        if self._preset.tenancy == "hosted_domain" and len(self._settings.tenants) == 1:
            extra["hd"] = self._settings.tenants[0]
        return Departure(authorization_address(self._client, self._provider.metadata(), sign_in, extra))

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None] = lambda: None) -> Arrival:
        """Who has come back. The sign-in is taken before the code is redeemed, so that one sign-in redeems one code.

        SignInRejected says why not; ProviderUnreachable where the provider does not answer.
        """
        sign_in = self._asked_for(sign_in)
        with check("documents"):
            metadata = self._provider.metadata()
        answer = read_answer(
            callback,
            sign_in,
            response_mode=self._settings.response_mode,
            issuers=self._issuers,
            announces_iss=metadata.announces_iss,
        )
        with self._exchanges.one():
            # With a slot in hand: who is turned away for want of one may send the same answer once more.
            take()
            with check("token endpoint"):
                tokens = redeem_code(self._client, metadata, self._adapter, sign_in, answer.code)
            about = self._asked_about(metadata, tokens)
        token = verify_id_token(
            tokens.unverified_id_token,
            self._provider.keys_for,
            self._expected(sign_in, answer.issuer),
            code=answer.code,
            access_token=tokens.access_token,
            heard=self._hear,
        )
        return Arrival(
            self._identified(token, about),
            token.issuer,
            token.token_id,
            token.expires_at + self._settings.skew,
            at_provider=provider_session(token),
            material=material_of(tokens, self._settings),
        )

    def _asked_for(self, sign_in: SignIn | None) -> SignIn:
        with check("request"):
            if sign_in is None or sign_in.connection != self.connection:
                raise SignInRejected("OpenID Connect: an answer that nobody here asked for")
            if self._surroundings.clock() >= sign_in.expires_at:
                raise SignInOver("OpenID Connect: the answer came too late")
        return sign_in

    def recheck(self, material: Mapping[str, str]) -> dict[str, str] | None:
        """Asks the provider again by the refresh token, and gives what to keep from now on; None: there is none.

        GrantEnded where it is good no more; ProviderUnreachable where it cannot be asked, or answers oddly.
        """
        if not (refresh_token := material.get("refresh_token")):
            return None
        metadata = self._provider.metadata()
        with self._exchanges.one():
            try:
                tokens = redeem_refresh_token(self._client, metadata, self._adapter, refresh_token)
            except GrantEnded:
                raise
            except SignInRejected as odd:
                raise ProviderUnreachable(odd.detail) from None
        return {**material, "refresh_token": tokens.refresh_token or refresh_token}

    def ended(self, logout_token: object) -> EndedAtProvider:
        """What a logout token says has ended (Back-Channel Logout 1.0, 2.6); SignInRejected, ProviderUnreachable."""
        expected = ExpectedLogout(
            self._issuers,
            self._settings.client_id,
            self._settings.audiences,
            self._settings.algorithms,
            self._surroundings.clock(),
            self._settings.skew,
        )
        return verify_logout_token(logout_token, self._provider.keys_for, expected)

    def sign_out(self, material: Mapping[str, str], handle: str) -> Departure | None:
        """The way to sign out at the provider (RP-Initiated Logout 1.0, 2); None where it offers none that we trust.

        `material`: of the arrival. The address must lie on the host of sign-on, or on one that the settings name.
        """
        return sign_out_there(self._provider.metadata(), self._settings, self._base_url, material, handle)

    @property
    def bare_issuers(self) -> frozenset[str]:
        """The issuers of its ID tokens, in the spelling that we compare."""
        return frozenset(bare_issuer(one) for one in self._issuers)

    @property
    def knows_people_by_sub(self) -> bool:
        """Whether the subject of a person is the `sub` of their ID token."""
        return (self._settings.subject or "sub") == "sub" and self._preset.subject == ("sub",)

    def _hear(self, claims: JsonObject) -> None:
        token = IdToken(claims, str(claims.get("iss")), "", self._surroundings.clock(), self._surroundings.clock())
        received(lambda: told_by(claims))
        naming(lambda: self._identity(token).person)

    def _identified(self, token: IdToken, about: Fetched | None) -> Identity:
        with signature_held():
            userinfo = None
            if about is not None:
                with check("UserInfo"):
                    userinfo = read_userinfo(about, token.claims["sub"])
            with check("identity"):
                return self._identity(token, userinfo)

    def _identity(self, token: IdToken, userinfo: JsonObject | None = None) -> Identity:
        return self.methods.stated(identity_from(token, self.connection, self._settings, self._preset, userinfo))

    def standing(self) -> Standing:
        """What waits for an administrator; nothing is fetched. Unavailable as the store. Keys by JWK have no end."""
        return Standing(self._provider.waits(), (), self._provider.described())

    def refresh(self) -> str:
        """Looks at the provider's documents now, however new they are; gives what is wrong with them, or nothing."""
        return self._provider.look()

    def watch(self) -> None:
        """There is no file to follow."""

    def check(self) -> tuple[str, ...]:
        """What an operator should mend, in plain words; nothing where all is well."""
        where = f"connection {self.connection}"
        problem = self._provider.look()
        told = self.standing().told(self._surroundings.clock())
        try:
            metadata = self._provider.metadata()
        except BridgeError as refusal:
            return tuple(f"{where}: {one}" for one in (*told, f"the identity provider's documents: {refusal.detail}"))
        if problem and problem not in told:
            told = (
                *told,
                f"the last good documents are in use, because: {problem}",
            )
        obstacle = self.obstacle()
        told = (*told, *((obstacle.detail,) if obstacle is not None else ()), *self._doubts_about_the_answer(metadata))
        return tuple(f"{where}: {one}" for one in told)

    def obstacle(self) -> BridgeError | None:
        """Why nobody can sign in here as things stand, or None."""
        try:
            method_at(self._client, self._provider.metadata())
        except BridgeError as refusal:
            return refusal
        return None

    @property
    def needs_our_key(self) -> bool:
        """Whether the provider has to know the public part of our key `client-assertion`."""
        return self._client.assertion is not None and self._client.secret is None

    def _doubts_about_the_answer(self, metadata: ProviderMetadata) -> tuple[str, ...]:
        mode, offered = self._settings.response_mode, metadata.response_modes
        if mode in offered:
            return ()
        mend = "; leave `response_mode` out" if "query" in offered and mode != "query" else ""
        return (f"`response_mode` is {mode}, and the provider offers {', '.join(offered[:8]) or 'none'} only{mend}",)

    def _asked_about(self, metadata: ProviderMetadata, tokens: Tokens) -> Fetched | None:
        """What the userinfo endpoint answers, where the settings say that it is asked; unread."""
        if metadata.userinfo_endpoint is None:
            return None
        fetch, networks = self._surroundings.outgoing.fetch, self._settings.networks
        with check("UserInfo request"):
            return ask_userinfo(fetch, metadata.userinfo_endpoint, tokens.access_token, networks)

    def _expected(self, sign_in: SignIn, answered_by: str | None) -> Expected:
        return Expected(
            issuers=self._issuers_of(answered_by),
            client_id=self._settings.client_id,
            audiences=self._settings.audiences,
            nonce=sign_in.nonce,
            algorithms=self._settings.algorithms,
            started_at=sign_in.started_at,
            now=self._surroundings.clock(),
            skew=self._settings.skew,
            max_age=self._settings.max_age,
            asks_anew=self._asks_anew(sign_in),
        )

    def _issuers_of(self, answered_by: str | None) -> frozenset[str]:
        """The spellings of the one issuer that answered: of several tenants no other one may speak in the token."""
        if answered_by is None:
            return self._issuers
        return frozenset(one for one in self._issuers if bare_issuer(one) == bare_issuer(answered_by))

    def _asks_anew(self, sign_in: SignIn) -> bool:
        return sign_in.fresh or self._settings.prompt == "login"

    def _assertion(self, metadata: ProviderMetadata) -> str:
        audience = self._settings.issuer
        if self._preset.assertion_audience == "token_endpoint":
            audience = metadata.token_endpoint
            # an assertion for another's endpoint would sign us in there (attack I20)
            if urlsplit(audience).netloc != urlsplit(self._settings.issuer).netloc:
                raise SignInRejected(
                    "token endpoint: lies on another host than the issuer; no assertion is made for it"
                )
        surroundings = self._surroundings
        return client_assertion(
            surroundings.keys.current(Purpose.CLIENT_ASSERTION),
            self._settings.client_id,
            audience,
            clock=surroundings.clock,
            randomness=surroundings.randomness,
        )
