"""Sign-ins and grants per second of CPU time of the whole process tree, over a real start and arrival.

Beside them stands a bare service that is served by the same server, and asked in turns. On PostgreSQL the transactions
and round trips of one are counted too.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlencode, urlsplit

from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value
from tests.benchmarks import grant, simplesamlphp_service
from tests.benchmarks.bridge import IDP, BridgeFiles, Browser, answer_message, request_id_of, served
from tests.benchmarks.processes import DoesNotWork, cpu_seconds, python, running
from tests.benchmarks.table import Row, in_turns
from tests.free_ports import free_port
from tests.postgresql import Server
from tests.postgresql_wire import Wire, counting_relay

_TIMES, _WARM_UP, _COUNTED = 200, 20, 10
_BROWSERS = 6
"""For three workers: each connection stays with one of them."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class BareBrowser:
    """A browser of the bare service, over one connection that stays open."""

    port: int
    cookie: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, http.client.HTTPMessage]:
        self._connection.request(method, path, body, {**_FORM, "Cookie": self.cookie} if body else {})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 303):
            raise DoesNotWork(f"the bare service answered {answer.status}: {text[:300]}")
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer.status, answer.headers

    def leave(self) -> str:
        """Begins a sign-in; the ID of the AuthnRequest."""
        query = parse_qs(urlsplit(self._ask("GET", "/sign-in")[1]["Location"]).query)
        return request_id_of(query["SAMLRequest"][0])

    def arrive(self, value: str) -> None:
        self._ask("POST", "/sign-in/company/saml", urlencode({"SAMLResponse": value}))

    def take(self) -> None:
        self._ask("POST", "/credentials", "{}")

    def close(self) -> None:
        self._connection.close()


@dataclass
class Side:
    """A service, its process tree, and what one of its browsers does; each is asked in turn."""

    pid: int
    signs_in: list[Callable[[], None]]
    grants: list[Callable[[], None]]
    closing: list[Callable[[], None]]


def measure(place: BridgeFiles, signer: Signer, sts_port: int, where: str, workers: int = 1) -> Iterator[Row]:
    """Complete sign-ins, and grants, per CPU second of the served bridge, beside the bare service."""
    place = _with_workers(place, workers)
    label = where if workers == 1 else f"{where}, {workers} workers"
    with served(place) as (process, _), _bare(place, signer, sts_port, workers) as (bare_pid, port):
        for groups in (30, 150) if workers == 1 else (30,):
            ours = _bridge_side(place, process.pid, signer, groups, _BROWSERS if workers > 1 else 1)
            theirs = _bare_side(place, port, bare_pid, signer, groups, _BROWSERS if workers > 1 else 1)
            values = _in_turns((ours.pid, ours.signs_in), (theirs.pid, theirs.signs_in))
            yield _row(f"sign-ins, {groups} groups, {label}", values, 1.1)
            if groups == 30:
                yield _row(f"grants, {label}", _in_turns((ours.pid, ours.grants), (theirs.pid, theirs.grants)))
            for close in (*ours.closing, *theirs.closing):
                close()


def beside_simplesamlphp(place: BridgeFiles, signer: Signer, where: str) -> Iterator[Row]:
    """The same beside SimpleSAMLphp, where it is installed; told where it is not."""
    what, groups = f"sign-ins beside SimpleSAMLphp, 30 groups, {where}", 30
    if not simplesamlphp_service.is_installed():
        yield Row(what, None, "", note=simplesamlphp_service.ABSENT)
        return
    folder = place.folder / "simplesamlphp"
    with served(place) as (process, _), simplesamlphp_service.served(folder, signer) as (pid, port):
        ours = _bridge_side(place, process.pid, signer, groups, 1)
        browser = simplesamlphp_service.PhpBrowser(port)

        def sign_in() -> None:
            request_id, relay_state = browser.leave()
            message = answer_message(browser.acs, simplesamlphp_service.ENTITY_ID, request_id, groups)
            browser.arrive(form_value(message, signer), relay_state)

        yield _row(what, _in_turns((ours.pid, ours.signs_in), (pid, [sign_in])), 0.7)
        for close in (*ours.closing, browser.close):
            close()


