"""What nobody foresaw ends with one sentence, a private file that holds the trace and no secret, and status 70."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cli_factories import MAIN, Person
from fake_bridge import ROLE

from federation_bridge.cli import cached_answer
from federation_bridge.cli import entry as cli_entry
from federation_bridge.cli.last_net import caught
from federation_bridge.fault_report import fault_text, without_secrets
from federation_bridge.operate import entry as operator_entry

SECRETS = (
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
    "ASIAQ3EGRIW5EXAMPLE1",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hunter2",
    "s3cr3t-cookie",
    "fba_0123456789abcdef",
    "Zx81",
)
SAID = (
    f"401 for token={SECRETS[0]} with {SECRETS[1]} and aws_secret_access_key = {SECRETS[2]}\n"
    f"via http://ada:{SECRETS[3]}@proxy.example:3128 Cookie: a=1; __Host-bridge-session={SECRETS[4]}\n"
    f"refresh {SECRETS[5]} at https://aws.example.com/callback?code={SECRETS[6]}&state=x "
    f"Authorization: DPoP {SECRETS[4]}"
)


def breaks(ada: Person, where: str, *words: str) -> tuple[int, str, str]:
    """The command in an interpreter in which one function raises what nobody foresaw; its words hold secrets."""
    module, _, name = where.rpartition(".")
    script = (
        f"import sys, importlib; module = importlib.import_module({module!r})\n"
        f"def broken(*_, **__): raise LookupError({SAID!r})\n"
        f"setattr(module, {name!r}, broken)\n"
        "from federation_bridge.cli.entry import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], env=ada.environ(), capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


FAULTS = [
    ("federation_bridge.cli.commands.credentials.obtain", ("credentials", "--role", ROLE, "--reason", "my-reason")),
    ("federation_bridge.cli.fast_path.fast_answer", ("credential-process", "--role", ROLE)),
    ("federation_bridge.cli.program.parser", ("roles",)),
    ("federation_bridge.cli.context.open_token_store", ("whoami",)),
    ("federation_bridge.cli.commands.bridges.known_bridges", ()),
]


@pytest.mark.parametrize(("where", "words"), FAULTS)
def test_a_fault_is_one_sentence_with_a_private_file_that_holds_the_trace_and_no_secret(
    ada: Person, where: str, words: tuple[str, ...]
) -> None:
    status, out, told = breaks(ada, where, *words)
    assert (status, out, told.count("\n"), "Traceback" in told) == (70, "", 1, False), told
    (path,) = (ada.home / ".local/state/fedbridge/faults").iterdir()
    assert str(path) in told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "LookupError: 401 for token=" in text
    assert "in broken" in text
    assert [secret for secret in (*SECRETS, "my-reason") if secret in text + told] == []
    if "--reason" in words:
        assert "command: credentials --role --reason\n" in text


def test_a_fault_whose_trace_cannot_be_written_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FEDBRIDGE_FOLDER", str(tmp_path / "file"))
    assert caught(LookupError(SAID), ["roles"]) == 70
    told = capsys.readouterr().err
    assert (told.count("\n"), "could not be written" in told, "Traceback" in told) == (1, True, False)


@pytest.mark.parametrize(
    "words",
    [
        ("exec", ROLE, "--min-remaining=30m", "--", "mysql", "--passwordZx81", "--user:hunter2"),
        ("exec", "--min-remaining", "30m", ROLE, "--", "tool", "--hunter2", "--zx"),
        ("exec", "--min-remaining", "--Zx81", "--hunter2"),
    ],
)
def test_of_a_command_that_is_run_nothing_stands_in_the_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FEDBRIDGE_FOLDER", str(tmp_path))
    caught(LookupError("x"), words)
    (path,) = (tmp_path / "faults").iterdir()
    text = path.read_text()
    assert "command: exec --min-remaining\n" in text
    assert [word for word in ("Zx81", "hunter2", "password", "mysql", "--zx") if word in text] == []


def test_old_traces_go_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEDBRIDGE_FOLDER", str(tmp_path))
    (tmp_path / "faults").mkdir(mode=0o700)
    for number in range(15):
        (tmp_path / f"faults/2020-01-01T00-00-{number:02}-1.txt").touch()
    caught(LookupError("x"), [])
    assert len(list((tmp_path / "faults").iterdir())) == 10


def test_a_thread_that_ends_unforeseen_is_told_without_a_traceback(ada: Person) -> None:
    script = (
        "import threading\nfrom federation_bridge.cli.last_net import catch_threads\n"
        f"def broken(): raise LookupError({SAID!r})\n"
        "catch_threads(['serve'])\nthread = threading.Thread(target=broken); thread.start(); thread.join()\n"
    )
    process = ada.start_command([sys.executable, "-c", script])
    _, told = process.communicate(timeout=60)
    assert (told.count("\n"), told.startswith("fedbridge: This is a fault"), "Traceback" in told) == (1, True, False)


def test_a_profile_that_was_written_wrong_by_hand_gets_a_sentence(ada: Person) -> None:
    process = ada.start_command([sys.executable, "-I", "-S", str(cached_answer.__file__), "folder", ROLE, "an hour"])
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (70, "fedbridge: ValueError in this profile: run fedbridge configure\n")


# ----------------------------------------------------------------------------------- what is no fault stays what it was


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stop_is_no_fault(ada: Person, number: signal.Signals, status: int) -> None:
    process = ada.start("serve", "--role", ROLE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, "fault" in told, "Traceback" in told) == (status, False, False), told


def test_a_reader_that_has_enough_is_no_fault(ada: Person) -> None:
    line = f"{sys.executable} -I {MAIN} credentials --role {ROLE} | true; echo $?"
    process = ada.start_command(["/bin/sh", "-c", line])
    _, told = process.communicate(timeout=60)
    assert ("fault" in told, "Traceback" in told) == (False, False), told
    assert not (ada.home / ".local/state/fedbridge/faults").exists()


# ---------------------------------------------------------------------------------------------- the operator's program


def test_the_operators_program_ends_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise LookupError(SAID)

    monkeypatch.setattr("federation_bridge.operate.commands.commands", broken)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        operator_entry.main()
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n"), "Traceback" in told) == (70, 1, False)
    (path,) = tmp_path.iterdir()
    assert str(path) in told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [secret for secret in SECRETS if secret in path.read_text() + told] == []
    assert "in broken" in path.read_text()


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), SystemExit(3)])
def test_the_operators_stops_are_no_faults(monkeypatch: pytest.MonkeyPatch, ends: BaseException) -> None:
    def stopped() -> None:
        raise ends

    monkeypatch.setattr("federation_bridge.operate.commands.commands", stopped)
    with pytest.raises(type(ends)):
        operator_entry.main()


# ---------------------------------------------------------------------------------------------------------- the report


def test_every_cause_of_a_fault_is_in_the_report_and_a_loop_of_them_ends() -> None:
    first, second = ValueError("the first"), LookupError("the second")
    first.__context__, second.__cause__ = second, first
    text = fault_text(second, {"command": "roles"})
    assert text.index("ValueError: the first") < text.index("LookupError: the second")


def test_words_that_fail_themselves_are_told_by_their_kind() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Odd: ?" in fault_text(Odd(), {})


@pytest.mark.parametrize("text", ["list index out of range", "'session_key'", "no such file: /home/ada/.aws/config"])
def test_words_without_a_secret_stay_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


def test_the_entry_passes_statuses_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.devnull)
    assert cli_entry.main(["no-such-command"]) == 2


LOST = """
import os, signal, sys, threading
from federation_bridge.cli import program


class Dying:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))


signal.signal(signal.SIGINT, signal.default_int_handler)  # which a runner in the background has ignored
program.stop_in_order()
try:
    Dying()
    threading.Event().wait()
except KeyboardInterrupt as stopped:
    sys.exit(getattr(stopped, "exit_status", program.INTERRUPTED))
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stop_that_comes_where_nothing_can_be_raised_ends_the_command_all_the_same(name: str, status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", LOST, name], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (status, "")
