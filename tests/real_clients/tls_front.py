"""What stands before a bridge in real life: a server that ends TLS, here with a throwaway authority's certificate."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from threaded_server import serving


@dataclass(frozen=True)
class Front:
    """A front that is up."""

    address: str
    authority: Path
    """The authority's certificate, for `AWS_CA_BUNDLE`."""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certified(folder: Path) -> tuple[Path, Path]:
    """An authority's certificate, and a file with a key and a certificate of its for 127.0.0.1."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    certificates = []
    for subject, key, is_authority in (("Throwaway authority", keys[0], True), ("127.0.0.1", keys[1], False)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("Throwaway authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        )
        if is_authority:
            usage = dict.fromkeys(
                ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
            )
            signs = x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, decipher_only=False, **usage
            )
            builder = builder.add_extension(signs, critical=True)
        else:
            here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(here, critical=False)
        certificates.append(builder.sign(keys[0], hashes.SHA256()))
    authority, server = folder / "authority.pem", folder / "server.pem"
    authority.write_bytes(certificates[0].public_bytes(serialization.Encoding.PEM))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server.write_bytes(private + certificates[1].public_bytes(serialization.Encoding.PEM))
    return authority, server


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tls_front(port: int, folder: Path) -> Iterator[Front]:
    """A front that passes on to 127.0.0.1:`port` what it has decrypted."""
    authority, server_file = _certified(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)

    open_now: list[socket.socket] = []

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", port)) as behind,
            ):
                back = threading.Thread(target=_pump, args=(behind, inside), daemon=True)
                open_now.append(inside)
                back.start()
                _pump(inside, behind)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    try:
        with serving(Server(("127.0.0.1", 0), Passing)) as server:
            yield Front(f"https://127.0.0.1:{server.server_address[1]}", authority)
    finally:
        for inside in open_now:  # clients keep connections open: they end with the server
            with suppress(OSError):
                socket.socket.shutdown(inside, socket.SHUT_RDWR)