def round_trips(place: BridgeFiles, signer: Signer, server: Server) -> Iterator[Row]:
    """Transactions with a BEGIN, and round trips, of one sign-in and one grant on PostgreSQL."""
    with counting_relay(server.port) as wire:
        settings = json.loads(place.settings.read_text())
        settings["database"] = settings["database"].replace(f":{server.port}/", f":{wire.port}/")
        path = place.folder / "counted.yaml"
        path.write_text(json.dumps(settings))
        with served(replace(place, settings=path)) as (process, _):
            side = _bridge_side(place, process.pid, signer, 30, 1)
            for what, call in (("sign-in", side.signs_in[0]), ("grant", side.grants[0])):
                for _ in range(_WARM_UP):
                    call()  # the driver prepares on each connection what it is asked often: a round trip, once
                transactions, trips = _counted(wire, call)
                yield Row(f"BEGIN and COMMIT of a {what}, PostgreSQL", transactions, "")
                yield Row(f"round trips of a {what}, PostgreSQL", trips, "")
            side.closing[0]()


def _counted(wire: Wire, call: Callable[[], None]) -> tuple[float, float]:
    wire.clear()
    for _ in range(_COUNTED):
        call()
    return wire.transactions / _COUNTED, wire.round_trips / _COUNTED


def _row(what: str, values: list[float], least: float | None = None) -> Row:
    return Row(what, values[0], "/CPU-s", values[1], least, more_is_better=True)


def _with_workers(place: BridgeFiles, workers: int) -> BridgeFiles:
    settings = json.loads(place.settings.read_text())
    settings["serving"]["workers"] = workers
    path = place.folder / f"workers-{workers}.yaml"
    path.write_text(json.dumps(settings))
    return replace(place, settings=path)


@contextmanager
def _bare(place: BridgeFiles, signer: Signer, sts_port: int, workers: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    path = place.folder / "bare.json"
    asked = {"port": port, "workers": workers, "sts_port": sts_port, "entity_id": place.entity_id, "idp": IDP}
    path.write_text(json.dumps({**asked, "certificate": signer.certificate_b64}))
    command = python("-m", "tests.benchmarks.bare_service", str(path))
    with running(command, port, "/readyz", place.folder / "bare.log") as (process, _):
        yield process.pid, port


def _bridge_side(place: BridgeFiles, pid: int, signer: Signer, groups: int, browsers: int) -> Side:
    side = Side(pid, [], [], [])
    for browser in [Browser(place) for _ in range(browsers)]:
        headers: dict[str, str] = {}

        def sign_in(browser: Browser = browser, headers: dict[str, str] = headers) -> None:
            headers.clear()  # the form's token belongs to the session
            request_id, relay_state = browser.leave()
            value = form_value(answer_message(place.acs, place.entity_id, request_id, groups), signer)
            browser.arrive(urlencode({"SAMLResponse": value, "RelayState": relay_state}))

        def take(browser: Browser = browser, headers: dict[str, str] = headers) -> None:
            if not headers:
                headers.update(grant.headers_of(browser))
            grant.take(browser, headers)

        side.signs_in.append(sign_in)
        side.grants.append(take)
        side.closing.append(browser.close)
    return side


def _bare_side(place: BridgeFiles, port: int, pid: int, signer: Signer, groups: int, browsers: int) -> Side:
    acs, side = f"http://127.0.0.1:{port}/sign-in/company/saml", Side(pid, [], [], [])
    for browser in [BareBrowser(port) for _ in range(browsers)]:

        def sign_in(browser: BareBrowser = browser) -> None:
            browser.arrive(form_value(answer_message(acs, place.entity_id, browser.leave(), groups), signer))

        side.signs_in.append(sign_in)
        side.grants.append(browser.take)
        side.closing.append(browser.close)
    return side


def _in_turns(*sides: tuple[int, list[Callable[[], None]]]) -> list[float]:
    """How often calls are answered per CPU second of their server's process tree; the sides take turns."""
    for _, calls in sides:
        for number in range(_WARM_UP):
            calls[number % len(calls)]()
    spent = [0.0] * len(sides)
    for turn in in_turns(range(_TIMES), 20):
        for number, (pid, calls) in enumerate(sides):
            before = cpu_seconds(pid)
            for each in turn:
                calls[each % len(calls)]()
            spent[number] += cpu_seconds(pid) - before
    return [_TIMES / seconds for seconds in spent]
