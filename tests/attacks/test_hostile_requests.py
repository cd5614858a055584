"""Bytes that no honest client sends, at the real server: each answer is a clear refusal and never a failure of ours."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from company_factories import company_at
from raw_requests import FORM, Answer, answer_on, chunked, request

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

ROLE = f"{PRODUCTION}/Developer"


PRESS = b"press=abababababababab"
JSON = "Content-Type: application/json"
MULTIPART = "Content-Type: multipart/form-data; boundary=x"
OUR_HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "cache-control", "vary")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, its bridge under the real server; whatever a test sent, the server's own log holds no trace."""
    with company_at(tmp_path_factory.mktemp("company")) as opened:
        yield opened
        log = (opened.folder / "bridge.log").read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in log
        assert "unexpected failure" not in log


@pytest.fixture(scope="module")
def session(company: Company) -> str:
    """The header lines of Ada, signed in, on a page of ours."""
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    token = ada.call_api("GET", "/me").json()["csrf_token"]
    pairs = "; ".join(f"{one.name}={one.value}" for one in ada.browser.cookies if one.domain.startswith("127."))
    return f"Cookie: {pairs}\r\nX-CSRF-Token: {token}\r\n"


@pytest.fixture(scope="module")
def send(company: Company) -> Callable[..., Answer]:
    """Sends these bytes on a connection of their own and gives what comes back until the server closes it."""

    def sent(raw: bytes) -> Answer:
        with socket.create_connection(("127.0.0.1", urlsplit(company.bridge).port or 0), timeout=60) as wire:
            try:
                wire.sendall(raw)
                wire.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the last byte was sent
            return answer_on(wire)

    return sent


ACS = "/sign-in/company/saml"
_PARTS = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(500))

