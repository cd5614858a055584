"""No command hangs in silence: it says for whom it waits, and leaves at once where its person could not see that."""

from __future__ import annotations

import ast
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cli_factories import MAIN, Person, told, told_code
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens
from package_modules import nodes
from pseudo_terminal import sitting

from federation_bridge import cli
from federation_bridge.cli.failures import SignInNeeded
from federation_bridge.cli.lock_note import read
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.cli.waiting import Holder, Waiting

KEYS = f"/api/v1/roles/{ROLE}/credentials"
FAR = 4_000_000_000.0
ANSWER = "answers/" + ROLE.replace("/", "-") + "~lock"


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        code = {"device_code": "d", "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 0}
        made.answers |= {
            KEYS: lambda _: made.credentials(),
            "/oauth/token": tokens(1),
            "/oauth/revoke": Reply(body={}),
            "/oauth/device": lambda _: Reply(body=code | {"verification_uri": f"{made.address}/device"}),
            "/api/v1/me": Reply(body={"person": "corp/ada", "name": "Ada", "ends_at": "2030-01-01T00:00:00+00:00"}),
            "/api/v1/roles": Reply(body={"roles": []}),
        }
        yield made


def quiet() -> Waiting:
    return Waiting(Terminal({}, StringIO(), StringIO(), StringIO()), can_join=False)


def held(folder: Path, name: str, *, asks: bool) -> ExitStack:
    """The lock, held by this very process, which waits for a person or does not."""
    flight, stack = SingleFlight(folder / name, lambda: datetime.now(UTC)), ExitStack()
    stack.enter_context(flight.alone(quiet()))
    if asks:
        stack.enter_context(flight.asking())
    return stack


def at(folder: Path, ends_at: float, *, signed_in: bool) -> None:
    """Whose access token ends then, or nobody."""
    path = folder / "session.json"
    if signed_in:
        path.write_text(re.sub(r'"access_ends_at": [0-9.]+', f'"access_ends_at": {ends_at}', path.read_text()))
    else:
        path.unlink()


LOCKS = {
    # The lock; whose session is there; the command; whether a person may be waited for under it.
    "the answer of a role": (ANSWER, FAR, True, ("credentials", "--role", ROLE), True),
    "the answer of a role, for a profile": (ANSWER, FAR, True, ("credential-process", "--role", ROLE), True),
    "the answer of a role, signing out": (ANSWER, FAR, True, ("logout",), True),
    "a login, without a session": ("login.lock", FAR, False, ("roles",), True),
    "a login, beside another": ("login.lock", FAR, True, ("login", "{bridge}"), True),
    "the session, renewing": ("session.lock", 0.0, True, ("roles",), False),
    "the session, signing out": ("session.lock", FAR, True, ("logout",), False),
    "the config of AWS tools": ("../configure.lock", FAR, True, ("configure", "--yes"), False),
    "a served endpoint's files": ("serve.lock", FAR, True, ("serve", "--role", ROLE), False),
}
MAKERS = {
    "commands/configure.py": "../configure.lock",
    "credentials/obtaining.py": ANSWER,
    "credentials/process_file.py": "serve.lock",
    "session/local_session.py": "session.lock",
    "session/signing_out.py": ANSWER,
    "session/waiting_login.py": "login.lock",
}


def test_every_lock_of_the_program_stands_in_the_table() -> None:
    root = Path(cli.__file__).parent
    makers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"SingleFlight", "flock"}
    }
    assert makers == set(MAKERS)
    assert set(MAKERS.values()) <= {name for name, *_ in LOCKS.values()}


@pytest.mark.parametrize("case", [name for name, row in LOCKS.items() if row[4]])
def test_a_command_without_a_terminal_ends_at_once_where_another_waits_for_a_person(
    bridge: FakeBridge, tmp_path: Path, case: str
) -> None:
    lock, ends_at, signed_in, words, _ = LOCKS[case]
    folder = put_session(tmp_path, bridge, ends_at=FAR)
    at(folder, ends_at, signed_in=signed_in)
    ada = Person(tmp_path, bridge.address)
    with held(folder, lock, asks=True):
        status, out, said = ada.run(*(word.format(bridge=bridge.address) for word in words))
    assert (status, out, said.count("\n")) == (3, "", 1), said
    assert f"(process {os.getpid()}, since " in said
    assert "waits for a sign-in, and there is no terminal here" in said
    # The twin: nobody waits, and the same command does its work.
    if words[0] not in {"roles", "login"}:
        assert ada.run(*words)[0] == 0


@pytest.mark.parametrize("case", LOCKS)
def test_a_command_at_a_terminal_says_at_once_for_whom_it_waits_and_then_goes_on(
    bridge: FakeBridge, tmp_path: Path, case: str
) -> None:
    lock, ends_at, signed_in, words, asks = LOCKS[case]
    folder = put_session(tmp_path, bridge, ends_at=FAR)
    at(folder, ends_at, signed_in=signed_in)
    ada = Person(tmp_path, bridge.address, {"LANG": "C.UTF-8"})
    command = [sys.executable, "-I", str(MAIN), *(word.format(bridge=bridge.address) for word in words)]
    with held(folder, lock, asks=asks) as holder, sitting(command, ada.environ()) as seat:
        seat.until("Waiting for the sign-in of fedbridge" if asks else "Waiting for fedbridge")
        seat.until(rf"\(process {os.getpid()}, since [0-9:]{{8}}\) \.\.\.")
        holder.close()
        if words[0] == "serve":
            seat.until("AWS_CONTAINER")
            seat.process.terminate()
        assert seat.end() == (143 if words[0] == "serve" else 0), seat.text()


