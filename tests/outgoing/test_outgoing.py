"""What we fetch, from where, how long and how much: real servers on this machine, names resolved as the test says."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import threaded_server
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable
from federation_bridge.outgoing import Outgoing, OutgoingAdapter, is_allowed

LOOPBACK = ("127.0.0.0/8",)
Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on 127.0.0.1 that answers every request by `answer`; gives its port."""

    class Adapted(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            answer(self)

        do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A client that hangs up is what some of these tests are about."""

    server = Quiet(("127.0.0.1", 0), Adapted)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with threaded_server.serving(server):
        yield server.server_port


def saying(body: bytes = b"hello", status: int = 200, **headers: str) -> Handler:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def echoing(request: http.server.BaseHTTPRequestHandler) -> None:
    sent = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    text = f"{request.command} {request.path}\n{request.headers}\n".encode() + sent
    saying(text)(request)


def from_table(**names: str) -> Callable[[str, int], list[str]]:
    """A resolver that knows these names only (dots written as double underscores)."""
    table = {name.replace("__", "."): value.split(",") for name, value in names.items()}

    def resolve(host: str, _port: int) -> list[str]:
        if host not in table:
            raise socket.gaierror("no such name")
        return table[host]

    return resolve


# --------------------------------------------------------------------------------------------------- where we may go


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/_x",
        "http://example.com/",
        "http://93.184.215.14/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://user@8.8.8.8/",
        "https://user:pw@8.8.8.8/",
        "https://8.8.8.8/#fragment",
        "https://8.8.8.8:22/",
        "https://8.8.8.8:0/",
        "https://8.8.8.8:99999/",
        "https://8.8.8.8:x/",
        "https://ex\tample.com/",
        "https://example.com/\n",
        " https://example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://ex ample.com/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://example..com/",
        "https://-example.com/",
        "https:///x",
        "https://",
        "//example.com/",
        "",
    ],
)
def test_an_address_that_no_honest_document_names_is_never_dialled(url: str) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with pytest.raises(ProviderUnreachable):
        Outgoing(timeout=timedelta(seconds=1), resolve=resolve).fetch(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"])
def test_a_clouds_credential_service_is_refused_whatever_networks_a_connection_names(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), ("0.0.0.0/0", "::/0"))


def test_a_private_network_is_open_to_the_connection_that_names_it_and_to_no_other() -> None:
    address = ipaddress.ip_address("10.1.2.3")
    assert is_allowed(address, ("10.1.0.0/16",))
    assert not is_allowed(address, ("10.2.0.0/16", "127.0.0.0/8"))


def test_a_name_that_points_inside_is_refused() -> None:
    outgoing = Outgoing(resolve=from_table(idp__example__com="10.0.0.1"))
    with pytest.raises(ProviderUnreachable, match="may reach"):
        outgoing.fetch("https://idp.example.com/")


def test_only_the_addresses_that_passed_are_dialled() -> None:
    with serving(saying()) as port:
        outgoing = Outgoing(resolve=from_table(idp__example__com="10.9.9.9,127.0.0.1"))
        assert outgoing.fetch(f"http://idp.example.com:{port}/", networks=LOOPBACK).body == b"hello"


def test_a_name_is_looked_up_once_so_that_it_cannot_point_elsewhere_afterwards() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with serving(saying()) as port:
        outgoing = Outgoing(resolve=rebinding)
        assert outgoing.fetch(f"http://idp.example.com:{port}/", networks=LOOPBACK).status == 200
    assert asked == ["idp.example.com"]


def test_http_is_spoken_only_to_this_machine_and_only_where_the_connection_names_it() -> None:
    with serving(saying()) as port:
        url = f"http://127.0.0.1:{port}/"
        assert Outgoing().fetch(url, networks=LOOPBACK).body == b"hello"
        for networks in ((), ("10.0.0.0/8",)):
            with pytest.raises(ProviderUnreachable):
                Outgoing().fetch(url, networks=networks)
        named = Outgoing(resolve=from_table(idp__example__com="10.0.0.1"))
        with pytest.raises(ProviderUnreachable, match="only https"):
            named.fetch("http://idp.example.com/", networks=("10.0.0.0/8",))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    visits: list[str] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        visits.append(request.path)
        saying(b"", status, Location="/elsewhere")(request)

    with serving(answer) as port, pytest.raises(ProviderUnreachable, match="redirect"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)
    assert visits == ["/"]


def test_no_proxy_and_no_key_log_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with serving(saying()) as port:
        assert Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK).status == 200
    assert not (tmp_path / "keys").exists()


# ----------------------------------------------------------------------------------------------- how long, how much


def test_an_answer_as_long_as_allowed_is_read_and_one_byte_more_is_refused() -> None:
    cases: tuple[dict[str, Any], ...] = ({}, {"Content_Length": "100000000"})
    for headers in cases:
        with serving(saying(b"x" * 1001, **headers)) as port, pytest.raises(ProviderUnreachable, match="longer"):
            Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK, max_bytes=1000)
    with serving(saying(b"x" * 1000)) as port:
        assert len(Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK, max_bytes=1000).body) == 1000


def _endless(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def test_an_answer_without_end_or_length_is_refused_at_the_bound() -> None:
    with serving(_endless) as port, pytest.raises(ProviderUnreachable, match="longer"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


@pytest.mark.parametrize("part", ["nothing", "header", "body"])
def test_an_answer_that_drips_is_cut_at_the_time_limit(part: str) -> None:
    over = threading.Event()

    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        if part == "body":
            request.send_response(200)
            request.end_headers()
        if part == "header":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not over.wait(0.02):
            if part != "nothing":
                request.wfile.write(b"x")

    with serving(drip) as port:
        began = time.monotonic()
        try:
            with pytest.raises(ProviderUnreachable, match=r"no answer within|before its end"):
                Outgoing(timeout=timedelta(seconds=0.3)).fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)
        finally:
            over.set()
        assert time.monotonic() - began < 30


def test_an_answer_that_is_cut_short_is_refused() -> None:
    with serving(saying(b"half", Content_Length="8")) as port, pytest.raises(ProviderUnreachable, match="end"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


def test_a_compressed_answer_is_refused_for_it_could_unfold_without_bound() -> None:
    with serving(saying(b"x", Content_Encoding="gzip")) as port, pytest.raises(ProviderUnreachable, match="compressed"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


def test_nobody_at_home_is_told_without_the_query() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/token?Session=secret"
        with pytest.raises(ProviderUnreachable) as refusal:
            Outgoing().fetch(url, networks=LOOPBACK)
    assert "127.0.0.1" in refusal.value.detail
    assert "secret" not in refusal.value.detail


def test_what_is_no_http_is_refused() -> None:
    def garbage(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail.example.com ESMTP\r\n")

    with serving(garbage) as port, pytest.raises(ProviderUnreachable):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


# ------------------------------------------------------------------------------------------------------ the request


def test_a_mapping_is_posted_as_a_form_and_headers_arrive() -> None:
    with serving(echoing) as port:
        fetched = Outgoing().fetch(
            f"http://127.0.0.1:{port}/token?x=1",
            method="POST",
            data={"a": "1 2", "b": "&"},
            headers={"Accept": "application/json"},
            networks=LOOPBACK,
        )
    text = fetched.body.decode()
    assert text.startswith("POST /token?x=1\n")
    assert text.endswith("a=1+2&b=%26")
    assert "Accept: application/json" in text
    assert "Content-Type: application/x-www-form-urlencoded" in text
    assert f"Host: 127.0.0.1:{port}" in text


def test_a_header_cannot_be_split_into_two() -> None:
    with serving(echoing) as port, pytest.raises(ProviderUnreachable):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", headers={"X": "a\r\nY: b"}, networks=LOOPBACK)


def test_requests_goes_through_the_same_rules() -> None:
    with requests.Session() as session:
        session.trust_env = False
        adapter = OutgoingAdapter(Outgoing(), LOOPBACK, max_bytes=2000)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        with serving(echoing) as port:
            answer = session.post(f"http://127.0.0.1:{port}/x", data={"a": "b"}, verify=False, timeout=99)
        assert (answer.status_code, answer.text[:7], answer.text[-3:]) == (200, "POST /x", "a=b")
        with serving(saying(b"x" * 2001)) as port, pytest.raises(ProviderUnreachable):
            session.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(ProviderUnreachable):
            session.get("https://169.254.169.254/latest/meta-data/")


# --------------------------------------------------------------------------------------------------------- TLS, proxy


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A private authority, and a certificate of it for idp.example.com."""
    folder = tmp_path_factory.mktemp("authority")
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server")}
    names = {"ca": "A test authority", "server": "idp.example.com"}
    subjects = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for name, text in names.items()}
    now = datetime.now(UTC)
    for name, key in keys.items():
        builder = (
            x509.CertificateBuilder()
            .subject_name(subjects[name])
            .issuer_name(subjects["ca"])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["ca"].public_key()), critical=False)
        )
        if name == "server":
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(names[name])]), critical=False)
        certificate = builder.sign(keys["ca"], hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        keys["server"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {"ca": folder / "ca.pem", "certificate": folder / "server.pem", "key": folder / "server.key"}


@pytest.fixture
def server_tls(authority: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority["certificate"], authority["key"])
    return context


def test_https_reaches_the_checked_address_under_the_name_of_the_url(
    authority: dict[str, Path], server_tls: ssl.SSLContext
) -> None:
    resolve = from_table(idp__example__com="127.0.0.1", other__example__com="127.0.0.1")
    with serving(echoing, server_tls) as port:
        trusting = Outgoing(ca_bundle=authority["ca"], resolve=resolve)
        text = trusting.fetch(f"https://idp.example.com:{port}/x", networks=LOOPBACK).body.decode()
        assert f"Host: idp.example.com:{port}" in text
        with pytest.raises(ProviderUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            trusting.fetch(f"https://other.example.com:{port}/", networks=LOOPBACK)
        with pytest.raises(ProviderUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            Outgoing(resolve=resolve).fetch(f"https://idp.example.com:{port}/", networks=LOOPBACK)


def test_a_broken_authority_file_or_proxy_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("no certificate", encoding="utf-8")
    for name in ("broken.pem", "missing.pem"):
        with pytest.raises(ConfigurationInvalid, match="ca_bundle"):
            Outgoing(ca_bundle=tmp_path / name)
    for proxy in ("https://proxy.example.com:3128", "socks5://proxy.example.com", "proxy:3128"):
        with pytest.raises(ConfigurationInvalid, match="proxy"):
            Outgoing(proxy=proxy)


def _relay(upstream: int, asked: list[str]) -> Handler:
    """A proxy that tunnels everything to one port of this machine and notes what it was asked for."""

    def copy(source: Any, target: socket.socket) -> None:
        while data := source(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def connect(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(f"{request.command} {request.path}")
        request.send_response(200)
        request.end_headers()
        with socket.create_connection(("127.0.0.1", upstream)) as onward:
            back = threading.Thread(target=copy, args=(onward.recv, request.connection), daemon=True)
            back.start()
            copy(request.rfile.read1, onward)
            back.join(5)

    return connect


def test_a_proxy_tunnels_by_name_what_lies_outside(authority: dict[str, Path], server_tls: ssl.SSLContext) -> None:
    asked: list[str] = []
    with serving(saying(b"through"), server_tls) as port, serving(_relay(port, asked)) as proxy:
        outgoing = Outgoing(f"http://127.0.0.1:{proxy}", authority["ca"], resolve=from_table())
        assert outgoing.fetch("https://idp.example.com/").body == b"through"
    assert asked == ["CONNECT idp.example.com:443"]


def test_a_proxy_is_not_asked_for_what_lies_inside() -> None:
    asked: list[str] = []
    with serving(saying(b"straight")) as port, serving(_relay(port, asked)) as proxy:
        outgoing = Outgoing(f"http://127.0.0.1:{proxy}")
        assert outgoing.fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK).body == b"straight"
        with pytest.raises(ProviderUnreachable):
            outgoing.fetch("https://169.254.169.254/")
        with pytest.raises(ProviderUnreachable):
            outgoing.fetch("https://10.0.0.1/")
    assert asked == []