NO_HTTP = {
    "a header of 20 kB": request("GET /", "X-Long: " + "a" * 20_000),
    "300 headers": request("GET /", *(f"X-{number}: a" for number in range(300))),
    "an address of 9 kB": request("GET /" + "a" * 9_000),
    "a NUL in the address": request("GET /\x00"),
    "bytes beyond ASCII in the address": request("GET /\xff\xfe"),
    "an address without a slash": request("GET foo"),
    "an absolute address that is none": request("GET http://[/"),
    "two hosts": request("GET /", "Host: attacker.example"),
    "a method in lower case": request("get /"),
    "an unknown method": request("BREW /"),
    "a method of 40 letters": request("A" * 40 + " /"),
    "a method with markup": request("G<T /"),
    "HTTP 0.9": b"GET /\r\n\r\n",
    "HTTP 2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP 9.9": b"GET / HTTP/9.9\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\r\n\r\n",
    "a negative length": request("POST /sign-in", "Content-Length: -1"),
    "a length in words": request("POST /sign-in", "Content-Length: ten"),
    "two lengths": request("POST /sign-in", "Content-Length: 1", "Content-Length: 2") + b"xx",
    "a length and chunks": request("POST /sign-in", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a folded header": request("GET /", "X: a\r\n b"),
    "a header without a colon": request("GET /", "abc"),
    "a blank before the colon": request("GET /", "X : a"),
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "control characters in a header": request("GET /", "User-Agent: \x01\x02"),
    "a NUL in a cookie": request("GET /", "Cookie: __Host-bridge-session=\x00"),
    "an expectation that nobody meets": request("GET /", "Expect: tea"),
}


@pytest.mark.parametrize("raw", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_never_reaches_the_application(send: Callable[..., Answer], raw: bytes) -> None:
    answer = send(raw)
    assert 400 <= answer.status < 500
    assert not answer.is_ours
    assert b"Traceback" not in answer.body


REFUSED = {
    "bad percent encoding": (request("GET /%zz%"), 404),
    "no UTF-8 in the path": (request("GET /%ff%fe"), 404),
    "a NUL in the path": (request("GET /%00"), 404),
    "another host's path": (request("GET //attacker.example/"), 404),
    "an asterisk": (request("OPTIONS *"), 404),
    "a tunnel": (request("CONNECT attacker.example:443"), 404),
    "TRACE": (request("TRACE /"), 405),
    "a bookmark with a NUL": (request("GET /go/111122223333/De%00v"), 404),
    "a bookmark with half a character": (request("GET /go/111122223333/%ed%a0%80?to=%ed%a0%80"), 400),
    "no form at all": (request("POST /sign-in"), 403),
    "a form of no type": (request("POST /sign-in", body=b"x=1"), 403),
    "a form of 50 000 fields": (request("POST /sign-in", FORM, body=b"&".join([b"a=1"] * 50_000)), 413),
    "a form of 32 000 fields": (request(f"POST {ACS}", FORM, body=b"a&" * 32_000), 413),
    "a Response of 400 000 fields": (request(f"POST {ACS}", FORM, body=b"a&" * 400_000), 413),
    "100 kB where no message arrives": (request("POST /sign-in", FORM, body=b"a=" + b"a" * 100_000), 413),
    "a query of 2 000 fields": (request("GET /?" + "a&" * 2_000), 400),
    "a length of 99 GB": (request("POST /sign-in", FORM, "Content-Length: 99999999999") + b"x", 413),
    "2 MB of Response": (request(f"POST {ACS}", FORM, body=b"SAMLResponse=" + b"a" * 2_000_000), 413),
    "2 MB in chunks": (chunked(ACS, b"".join([b"10000\r\n" + b"a" * 65_536 + b"\r\n"] * 32) + b"0\r\n\r\n"), 400),
    "a chunk without a size": (chunked(ACS, b"zz\r\nabc\r\n0\r\n\r\n"), 400),
    "a chunk of negative size": (chunked(ACS, b"-1\r\nabc\r\n0\r\n\r\n"), 400),
    "a chunk of 16 EB": (chunked(ACS, b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400),
    "a body that breaks off": (request(f"POST {ACS}", FORM, "Content-Length: 100") + b"SAML", 400),
    "multipart without a boundary": (request(f"POST {ACS}", "Content-Type: multipart/form-data", body=b"--x\r\n"), 403),
    "multipart of 500 parts": (request(f"POST {ACS}", MULTIPART, body=_PARTS + b"--x--\r\n"), 413),
    "multipart that breaks off": (request(f"POST {ACS}", MULTIPART, body=_PARTS[:70]), 403),
    "cookies that are no text": (
        request(f"POST {ACS}", FORM, "Cookie: __Host-bridge-sign-in=\xff\xed", body=b"SAMLResponse=x&RelayState=%ed"),
        403,
    ),
    "a connection of control characters": (request("POST /sign-in/%00/saml", FORM, body=b"SAMLResponse=x"), 404),
    "a state of control characters": (request("GET /sign-in/company-oidc/oidc?state=%00&code=%00&error=%ff"), 403),
    "a HEAD at a callback": (request("HEAD /sign-in/company-oidc/oidc?state=a&code=b"), 400),
    "a path out of the static files": (request("GET /static/%2e%2e/%2e%2e/app.py"), 404),
    "a NUL among the static files": (request("GET /static/%00"), 404),
    "a static file of half a character": (request("GET /static/%ed%a0%80"), 404),
    "a long static file": (request("GET /static/" + "a" * 5_000), 404),
    "an Accept that is none": (request("GET /nothing", "Accept: ;;;q=x,\xff"), 404),
    "another site's Origin": (request("POST /sign-in", FORM, "Origin: \xff["), 403),
    "a session of nobody": (request("GET /api/v1/me", "Cookie: __Host-bridge-session=" + "a" * 7_000), 401),
    "other credentials": (request("GET /api/v1/me", "Authorization: Digest a="), 401),
    "the API's nothing": (request("GET /api/v1/no%ff"), 404),
    "the API with another method": (request("DELETE /api/v1/me"), 405),
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_request_gets_a_clear_refusal_with_all_our_headers(
    send: Callable[..., Answer], raw: bytes, status: int
) -> None:
    answer = send(raw)
    assert answer.status == status
    assert [name for name in OUR_HEADERS if name not in answer.headers] == []
    assert b"Traceback" not in answer.body
    assert raw.startswith(b"HEAD") or b"eference" in answer.body


def api(body: bytes, kind: str = JSON) -> tuple[str, str, bytes]:
    return (f"POST /api/v1/roles/{ROLE}/credentials", kind, body)


def form(what: str, body: bytes) -> tuple[str, str, bytes]:
    return (f"POST /roles/{ROLE}/{what}", FORM, body)


FROM_SIGNED_IN = {
    "JSON that breaks off": (api(b"{"), 400),
    "JSON that is a list": (api(b"[]"), 400),
    "JSON of 60 000 lists": (api(b"[" * 60_000), 400),
    "JSON of 6 000 objects": (api(b'{"reason":' * 6_000), 400),
    "JSON of 1 MB": (api(b'{"reason":' * 100_000), 413),
    "JSON with NaN": (api(b'{"duration": NaN}'), 400),
    "JSON with a number of 5000 digits": (api(b'{"duration": 1' + b"0" * 5_000 + b"}"), 400),
    "JSON with half a character": (api(b'{"reason": "\\ud800"}'), 400),
    "JSON with half a character in a name": (api(b'{"\\ud800": 1}'), 400),
    "JSON with a NUL": (api(b'{"reason": "\\u0000"}'), 400),
    "JSON that is no UTF-8": (api(b'{"reason": "\xff"}'), 400),
    "XML for JSON": (api(b"<a/>", "Content-Type: text/xml"), 400),
    "a duration of ages": (form("credentials", b"duration=99999999999999h"), 400),
    "a duration in other digits": (form("credentials", b"duration=%d9%a1h"), 400),
    "a reason with a NUL": (form("credentials", b"reason=%00"), 400),
    "a role with a NUL": (("POST /roles/111122223333/%00/credentials", FORM, PRESS), 404),
    "a role of half a character": (("POST /roles/%ed%a0%80/x/credentials", FORM, PRESS), 403),
    "a console page that is no address": (form("console", b"to=https://["), 400),
    "a console page elsewhere": (form("console", b"to=//attacker.example"), 400),
    "a console page of no text": (form("console", b"to=https://%ff"), 400),
}


@pytest.mark.parametrize(("sent", "status"), FROM_SIGNED_IN.values(), ids=FROM_SIGNED_IN)
def test_a_session_makes_a_hostile_request_no_better(
    send: Callable[..., Answer], session: str, sent: tuple[str, str, bytes], status: int
) -> None:
    line, kind, body = sent
    answer = send(request(line, session.rstrip("\r\n"), kind, body=body))
    assert (answer.status, answer.is_ours) == (status, True)
    assert b"AccessKeyId" not in answer.body


def test_the_same_session_gets_what_it_asks_for_properly(send: Callable[..., Answer], session: str) -> None:
    line, kind, body = api(b'{"reason": "a ticket"}')
    answer = send(request(line, session.rstrip("\r\n"), kind, body=body))
    assert answer.status == 200
    assert b"access_key_id" in answer.body


HARMLESS = {
    "another host": request("GET /", host="Host: attacker.example"),
    "an absolute address elsewhere": request("GET http://attacker.example/"),
    "a host from a proxy that nobody named": request("GET /", "X-Forwarded-Host: attacker.example"),
    "HTTP 1.0": b"GET / HTTP/1.0\r\n\r\n",
    "a language that is none": request("GET /", "Accept-Language: attacker.example;q=nan, \xff;q=9,,zh;q=inf"),
    "a browser of no name": request("GET /", "User-Agent: \xff\xed\xa0\x80"),
    "1000 cookies": request("GET /", "Cookie: " + "; ".join(f"a{number}=1" for number in range(1_000))),
    "a cookie of no text": request("GET /", 'Cookie: __Host-bridge-session="\\000\\777"; __Host-bridge-sign-in=\xff'),
}


NO_HOSTS = {
    "no host": request("GET /", host=""),
    "a host with a path": request("GET /", host="Host: x/../y@attacker.example"),
    "a host that is none": request("GET /", host="Host: [::1"),
}
"""RFC 9112, 3.2: a server must answer 400, because a proxy in front may read another service from it."""


@pytest.mark.parametrize("raw", NO_HOSTS.values(), ids=NO_HOSTS)
def test_a_host_that_http_does_not_allow_is_refused(send: Callable[..., Answer], raw: bytes) -> None:
    answer = send(raw)
    assert answer.status == 400
    assert b"attacker.example" not in answer.body + repr(answer.headers).encode()


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
def test_what_decides_nothing_may_say_anything(send: Callable[..., Answer], raw: bytes) -> None:
    answer = send(raw)
    assert (answer.status, answer.is_ours) == (200, True)
    assert b"attacker.example" not in answer.body + repr(answer.headers).encode()


@pytest.mark.parametrize(
    "half",
    [request(f"POST {ACS}", FORM, "Content-Length: 100") + b"SAML", b"GET / HTTP/1.1\r\nHo"],
    ids=["body", "head"],
)
def test_clients_that_stop_in_the_middle_do_not_stop_the_service(tmp_path: Path, half: bytes) -> None:
    """Each holds a thread, and there are only so many: after a while nobody listens to them any more."""

    def impatient(settings: str) -> str:
        return settings.replace("  workers: 1\n", "  workers: 1\n  request_timeout: 1s\n")

    with company_at(tmp_path, edit_settings=impatient) as company:
        assert company.settings.serving.request_timeout.total_seconds() == 1
        address = ("127.0.0.1", urlsplit(company.bridge).port or 0)
        stalled = [socket.create_connection(address) for _ in range(2 * company.settings.serving.threads)]
        for wire in stalled:
            wire.sendall(half)
        with socket.create_connection(address, timeout=60) as wire:
            wire.sendall(request("GET /healthz"))
            assert answer_on(wire).status == 200
        for wire in stalled:
            wire.close()
