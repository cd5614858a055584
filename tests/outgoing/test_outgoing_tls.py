"""What we fetch by TLS and through a proxy."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from outgoing_factories import LOOPBACK, Handler, echoing, from_table, saying, serving

from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable
from federation_bridge.outgoing import Outgoing


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
