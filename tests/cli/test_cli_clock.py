"""A computer's clock that is off by a day, either way, or that is set while answers are cached."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_factories import Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens

from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.obtaining import Wanted, obtain
from federation_bridge.cli.failures import TooShort
from federation_bridge.cli.terminal.streams import Terminal

DAY = timedelta(days=1)
PATH = f"/api/v1/roles/{ROLE}/credentials"


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as running:
        running.answers["/oauth/token"] = tokens(1)
        running.answers[PATH] = lambda _: running.credentials()
        yield running


@pytest.mark.parametrize(("ahead", "word"), [(DAY, "1d behind"), (-DAY, "1d ahead")])
def test_credentials_come_and_are_kept_for_their_true_life_and_the_person_is_told(
    bridge: FakeBridge, tmp_path: Path, ahead: timedelta, word: str
) -> None:
    bridge.ahead = ahead
    put_session(tmp_path, bridge)
    ada = Person(tmp_path, bridge.address)
    status, out, words = ada.run("credential-process", "--role", ROLE)
    assert (status, json.loads(out)["AccessKeyId"], word in words) == (0, "ASIAEXAMPLE", True), words
    for _ in range(3):
        assert ada.run("credential-process", "--role", ROLE)[:2] == (0, out)
    assert bridge.paths().count(PATH) == 1


class Computer:
    """A computer whose clock the test sets, beside a bridge whose clock is right."""

    def __init__(self, bridge: FakeBridge, home: Path) -> None:
        self.bridge, self.off = bridge, timedelta()
        self.folder = put_session(home, bridge, ends_at=4_000_000_000)
        self.asked = 0

    def obtain(self, **asked: Any) -> str:
        """One process's credentials; counts what the bridge was asked for."""
        streams = (io.StringIO(), io.StringIO(), io.StringIO())
        variables = {"FEDBRIDGE_TOKEN_STORE": "file"}
        clock = lambda: datetime.now(UTC) + self.off  # noqa: E731 - the setting is read anew
        place = Context(self.bridge.address, self.folder, variables, clock, Terminal(variables, *streams), "never")
        before = self.bridge.paths().count(PATH)
        found = obtain(place, Wanted(ROLE, **asked))
        self.asked = self.bridge.paths().count(PATH) - before
        return found.access_key_id


@pytest.fixture
def computer(bridge: FakeBridge, tmp_path: Path) -> Computer:
    return Computer(bridge, tmp_path)


def test_a_clock_that_jumps_back_serves_no_ended_keys_for_a_day(computer: Computer) -> None:
    computer.obtain()
    computer.off = -DAY
    computer.obtain()
    assert computer.asked == 1
    computer.obtain()
    assert computer.asked == 0


def test_a_clock_that_jumps_ahead_asks_once_and_then_no_more(computer: Computer) -> None:
    computer.obtain()
    computer.off = DAY
    for expected in (1, 0, 0):
        computer.obtain()
        assert computer.asked == expected


def test_a_clock_that_is_off_and_then_set_right_asks_once_more_at_most(computer: Computer) -> None:
    computer.off = DAY
    computer.obtain()
    computer.off = timedelta()
    for expected in (1, 0):
        computer.obtain()
        assert computer.asked == expected


def test_a_remainder_is_measured_by_the_true_time(computer: Computer) -> None:
    for off in (DAY, -DAY):
        computer.off = off
        assert computer.obtain(need=timedelta(minutes=50)) == "ASIAEXAMPLE"
        with pytest.raises(TooShort):
            computer.obtain(need=timedelta(minutes=70))


def test_credentials_that_have_ended_by_our_clock_are_told_and_not_handed_on(computer: Computer) -> None:
    computer.bridge.answers[PATH] = lambda _: computer.bridge.credentials(timedelta(minutes=-1))
    with pytest.raises(TooShort, match="have already ended"):
        computer.obtain()


def test_a_session_that_looks_alive_because_the_clock_went_back_is_renewed(
    computer: Computer, bridge: FakeBridge
) -> None:
    answers = iter([Reply(401, {"error": {"code": "not_signed_in", "message": "over"}}), bridge.credentials()])
    bridge.answers[PATH] = lambda _: next(answers)
    computer.off = -DAY
    assert computer.obtain() == "ASIAEXAMPLE"
    assert bridge.used() == ["refresh-0"]
