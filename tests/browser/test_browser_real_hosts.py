"""The console's form towards AWS's own host names, which one server of this machine answers for.

AWS's sign-in page redirects to a regional sign-in and on to a regional console; an identity provider may redirect the
posted request to a host of the customer's own. A browser holds all of it against the form-action of the page that the
form stood on.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser
from threaded_server import serving

from federation_bridge.sandbox import company_files
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.identity_provider.saml_message import make_signer, metadata_xml

pytestmark = pytest.mark.browser

AWS_REDIRECTS = {
    "signin.aws.amazon.com": "https://eu-central-1.signin.aws.amazon.com/oauth",
    "eu-central-1.signin.aws.amazon.com": "https://eu-central-1.console.aws.amazon.com/console/home",
}
PROVIDER_REDIRECTS = {"idp.example.com": "https://login.example.org/"}


class _Hosts(BaseHTTPRequestHandler):
    """Redirects from host to host, and says at the end where one has arrived."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = {**AWS_REDIRECTS, **PROVIDER_REDIRECTS}.get(self.headers["Host"])
        body = b"<link rel=icon href=data:,><h1>arrived</h1>" if target is None else b""
        self.send_response(200 if target is None else 302)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = _answer  # noqa: N815 - the library's
    do_POST = _answer  # noqa: N815 - the library's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
        pass


def _context(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "this machine")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port at which every host of the world answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hosts)
    server.socket = _context(tmp_path_factory.mktemp("tls")).wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_address[1]


@pytest.fixture(scope="module")
def chromium(launch: Callable[..., Browser], hosts: int) -> Iterator[Browser]:
    rules = (
        f"MAP *.amazon.com 127.0.0.1:{hosts}, MAP *.example.com 127.0.0.1:{hosts}, MAP *.example.org 127.0.0.1:{hosts}"
    )
    browser = launch(f"--host-resolver-rules={rules}", "--ignore-certificate-errors")
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def company(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, whose bridge knows of no local AWS and of one more identity provider."""
    folder = tmp_path_factory.mktemp("company")
    usual = company_files.settings_text

    def settings_text(addresses: company_files.Addresses, source: company_files.RulebookSource = "files") -> str:
        text = usual(addresses, source).replace(f"  local_endpoint: {addresses.aws}\n", "  console: auto\n")
        return text.replace("\naws:\n", _ELSEWHERE.format(folder=folder) + "\naws:\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company_files, "settings_text", settings_text)
        (folder / "elsewhere.xml").write_bytes(_metadata())
        with open_company(folder, in_this_process=True) as opened:
            yield opened


_ELSEWHERE = """\
  elsewhere:
    title: Elsewhere
    protocol: saml
    metadata_file: {folder}/elsewhere.xml
    request_binding: post
"""


def _metadata() -> bytes:
    return metadata_xml("https://idp.example.com/metadata", "https://idp.example.com/sso", [make_signer()])


def test_the_consoles_form_may_follow_all_of_aws_redirects(ada: Any) -> None:
    ada.press_for(f"{PRODUCTION}/Developer", "console")
    ada.shows("arrived")
    ada.is_at("https://eu-central-1.console.aws.amazon.com/console/home")


def test_a_posted_request_may_follow_the_providers_redirects(window: Any) -> None:
    window.open()
    window.press("Elsewhere")
    window.shows("arrived")
    window.is_at("https://login.example.org/")
