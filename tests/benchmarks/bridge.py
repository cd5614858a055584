"""The real bridge as a process: its files, a database of either kind, and a browser that keeps its connection open."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import secrets
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, Signer, metadata_xml
from tests.benchmarks.processes import ROOT, DoesNotWork, python, running
from tests.free_ports import free_port
from tests.postgresql import Server

ACCOUNT, ROLE, PERSON = "111122223333", "Developer", "alice@example.com"
IDP = "https://idp.example.test/saml"
SIGN_IN, SESSION = "__Host-bridge-sign-in", "__Host-bridge-session"
_PEOPLE = itertools.cycle(range(10, 70))
"""More than one: nobody begins as many sessions as a benchmark does."""
_FORM_TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

_ACCOUNTS = {
    "version": 1,
    "accounts": [
        {
            "id": ACCOUNT,
            "name": "production",
            "provider": f"arn:aws:iam::{ACCOUNT}:saml-provider/bridge",
            "region": "eu-central-1",
            "roles": ["Administrator", ROLE, "ReadOnly"],
        }
    ],
}
_RULES = {
    "version": 1,
    "rules": [
        {
            "id": "developers",
            "connection": "company",
            "when": {"group": "group-7"},
            "grant": {"role": f"{ACCOUNT}/{ROLE}", "max_duration": "1h"},
        }
    ],
}


@dataclass(frozen=True)
class BridgeFiles:
    """A folder with the bridge's files, and where it is to listen."""

    folder: Path
    port: int
    settings: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def acs(self) -> str:
        return f"{self.address}/sign-in/company/saml"

    @property
    def entity_id(self) -> str:
        return f"{self.address}/saml/metadata"


def make_place(folder: Path, signer: Signer, sts_port: int, postgresql: Server | None) -> BridgeFiles:
    """Writes the files of a bridge with one connection, one account and one rule; JSON is YAML."""
    folder.mkdir()
    port = free_port()
    (folder / "idp.xml").write_bytes(metadata_xml(IDP, "https://idp.example.test/sso", [signer]))
    (folder / "accounts.yaml").write_text(json.dumps(_ACCOUNTS))
    (folder / "rules.yaml").write_text(json.dumps(_RULES))
    settings: dict[str, Any] = {
        "base_url": f"http://127.0.0.1:{port}",
        "rules": "rules.yaml",
        "accounts": "accounts.yaml",
        "connections": {
            "company": {
                "title": "Company",
                "protocol": "saml",
                "metadata_file": "idp.xml",
                "subject": "id",
                "groups": "groups",
                "verified_email_domains": ["example.com"],
            }
        },
        "aws": {"local_endpoint": f"http://127.0.0.1:{sts_port}"},
        "audit": {"also_to": "audit.jsonl"},
        "serving": {"listen": f"127.0.0.1:{port}", "workers": 1},
    }
    if postgresql is not None:
        sealing = base64.b64encode(secrets.token_bytes(32)).decode()
        for name, secret in (("password", postgresql.password), ("sealing", sealing)):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        postgresql.make_database("bench")
        settings |= {
            "database": postgresql.url("bench"),
            "database_password": {"file": "password"},
            "keys": {"sealing_key": {"file": "sealing"}},
            "rulebook": {"files_on_many_nodes": True},
        }
    path = folder / "settings.yaml"
    path.write_text(json.dumps(settings))
    if postgresql is not None:
        subprocess.run(
            python("-m", "federation_bridge.operate", "migrate", "--settings", str(path)),
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    return BridgeFiles(folder, port, path)


@contextmanager
def served(place: BridgeFiles) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """`federation-bridge serve`, and the seconds until it was ready."""
    command = python("-m", "federation_bridge.operate", "serve", "--settings", str(place.settings))
    with running(command, place.port, "/readyz", place.folder / "log") as started:
        yield started


@dataclass
class Browser:
    """Sends cookies as a browser would, over one connection that stays open."""

    place: BridgeFiles
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._form_token = ""
        self._connection = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=20)

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and body of the answer; cookies that it sets are kept."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, path, body, {**(headers or {}), "Cookie": cookies})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer.status, answer.headers, text

    def leave(self) -> tuple[str, str]:
        """Begins a sign-in; the ID of the AuthnRequest that the identity provider gets, and the RelayState."""
        self.cookies.pop(SESSION, None)  # a form's token belongs to the session, where there is one
        if SIGN_IN not in self.cookies:
            self._form_token = _FORM_TOKEN.findall(self.ask("GET", "/")[2])[0]
        fields = urlencode({"csrf_token": self._form_token, "connection": "company", "return_to": "/"})
        status, headers, text = self.ask("POST", "/sign-in", fields, _FORM)
        if status != 303:
            raise DoesNotWork(f"beginning a sign-in answered {status}: {text[:500]}")
        query = parse_qs(urlsplit(str(headers["Location"])).query)
        return request_id_of(query["SAMLRequest"][0]), query["RelayState"][0]

    def arrive(self, form: str, cookies: Mapping[str, str] | None = None) -> None:
        """Posts the identity provider's answer; DoesNotWork unless the session's cookie comes back.

        `cookies`: what the browser held when it left, where it has left again since.
        """
        self.cookies = dict(self.cookies if cookies is None else cookies)
        self.cookies.pop(SESSION, None)
        status, _, text = self.ask("POST", "/sign-in/company/saml", form, _FORM)
        if status != 303 or SESSION not in self.cookies:
            raise DoesNotWork(f"a sign-in answered {status}: {text[:500]}")

    def api_token(self) -> str:
        """What changing calls of the API must send along."""
        return str(json.loads(self.ask("GET", "/api/v1/me")[2])["csrf_token"])

    def close(self) -> None:
        self._connection.close()


def request_id_of(packed: str) -> str:
    """The ID of an AuthnRequest that came by redirect."""
    return str(etree.fromstring(zlib.decompress(base64.b64decode(packed), -15)).get("ID"))


def answer_message(acs: str, entity_id: str, request_id: str, groups: int) -> SamlMessage:
    """What the identity provider says of the next person, to the service with this assertion consumer service."""
    number = next(_PEOPLE)
    person = f"ali{number}@example.com"
    return SamlMessage(
        issuer=IDP,
        audience=entity_id,
        recipient=acs,
        in_response_to=request_id,
        name_id=person,
        issued_at=datetime.now(UTC),
        attributes={
            "id": (f"00u1a2b3{number}",),
            "email": (person,),
            "name": ("Alice Example",),
            "groups": tuple(f"group-{number}" for number in range(groups)),
        },
    )
