"""People who work through the proxy: browsers and command lines, and every answer that anybody got.

Each comes from an address of their own and does what a person does: comes again where the answer is 503, and begins
anew where a refusal followed a 503, for then what was asked for may have been done already.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import ssl
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value
from tests.benchmarks.bridge import ACCOUNT, ROLE, SESSION, BridgeFiles, Browser, request_id_of
from tests.chaos.lives import message_of
from tests.chaos.obliging_provider import ObligingProvider
from tests.chaos.people import FORM, Day, Shift

GROUP = "group-7"
SAML, OIDC = "company", "partner"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FORM_TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f.]+)"')
_GIVES_UP_AFTER = 60.0
_PAUSE = 0.1
"""Seconds before somebody who was told 503 comes again: far sooner than Retry-After says, so that there is a load."""

_THINKS = 0.03
"""Seconds before each press: without them, people would take the very processors on which nodes have to start."""


class Refused(Exception):
    """A refusal after a 503, or after a crash: what was asked for may have been done, or what it needs may be gone."""


@dataclass(frozen=True)
class Heard:
    """One answer."""

    at: float
    """By `time.monotonic`."""
    person: str
    asked: str
    status: int
    retry_after: str | None
    seconds: float
    said: str = ""


@dataclass
class Answers:
    """All answers, of all people."""

    heard: list[Heard] = field(default_factory=list)

    def wrong(self) -> list[Heard]:
        """What nobody should have got: not what was asked for, and no 503 that says when to come again.

        A refusal that follows a 503 is not among them: `Refused`.
        """
        return [
            one for one in self.heard if one.status not in (200, 303) and not (one.status == 503 and one.retry_after)
        ]

    def busy(self, since: float = 0.0) -> list[Heard]:
        return [one for one in self.heard if one.status == 503 and one.at >= since]

    def good(self, since: float) -> int:
        return sum(one.status in (200, 303) and one.at >= since for one in self.heard)


@dataclass
class ProxiedBrowser(Browser):
    """Comes with TLS, from an address of its own, and notes what it gets."""

    person: str = ""
    address: str = "127.0.0.1"
    trusted: ssl.SSLContext | None = None
    answers: Answers = field(default_factory=Answers)
    forgives: Callable[[], frozenset[str]] = frozenset
    """Where a refusal is right, though no 503 came before it."""

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", self.place.port, timeout=60, context=self.trusted, source_address=(self.address, 0)
        )

    def insist(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """The answer that is no 503; Refused where that is a refusal after a 503, AssertionError for any other one."""
        time.sleep(_THINKS)  # no wait for anything: a person who reads
        give_up_at = time.monotonic() + _GIVES_UP_AFTER
        was_busy = False
        while True:
            began = time.monotonic()
            try:
                status, told, text = self.ask(method, path, body, headers())
            except (OSError, http.client.HTTPException) as problem:
                self._note(began, method, path, 0, None, type(problem).__name__)
                raise
            if (was_busy or path in self.forgives()) and status not in (200, 303, 503):
                raise Refused(f"{method} {path}: {status} {text[:200]}")
            self._note(began, method, path, status, told.get("Retry-After"), "" if status < 400 else text[-1500:])
            if status != 503:
                assert status in (200, 303), f"{method} {path}: {status} {text[-1500:]}"
                return status, told, text
            was_busy = True
            assert began < give_up_at, f"{method} {path}: 503 all the time"
            time.sleep(_PAUSE)

    def _note(self, began: float, method: str, path: str, status: int, retry_after: str | None, said: str) -> None:
        now = time.monotonic()
        asked = f"{method} {path.partition('?')[0]}"
        self.answers.heard.append(Heard(now, self.person, asked, status, retry_after, now - began, said))

    def form_token(self, page: str) -> str:
        found = _FORM_TOKEN.search(page)
        assert found, page
        return found[1]

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.insist("GET", "/api/v1/me")[2])
        return found


@dataclass
class Terminal:
    """A command line with a key of its own."""

    browser: ProxiedBrowser
    key: DpopKey = field(default_factory=DpopKey.fresh)
    access: str = ""
    refresh_token: str = ""

    def log_in(self) -> None:
        """By a code that the person types in their browser, where they are signed in."""
        begun = json.loads(self._post("/oauth/device_authorization", client_label="laptop"))
        page = self.browser.insist("GET", "/device")[2]
        typed = {"csrf_token": self.browser.form_token(page), "user_code": begun["user_code"]}
        self.browser.insist("POST", "/device", urlencode(typed), lambda: FORM)
        allowed = urlencode({**typed, "decision": "allow"})
        self.browser.insist("POST", "/device/decision", allowed, lambda: FORM)
        self._take(self._post("/oauth/token", grant_type=_DEVICE_GRANT, device_code=begun["device_code"]))

    def refresh(self) -> None:
        """New tokens for the old ones, and a look at whose they are."""
        self._take(self._post("/oauth/token", grant_type="refresh_token", refresh_token=self.refresh_token))
        self.whose()

    def whose(self) -> str:
        url = f"{self.browser.place.address}/api/v1/me"

        def headers() -> dict[str, str]:
            proof = self.key.proof("GET", url, datetime.now(UTC), self.access)
            return {"Authorization": f"DPoP {self.access}", "DPoP": proof}

        return str(json.loads(self.browser.insist("GET", "/api/v1/me", headers=headers)[2])["person"])

    def _post(self, path: str, **fields: str) -> str:
        url = self.browser.place.address + path

        def headers() -> dict[str, str]:
            return {**FORM, "DPoP": self.key.proof("POST", url, datetime.now(UTC))}

        return self.browser.insist("POST", path, urlencode({"client_id": "fedbridge", **fields}), headers)[2]

    def _take(self, text: str) -> None:
        tokens = json.loads(text)
        self.access, self.refresh_token = tokens["access_token"], tokens["refresh_token"]


@dataclass
class Workday(Day):
    """What a person remembers of it."""

    connection: str = SAML
    terminal: Terminal | None = None
    refreshed: int = 0
    refused: str = ""
    """The refusal after a 503 with which it ended."""
    failed: str = ""
    """What should not have happened."""


@dataclass
class Employees:
    """People who come through the proxy, and what they remember."""

    place: BridgeFiles
    signer: Signer
    provider: ObligingProvider
    trusted: ssl.SSLContext
    seed: int
    answers: Answers = field(default_factory=Answers)
    forgives: frozenset[str] = frozenset()
    """Paths at which a crash of the database may have taken what was asked for, as docs/store.md lists it."""
    days: list[Workday] = field(default_factory=list)
    _shift: Shift = field(default_factory=Shift)

    def begin(self, count: int = 4) -> None:
        self._shift.begin(self._live, self.seed, count)

    def go_home(self) -> None:
        self._shift.end()

    def browser(self, person: str, chance: random.Random) -> ProxiedBrowser:
        address = f"127.{chance.randint(1, 250)}.{chance.randint(0, 250)}.{chance.randint(1, 250)}"
        return ProxiedBrowser(
            self.place,
            person=person,
            address=address,
            trusted=self.trusted,
            answers=self.answers,
            forgives=lambda: self.forgives,
        )

    def _live(self, number: int, chance: random.Random) -> None:
        while not self._shift.is_over.is_set():
            name = f"e{self.seed}x{number}d{len(self.days)}"
            day = Workday(name, connection=chance.choice((SAML, OIDC)))
            self.days.append(day)
            browser = self.browser(name, chance)
            try:
                self._pass(day, browser, chance)
            except Refused as refusal:
                day.refused = str(refusal)
            except Exception:  # told by whoever reckons up the days
                day.failed = traceback.format_exc()
                self._shift.is_over.wait(0.05)
            finally:
                browser.close()

    def _pass(self, day: Workday, browser: ProxiedBrowser, chance: random.Random) -> None:
        self._sign_in(day, browser)
        for _ in range(chance.randint(1, 2)):
            day.keys.append(key_for(browser))
        if chance.random() < 0.5:
            terminal = Terminal(browser)
            terminal.log_in()
            day.terminal = terminal
            for _ in range(3):
                terminal.refresh()
                day.refreshed += 1
        if chance.random() < 0.5:
            token = str(browser.me()["csrf_token"])
            day.signed_out = None
            browser.insist("POST", "/api/v1/sign-out", "", lambda: {"X-CSRF-Token": token})
            day.signed_out = True

    def _sign_in(self, day: Workday, browser: ProxiedBrowser) -> None:
        """Leaves, and comes back once; where the answer is 503, comes with the same once more."""
        page = browser.insist("GET", "/")[2]
        fields = urlencode({"csrf_token": browser.form_token(page), "connection": day.connection, "return_to": "/"})
        address = str(browser.insist("POST", "/sign-in", fields, lambda: FORM)[1]["Location"])
        if day.connection == SAML:
            query = parse_qs(urlsplit(address).query)
            message = message_of(browser.place, day.person, request_id_of(query["SAMLRequest"][0]), datetime.now(UTC))
            day.message_id = message.assertion_id
            answer = {"SAMLResponse": form_value(message, self.signer), "RelayState": query["RelayState"][0]}
            browser.insist("POST", f"/sign-in/{SAML}/saml", urlencode(answer), lambda: FORM)
        else:
            answer_of = self.provider.answer_for(address, day.person, GROUP)
            browser.insist("GET", f"/sign-in/{OIDC}/oidc?{answer_of}")
        day.session = browser.cookies[SESSION]
        day.admissions += 1


def key_for(browser: ProxiedBrowser) -> str:
    """The ID of the credentials that the bridge gives to who is signed in."""
    token = str(browser.me()["csrf_token"])
    headers = {"X-CSRF-Token": token, "Content-Type": "application/json"}
    text = browser.insist("POST", f"/api/v1/roles/{ACCOUNT}/{ROLE}/credentials", "{}", lambda: headers)[2]
    return str(json.loads(text)["access_key_id"])
