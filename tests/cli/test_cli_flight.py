"""Many processes ask once, a dead one blocks nobody, renewal comes ahead of the end, and a remainder is guaranteed."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cli_factories import Person, is_at_a_lock
from fake_bridge import ROLE, Asked, FakeBridge, Reply, fake_bridge
from service_factories import until

from federation_bridge.cli.aws_config.profiles import process_command

KEYS = f"/api/v1/roles/{ROLE}/credentials"
PROCESS = ("credential-process", "--role", ROLE)


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as running:
        running.answers[KEYS] = lambda _: numbered(running, timedelta(hours=1))
        yield running


def numbered(bridge: FakeBridge, life: timedelta) -> Reply:
    """Keys that tell how many were asked for before them."""
    return bridge.credentials(life, access_key_id=f"ASIA{bridge.paths().count(KEYS)}")


def key_of(out: str) -> str:
    return str(json.loads(out)["AccessKeyId"])


def configured(person: Person, need: int = 0) -> list[str]:
    """The command that a profile runs."""
    return shlex.split(process_command(person.folder, ROLE, need))


def ran(person: Person, command: list[str]) -> str:
    process = person.start_command(command)
    out, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    return key_of(out)


def test_the_death_of_the_one_that_asks_lets_one_other_ask_and_all_have_its_answer(
    ada: Person, bridge: FakeBridge
) -> None:
    asked, free = threading.Event(), threading.Event()

    def held(_: Asked) -> Reply:
        asked.set()
        assert free.wait(60)
        return numbered(bridge, timedelta(hours=1))

    bridge.answers[KEYS] = held
    first = ada.start(*PROCESS)
    assert asked.wait(60)
    bridge.answers[KEYS] = lambda _: numbered(bridge, timedelta(hours=1))
    others = [ada.start(*PROCESS) for _ in range(12)]
    with pytest.raises(subprocess.TimeoutExpired):
        others[0].wait(1)
    first.kill()
    first.communicate()
    answers = {key_of(process.communicate(timeout=60)[0]) for process in others}
    free.set()
    assert (len(answers), bridge.paths().count(KEYS)) == (1, 2)


def test_who_waited_behind_a_refusal_does_not_ask_again(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers[KEYS] = Reply(403, {"error": {"code": "role_not_granted", "message": "no"}})
    with bridge.held(KEYS):
        processes = [ada.start(*PROCESS) for _ in range(8)]
        until(lambda: all(is_at_a_lock(process) for process in processes), "one never came to the lock")
    # Who waits for long says so in a line before.
    told = [process.communicate(timeout=60)[1].splitlines(keepends=True) for process in processes]
    ends = {(lines[-1], process.returncode) for lines, process in zip(told, processes, strict=True)}
    refusal = "fedbridge: You do not have this role. fedbridge roles lists yours.\n"
    assert (ends, bridge.paths().count(KEYS)) == ({(refusal, 5)}, 1)


@pytest.mark.parametrize("how", ["command", "configured"])
def test_a_remainder_that_the_cache_has_not_is_asked_for_and_one_that_it_has_is_not(
    ada: Person, bridge: FakeBridge, how: str
) -> None:
    def asked_with(need: int) -> str:
        if how == "configured":
            return ran(ada, configured(ada, need))
        return key_of(ada.run(*PROCESS, "--min-remaining", f"{need}s")[1])

    bridge.answers[KEYS] = lambda _: numbered(bridge, timedelta(minutes=20))
    assert asked_with(600) == "ASIA1"
    assert asked_with(900) == "ASIA1"
    bridge.answers[KEYS] = lambda _: numbered(bridge, timedelta(hours=1))
    assert asked_with(1800) == "ASIA2"
    assert asked_with(1800) == "ASIA2"


def set_instants(person: Person, *, renew_in: int, ends_in: int) -> None:
    path = person.folder / "answers" / ROLE.replace("/", "-")
    now = int(time.time())
    instants = (now - 3000, now + ends_in - 60, now + renew_in, now + ends_in)
    path.write_text(" ".join(map(str, instants)) + "\n" + path.read_text().partition("\n")[2])


@pytest.mark.parametrize("how", ["command", "configured"])
def test_a_renewal_begins_in_the_background_before_the_end_while_the_old_answer_serves(
    ada: Person, bridge: FakeBridge, how: str
) -> None:
    def asked_once() -> str:
        return ran(ada, configured(ada)) if how == "configured" else key_of(ada.run(*PROCESS)[1])

    assert asked_once() == "ASIA1"
    set_instants(ada, renew_in=60, ends_in=600)
    assert (asked_once(), bridge.paths().count(KEYS)) == ("ASIA1", 1)
    set_instants(ada, renew_in=-1, ends_in=600)
    begun = time.monotonic()
    assert asked_once() == "ASIA1"
    while (found := asked_once()) == "ASIA1":
        assert time.monotonic() - begun < 30
        time.sleep(0.1)  # the renewal is nobody's child: its result is all that shows
    assert (found, bridge.paths().count(KEYS)) == ("ASIA2", 2)


def test_a_renewal_that_fails_is_tried_again_only_after_a_while_and_the_old_answer_serves(
    ada: Person, bridge: FakeBridge
) -> None:
    assert key_of(ada.run(*PROCESS)[1]) == "ASIA1"
    bridge.answers[KEYS] = Reply(503, {"error": {"code": "unavailable", "message": "later"}})
    set_instants(ada, renew_in=-1, ends_in=600)
    for _ in range(3):
        assert key_of(ada.run(*PROCESS)[1]) == "ASIA1"
    begun = time.monotonic()
    while bridge.paths().count(KEYS) < 2:
        assert time.monotonic() - begun < 30
        time.sleep(0.05)
    for _ in range(3):
        assert key_of(ada.run(*PROCESS)[1]) == "ASIA1"
    assert bridge.paths().count(KEYS) == 2
