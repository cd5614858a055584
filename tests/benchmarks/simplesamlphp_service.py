"""SimpleSAMLphp as a service provider, where it is installed: on PHP's own server, its byte code cached.

It checks the signature, keeps a session in a file and a log; it refuses no replay and signs no AuthnRequest.
"""

from __future__ import annotations

import http.client
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from federation_bridge.sandbox.identity_provider.saml_message import Signer
from tests.benchmarks.bridge import IDP, request_id_of
from tests.benchmarks.processes import DoesNotWork, running
from tests.free_ports import free_port

ENTITY_ID = "https://simplesamlphp.example.test/metadata"
ABSENT = "SimpleSAMLphp is not installed"

_HERE = Path(__file__).parent / "simplesamlphp"
_PROGRAM = Path("/usr/share/simplesamlphp")
_ACS = "/simplesaml/module.php/saml/sp/saml2-acs.php/company"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def is_installed() -> bool:
    """Whether PHP and SimpleSAMLphp are here, as Debian installs them."""
    return shutil.which("php") is not None and (_PROGRAM / "www").is_dir()


@contextmanager
def served(folder: Path, signer: Signer) -> Iterator[tuple[int, int]]:
    """Pid and port of PHP's server, while it runs."""
    folder.mkdir()
    (folder / "www").mkdir()
    (folder / "www" / "simplesaml").symlink_to(_PROGRAM / "www")
    (folder / "www" / "start.php").symlink_to(_HERE / "start.php")
    port = free_port()
    told = {
        "SIMPLESAMLPHP_CONFIG_DIR": str(_HERE),
        "BENCH_ADDRESS": f"http://127.0.0.1:{port}",
        "BENCH_CERTIFICATE": signer.certificate_b64,
        "BENCH_ENTITY_ID": ENTITY_ID,
        "BENCH_FOLDER": str(folder),
        "BENCH_IDP": IDP,
        "BENCH_PROGRAM": str(_PROGRAM),
        "BENCH_SALT": secrets.token_hex(16),
    }
    cached = ("-d", "opcache.enable_cli=1", "-d", "opcache.validate_timestamps=0")
    command = ["php", *cached, "-S", f"127.0.0.1:{port}", "-t", str(folder / "www")]
    with running(command, port, "/start.php", folder / "log", told) as (process, _):
        yield process.pid, port


@dataclass
class PhpBrowser:
    """A browser of its own cookies. PHP's server ends each connection after the answer."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    @property
    def acs(self) -> str:
        return f"http://127.0.0.1:{self.port}{_ACS}"

    def _ask(self, method: str, path: str, body: str | None = None) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, path, body, {**(_FORM if body else {}), "Cookie": cookies})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (302, 303):
            raise DoesNotWork(f"SimpleSAMLphp answered {answer.status}: {text[:2000]}")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return str(answer.headers["Location"])

    def leave(self) -> tuple[str, str]:
        """Begins a sign-in anew; the ID of the AuthnRequest, and the RelayState."""
        self.cookies.clear()
        query = parse_qs(urlsplit(self._ask("GET", "/start.php")).query)
        return request_id_of(query["SAMLRequest"][0]), query["RelayState"][0]

    def arrive(self, value: str, relay_state: str) -> None:
        """Posts the answer; DoesNotWork unless a session begins."""
        location = self._ask("POST", _ACS, urlencode({"SAMLResponse": value, "RelayState": relay_state}))
        if not location.endswith("/done") or "SimpleSAMLAuthToken" not in self.cookies:
            raise DoesNotWork(f"SimpleSAMLphp led to {location} with {sorted(self.cookies)}")

    def close(self) -> None:
        self._connection.close()
