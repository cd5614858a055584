"""`fedbridge exec`: whose credentials the command has, how it ends, and what reaches it from the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_factories import MAIN, Person, beside_the_grant
from fake_bridge import ROLE, FakeBridge, put_session
from pseudo_terminal import CTRL_C, sitting

OURS = "ASIAEXAMPLE"
PROBE = (
    "import botocore.session; s = botocore.session.Session(); c = s.get_credentials();"
    "print(c.get_frozen_credentials().access_key, c.method, s.get_config_variable('region'))"
)


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    return Person(tmp_path, bridge.address)


def exec_as(ada: Person, *command: str, options: tuple[str, ...] = (), **variables: str) -> tuple[int, str, str]:
    return ada.run("exec", "--role", ROLE, *options, "--", *command, variables=variables)


COMPETITORS = {
    "AWS_ACCESS_KEY_ID": "AKIAOTHER",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_SESSION_TOKEN": "x",
    "AWS_PROFILE": "other",
    "AWS_DEFAULT_PROFILE": "other",
    "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/Other",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/other",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere",
}


@pytest.mark.parametrize(("options", "method"), [((), "container-role"), (("--variables",), "env")])
def test_the_command_has_the_role_s_credentials_whatever_the_environment_named_before(
    ada: Person, options: tuple[str, ...], method: str
) -> None:
    (ada.home / ".aws/config").write_text("[profile other]\nregion = us-east-1\ncredential_process = /bin/false\n")
    status, out, words = exec_as(ada, sys.executable, "-c", PROBE, options=options, **COMPETITORS)
    assert (status, out.split()) == (0, [OURS, method, "eu-central-1"]), words


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("credentials", "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"),
        ("config", "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"),
        ("config", "[profile default]\ncredential_process = /bin/false\n"),
        ("config", "[default]\nrole_arn = arn:aws:iam::111122223333:role/x\ncredential_source = Environment\n"),
        ("config", "[default]\nsso_start_url = x\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = x\n"),
    ],
)
def test_credentials_of_the_default_profile_do_not_win(ada: Person, file: str, text: str) -> None:
    path = ada.home / ".aws" / file
    path.write_text(text)
    status, out, words = exec_as(ada, sys.executable, "-c", PROBE)
    assert (status, out.split()[:2]) == (0, [OURS, "container-role"]), words
    assert path.read_text() == text


def test_a_default_profile_without_credentials_stays_in_sight(ada: Person) -> None:
    (ada.home / ".aws/config").write_text("[default]\nregion = ap-east-1\noutput = text\n[profile x]\nrole_arn = y\n")
    (ada.home / ".aws/credentials").write_text("[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n")
    probe = "import botocore.session; print(botocore.session.Session().full_config['profiles'].keys())"
    status, out, words = exec_as(ada, sys.executable, "-c", probe)
    assert (status, beside_the_grant(words)) == (0, "")
    assert all(f"'{name}'" in out for name in ("default", "x", "other"))


def test_keys_reach_the_environment_only_where_they_are_asked_for(ada: Person) -> None:
    assert "secret" not in exec_as(ada, "/usr/bin/env")[1].replace("SECRET", "").lower().split("=")
    shown = exec_as(ada, "/usr/bin/env", options=("--variables",))[1].splitlines()
    assert {"AWS_ACCESS_KEY_ID=ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=token"} <= set(shown)
    assert not [line for line in shown if line.startswith("AWS_CONTAINER")]


def test_a_region_that_was_chosen_before_stays(ada: Person) -> None:
    assert exec_as(ada, sys.executable, "-c", PROBE, AWS_DEFAULT_REGION="ap-east-1")[1].split()[2] == "ap-east-1"


@pytest.mark.parametrize(
    ("command", "status", "sentence"),
    [
        (("/bin/sh", "-c", "exit 0"), 0, ""),
        (("/bin/sh", "-c", "exit 41"), 41, ""),
        (("/bin/sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM, ""),
        (("/bin/sh", "-c", "kill -KILL $$"), 128 + signal.SIGKILL, ""),
        (("no-such-command",), 127, "There is no command no-such-command."),
        (("./no-such-file",), 127, "There is no command ./no-such-file."),
        (("/etc/passwd",), 126, "/etc/passwd cannot be run: Permission denied"),
        (("/etc",), 126, "/etc cannot be run: Permission denied"),
        (("{broken}",), 126, "cannot be run: Exec format error"),
        (("\x1b[2J",), 127, "There is no command ?[2J."),
        ((), 2, "Which command?"),
    ],
)
def test_exec_ends_as_its_command_ends(ada: Person, command: tuple[str, ...], status: int, sentence: str) -> None:
    broken = ada.home / "broken"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    ended, out, words = exec_as(ada, *(word.format(broken=broken) for word in command))
    assert (ended, out, sentence in words, bool(sentence) or not beside_the_grant(words)) == (status, "", True, True), (
        words
    )


def test_arguments_arrive_as_they_were_given(ada: Person) -> None:
    given = ["--role", "a b", "", "*", "$HOME", "--", "-h", "\u5206"]
    script = "import sys; print(ascii(sys.argv[1:]))"
    assert exec_as(ada, sys.executable, "-c", script, *given)[1] == ascii(given) + "\n"


def test_ctrl_c_reaches_the_command_and_its_own_status_is_told(ada: Person) -> None:
    script = (
        "import signal, urllib.request, os\n"
        "def stop(*_):\n"
        "    asked = urllib.request.Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],"
        " headers={'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})\n"
        "    os.write(1, b'still %d' % urllib.request.urlopen(asked).status); os._exit(42)\n"
        "signal.signal(signal.SIGINT, stop)\n"
        "os.write(1, b'ready')\n"
        "while True: signal.pause()\n"
    )
    command = [sys.executable, "-I", str(MAIN), "exec", "--role", ROLE, "--", sys.executable, "-c", script]
    with sitting(command, ada.environ()) as seat:
        seat.until("ready")
        seat.type(CTRL_C)
        seat.until("still 200")
        assert seat.end() == 42
        assert "Traceback" not in seat.text()


def test_a_command_that_ctrl_c_ends_gives_130(ada: Person) -> None:
    # No shell: one that is just starting its next command may keep Ctrl-C to itself.
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print('ready', flush=True); signal.pause()"
    command = [sys.executable, "-I", str(MAIN), "exec", "--role", ROLE, "--", sys.executable, "-c", script]
    with sitting(command, ada.environ()) as seat:
        seat.until("ready")
        seat.type(CTRL_C)
        assert seat.end() == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_while_the_command_is_started_reaches_the_command(number: signal.Signals) -> None:
    """The worst moment, held still: the command runs and nobody here has heard of it yet."""
    script = (
        "import os, subprocess, sys\n"
        "from federation_bridge.cli.commands.running import run_command\n"
        "from federation_bridge.cli.program import stop_in_order\n"
        "start = subprocess.Popen\n"
        "def stopped_at_once(*command, **options):\n"
        "    process = start(*command, **options)\n"
        "    print(process.pid, flush=True)\n"
        "    os.kill(os.getpid(), int(sys.argv[1]))\n"
        "    return process\n"
        "subprocess.Popen = stopped_at_once\n"
        "stop_in_order()\n"
        "sys.exit(run_command(['sleep', '60'], dict(os.environ)))\n"
    )
    command = [sys.executable, "-c", script, str(int(number))]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=50)
    assert ended.returncode == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_a_command_that_asks_reads_the_person_s_keys(ada: Person) -> None:
    command = [sys.executable, "-I", str(MAIN), "exec", "--role", ROLE, "--", "/bin/sh", "-c", 'read x; echo "[$x]"']
    with sitting(command, ada.environ()) as seat:
        seat.type("yes\r")
        seat.until(r"\[yes\]")
        assert seat.end() == 0
