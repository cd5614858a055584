"""The authorization request and the exchange of its code (RFC 6749, RFC 7636), by authlib's client over Outgoing."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import quote_plus

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from federation_bridge.connectors.oidc.discovery import ProviderMetadata
from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.errors import ConnectionMisconfigured, GrantEnded, ProviderUnreachable, SignInRejected
from federation_bridge.model import Clock, Randomness, SignIn
from federation_bridge.outgoing import OutgoingAdapter
from federation_bridge.signing import SigningKey, jws

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE_SECONDS = 60
_OK, _SERVER_ERROR = 200, 500
_OF_SETTINGS: Mapping[str, str] = {
    "invalid_client": "`client_id` with `client_secret`, or with our key, is not taken: has the secret ended, or does"
    " the provider not have the key `client-assertion` of `federation-bridge keys show`?",
    "unauthorized_client": "this `client_id` may not use the code flow",
    "unsupported_grant_type": "the provider does not offer the code flow",
}
"""Refusals (RFC 6749 5.2) that are about our settings there or here, and not about the person."""
_MENDS: Mapping[str, str] = {
    "private_key_jwt": "leave `client_secret` out, and give it our key",
    "client_secret_post": "give a `client_secret`",
    "client_secret_basic": "give a `client_secret`",
    "none": "if it knows us as one, say `public_client: true`",
}
"""What an administrator can do where a provider offers this way to authenticate and the settings name another."""
_LONGEST_TOKEN = 128_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; nothing of it is verified yet."""

    unverified_id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at one provider: `secret` gives the client secret, or `assertion` signs one for us.

    A public client has neither.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    secret: Callable[[], str] | None
    assertion: Callable[[ProviderMetadata], str] | None


def authorization_address(client: Client, metadata: ProviderMetadata, sign_in: SignIn, extra: Mapping[str, str]) -> str:
    """Where the browser goes: authorization code with PKCE S256, state and nonce, whatever the provider announces.

    ConnectionMisconfigured where the code could not be redeemed: nobody is sent there in vain.
    """
    method_at(client, metadata)
    session = OAuth2Session(
        client.client_id,
        scope=" ".join(client.scopes),
        redirect_uri=client.redirect_uri,
        code_challenge_method="S256",
    )
    url, _ = session.create_authorization_url(
        metadata.authorization_endpoint,
        state=sign_in.handle,
        code_verifier=sign_in.code_verifier,
        nonce=sign_in.nonce,
        **extra,
    )
    return str(url)


def asking_for(contexts: Sequence[str], claim: Literal["acr", "acrs"]) -> dict[str, str]:
    """The parameters that ask for one of these authentication contexts, the preferred first; none where there is none.

    `acr_values` (OpenID Connect Core 3.1.2.1) only wishes. Entra ID passes it over, and takes a claim `acrs` that is
    essential (5.5.1.1) instead. Both are checked in the answer.
    """
    if not contexts:
        return {}
    if claim == "acr":
        return {"acr_values": " ".join(contexts)}
    wanted: dict[str, object] = {"essential": True, "values": list(contexts)}
    if len(contexts) == 1:
        wanted = {"essential": True, "value": contexts[0]}
    return {"claims": json.dumps({"id_token": {"acrs": wanted}}, separators=(",", ":"))}


def redeem_code(
    client: Client, metadata: ProviderMetadata, adapter: OutgoingAdapter, sign_in: SignIn, code: str
) -> Tokens:
    """The tokens for the code. SignInRejected where the provider refuses or answers oddly, ProviderUnreachable where
    it does not answer.
    """
    redeemed = {"grant_type": "authorization_code", "code": code, "code_verifier": sign_in.code_verifier}
    return _asked(client, metadata, adapter, redeemed, needs_id_token=True)


def redeem_refresh_token(
    client: Client, metadata: ProviderMetadata, adapter: OutgoingAdapter, refresh_token: str
) -> Tokens:
    """The tokens for the refresh token (RFC 6749 6); an ID token among them is nobody's, and unread.

    GrantEnded where the provider says that it is good no more; else as `redeem_code`.
    """
    redeemed = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _asked(client, metadata, adapter, redeemed, needs_id_token=False)


def _asked(
    client: Client,
    metadata: ProviderMetadata,
    adapter: OutgoingAdapter,
    redeemed: Mapping[str, str],
    *,
    needs_id_token: bool,
) -> Tokens:
    method = method_at(client, metadata)
    session = OAuth2Session(
        client.client_id,
        client.secret() if client.secret else None,
        token_endpoint_auth_method=method,
        redirect_uri=client.redirect_uri,
    )
    session.trust_env = False
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.register_client_auth_method(("client_secret_basic", _basic))
    if client.assertion is not None:
        session.register_client_auth_method(("private_key_jwt", _asserting(client.assertion, metadata)))
    answers: list[Tokens] = []
    read = partial(_checked, answers=answers, needs_id_token=needs_id_token)
    session.register_compliance_hook("access_token_response", read)
    try:
        session.fetch_token(metadata.token_endpoint, **redeemed)
    except (AuthlibBaseError, requests.RequestException, ssl.SSLError, ValueError) as problem:
        raise SignInRejected(f"token endpoint: {type(problem).__name__}") from None
    finally:
        session.close()
    return answers[0]


