"""An OpenID provider small enough to read, for tests: honest by itself, and every part of it can be made to lie.

It is longer than 300 lines because it is one provider: who makes one part lie sees here what all others then say.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jws
from joserfc.jwk import ECKey
from kept_factories import KeptInMemory
from made_once import kept
from sealed_keys_in_memory import SealedKeysInMemory
from threaded_server import serving

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.oidc.provider import Surroundings
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.model import Arrival, Callback, Notice, SealedKey, SignIn
from federation_bridge.outgoing import Fetched, Outgoing
from federation_bridge.settings import OidcConnection
from federation_bridge.signing import KeyRing

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
PERSON = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
CLIENT_ID = "the-bridge"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BASE_URL = "https://bridge.example.test"

ISSUERS = {
    "generic": "https://id.example.test/realm",
    "entra": f"https://login.example.test/{TENANT}/v2.0",
    "okta": "https://okta.example.test",
    "google": "https://accounts.example.test",
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {"google": {"tenants": ("example.test",)}}
PERSON_CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "generic": {"email_verified": True},
    "entra": {"tid": TENANT, "oid": PERSON, "ver": "2.0"},
    "okta": {"email_verified": True, "amr": ["pwd", "mfa"], "jti": "ID.first"},
    "google": {"email_verified": True, "hd": "example.test", "azp": CLIENT_ID},
}


@kept
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of that name, made once in a run."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key(name: str, curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve)


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def public_jwk(key: rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    modulus, exponent = (b64(n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": modulus, "e": exponent, "use": "sig", "alg": "RS256", **members}


def signed(header: Mapping[str, Any] | bytes, payload: bytes, key: Any = None) -> str:
    """A compact token over exactly these bytes; `key` an RSA or EC key, a function, or None: the provider's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{b64(text)}.{b64(payload)}"
    signature = (key or rs256(rsa_key("provider")))(signing_input.encode())
    return f"{signing_input}.{b64(signature)}"


