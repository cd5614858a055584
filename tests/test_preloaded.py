"""What is forked from a process that has loaded the program behaves as one that was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_factories import MAIN
from preloaded import Forked, ran, starts_alike

_JSON = ("json",)
"""What is loaded here matters to no test."""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.py"


def _both(script: Path, environ: dict[str, str], text: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """What comes of it when it is forked, and when it is started."""
    script.write_text(text)
    started = subprocess.run(
        [sys.executable, "-I", str(script), "a word"],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    forked = ran(_JSON, (str(script), "a word"), environ)
    return forked, (started.returncode, started.stdout, started.stderr)


TEXTS = {
    "its words": "import sys; print(sys.argv[1:], __name__, __file__)",
    "its environment": "import os; print(sorted(os.environ.items()))",
    "its descriptors": "import os; print(os.listdir('/proc/self/fd')[:4])",
    "a session of its own": "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))",
    "what it reads": "import sys; print(repr(sys.stdin.read()))",
    "both streams": "import sys; print('out', sys.stdout.errors); print('err', sys.stderr.errors, file=sys.stderr)",
    "a stream that is written at the end": "import sys; sys.stdout.write('x' * 100_000)",
    "signals": "import signal; print([str(signal.getsignal(n)) for n in (1, 2, 13, 15, 17)])",
    "a status": "import sys; sys.exit(7)",
    "a sentence as status": "import sys; sys.exit('no')",
    "what is done at the end": "import atexit; atexit.register(print, 'done')",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "threads that go on": "import threading; threading.Timer(0.1, print, ['x']).start()",
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_process_has_and_tells_what_one_has_that_was_started(script: Path, what: str) -> None:
    forked, started = _both(script, {"A_VARIABLE": "1", "LANG": os.environ.get("LANG", "C.UTF-8")}, TEXTS[what])
    assert forked == started


def test_a_fault_is_told_with_its_trace(script: Path) -> None:
    """Above it stand the lines of what began it, which were not written for this."""
    forked, started = _both(script, {}, "def f():\n    raise ValueError('x')\n\n\nf()\n")
    assert (forked[0], started[0]) == (1, 1)
    assert forked[2].startswith("Traceback (most recent call last):")
    assert forked[2].endswith(started[2].removeprefix("Traceback (most recent call last):\n"))


def test_fedbridge_answers_the_same(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "FEDBRIDGE_LANGUAGE": "en"}
    for words in (("--version",), ("whoami",), ("credentials", "--help"), ("no-such-command",)):
        started = subprocess.run(
            [sys.executable, "-I", str(MAIN), *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran(("federation_bridge.cli",), (str(MAIN), *words), environ) == (
            started.returncode,
            started.stdout,
            started.stderr,
        )


def test_a_process_is_waited_for_and_ended(script: Path) -> None:
    script.write_text("import signal; signal.pause()")
    with Path(os.devnull).open("r+b") as nothing:
        process = Forked(_JSON, (str(script),), {}, [nothing.fileno()] * 3)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.send_signal(signal.SIGKILL)
    assert (process.wait(60), process.poll(), process.returncode) == (-9, -9, -9)
    process.terminate()


@pytest.mark.parametrize(
    ("variables", "alike", "alike_isolated"),
    [
        ({}, True, True),
        ({"FEDBRIDGE_LANGUAGE": "zh"}, True, True),
        ({"LC_ALL": "tr_TR"}, False, False),
        ({"TZ": "Asia/Tokyo"}, False, False),
        ({"PYTHONPATH": "/elsewhere"}, False, True),
    ],
)
def test_a_program_is_forked_only_where_python_would_have_started_alike(
    variables: dict[str, str], alike: bool, alike_isolated: bool
) -> None:
    environ = {**os.environ, **variables}
    assert (starts_alike(environ), starts_alike(environ, is_isolated=True)) == (alike, alike_isolated)
