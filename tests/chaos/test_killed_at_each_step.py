"""Sign-in and grant, ended at each step: by `kill -9` on both databases, by a power failure on SQLite.

No list of steps can forget one: a life dies at its first step, the next one at its second, until one survives.

A power failure leaves of SQLite's files what the last commit promised that waited for the disk; what was committed
since is gone. Of PostgreSQL the same is relied upon, not staged: it keeps each commit with `synchronous_commit=on`, and
of the others it loses the newest only, in order. Which commits wait is held by `test_store_durability`, on the server
itself; SQLite's files here show what follows when the others are lost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from databases import OwnDatabase

from tests.chaos.books import Books
from tests.chaos.lives import DIED
from tests.chaos.obliging_sts import ObligingSts, key_of, obliging_sts

ROOT = Path(__file__).parents[2]
_MOST_STEPS = 60


@dataclass
class Lives:
    """The driver's process, the STS that it asks, and its database."""

    folder: Path
    books: Books
    sts: ObligingSts
    driver: subprocess.Popen[str]
    power_fails: bool
    deaths: Counter[str] = field(default_factory=Counter)

    def order(self, what: str, **more: Any) -> int:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps({"what": what, **more}) + "\n")
        self.driver.stdin.flush()
        answer = self.driver.stdout.readline()
        assert answer, self.said()
        return int(answer)

    def said(self) -> str:
        return (self.folder / "said").read_text(errors="replace")[-3000:]

    def known(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def counts(self) -> tuple[int, int, int]:
        return self.books.count("sessions"), sum(self.books.admitted().values()), self.books.count("spent_messages")


@contextmanager
def lives(own_database: OwnDatabase, folder: Path, *, power_fails: bool = False) -> Iterator[Lives]:
    # In the past, so that eleven minutes later no clock is ahead of the database's.
    now = datetime.now(UTC) - timedelta(minutes=12)
    with obliging_sts(lambda: now) as sts, (folder / "said").open("wb") as said:
        told = {
            "url": own_database.url,
            "password": own_database.password,
            "sts_port": sts.port,
            "now": now.isoformat(),
        }
        (folder / "told.json").write_text(json.dumps(told))
        driver = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.lives", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
        )
        try:
            yield Lives(folder, Books(own_database.url, own_database.password), sts, driver, power_fails)
        finally:
            driver.communicate(timeout=30)


def test_kill_9_at_each_step_leaves_all_or_nothing(own_database: OwnDatabase, tmp_path: Path) -> None:
    with lives(own_database, tmp_path) as found:
        _end_at_each_step(found)
        _whole(found)


def test_a_power_failure_at_each_step_takes_nothing_that_was_promised(
    sqlite_database: OwnDatabase, tmp_path: Path
) -> None:
    with lives(sqlite_database, tmp_path, power_fails=True) as found:
        _end_at_each_step(found)
        _whole(found)


def _end_at_each_step(found: Lives) -> None:
    assert found.order("begin", person="first") == 0, found.said()
    for step in range(1, _MOST_STEPS):
        person = f"person{step}"
        before = found.counts()
        status = found.order("live", person=person, die_at=step, power_fails=found.power_fails)
        assert status in (0, DIED), found.said()
        _check(found, person, before)
        if status == 0:
            break
    assert status == 0, "no life survived: are there so many steps?"
    # The steps are seen where they are known to be: else a life would survive for want of anybody who counts.
    assert found.deaths["before STS"] == found.deaths["after STS"] == 1
    assert found.deaths["before a commit"] == found.deaths["after a commit"] >= 3
    assert found.deaths["admitted, not told"] >= 1


def _check(found: Lives, person: str, before: tuple[int, int, int]) -> None:
    """After the end of one life: what stands agrees, and the same answer admits nobody a second time."""
    known = found.known(person)
    found.deaths[known.get("died_at", "of none")] += 1
    sessions, finished, spent = (now - then for now, then in zip(found.counts(), before, strict=True))
    told = known.get("admitted", False)
    assert sessions == finished <= 1
    assert told <= finished, "a person was let in, and no word of it is left"
    assert (spent > 0) == (finished > 0)
    found.deaths["admitted, not told"] += finished > told
    if "form" not in known:
        assert finished == 0
        return
    assert found.order("again", person=person) == 0, found.said()
    again = found.known(f"{person}.again")
    assert finished + again["admitted"] <= 1, f"the same answer was admitted twice: {known}"
    assert again["status"] in (303, 400, 403), again
    assert found.books.admitted()[known["message_id"]] == finished + again["admitted"]


def _whole(found: Lives) -> None:
    """When all is over: no call and no credentials without audit, and each grant has its outcome or its mark, once."""
    made, redeemed = found.books.grants("grant.made"), found.books.grants("grant.redeemed")
    asked = Counter(found.sts.asked)
    assert set(asked.values()) == set(made.values()) == set(redeemed.values()) == {1}
    assert asked.keys() <= made.keys(), "STS was asked for what nobody had written down"
    keys = {found.known(file.stem).get("key", "") for file in found.folder.glob("*[0-9t].json")} - {""}
    heard = {key_of(grant) for grant in redeemed}
    assert keys <= {key_of(grant) for grant in made}
    assert found.power_fails or keys <= heard
    assert len(made) >= len(asked) + 1, "no life ended between the two"
    lines = found.books.lines()
    assert lines.keys() == made.keys(), "a session may be alive and missing"
    assert {grant for grant, key in lines.items() if key} == redeemed.keys()
    for _ in range(2):
        assert found.order("sweep") == 0, found.said()
    unknown = found.books.grants("grant.outcome_unknown")
    assert unknown == Counter(made.keys() - redeemed.keys())
    assert unknown
