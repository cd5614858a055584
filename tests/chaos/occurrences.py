"""What befalls a house while people work in it, and what is told of it: the tests say what that has to be."""

from __future__ import annotations

import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests import postgresql
from tests.chaos.employees import Employees
from tests.chaos.house import House
from tests.chaos.reckoning import faults_of
from tests.chaos.releases import Release
from tests.service_factories import Service, until

_STEADY = 30
"""Good answers in a row after which people are served again."""


@dataclass
class Told:
    """What is told of one occurrence."""

    name: str
    days: int
    answers: int
    busy: int
    """How many answers were 503 with Retry-After."""
    begun_anew: int
    """People whose answer got lost behind a 503."""
    longest: float
    """Seconds that anybody waited for an answer."""
    recovery: float
    """Seconds from the end of what befell the house until every node was ready, and nobody was told 503 any more."""
    faults: list[str]
    """What should not have been: a wrong answer, a day that failed, a node that missed, books that do not agree."""

    def row(self) -> str:
        """Its line in the table under `HEAD`."""
        return (
            f"{self.name:<44}{self.days:>8}{self.answers:>9}{self.busy:>6}{self.begun_anew:>7}"
            f"{self.longest:>9.1f} s{self.recovery:>9.1f} s"
        )


HEAD = f"{'what befell the house':<44}{'people':>8}{'answers':>9}{'503':>6}{'anew':>7}{'longest':>11}{'recovery':>11}"
"""`anew`: people whose answer got lost behind a 503, so that they were refused when they came again."""


@dataclass
class Occurrence:
    """One that is under way: `is_over` is called when what befell the house has ended."""

    name: str
    employees: Employees
    over_at: float = 0.0
    ready_at: float = 0.0
    """When the proxy sent people to every node again."""
    faults: list[str] = field(default_factory=list)

    def is_over(self) -> None:
        self.over_at = time.monotonic()

    def check(self, is_so: bool, otherwise: str) -> None:
        """Notes a fault where something is not so."""
        if not is_so:
            self.faults.append(otherwise)

    def told(self) -> Told:
        """What is told of it, when everybody has gone home."""
        answers, days = self.employees.answers, self.employees.days
        return Told(
            self.name,
            len(days),
            len(answers.heard),
            len(answers.busy()),
            sum(bool(day.refused) for day in days),
            max(one.seconds for one in answers.heard),
            max(self.ready_at, *(one.at for one in answers.busy(self.over_at)), 0.0) - self.over_at,
            self.faults,
        )

    def wait_until_served(self) -> None:
        """Until so many got what they asked for and nobody was told 503 for a while."""
        answers = self.employees.answers

        def is_served() -> bool:
            since = max([self.over_at, *(one.at for one in answers.busy(self.over_at)[-1:])])
            return answers.good(since) >= _STEADY

        until(is_served, "people are not served again", within=60)