def client_assertion(key: SigningKey, client_id: str, audience: str, *, clock: Clock, randomness: Randomness) -> str:
    """A private_key_jwt for one request (RFC 7523 3): one audience, one use, one minute."""
    now = int(clock().timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": base64.urlsafe_b64encode(randomness(24)).decode(),
        "iat": now,
        "nbf": now,
        "exp": now + _ASSERTION_LIFE_SECONDS,
    }
    certificate = ssl.PEM_cert_to_DER_cert(key.certificate_pem)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
    # Entra finds the key by its certificate's thumbprint, the others by kid
    return jws.signed(claims, key, {"x5t#S256": thumbprint})


def authentication_methods(client: Client) -> tuple[str, ...]:
    """How we can authenticate, the best first: post before basic, whose special characters servers read differently."""
    if client.secret is not None:
        return ("client_secret_post", "client_secret_basic")
    return ("private_key_jwt",) if client.assertion is not None else ("none",)


def method_at(client: Client, metadata: ProviderMetadata) -> str:
    """How we authenticate at this provider's token endpoint; ConnectionMisconfigured where it offers no way of ours."""
    offered, wanted = metadata.token_endpoint_auth_methods, authentication_methods(client)
    if wanted == ("none",):
        return "none"  # many providers take it and do not announce it
    for method in wanted:
        if method in offered:
            return method
    raise ConnectionMisconfigured(_no_common_method(offered, wanted))


def _no_common_method(offered: Sequence[str], wanted: Sequence[str]) -> str:
    theirs, ours = ", ".join(offered[:8]) or "nothing", ", ".join(wanted)
    mend = next((_MENDS[one] for one in _MENDS if one in offered), "we can do none of that")
    return f"token endpoint: the provider offers {theirs}, and with these settings we authenticate by {ours}: {mend}"


def _basic(client: Any, _method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    """Client id and secret as RFC 6749 2.3.1 encodes them."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}".encode()
    return uri, {**headers, "Authorization": f"Basic {base64.b64encode(pair).decode()}"}, body


def _asserting(
    make: Callable[[ProviderMetadata], str], metadata: ProviderMetadata
) -> Callable[..., tuple[str, dict[str, str], str]]:
    def sign(
        client: Any, _method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        assertion = make(metadata)
        fields = f"client_assertion_type={quote_plus(_ASSERTION_TYPE)}&client_assertion={quote_plus(assertion)}"
        named = f"client_id={quote_plus(client.client_id)}"
        return uri, headers, f"{body}&{named}&{fields}"

    return sign


@dataclass(frozen=True, slots=True)
class _Read:
    """What authlib gets to see of an answer that we have read: nothing of it is left to interpret."""

    status_code: int = _OK

    def json(self) -> dict[str, str]:
        """A token of which nobody makes use."""
        return {"token_type": "Bearer"}


def _checked(answer: requests.Response, answers: list[Tokens], *, needs_id_token: bool) -> _Read:
    """Lets through only an answer that can be read in one way; what it says goes to `answers`.

    Members that nobody uses (`expires_in`, `scope`, an `error` that names none) are ignored, whatever they hold (RFC
    6749 5.1).
    """
    if answer.status_code >= _SERVER_ERROR:
        raise ProviderUnreachable(f"token endpoint: answered {answer.status_code}")
    document = published_object(answer.content, f"token endpoint, status {answer.status_code}")
    if answer.status_code != _OK or document.get("error"):
        raise _refusal(document, is_renewal=not needs_id_token)
    id_token, access_token = document.get("id_token"), document.get("access_token")
    refresh_token = document.get("refresh_token")
    if not isinstance(refresh_token, str) or not 0 < len(refresh_token) <= _LONGEST_TOKEN:
        refresh_token = None
    if not needs_id_token:
        id_token = ""
    if not isinstance(id_token, str) or not isinstance(access_token, str | None):
        raise SignInRejected("token endpoint: gave no ID token")
    if str(document.get("token_type", "")).lower() != "bearer" or len(access_token or "") > _LONGEST_TOKEN:
        raise SignInRejected("token endpoint: gave no bearer token")
    answers.append(Tokens(id_token, access_token, refresh_token))
    return _Read()


def _refusal(document: Mapping[str, Any], *, is_renewal: bool) -> SignInRejected | ProviderUnreachable:
    """What an error of the token endpoint means (RFC 6749 5.2)."""
    error = document.get("error")
    said = f"{str(error)[:80]!r}: {str(document.get('error_description', ''))[:300]!r}"
    if (cause := _OF_SETTINGS.get(str(error))) is not None:
        return ConnectionMisconfigured(f"token endpoint: {cause}: refused with {said}")
    kind = GrantEnded if is_renewal and error == "invalid_grant" else SignInRejected
    return kind(f"token endpoint: refused with {said}")
