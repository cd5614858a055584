"""People who work while everything around them is killed, and what each of them remembers."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value
from tests.benchmarks.bridge import SESSION, BridgeFiles, Browser
from tests.benchmarks.processes import DoesNotWork
from tests.chaos.lives import key_for, message_of
from tests.service_factories import until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BROKEN_OFF = (OSError, http.client.HTTPException, DoesNotWork, ValueError, LookupError)
"""What a person meets while nodes and database die: no answer, half of one, a refusal, or a page that says sorry."""


@dataclass
class FleetBrowser(Browser):
    """A browser whose every request comes to a node by chance, over a connection of its own."""

    ports: Sequence[int] = ()
    chance: random.Random = field(default_factory=random.Random)

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.chance.choice(self.ports), timeout=30)
        try:
            return super().ask(method, path, body, headers)
        finally:
            self._connection.close()


def answer_for(browser: Browser, signer: Signer, person: str) -> tuple[str, str]:
    """Leaves for the identity provider; the ID of its message, and the form with which it sends the person back."""
    request_id, relay_state = browser.leave()
    message = message_of(browser.place, person, request_id, datetime.now(UTC))
    return message.assertion_id, urlencode({"SAMLResponse": form_value(message, signer), "RelayState": relay_state})


@dataclass
class Day:
    """One sign-in and what followed, as the person saw it."""

    person: str
    message_id: str = ""
    admissions: int = 0
    """How often the very same answer of the identity provider let somebody in."""
    session: str = ""
    keys: list[str] = field(default_factory=list)
    signed_out: bool | None = False
    """None: it was asked for, and no answer came."""


@dataclass
class Shift:
    """Threads in which people live their days until all are told to go home."""

    is_over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, live: Callable[[int, random.Random], None], seed: int, count: int) -> None:
        """`live` gets the number of its thread and the chances of that: the same for the same seed."""
        for number in range(count):
            chance = random.Random(f"{seed}/{number}")
            self._threads.append(threading.Thread(target=live, args=(number, chance)))
            self._threads[-1].start()

    def end(self) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join()


@dataclass
class Crowd:
    """People who come to the nodes themselves."""

    place: BridgeFiles
    ports: Sequence[int]
    signer: Signer
    seed: int
    days: list[Day] = field(default_factory=list)
    _shift: Shift = field(default_factory=Shift)

    def begin(self, count: int = 4) -> None:
        self._shift.begin(self._live, self.seed, count)

    def go_home(self) -> None:
        self._shift.end()

    def _live(self, thread: int, chance: random.Random) -> None:
        number = 0
        while not self._shift.is_over.is_set():
            number += 1
            day = Day(f"p{self.seed}x{thread}d{number}")
            self.days.append(day)
            browser = FleetBrowser(self.place, ports=self.ports, chance=chance)
            try:
                self._pass(day, browser, chance)
            except BROKEN_OFF:
                self._shift.is_over.wait(0.05)
            finally:
                browser.close()

    def _pass(self, day: Day, browser: FleetBrowser, chance: random.Random) -> None:
        day.message_id, form = answer_for(browser, self.signer, day.person)
        self._arrive(day, browser, form)
        if not day.session:
            return
        browser.cookies[SESSION] = day.session
        for _ in range(chance.randint(1, 2)):
            day.keys.append(key_for(browser))
        if chance.random() < 0.5:
            token = browser.api_token()
            day.signed_out = None
            if browser.ask("POST", "/api/v1/sign-out", "", {"X-CSRF-Token": token})[0] == 200:
                day.signed_out = True

    def _arrive(self, day: Day, browser: FleetBrowser, form: str) -> None:
        """Posts the answer four times from the same state, whatever comes back: it may let in once."""
        before = dict(browser.cookies)
        for _ in range(4):
            browser.cookies = dict(before)
            try:
                browser.ask("POST", "/sign-in/company/saml", form, FORM)
            except (OSError, http.client.HTTPException):
                continue
            if SESSION in browser.cookies:
                day.admissions += 1
                day.session = browser.cookies[SESSION]


def is_signed_in(place: BridgeFiles, port: int, session: str) -> bool:
    """Whether this session's cookie opens anything at this node, once it serves again.

    A worker that began while the database was away answers 503 for up to eight seconds after it came back.
    """
    browser, answers = FleetBrowser(place, {SESSION: session}, ports=[port]), [503]

    def is_answered() -> bool:
        answers.append(browser.ask("GET", "/api/v1/me")[0])
        return answers[-1] != 503

    try:
        until(is_answered, "this node does not serve again")
    finally:
        browser.close()
    assert answers[-1] in (200, 401), answers
    return answers[-1] == 200