class Pulse(threading.Thread):
    """Asks each node again and again whether it is alive; what it did not answer with 200 within five seconds."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.missed: list[str] = []
        self.asked = 0
        self._alive: set[int] = set()
        """The processes that have answered once: from then on they have to."""
        self._house = house
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.wait(0.1):
            for node in self._house.nodes:
                process = node.process
                try:
                    status = node.get("/healthz", timeout=5)[0]
                except OSError as problem:
                    if process.pid in self._alive and self._serves(node, process):
                        self.missed.append(f"{node.port}: {type(problem).__name__}")
                else:
                    self._alive.add(process.pid)
                    self.asked += 1
                    if status != 200:
                        self.missed.append(f"{node.port}: {status}")

    @staticmethod
    def _serves(node: Service, process: subprocess.Popen[bytes]) -> bool:
        """Not so once it was told to stop."""
        return node.process is process and process.poll() is None and node.is_answering("/healthz")

    def stop(self) -> None:
        self._enough.set()
        self.join()


LONGEST = 25.0
"""Seconds within which everybody is answered, whatever happens: 12 for a silent database, 10 behind others."""


@contextmanager
def beating(house: House, occurrence: Occurrence) -> Iterator[None]:
    """While the block lasts each node is asked whether it is alive; that one does not say so is a fault."""
    pulse = Pulse(house)
    pulse.start()
    try:
        yield
    finally:
        pulse.stop()
    occurrence.check(pulse.asked > 0, "no node was asked whether it is alive")
    occurrence.faults += [f"not alive: {one}" for one in pulse.missed[:5]]


@contextmanager
def happening(house: House, name: str, people: int = 4) -> Iterator[Occurrence]:
    """People at work while the block makes something happen; afterwards all is reckoned up."""
    employees = house.employees(secrets.randbelow(10**9))
    occurrence = Occurrence(name, employees)
    employees.begin(people)
    try:
        until(lambda: employees.answers.good(0) >= _STEADY, f"nobody is served: {employees.answers.heard[-3:]}")
        yield occurrence
        occurrence.check(occurrence.over_at > 0, "it never ended")
        house.wait_until_ready()
        occurrence.ready_at = time.monotonic()
        occurrence.wait_until_served()
    finally:
        employees.go_home()
    occurrence.faults += faults_of(employees, house.books, house.sts.asked)


def rolling_restart(house: House) -> Told:
    """One node after the other is stopped and started again."""
    with happening(house, "rolling restart") as occurrence:
        for node in house.nodes:
            _stop(node, occurrence)
            house.start(node)
        occurrence.is_over()
    return occurrence.told()


def reloads(house: House) -> Told:
    """SIGHUP to every node at the same time, and once more before the first successor serves."""
    with happening(house, "all workers replaced, twice") as occurrence:
        before = {node.port: set(node.workers()) for node in house.nodes}
        for node in house.nodes:
            node.signal(node.process.pid, signal.SIGHUP)
        for node in house.nodes:
            until(lambda one=node: set(one.workers()) - before[one.port], "no successor begins")
            node.signal(node.process.pid, signal.SIGHUP)
            before[node.port] |= set(node.workers())

        def are_replaced() -> bool:
            return all(
                not before[node.port] & set(node.workers()) and len(node.workers()) == house.workers
                for node in house.nodes
            )

        until(are_replaced, "workers are not replaced", within=120)
        occurrence.is_over()
    return occurrence.told()


def rolling_upgrade(house: House, older: Release, newer: Release) -> Told:
    """The next release's migration under load, then its program on one node after the other.

    Between, nodes of both programs serve people on the new shape.
    """
    with happening(house, "rolling upgrade") as occurrence:
        house.migrate(**newer.environ)
        occurrence.check(house.step() == newer.step, "the database has not the newer shape")
        for node in house.nodes:
            occurrence.check(older.runs(node), "a node has the newer program too early")
            is_ready = node.get("/readyz")[0] == 200
            occurrence.check(is_ready, "an older program is not ready on a shape that allows it")
        for node in house.nodes:
            _stop(node, occurrence)
            house.start(node, **newer.environ)
            occurrence.check(newer.runs(node), "a node has not the newer program")
        occurrence.is_over()
    return occurrence.told()


def upgrade_that_shuts_out(house: House, newer: Release) -> Told:
    """A migration that no older program can live with: every older node says so and is not ready, until it is newer."""
    with happening(house, "upgrade that shuts out older nodes") as occurrence, beating(house, occurrence):
        house.migrate(**newer.environ)
        for node in house.nodes:
            until(lambda one=node: one.is_answering("/readyz", 503), "an older program is ready")
            until(lambda one=node: f"takes programs from step {newer.step} on" in one.log, "it does not say why")
        house.proxy.wait_for(0)
        for node in house.nodes:
            _stop(node, occurrence)
            node.start(**newer.environ)
        house.wait_until_ready()
        occurrence.is_over()
    return occurrence.told()


def paused_database(house: House, seconds: float) -> Told:
    """PostgreSQL is stopped for so long: there, and silent."""
    with happening(house, f"PostgreSQL paused for {seconds:.0f} s") as occurrence, beating(house, occurrence):
        with postgresql.paused(house.server):
            time.sleep(seconds)  # nothing can tell of it: how long it is silent is what is tried
        occurrence.is_over()
    return occurrence.told()


def restarted_database(house: House, mode: str) -> Told:
    """`pg_ctl restart -m fast` or `immediate`."""
    with happening(house, f"PostgreSQL restarted ({mode})") as occurrence, beating(house, occurrence):
        if mode == "immediate":
            # As a crash: it may take what was committed in order, such as a code that nobody typed yet.
            occurrence.employees.forgives = frozenset({"/device"})
        postgresql.restart(house.server, mode)
        occurrence.is_over()
    return occurrence.told()


def few_connections(house: House, most: int, answers: int) -> Told:
    """PostgreSQL takes fewer connections than the nodes want, until people have heard so many answers."""
    with happening(house, f"{most} connections for all nodes", people=8) as occurrence, beating(house, occurrence):
        heard = occurrence.employees.answers.heard
        with house.server.admin() as admin:
            admin.execute(f"ALTER ROLE bridge CONNECTION LIMIT {most}")
            try:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'")
                enough = len(heard) + answers
                until(lambda: len(heard) >= enough, "hardly anybody is answered")
            finally:
                admin.execute("ALTER ROLE bridge CONNECTION LIMIT -1")
        occurrence.is_over()
    return occurrence.told()


def _stop(node: Service, occurrence: Occurrence) -> None:
    status = node.stop()
    occurrence.check(status == 0, f"a node that was told to stop ended with {status}")