def test_a_session_that_serves_is_blocked_by_no_login_that_waits(bridge: FakeBridge, tmp_path: Path) -> None:
    folder = put_session(tmp_path, bridge, ends_at=FAR)
    ada = Person(tmp_path, bridge.address)
    with held(folder, "login.lock", asks=True):
        assert ada.run("credentials", "--role", ROLE)[0] == 0
        at(folder, 0.0, signed_in=True)
        assert ada.run("roles")[0] == 0, "a renewal needs nobody"


def test_a_login_that_waits_for_its_person_is_told_to_a_job_beside_it_and_the_job_ends(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    at(put_session(tmp_path, bridge, ends_at=FAR), FAR, signed_in=False)
    ada = Person(tmp_path, bridge.address)
    bridge.answers["/oauth/token"] = Reply(400, {"error": "authorization_pending"})
    login = ada.start("login", bridge.address, "--device")
    told_code(login)
    begun = time.monotonic()
    status, _, said = ada.run("credential-process", "--role", ROLE)
    assert (status, f"fedbridge login (process {login.pid}, since " in said) == (3, True), said
    assert time.monotonic() - begun < 30
    bridge.answers["/oauth/token"] = tokens(1)
    login.communicate(timeout=60)
    assert login.returncode == 0
    assert ada.run("credential-process", "--role", ROLE)[0] == 0


def test_a_person_at_another_terminal_has_the_sign_in_of_the_first(bridge: FakeBridge, tmp_path: Path) -> None:
    at(put_session(tmp_path, bridge, ends_at=FAR), FAR, signed_in=False)
    ada = Person(tmp_path, bridge.address, {"LANG": "C.UTF-8"})
    bridge.answers["/oauth/token"] = Reply(400, {"error": "authorization_pending"})
    login = ada.start("login", bridge.address, "--device")
    told_code(login)
    with sitting([sys.executable, "-I", str(MAIN), "credentials", "--role", ROLE], ada.environ()) as seat:
        seat.until(f"Waiting for the sign-in of fedbridge login \\(process {login.pid}, ")
        bridge.answers["/oauth/token"] = tokens(1)
        assert seat.end() == 0
    login.communicate(timeout=60)
    assert login.returncode == 0
    assert bridge.paths().count("/oauth/device") == 1


def test_a_logout_ends_a_login_that_waits_and_is_not_held_up_by_it(bridge: FakeBridge, tmp_path: Path) -> None:
    folder = put_session(tmp_path, bridge, ends_at=FAR)
    ada = Person(tmp_path, bridge.address)
    bridge.answers["/oauth/token"] = Reply(400, {"error": "authorization_pending"})
    login = ada.start("login", bridge.address, "--device")
    told_code(login)
    assert ada.run("logout")[0] == 0
    _, said = login.communicate(timeout=60)
    assert (login.returncode, "signed out meanwhile" in said) == (4, True), said
    assert not (folder / "session.json").exists()
    # The next one is meant by no logout from before.
    bridge.answers["/oauth/token"] = tokens(1)
    assert ada.run("login", bridge.address, "--device")[0] == 0


def test_an_expired_session_says_so_before_it_asks_for_a_code(bridge: FakeBridge, tmp_path: Path) -> None:
    put_session(tmp_path, bridge, ends_at=0)
    ada = Person(tmp_path, bridge.address)
    bridge.answers["/oauth/token"] = Reply(400, {"error": "invalid_grant"})
    process = ada.start("roles", "--device")
    assert told(process, re.compile("(.*)")) == "Your session has expired. Please sign in again."
    process.kill()
    process.communicate()


def test_where_nobody_is_asked_an_expired_session_is_the_reason(bridge: FakeBridge, tmp_path: Path) -> None:
    put_session(tmp_path, bridge, ends_at=0)
    ada = Person(tmp_path, bridge.address)
    bridge.answers["/oauth/token"] = Reply(400, {"error": "invalid_grant"})
    sentence = f"Your session has expired. Please run: fedbridge login {bridge.address}\n"
    assert ada.run("whoami") == (3, "", f"fedbridge: {sentence}")
    assert "Nobody is signed in" in ada.run("whoami")[2]


# ------------------------------------------------------------------------------------------------------------- in words


def test_who_cannot_wait_for_a_person_leaves_as_soon_as_the_holder_begins_to_ask() -> None:
    asks = iter([False, False, True])
    begun = datetime(2026, 11, 23, tzinfo=UTC)
    with pytest.raises(SignInNeeded, match=r"fedbridge exec \(process 7, since "):
        quiet().until(lambda: False, lambda: Holder(7, "exec", begun, next(asks)))


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b'{"process": "x"}', b"\xff" * 300, b"[" * 300, b'{"process": 1e400}']
)
def test_a_note_that_is_none_names_nobody(tmp_path: Path, note: bytes) -> None:
    (tmp_path / "lock").write_bytes(note)
    with (tmp_path / "lock").open("rb") as file:
        assert read(file) is None


def test_a_lock_that_was_given_back_or_whose_holder_died_names_nobody(tmp_path: Path) -> None:
    with held(tmp_path, "lock", asks=True), (tmp_path / "lock").open("rb") as file:
        found = read(file)
        assert (found.process, found.asks) == (os.getpid(), True) if found else False
        note = (tmp_path / "lock").read_text()
    assert (tmp_path / "lock").read_bytes() == b""
    (tmp_path / "lock").write_text(note.replace(str(os.getpid()), "4190000"))
    with (tmp_path / "lock").open("rb") as file:
        assert read(file) is None
