"""Sign-ins and grants per second of CPU time of the whole process tree, over a real start and arrival."""

from __future__ import annotations

import base64
import http.client
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, Signer, form_value
from tests.benchmarks.bridge import IDP, PERSON, Browser, Place
from tests.benchmarks.processes import DoesNotWork, cpu_seconds, free_port, python, running
from tests.benchmarks.table import Row, in_turns

_SIGN_INS, _WARM_UP = 200, 20
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class BareBrowser:
    """A browser of the bare service, over one connection that stays open."""

    port: int
    cookie: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _ask(self, method: str, path: str, body: str | None = None) -> http.client.HTTPMessage:
        self._connection.request(method, path, body, {**_FORM, "Cookie": self.cookie} if body else {})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != 303:
            raise DoesNotWork(f"the bare service answered {answer.status}: {text[:300]}")
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer.headers

    def leave(self) -> str:
        """Begins a sign-in; the ID of the AuthnRequest."""
        query = parse_qs(urlsplit(self._ask("GET", "/sign-in")["Location"]).query)
        return str(etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)).get("ID"))

    def arrive(self, value: str) -> None:
        self._ask("POST", "/sign-in/company/saml", urlencode({"SAMLResponse": value}))

    def close(self) -> None:
        self._connection.close()


def sign_ins(place: Place, pid: int, signer: Signer, groups: int, where: str) -> Row:
    """Complete sign-ins per CPU second of the served bridge (its parent's `pid`), beside the bare service."""
    port = free_port()
    settings = place.folder / f"bare-{groups}.json"
    asked = {
        "port": port,
        "workers": 1,
        "entity_id": place.entity_id,
        "idp": IDP,
        "certificate": signer.certificate_b64,
    }
    settings.write_text(json.dumps(asked))
    command = python("-m", "tests.benchmarks.bare_service", str(settings))
    with running(command, port, "/readyz", place.folder / "bare.log") as (process, _):
        browser, bare = Browser(place), BareBrowser(port)

        def ours() -> None:
            request_id, relay_state = browser.leave()
            value = form_value(_message(place.acs, place.entity_id, request_id, groups), signer)
            browser.arrive(urlencode({"SAMLResponse": value, "RelayState": relay_state}))

        def theirs() -> None:
            value = form_value(
                _message(f"http://127.0.0.1:{port}/sign-in/company/saml", place.entity_id, bare.leave(), groups), signer
            )
            bare.arrive(value)

        measured = _in_turns((pid, ours), (process.pid, theirs))
        browser.close()
        bare.close()
    return Row(f"sign-ins, {groups} groups, {where}", measured[0], "/CPU-s", measured[1], 1.1, more_is_better=True)


def _in_turns(*sides: tuple[int, Callable[[], None]]) -> list[float]:
    """How often each call is answered per CPU second of its server's process tree; the sides take turns."""
    for _, call in sides:
        for _ in range(_WARM_UP):
            call()
    spent = [0.0] * len(sides)
    for turn in in_turns(range(_SIGN_INS), 20):
        for number, (pid, call) in enumerate(sides):
            before = cpu_seconds(pid)
            for _ in turn:
                call()
            spent[number] += cpu_seconds(pid) - before
    return [_SIGN_INS / seconds for seconds in spent]


def _message(acs: str, entity_id: str, request_id: str, groups: int) -> SamlMessage:
    return SamlMessage(
        issuer=IDP,
        audience=entity_id,
        recipient=acs,
        in_response_to=request_id,
        name_id=PERSON,
        issued_at=datetime.now(UTC),
        attributes={
            "id": ("00u1a2b3c4",),
            "email": (PERSON,),
            "name": ("Alice Example",),
            "groups": tuple(f"group-{number}" for number in range(groups)),
        },
    )
