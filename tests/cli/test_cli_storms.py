"""What no credentials can satisfy is asked of AWS once, and what they barely satisfy not at every call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import Person, is_at_a_lock
from fake_bridge import ROLE, FakeBridge, fake_bridge
from service_factories import until

from federation_bridge.cli import cached_answer

KEYS = f"/api/v1/roles/{ROLE}/credentials"
PROCESS = ("credential-process", "--role", ROLE)
NOW, HOUR = 1_800_000_000, 3600


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers[KEYS] = lambda asked: made.credentials(timedelta(hours=3 if "duration" in asked.fields else 1))
        yield made


@pytest.mark.parametrize(("need", "status"), [("2h", 10), ("50m", 0)])
def test_many_who_need_the_same_ask_aws_once_whether_it_can_be_had_or_not(
    ada: Person, bridge: FakeBridge, need: str, status: int
) -> None:
    with bridge.held(KEYS):
        started = [ada.start(*PROCESS, "--min-remaining", need) for _ in range(8)]
        until(lambda: all(is_at_a_lock(process) for process in started), "one never came to the lock")
    told = [process.communicate(timeout=60)[1] for process in started]
    assert {process.returncode for process in started} == {status}, told
    assert bridge.paths().count(KEYS) == 1


def test_that_the_usual_length_is_too_short_says_nothing_of_a_length_that_is_asked_for(
    ada: Person, bridge: FakeBridge
) -> None:
    assert ada.run(*PROCESS, "--min-remaining", "2h")[0] == 10
    assert ada.run(*PROCESS, "--min-remaining", "2h", "--duration", "3h")[0] == 0
    assert ada.run(*PROCESS, "--min-remaining", "4h", "--duration", "3h")[0] == 10
    assert ada.run(*PROCESS)[0] == 0
    assert bridge.paths().count(KEYS) == 3


@pytest.mark.parametrize(
    ("need", "after", "expected"),
    [
        (3000, 0, False),
        (3000, 299, False),
        (3000, 300, True),
        (3000, 600, None),
        (1800, 1199, False),
        (1800, 1200, True),
        (3599, 0, False),
        (3601, 0, None),
    ],
)
def test_fresh_credentials_are_not_due_for_renewal_however_much_of_their_life_is_needed(
    tmp_path: Path, need: int, after: int, expected: bool | None
) -> None:
    path = tmp_path / "answer"
    path.write_bytes(f"{NOW} {NOW + 2640} {NOW + 2040} {NOW + HOUR}\n{{}}\n{{}}\n".encode())
    path.chmod(0o600)
    found = cached_answer.finished(str(path), need, NOW + after)
    assert (None if found is None else found[1]) is expected


@pytest.mark.parametrize(("length", "status"), [(80_000, 6), (8_000, 0)])
def test_an_answer_that_could_not_be_read_back_is_not_written(
    ada: Person, bridge: FakeBridge, length: int, status: int
) -> None:
    bridge.answers[KEYS] = lambda _: bridge.credentials(session_token="t" * length)
    assert [ada.run(*PROCESS)[0] for _ in range(2)] == [status, status]
    assert (ada.folder / "answers" / ROLE.replace("/", "-")).exists() == (status == 0)
    assert bridge.paths().count(KEYS) == 1
