"""A program that follows the RFCs alone signs its person in through their browser, over real HTTP, and is signed out.

It knows the bridge's address and nothing else: the rest stands in the metadata.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

Fields = dict[str, str]


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def s256(text: str) -> str:
    return b64(hashlib.sha256(text.encode()).digest())


class Listener:
    """What waits on a port of this machine for the browser to come back (RFC 8252 7.3)."""

    def __init__(self) -> None:
        self.heard: list[Fields] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/callback"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Program:
    """The program: one key, one listener, one verifier at a time."""

    def __init__(self, bridge: str, listener: Listener) -> None:
        self.http = Browser("program/1.0")
        self.listener = listener
        self.key = ECKey.generate_key("P-256", auto_kid=False)
        self.metadata: dict[str, Any] = self.http.open(f"{bridge}/.well-known/oauth-authorization-server").json()
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(16)

    def address(self, **changes: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": "fedbridge",
            "redirect_uri": self.listener.address,
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            **changes,
        }
        return f"{self.metadata['authorization_endpoint']}?{urlencode(asked)}"

    def post(self, endpoint: str, **fields: str) -> Page:
        address = self.metadata[endpoint]
        return self.http.post(address, {"client_id": "fedbridge", **fields}, {"DPoP": self.proof("POST", address)})

    def redeem(self, code: str) -> Page:
        fields = {"code": code, "redirect_uri": self.listener.address, "code_verifier": self.verifier}
        return self.post("token_endpoint", grant_type="authorization_code", **fields)

    def roles(self, access_token: str) -> Page:
        address = f"{self.metadata['issuer']}/api/v1/roles"
        proof = self.proof("GET", address, ath=s256(access_token))
        return self.http.call(
            self.http.open(f"{self.metadata['issuer']}/healthz"),
            "GET",
            address,
            headers={"Authorization": f"DPoP {access_token}", "DPoP": proof},
        )

    def proof(self, method: str, address: str, **more: str) -> str:
        jwk = self.key.as_dict(private=False)
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {name: jwk[name] for name in ("kty", "crv", "x", "y")}}
        claims = {"htm": method, "htu": address, "iat": int(time.time()), "jti": secrets.token_hex(16), **more}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.key, algorithms=["ES256"])


@pytest.fixture
def listener() -> Iterator[Listener]:
    opened = Listener()
    yield opened
    opened.close()


@pytest.fixture
def program(company: Company, listener: Listener) -> Program:
    return Program(company.bridge, listener)


@pytest.fixture
def ada(company: Company) -> ScriptedUser:
    return ScriptedUser(company, "ada")


def signed_in_on_the_way(scripted_user: ScriptedUser, address: str) -> Page:
    """The page that asks, after a sign-in at the company that the address itself began."""
    page = scripted_user.browser.open(address)
    return scripted_user.type_password(scripted_user.browser.submit(page, page.form("/sign-in"), connection="company"))


def answered(scripted_user: ScriptedUser, page: Page, decision: str = "allow") -> None:
    scripted_user.browser.submit(page, page.form("/oauth/authorize"), decision=decision)


def test_a_program_is_let_in_works_is_renewed_and_signs_out(
    company: Company, program: Program, listener: Listener, ada: ScriptedUser, trail: Any
) -> None:
    assert program.metadata["issuer"] == company.bridge
    page = signed_in_on_the_way(ada, program.address())
    assert urlsplit(listener.address).netloc in page.words
    assert listener.heard == [], "nothing is sent before the person agrees"
    answered(ada, page)
    (answer,) = listener.heard
    assert (answer["state"], answer["iss"]) == (program.state, company.bridge)
    tokens = program.redeem(answer["code"]).json()
    assert tokens["token_type"] == "DPoP"
    offered = {f"{one['account']}/{one['role']}" for one in program.roles(tokens["access_token"]).json()["roles"]}
    assert offered == set(ada.roles())
    renewed = program.post("token_endpoint", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert program.roles(renewed["access_token"]).status == 200
    assert program.post("revocation_endpoint", token=renewed["refresh_token"]).status == 200
    for ended in (tokens, renewed):
        assert program.roles(ended["access_token"]).status == 401
    refused = program.post("token_endpoint", grant_type="refresh_token", refresh_token=renewed["refresh_token"])
    assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")
    said = str(trail(company))
    for secret in (answer["code"], tokens["access_token"], tokens["refresh_token"], renewed["refresh_token"]):
        assert secret not in said


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example.com/callback", "http://localhost:1/callback", "http://127.0.0.1:1/other"]
)
def test_nobody_is_sent_elsewhere(program: Program, ada: ScriptedUser, elsewhere: str) -> None:
    ada.sign_in()
    page = ada.browser.open(program.address(redirect_uri=elsewhere))
    assert page.status == 400
    assert page.visited == (page.url,)
    assert not page.has_form("/oauth/authorize")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_request_without_our_terms_is_told_so_at_its_own_address_with_state_and_issuer(
    company: Company, program: Program, listener: Listener, ada: ScriptedUser, changes: Fields, error: str
) -> None:
    ada.sign_in()
    ada.browser.open(program.address(**changes))
    (answer,) = listener.heard
    assert (answer["error"], answer["state"], answer["iss"]) == (error, program.state, company.bridge)
    assert "code" not in answer


def test_a_no_is_told_to_the_program(company: Company, program: Program, listener: Listener, ada: ScriptedUser) -> None:
    ada.sign_in()
    answered(ada, ada.browser.open(program.address()), "deny")
    (answer,) = listener.heard
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", program.state, company.bridge)
    assert "code" not in answer


def test_a_code_used_twice_ends_what_the_first_use_got(
    company: Company, program: Program, listener: Listener, ada: ScriptedUser, trail: Any
) -> None:
    ada.sign_in()
    answered(ada, ada.browser.open(program.address()))
    (answer,) = listener.heard
    tokens = program.redeem(answer["code"]).json()
    assert program.roles(tokens["access_token"]).status == 200
    again = program.redeem(answer["code"])
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert program.roles(tokens["access_token"]).status == 401
    assert trail(company)[-2]["details"]["reason"] == "its authorization code was used again"


def test_a_code_that_was_read_on_its_way_is_worth_nothing_without_verifier_and_key(
    company: Company, program: Program, listener: Listener, ada: ScriptedUser
) -> None:
    thief = Program(company.bridge, listener)
    ada.sign_in()
    for knows_the_verifier in (False, True):
        answered(ada, ada.browser.open(program.address(dpop_jkt=program.key.thumbprint())))
        code = listener.heard[-1]["code"]
        if knows_the_verifier:
            thief.verifier = program.verifier
        stolen = thief.redeem(code)
        assert (stolen.status, stolen.json()["error"]) == (400, "invalid_grant")
    answered(ada, ada.browser.open(program.address(dpop_jkt=program.key.thumbprint())))
    assert program.redeem(listener.heard[-1]["code"]).status == 200
