"""A company's network on loopback: its own certificate authority, servers with certificates of it, and its proxy."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from threaded_server import serving


class Authority:
    """A certificate authority of this test, with its certificate in a file."""

    def __init__(self, folder: Path, name: str = "A company's authority") -> None:
        self._folder, self._name, self._key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        made = _certificate(name, name, self._key, self._key, _usage())
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certified(self, host: str, ends_in: timedelta = timedelta(days=1)) -> Path:
        """A file with a key and a certificate for the host."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _written(self._folder, host, key, _certificate(host, self._name, key, self._key, _names(host), ends_in))


def self_signed(folder: Path, host: str) -> Path:
    """A file with a key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _written(folder, host, key, _certificate(host, host, key, key, _names(host)))


def _written(folder: Path, host: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    path = folder / f"{host}.server.pem"
    kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*kept) + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    about: x509.KeyUsage | x509.SubjectAlternativeName,
    ends_in: timedelta = timedelta(days=1),
) -> x509.Certificate:
    ends = datetime.now(UTC) + ends_in
    is_authority = isinstance(about, x509.KeyUsage)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=9))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(about, critical=is_authority)
    )
    return builder.sign(signer, hashes.SHA256())


def _usage() -> x509.KeyUsage:
    names = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    off = dict.fromkeys((*names, "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **off)


def _names(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with serving(_Server(("127.0.0.1", 0), handler)) as server:
        yield int(server.server_address[1])


def _joined(here: socket.socket, there: socket.socket, seen: bytearray | None = None) -> None:
    """Carries bytes both ways until both sides have ended."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if seen is not None:
                    seen.extend(data)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=carry, args=(there, here), daemon=True)
    back.start()
    carry(here, there)
    back.join()


@contextmanager
def tls_before(port: int, certified: Path) -> Iterator[int]:
    """The port of a server with this certificate that passes on to 127.0.0.1:`port` what it has decrypted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified)

    class Front(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", port)) as behind,
            ):
                _joined(inside, behind)

    with _serving(Front) as listening:
        yield listening


@dataclass(slots=True)
class CompanyProxy:
    """A proxy that leads every name to one server, and keeps what it saw."""

    leads_to: int
    refuses: str = ""
    password: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    """The Proxy-Authorization of each request."""
    seen: bytearray = field(default_factory=bytearray)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, head: str) -> str:
        lines = head.split("\r\n")
        self.asked.append(lines[0])
        given = [line.partition(": ")[2] for line in lines if line.lower().startswith("proxy-authorization")]
        self.given.append(given[0] if given else "")
        self.seen.extend(head.encode())
        wanted = f"Basic {base64.b64encode(self.password.encode()).decode()}" if self.password else ""
        if self.refuses:
            return self.refuses
        return "407 Proxy Authentication Required" if wanted and self.given[-1] != wanted else "200 Connected"


@contextmanager
def company_proxy(leads_to: int, refuses: str = "", password: str = "") -> Iterator[CompanyProxy]:
    """A running proxy (RFC 9110 9.3.6); stopped at the end."""
    proxy = CompanyProxy(leads_to, refuses, password)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (data := self.request.recv(1)):
                head += data
            status = proxy.answer(head.decode())
            self.request.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
            if status.startswith("200"):
                with socket.create_connection(("127.0.0.1", leads_to)) as there:
                    _joined(self.request, there, proxy.seen)

    with _serving(Handler) as proxy.port:
        yield proxy
