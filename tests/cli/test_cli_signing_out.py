"""`logout` leaves nothing here whatever runs beside it, and a served token's file lies there as long as its process."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import ROLE, Asked, FakeBridge, Reply, fake_bridge, put_session, tokens

FAR = 4_000_000_000.0


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as running:
        running.answers |= {"/oauth/revoke": Reply(body={}), "/oauth/token": tokens(1)}
        running.answers[f"/api/v1/roles/{ROLE}/credentials"] = lambda _: running.credentials()
        yield running


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=FAR)
    return Person(tmp_path, bridge.address)


class Held:
    """An answer that comes when the test lets it."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.asked, self.free = reply, threading.Event(), threading.Event()

    def __call__(self, _: Asked) -> Reply:
        self.asked.set()
        assert self.free.wait(60)
        return self.reply


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def secrets_of(person: Person) -> list[str]:
    """What lies in the folder beyond locks, which hold nothing."""
    return [path.name for path in person.folder.rglob("*") if path.is_file() and path.stat().st_size]


# --------------------------------------------------------------------------------------------------------- signing out


def test_signing_out_waits_for_a_renewal_and_ends_the_session_that_it_kept(bridge: FakeBridge, tmp_path: Path) -> None:
    put_session(tmp_path, bridge, ends_at=0)
    ada = Person(tmp_path, bridge.address)
    bridge.answers["/oauth/token"] = held = Held(tokens(1))
    renewing = ada.start("whoami")
    assert held.asked.wait(60)
    leaving = ada.start("logout")
    assert first_line(leaving).startswith("Waiting")
    held.free.set()
    assert leaving.communicate(timeout=60)[1] == "Signed out.\n"
    renewing.communicate(timeout=60)
    assert (bridge.revoked(), secrets_of(ada)) == (["refresh-1"], ["address"])


def test_signing_out_waits_for_an_answer_on_its_way_and_removes_it(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = held = Held(bridge.credentials())
    asking = ada.start("credential-process", "--role", ROLE)
    assert held.asked.wait(60)
    leaving = ada.start("logout")
    assert first_line(leaving).startswith("Waiting")
    held.free.set()
    leaving.communicate(timeout=60)
    assert json.loads(asking.communicate(timeout=60)[0])["AccessKeyId"] == "ASIAEXAMPLE"
    assert secrets_of(ada) == ["address"]


def test_signing_out_never_takes_the_file_of_a_lock_away(ada: Person) -> None:
    assert ada.run("credential-process", "--role", ROLE)[0] == 0
    locks = {path: path.stat().st_ino for path in ada.folder.rglob("*lock")}
    assert len(locks) == 1
    assert ada.run("logout")[0] == 0
    assert {path: path.stat().st_ino for path in locks} == locks
    assert secrets_of(ada) == ["address"]


def test_signing_out_removes_the_answer_of_a_role_whose_name_ends_like_a_lock(ada: Person) -> None:
    assert ada.run("credential-process", "--role", ROLE)[0] == 0
    twin = ada.folder / "answers" / (ROLE.replace("/", "-") + ".lock")
    twin.write_text("secret")
    ada.run("logout")
    assert not twin.exists()


def test_signing_out_without_the_bridge_forgets_all_here_and_says_so(ada: Person, bridge: FakeBridge) -> None:
    ada.run("credential-process", "--role", ROLE)
    bridge.answers["/oauth/revoke"] = Reply(0)
    status, _, words = ada.run("logout")
    assert (status, "signed out on this computer" in words, words.count("\n")) == (6, True, 1), words
    assert secrets_of(ada) == ["address"]


def test_a_session_that_others_may_read_is_not_used_but_signing_out_removes_it(ada: Person) -> None:
    (ada.folder / "session.json").chmod(0o644)
    assert ada.run("whoami")[0] == 8
    assert ada.run("logout")[0] == 0
    assert ada.run("whoami")[0] == 3


@pytest.mark.parametrize("is_ours", [True, False])
def test_signing_out_ends_the_token_of_aws_clients_that_we_wrote_and_no_other(
    ada: Person, bridge: FakeBridge, is_ours: bool
) -> None:
    name = "fedbridge-" + ada.folder.name.replace("+", "-").replace("=", "-")
    path = ada.home / ".aws/sso/cache" / f"{hashlib.sha1(name.encode()).hexdigest()}.json"
    path.parent.mkdir(parents=True)
    start = bridge.address if is_ours else "https://other.example.com"
    path.write_text(json.dumps({"startUrl": f"{start}/start", "refreshToken": "stock"}))
    assert ada.run("logout")[0] == 0
    assert path.exists() is not is_ours
    assert bridge.revoked() == ["refresh-0", *(["stock"] if is_ours else [])]


# ------------------------------------------------------------------------------------------------------- served tokens


def serve(person: Person) -> tuple[subprocess.Popen[str], Path]:
    process = person.start("serve", "--role", ROLE)
    assert process.stdout is not None
    line = next(one for one in process.stdout if one.startswith("export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="))
    return process, Path(line.split("'")[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_endpoint_that_is_stopped_takes_its_token_file_along(ada: Person, number: signal.Signals) -> None:
    process, token = serve(ada)
    assert (token.stat().st_mode & 0o777, token.stat().st_size > 40) == (0o600, True)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert (process.returncode, token.exists(), "Traceback" in words) == (128 + number, False, False), words


def test_the_token_file_of_a_killed_endpoint_is_swept_by_the_next_one_and_a_living_ones_stays(ada: Person) -> None:
    (living, its_token), (dead, left) = serve(ada), serve(ada)
    dead.kill()
    dead.communicate()
    assert left.exists()
    after, token = serve(ada)
    assert (left.exists(), its_token.exists(), token.exists()) == (False, True, True)
    for process in (living, after):
        process.terminate()
        process.communicate(timeout=60)


def test_a_signal_reaches_the_command_of_exec_and_its_status_is_ours(ada: Person, tmp_path: Path) -> None:
    script = f"trap 'exit 9' HUP; echo ready; touch {tmp_path}/up; while :; do sleep 0.05; done"
    process = ada.start("exec", "--role", ROLE, "--", "/bin/sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 9