def rs256(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def algorithm(name: str, key: Any) -> Callable[[bytes], bytes]:
    return lambda message: _joserfc_signature(name, message, key)


def _joserfc_signature(name: str, message: bytes, key: Any) -> bytes:
    return jws.JWSRegistry(algorithms=[name]).get_alg(name).sign(message, key)


class Memory(KeptInMemory):
    """What the store remembers for a connector."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = SealedKeysInMemory()

    @property
    def texts(self) -> dict[tuple[str, str], str]:
        return self.rows

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        return self.keys.sealed(purpose)

    def put_first(self, purpose: str, sealed: bytes, *notices: Notice) -> SealedKey:
        return self.keys.put_first(purpose, sealed, *notices)


@dataclass
class OpenIdProvider:
    """What it answers is made of plain fields: a test changes one of them and it lies in just that."""

    issuer: str
    person: dict[str, Any]
    now: Callable[[], datetime]
    secret: str | None = "quiet secret"
    headers: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "first", "typ": "JWT"})
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public_jwk(rsa_key("provider"), kid="first")])
    raw_keys: bytes | None = None
    make_token: Callable[[OpenIdProvider, dict[str, Any]], Any] = lambda self, claims: signed(
        self.headers, json.dumps(claims).encode()
    )
    token_answer: dict[str, Any] = field(default_factory=dict)
    raw_token_answer: tuple[int, bytes] | None = None
    userinfo: dict[str, Any] = field(default_factory=dict)
    raw_userinfo: tuple[int, bytes] | None = None
    discovery_at: str = "/.well-known/openid-configuration"
    answer: dict[str, str | None] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    token_requests: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def endpoints(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "userinfo_endpoint": self.issuer + "/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
            **self.discovery,
        }

    def authorize(self, url: str) -> dict[str, str]:
        """The parameters of the answer to this authorization request."""
        self.asked = dict(parse_qsl(urlsplit(url).query))
        honest = {"state": self.asked["state"], "code": "the-code", "iss": self.issuer}
        return {name: value for name, value in {**honest, **self.answer}.items() if value is not None}

    def id_token(self) -> Any:
        now = int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "00u-person",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": self.asked.get("nonce", ""),
            "name": "Ada Example",
            "email": "ada@example.test",
            "groups": ["readers", "aws#123456789012#Auditor"],
            "at_hash": b64(hashlib.sha256(b"the-access-token").digest()[:16]),
            **self.person,
            **self.claims,
        }
        return self.make_token(self, {name: value for name, value in claims.items() if name not in self.without})

    def respond(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body for a request; 404 where there is nothing."""
        self.fetched.append(url)
        if url.endswith(self.discovery_at):
            return 200, json.dumps(self.endpoints).encode()
        if url == self.issuer + "/keys":
            return 200, self.raw_keys if self.raw_keys is not None else json.dumps({"keys": self.keys}).encode()
        if url == self.issuer + "/token" and method == "POST":
            return self._redeem(headers, body)
        if url == self.issuer + "/userinfo":
            return self._about({name.lower(): value for name, value in headers.items()}.get("authorization", ""))
        return 404, b"{}"

    def _about(self, authorization: str) -> tuple[int, bytes]:
        if authorization != "Bearer the-access-token":
            return 401, b'{"error": "invalid_token"}'
        if self.raw_userinfo is not None:
            return self.raw_userinfo
        return 200, json.dumps({"sub": self.claims.get("sub", "00u-person"), **self.userinfo}).encode()

    def _redeem(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        fields = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        self.token_requests.append((fields, {name.lower(): value for name, value in headers.items()}))
        if self.raw_token_answer is not None:
            return self.raw_token_answer
        challenge = b64(hashlib.sha256(fields["code_verifier"].encode()).digest())
        honest = fields["code"] == "the-code" and challenge == self.asked["code_challenge"]
        if not honest or (self.secret and fields.get("client_secret") != self.secret):
            return 400, b'{"error": "invalid_grant"}'
        answer = {"access_token": "the-access-token", "token_type": "Bearer", "id_token": self.id_token()}
        return 200, json.dumps({**answer, **self.token_answer}).encode()


class DirectOutgoing(Outgoing):
    """Reaches the provider without a network."""

    def __init__(self, provider: OpenIdProvider) -> None:
        super().__init__()
        self.provider = provider
        self.is_down = False

    def fetch(self, url: str, **kwargs: Any) -> Fetched:
        if self.is_down:
            raise ProviderUnreachable("nobody answers")
        data = kwargs.get("data") or b""
        status, body = self.provider.respond(kwargs.get("method", "GET"), url, kwargs.get("headers") or {}, data)
        return Fetched(status, {"content-type": "application/json"}, body)


@dataclass
class World:
    """One connection, its provider, and a clock that a test moves."""

    preset: str
    provider: OpenIdProvider
    connector: OidcConnector
    outgoing: Outgoing
    memory: Memory
    notices: list[Notice]
    clock: list[datetime]

    def begin(self) -> tuple[SignIn, dict[str, str]]:
        """A person leaves for the provider, which lets them in: the sign-in, and what the browser brings back."""
        now = self.clock[0]
        sign_in = SignIn(
            handle=f"handle-{len(self.provider.fetched)}",
            connection="company",
            return_to="/",
            request_id="_r",
            nonce="n" * 43,
            code_verifier="v" * 43,
            started_at=now,
            expires_at=now + timedelta(minutes=10),
        )
        return sign_in, self.provider.authorize(self.connector.depart(sign_in).url)

    def sign_in(self) -> Arrival:
        sign_in, answer = self.begin()
        return self.connector.arrive(sign_in, by_query(*answer.items()))


def by_query(*pairs: tuple[str, str]) -> Callback:
    return Callback("GET", tuple(pairs), ())


def world(preset: str = "generic", *, issuer: str | None = None, **settings: Any) -> World:
    clock = [NOON]
    chosen = {
        "protocol": "oidc",
        "title": "Company",
        "preset": preset,
        "issuer": issuer or ISSUERS[preset],
        "client_id": CLIENT_ID,
        "client_secret": {"environment": "TEST_CLIENT_SECRET"},
        **SETTINGS.get(preset, {}),
        **settings,
    }
    connection = OidcConnection.model_validate({name: value for name, value in chosen.items() if value is not None})
    secret = "quiet secret" if connection.client_secret else None
    provider = OpenIdProvider(issuer or ISSUERS[preset], dict(PERSON_CLAIMS[preset]), lambda: clock[0], secret=secret)
    outgoing, memory = DirectOutgoing(provider), Memory()
    return joined(preset, provider, connection, outgoing, memory, clock)


def joined(
    preset: str,
    provider: OpenIdProvider,
    connection: OidcConnection,
    outgoing: Outgoing,
    memory: Memory,
    clock: list[datetime],
    *,
    waiting: Waiting | None = None,
) -> World:
    notices: list[Notice] = []
    memory.clock = lambda: clock[0]
    memory.hears = notices.append
    keys = KeyRing(b"k" * 32, memory, lambda: clock[0], "bridge.example.test")
    surroundings = Surroundings(
        keys,
        outgoing,
        memory,
        lambda: clock[0],
        notices.append,
        lambda size: b"r" * size,
        # so that a test sees at once what came of a refresh
        waiting or replace(Waiting.in_a_process(8), beside=lambda work: work()),
    )
    connector = OidcConnector("company", connection, BASE_URL, surroundings)
    return World(preset, provider, connector, outgoing, memory, notices, clock)


@contextmanager
def served(respond: Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]) -> Iterator[str]:
    """A real HTTP server on this machine that answers by `respond`; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            url = f"http://127.0.0.1:{self.connection.getsockname()[1]}{self.path}"
            status, body = respond(self.command, url, dict(self.headers), self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"
