"""A command line as the authorization server sees it: a key, its proofs, and calls of the RFCs' dialect."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from web_factories import BASE, Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.model import Clock, Groups, Identity

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
VERIFIER = "v" * 64
REDIRECT = "http://127.0.0.1:40123/callback"
_NUMBERS = itertools.count()


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def challenge(verifier: str = VERIFIER) -> str:
    return b64(hashlib.sha256(verifier.encode()).digest())


@dataclass
class Program:
    """A program with a DPoP key of its own."""

    person: Person
    clock: Clock
    address: str = "192.0.2.7"
    client_id: str = "fedbridge"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def client(self) -> FlaskClient:
        return self.person.app.test_client()

    @property
    def jwk(self) -> ECKey:
        return ECKey.import_key(self.key)

    def proof(self, method: str, path: str, token: str | None = None, **changes: Any) -> str:
        """A proof for this request, with these claims changed; None as a value leaves a claim out."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": BASE + path,
            "iat": int(self.clock().timestamp()),
            "jti": f"proof {next(_NUMBERS)}",
        }
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return self.signed(claims)

    def signed(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        whole = header or {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk.as_dict(private=False)}
        # By hand: a library would not sign the headers that attacks need.
        signed = ".".join(b64(json.dumps(part).encode()) for part in (whole, claims))
        numbers = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64(b''.join(number.to_bytes(32, 'big') for number in numbers))}"

    def post(self, path: str, *, proof: str | None = "", **fields: str) -> Any:
        """Posts a form as this client; `proof` "" makes a good one, None sends none."""
        made = self.proof("POST", path) if proof == "" else proof
        headers = {"User-Agent": "fedbridge/1.0"} | ({"DPoP": made} if made is not None else {})
        return self.client.post(
            path,
            base_url=BASE,
            data={"client_id": self.client_id, **fields},
            headers=headers,
            environ_base={"REMOTE_ADDR": self.address},
        )

    def begin(self, **fields: str) -> dict[str, Any]:
        answer = self.post("/oauth/device_authorization", client_label="laptop", **fields)
        assert answer.status_code == 200, answer.get_json()
        begun: dict[str, Any] = answer.get_json()
        return begun

    def poll(self, device_code: str, **more: Any) -> Any:
        return self.post("/oauth/token", grant_type=DEVICE_GRANT, device_code=device_code, **more)

    def refresh(self, refresh_token: str, **more: Any) -> Any:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=refresh_token, **more)

    def redeem(self, code: str, **more: Any) -> Any:
        fields = {"redirect_uri": REDIRECT, "code_verifier": VERIFIER} | more
        return self.post("/oauth/token", grant_type="authorization_code", code=code, **fields)

    def call(self, method: str, path: str, token: str, *, proof: str | None = "", **more: Any) -> Any:
        """Calls the API with an access token."""
        made = self.proof(method, path, token) if proof == "" else proof
        headers = {"Authorization": f"{'Bearer' if made is None else 'DPoP'} {token}"}
        headers |= {"DPoP": made} if made is not None else {}
        return self.client.open(path, base_url=BASE, method=method, headers=headers, **more)

    def login(self) -> dict[str, Any]:
        """The tokens of a device login that the program's person approves."""
        begun = self.begin()
        assert approve(self.person, begun["user_code"]).status_code == 200
        answer = self.poll(begun["device_code"])
        assert answer.status_code == 200, answer.get_json()
        tokens: dict[str, Any] = answer.get_json()
        return tokens


def claim(person: Person, user_code: str, **more: Any) -> Any:
    return person.post("/device", {"user_code": user_code}, **more)


def decide(person: Person, user_code: str, decision: str = "allow", **more: Any) -> Any:
    return person.post("/device/decision", {"user_code": user_code, "decision": decision}, **more)


def approve(person: Person, user_code: str, **more: Any) -> Any:
    assert claim(person, user_code, **more).status_code == 200
    return decide(person, user_code, **more)


def colleague(
    person: Person, clock: Clock, number: int, connection: str = "corp", group: str = "admins"
) -> tuple[Person, str]:
    """Another person's signed-in browser, and the token of its cookie."""
    token = f"{number:08x}" * 8
    browser = Person(person.app, person.app.test_client())
    session = browser.sign_in(clock, "admins", token=token)
    store = door_of(person.app).store
    store.sessions.end(session.key)
    identity = Identity(connection, f"colleague {number}", "C", "c@example.com", groups=Groups((group,)))
    theirs = replace(session, identity=identity, key=token_hash(token))
    store.sessions.admit(theirs, "https://idp.example.com", f"_colleague{number}", clock() + timedelta(minutes=5))
    return browser, token


def authorization(**changes: Any) -> dict[str, str]:
    """The parameters of a good request for a code."""
    good = {
        "response_type": "code",
        "client_id": "fedbridge",
        "redirect_uri": REDIRECT,
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        "state": "a state",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}
