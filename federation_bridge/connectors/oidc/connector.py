"""The connector: leave for the provider, come back, be somebody. Every check stands here, none in a preset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from federation_bridge.connectors.oidc.callback import read_answer
from federation_bridge.connectors.oidc.discovery import ENTRA_SHARED_AUTHORITIES, ProviderMetadata, expected_issuer
from federation_bridge.connectors.oidc.id_token import Expected, IdToken, verify_id_token
from federation_bridge.connectors.oidc.identity import identity_from
from federation_bridge.connectors.oidc.provider import Provider, Surroundings
from federation_bridge.connectors.oidc.token_request import (
    Client,
    Tokens,
    authorization_address,
    client_assertion,
    method_at,
    redeem_code,
)
from federation_bridge.connectors.oidc.told import told_by
from federation_bridge.connectors.oidc.userinfo import ask_userinfo, read_userinfo
from federation_bridge.connectors.presets import OIDC_PRESETS, REASSIGNABLE, OidcPreset
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.connectors.slots import slots_of_a_connection
from federation_bridge.connectors.standing import Standing
from federation_bridge.errors import BridgeError, ConfigurationInvalid, SignInOver, SignInRejected, signature_held
from federation_bridge.model import Arrival, Callback, Departure, Identity, JsonObject, SignIn
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
        _check_settings(connection, settings, self._preset)
        self._surroundings = surroundings
        self._provider = Provider(connection, settings, self._preset, surroundings)
        self._issuers = _issuers(settings, self._preset)
        self._client = Client(
            settings.client_id,
            f"{base_url}/sign-in/{connection}/oidc",
            settings.scopes,
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
        if self._asks_anew(sign_in):
            # max_age also asks for auth_time, which tells whether the provider did as it was asked.
            extra |= {"prompt": "login", "max_age": "0"}
        elif self._settings.max_age is not None:
            extra["max_age"] = str(int(self._settings.max_age.total_seconds()))
        if self._preset.tenancy == "hosted_domain" and len(self._settings.tenants) == 1:
            extra["hd"] = self._settings.tenants[0]
        return Departure(authorization_address(self._client, self._provider.metadata(), sign_in, extra))

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None] = lambda: None) -> Arrival:
        """Who has come back. The sign-in is taken before the code is redeemed, so that one sign-in redeems one code.

        SignInRejected says why not; ProviderUnreachable where the provider does not answer.
        """
        with check("request"):
            if sign_in is None or sign_in.connection != self.connection:
                raise SignInRejected("OpenID Connect: an answer that nobody here asked for")
            if self._surroundings.clock() >= sign_in.expires_at:
                raise SignInOver("OpenID Connect: the answer came too late")
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
        with signature_held():
            userinfo = None
            if about is not None:
                with check("UserInfo"):
                    userinfo = read_userinfo(about, token.claims["sub"])
            with check("identity"):
                identity = self._identity(token, userinfo)
        return Arrival(identity, token.issuer, token.token_id, token.expires_at + self._settings.skew)

    def _hear(self, claims: JsonObject) -> None:
        token = IdToken(claims, str(claims.get("iss")), "", self._surroundings.clock())
        received(lambda: told_by(claims))
        naming(lambda: self._identity(token).person)

    def _identity(self, token: IdToken, userinfo: JsonObject | None = None) -> Identity:
        return identity_from(token, self.connection, self._settings, self._preset, userinfo)

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
        return frozenset(one for one in self._issuers if _bare(one) == _bare(answered_by))

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


def _issuers(settings: OidcConnection, preset: OidcPreset) -> frozenset[str]:
    """Every spelling of the issuer that a token may carry, complete: no pattern is ever matched."""
    issuer = expected_issuer(settings.issuer, preset.tenancy)
    spellings = {issuer}
    if issuer != settings.issuer:
        spellings = {issuer.replace("{tenantid}", tenant) for tenant in settings.tenants}
    if preset.other_issuer_spelling:
        spellings |= {issuer.removeprefix("https://")}
    return frozenset(spellings)


def _bare(issuer: str) -> str:
    """The issuer as older tokens of Google write it: both spellings are one issuer."""
    return issuer.removeprefix("https://")


def _check_settings(connection: str, settings: OidcConnection, preset: OidcPreset) -> None:
    where = f"connections.{connection}"
    if settings.subject in REASSIGNABLE:
        raise ConfigurationInvalid(
            f"{where}.subject: `{settings.subject}` can pass to another person; name a stable claim"
        )
    authority = urlsplit(settings.issuer).path.split("/")[1:2]
    is_shared = preset.tenancy == "entra" and bool(set(authority) & (ENTRA_SHARED_AUTHORITIES | {"consumers"}))
    if is_shared and not settings.tenants:
        raise ConfigurationInvalid(
            f"{where}.tenants: this issuer stands for everybody; name the tenants that may sign in"
        )
    if preset.tenancy == "hosted_domain" and not settings.tenants:
        raise ConfigurationInvalid(f"{where}.tenants: name the hosted domains that may sign in, else anybody may")
    if settings.groups_from == "userinfo" and (settings.groups or preset.groups) is None:
        raise ConfigurationInvalid(f"{where}.groups: name the claim of userinfo that holds the groups")
    if settings.email_verified_text and not preset.truth_as_text:
        raise ConfigurationInvalid(
            f"{where}.email_verified_text: a provider of preset `{settings.preset}` writes a truth value; leave it out"
        )
