"""Nodes behind a proxy, while people work: what operators do to them and what befalls their database.

Short forms; `make chaos` runs them longer, with more nodes.
"""

from __future__ import annotations

import http.client
import random
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation_bridge.system_clock import utc_now
from tests.chaos import occurrences
from tests.chaos.conftest import Tell
from tests.chaos.employees import SAML
from tests.chaos.haproxy import serving_proxy
from tests.chaos.house import House, house
from tests.chaos.obliging_sts import obliging_sts
from tests.chaos.occurrences import LONGEST
from tests.chaos.people import FORM
from tests.chaos.releases import PRESENT, next_release
from tests.free_ports import free_port
from tests.network_factories import Authority
from tests.service_factories import until


@pytest.fixture(scope="module")
def small_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with obliging_sts(utc_now) as sts, house(tmp_path_factory.mktemp("house"), sts) as found:
        yield found


def test_the_shown_proxy_does_what_its_file_says(small_house: House) -> None:
    """TLS only, metrics for nobody, and whoever comes is known by the address that they come from."""
    employees = small_house.employees(1)
    plain = http.client.HTTPConnection("127.0.0.1", small_house.proxy.plain_port, timeout=20)
    plain.request("GET", "/device", headers={"Host": f"127.0.0.1:{small_house.place.port}"})
    answer = plain.getresponse()
    plain.close()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://127.0.0.1:{small_house.place.port}/device")
    browser = employees.browser("teller", random.Random(1))
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    assert browser.ask("GET", "/metrics")[0] == 404
    assert browser.ask("POST", f"/sign-in/{SAML}/saml", "SAMLResponse=x&RelayState=y", {**FORM, **forged})[0] == 403
    browser.close()

    def addresses() -> list[str]:
        found = small_house.books.rows("SELECT address FROM refusals UNION SELECT address FROM audit")
        return [str(one) for (one,) in found]

    until(lambda: browser.address in addresses(), "the refusal was never written down")
    assert "203.0.113.9" not in addresses()


def test_without_any_node_people_are_told_when_to_come_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with socket.socket() as nobody:  # bound, and nothing listens
        nobody.bind(("127.0.0.1", 0))
        port = free_port()
        certificate = authority.certified("127.0.0.1")
        with serving_proxy(tmp_path / "proxy", certificate, port, [nobody.getsockname()[1]], up=0) as proxy:
            proxy.wait_for(0)
            trusted = ssl.create_default_context(cafile=str(authority.file))
            asked = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusted)
            asked.request("GET", "/sign-in/corp/oidc?code=hunter2&state=hunter2")
            answer = asked.getresponse()
            asked.close()
    log = (tmp_path / "proxy" / "log").read_text()
    assert ' GET "/sign-in/corp/oidc" HTTP/1.1' in log
    assert "hunter2" not in log
    assert (answer.status, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "5", "no-store")


def test_a_silent_database_holds_nobody_and_kills_no_node(small_house: House, tell: Tell) -> None:
    told = tell(occurrences.paused_database(small_house, 3))
    assert told.faults == []
    assert told.longest < LONGEST


def test_a_database_that_is_restarted_loses_nothing(small_house: House, tell: Tell) -> None:
    told = tell(occurrences.restarted_database(small_house, "fast"))
    assert told.faults == []
    assert told.longest < LONGEST


def test_too_few_connections_are_told_as_503_and_nothing_else(small_house: House, tell: Tell) -> None:
    told = tell(occurrences.few_connections(small_house, 2, answers=150))
    assert told.faults == []
    assert told.busy > 0, "nobody missed a connection: nothing was tried"
    assert told.longest < LONGEST


def test_a_rolling_upgrade_over_a_migration_is_seen_by_nobody(small_house: House, tell: Tell) -> None:
    told = tell(occurrences.rolling_upgrade(small_house, PRESENT, next_release(small_house.folder / "next")))
    assert told.faults == []
    assert (told.busy, told.begun_anew) == (0, 0)
    assert told.longest < LONGEST
