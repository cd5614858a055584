"""What is forked from a process that has loaded the program behaves as one that was started."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from begun_programs import Begun
from forked_in_shells import put_fedbridge
from preloaded import FEDBRIDGE, MAIN, OURS, Forked, Program, of_python
from preloaded_server import NOBODYS_HOME

_JSON = of_python("json")
"""What is loaded here matters to no test."""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.py"


def _told(ran: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return ran.returncode, ran.stdout, ran.stderr


def _run(program: Program, words: Sequence[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    streams = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
    process = Begun(program, words, environ, Path.cwd(), streams, text=True)
    out, told = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, out, told)


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
    return _told(_run(_JSON, [str(script), "a word"], environ)), _told(started)


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


def _begun(script: Path, text: str, **streams: int) -> Begun:
    script.write_text(text)
    pipe = subprocess.PIPE
    given = [streams.get(name, pipe) for name in ("stdin", "stdout", "stderr")]
    return Begun(_JSON, [str(script)], {}, script.parent, given, text=True)


def test_what_is_written_to_it_is_read_and_both_streams_may_be_one(script: Path) -> None:
    text = "import sys; sys.stderr.write('1'); sys.stderr.flush(); print(sys.stdin.read())"
    process = _begun(script, text, stderr=subprocess.STDOUT)
    assert process.communicate("a word", timeout=60) == ("1a word\n", None)
    assert process.returncode == 0


def test_a_line_is_read_while_it_runs_and_the_rest_at_its_end(script: Path) -> None:
    with _begun(script, "print(1, flush=True); input(); print(2)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        assert process.communicate("\n", timeout=60) == ("2\n", "")


def test_a_terminal_is_that_of_its_session_and_it_is_in_front_there(script: Path) -> None:
    """What Ctrl-C does to a command is the matter of many tests of `fedbridge`."""
    script.write_text("import os, sys; print(os.tcgetpgrp(0) == os.getpid(), sys.stdin.isatty())")
    ours, theirs = pty.openpty()
    process = Begun(_JSON, [str(script)], {}, script.parent, [theirs] * 3, text=True, takes_terminal=True)
    assert process.wait(60) == 0
    assert os.read(ours, 100) == b"True True\r\n"
    os.close(ours)
    os.close(theirs)


def test_variables_that_a_program_sets_while_it_is_loaded_are_set(tmp_path: Path) -> None:
    (tmp_path / "sets_one.py").write_text("import os; os.environ['SET_BY_IT'] = '1'")
    (tmp_path / "shows.py").write_text("import os; print(os.environ)")
    program = of_python("sets_one", options=("-P",), environ={"PYTHONPATH": str(tmp_path)})
    assert "'SET_BY_IT': '1'" in _run(program, [str(tmp_path / "shows.py")], {}).stdout


def test_what_a_program_makes_of_its_home_while_it_is_loaded_is_made_of_its_own(tmp_path: Path) -> None:
    """Else two people of tests would share a cache."""
    (tmp_path / "homely.py").write_text(
        "import os\nHOME = os.path.expanduser('~/a')\n"
        "class One:\n    home = HOME\n    def show(self, more=1, where=HOME): return where, self.home, HOME, more\n"
    )
    (tmp_path / "shows.py").write_text("import homely; print(*homely.One().show())")
    program = of_python("homely", options=("-P",), environ={"PYTHONPATH": str(tmp_path), "HOME": NOBODYS_HOME})
    for home in ("/home/one", "/home/two"):
        shown = _run(program, [str(tmp_path / "shows.py")], {"HOME": home}).stdout
        assert shown == f"{home}/a {home}/a {home}/a 1\n"


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
        assert _told(_run(FEDBRIDGE, [str(MAIN), *words], environ)) == _told(started)


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
    assert (OURS.starts_alike(environ), FEDBRIDGE.starts_alike(environ)) == (alike, alike_isolated)


@pytest.mark.parametrize(
    "line",
    [
        "fedbridge --version",
        "fedbridge no-such-command; echo $?",
        "echo a word | fedbridge credential-process 2>&1; echo $?",
        "cd /; fedbridge roles 2>&1 | cat; echo $?",
        "LANG=C fedbridge --version",
        "fedbridge completion zsh > there; cat there; echo $?",
    ],
)
def test_what_stands_in_a_shells_path_says_and_ends_as_what_it_stands_for(tmp_path: Path, line: str) -> None:
    def ran_by_sh(folder: Path) -> tuple[int, str, str]:
        environ = {"PATH": f"{folder}:{os.defpath}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr

    started = tmp_path / "started"
    started.mkdir()
    (started / "fedbridge").write_text(f'#!/bin/sh\nexec {sys.executable} -I {MAIN} "$@"\n')
    (started / "fedbridge").chmod(0o755)
    assert ran_by_sh(put_fedbridge(tmp_path / "forked").parent) == ran_by_sh(started)
