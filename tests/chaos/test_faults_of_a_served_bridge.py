"""What is around a served bridge fails and comes back: nobody waits for ever, nothing is half done, and it goes on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from federation_bridge.system_clock import utc_now
from tests import postgresql
from tests.benchmarks.bridge import ACCOUNT, ROLE, SESSION
from tests.chaos.fleet import Fleet, fleet_on_postgresql, fleet_on_sqlite
from tests.chaos.lives import key_for
from tests.chaos.obliging_sts import key_of, obliging_sts
from tests.chaos.people import FORM, FleetBrowser, answer_for, is_signed_in
from tests.service_factories import until

_PLACES = 3
"""How many of four threads may wait for AWS at a time; one asker more would take the last thread."""


def _browser(fleet: Fleet) -> FleetBrowser:
    return FleetBrowser(fleet.place, ports=[fleet.place.port])


def _arrive(browser: FleetBrowser, form: str) -> int:
    return browser.ask("POST", "/sign-in/company/saml", form, FORM)[0]


def _signed_in(fleet: Fleet, person: str) -> FleetBrowser:
    browser = _browser(fleet)
    assert _arrive(browser, answer_for(browser, fleet.signer, person)[1]) == 303
    return browser


def _fails_and_comes_back(fleet: Fleet, fail: Callable[[], object], mend: Callable[[], object]) -> None:
    """Alive and not ready meanwhile; everybody is told to come again, and can: whoever is in, and whoever comes."""
    (node,) = fleet.nodes
    early, coming = _signed_in(fleet, "early"), _browser(fleet)
    form = answer_for(coming, fleet.signer, "coming")[1]
    fail()
    until(lambda: node.is_answering("/readyz", 503), "it says that it is ready, without a database")
    assert node.get("/healthz")[0] == 200
    assert early.ask("GET", "/api/v1/me")[0] == 503
    assert _arrive(coming, form) == 503
    assert SESSION not in coming.cookies
    mend()
    until(node.is_answering, "it is not ready again")
    assert is_signed_in(fleet.place, node.port, early.cookies[SESSION])
    assert fleet.books.count("sessions") == sum(fleet.books.admitted().values()) == 1
    assert key_for(early) in {key_of(grant) for grant in fleet.books.grants("grant.redeemed")}
    assert _arrive(coming, form) == 303
    assert fleet.books.count("sessions") == sum(fleet.books.admitted().values()) == 2


def test_a_database_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    with obliging_sts(utc_now) as sts, fleet_on_postgresql(tmp_path, sts, nodes=1) as fleet:
        assert fleet.server is not None
        _fails_and_comes_back(
            fleet,
            partial(postgresql.kill, fleet.server),
            partial(until, fleet.database_is_back, "PostgreSQL does not start again"),
        )


def test_a_database_file_that_is_taken_away_and_put_back(tmp_path: Path) -> None:
    with obliging_sts(utc_now) as sts, fleet_on_sqlite(tmp_path, sts) as fleet:
        file, away = fleet.place.folder / "bridge.db", fleet.place.folder / "bridge.away"

        def mend() -> None:
            assert not file.exists(), "a new database was made silently"
            away.rename(file)

        _fails_and_comes_back(fleet, partial(file.rename, away), mend)


def test_an_sts_that_says_nothing_holds_up_nobody_who_does_not_ask_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, obliging_sts(utc_now) as sts:
        # Longer than anybody here waits: what is answered meanwhile is not answered because a call gave up.
        aws = {
            "local_endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "read_timeout": "3m",
            "total_timeout": "3m",
        }
        with fleet_on_sqlite(tmp_path, sts, aws=aws, serving={"workers": 1, "threads": 4}) as fleet:
            _all_ask_and_somebody_passes_by(fleet, silent)


def _all_ask_and_somebody_passes_by(fleet: Fleet, silent: socket.socket) -> None:
    people = [_signed_in(fleet, f"asker{number}") for number in range(_PLACES + 1)]
    with ThreadPoolExecutor(len(people)) as threads, ExitStack() as held:
        waiting = [threads.submit(_ask_for_a_role, browser) for browser in people]
        try:
            for _ in range(_PLACES):
                held.enter_context(silent.accept()[0])
            (node,) = fleet.nodes
            assert node.get("/")[0] == 200, "whoever does not ask AWS waits for it, too"
            passer_by = _signed_in(fleet, "passer-by")
            assert is_signed_in(fleet.place, node.port, passer_by.cookies[SESSION])
            assert node.get("/readyz")[0] == 200
        finally:
            silent.close()
            held.close()
        assert {one.result(60) for one in waiting} <= {502, 503, 504}
    made, failed = fleet.books.grants("grant.made"), fleet.books.grants("grant.failed")
    assert made == failed
    assert made


def _ask_for_a_role(browser: FleetBrowser) -> int:
    headers = {"X-CSRF-Token": browser.api_token(), "Content-Type": "application/json"}
    return browser.ask("POST", f"/api/v1/roles/{ACCOUNT}/{ROLE}/credentials", "{}", headers)[0]
