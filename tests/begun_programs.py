"""`subprocess` for the programs that `preloaded.py` can fork: `begin` is its `Popen`, and `run` its `run`.

What is not known here, or would start in another way in its environment, is started in the usual way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any

from preloaded import FEDBRIDGE, OURS, Forked, Program

# A runner that was started in the background ignores SIGINT, and all that it starts with it: then no Ctrl-C would end
# anything here.
_TAKE_TERMINAL = (
    "import _signal, fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "_signal.signal(_signal.SIGINT, _signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
)
OF_OURS = (FEDBRIDGE, OURS)
_Stream = int | IO[Any] | None


class Begun(subprocess.Popen[Any]):
    """A forked process, with the words and streams of `subprocess.Popen`: of it nothing else is used."""

    _child_created = False  # by `Popen`, which then asks for nothing at its end

    def __init__(
        self,
        program: Program,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        streams: Sequence[_Stream],
        *,
        text: bool,
        takes_terminal: bool = False,
    ) -> None:
        self.args = arguments
        self.text_mode = text
        self._readers: list[tuple[Thread, list[Any]]] | None = None
        with ExitStack() as theirs:
            made = [_ends(number, stream, theirs) for number, stream in enumerate(streams)]
            ends = [made[1][0] if end == subprocess.STDOUT else end for end, _ in made]
            self._forked = Forked(program, arguments, environ, ends, folder, takes_terminal=takes_terminal)
        self.pid = self._forked.pid
        self.stdin, self.stdout, self.stderr = (
            None if end is None else os.fdopen(end, mode if text else f"{mode}b", 1 if text and mode == "w" else -1)
            for (_, end), mode in zip(made, "wrr", strict=True)
        )

    @property
    def returncode(self) -> Any:  # type: ignore[override]  # never set from outside
        return self._forked.returncode

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._forked.poll()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. TimeoutExpired."""
        return self._forked.wait(timeout)

    def send_signal(self, sig: int) -> None:
        """Nothing where it has ended."""
        self._forked.send_signal(sig)

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:  # noqa: A002 - as it is called there
        """All that it still writes, and its end. TimeoutExpired: it may be asked again."""
        if self._readers is None:
            self._readers = [_reading(stream) for stream in (self.stdout, self.stderr)]
            if self.stdin is not None:
                _write(self.stdin, input)
        self.wait(timeout)
        for reader, _ in self._readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(str(self.args), timeout or 0)
        out, words = (told for _, told in self._readers)
        return (out[0] if out else None), (words[0] if words else None)


def _reading(stream: IO[Any] | None) -> tuple[Thread, list[Any]]:
    told: list[Any] = []

    reader = Thread(target=_read_all, args=(stream, told), daemon=True)
    reader.start()
    return reader, told


def _read_all(stream: IO[Any] | None, told: list[Any]) -> None:
    if stream is not None:
        with stream:
            told.append(stream.read())


def _write(stream: IO[Any], words: Any) -> None:
    with suppress(BrokenPipeError), stream:
        if words:
            stream.write(words)


def _ends(number: int, stream: _Stream, theirs: ExitStack) -> tuple[int, int | None]:
    """The descriptor that a process gets as its stream of this number, and ours where it is a pipe."""
    if stream is None:
        return number, None
    if stream == subprocess.PIPE:
        read, write = os.pipe()
        end, our_end = (read, write) if number == 0 else (write, read)
        theirs.callback(os.close, end)
        return end, our_end
    if stream == subprocess.DEVNULL:
        end = os.open(os.devnull, os.O_RDWR)
        theirs.callback(os.close, end)
        return end, None
    return stream if isinstance(stream, int) else stream.fileno(), None


def begin(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    stdin: _Stream = None,
    stdout: _Stream = None,
    stderr: _Stream = None,
    text: bool = False,
    programs: Sequence[Program] = OF_OURS,
    takes_terminal: bool = False,
    **more: Any,
) -> subprocess.Popen[Any]:
    """As `subprocess.Popen`. What is forked has a session of its own.

    `programs`: of which the command may be; none, to start it. `takes_terminal`: whether its stdin is a terminal, and
    is to be that of a session of its own.
    """
    environ = dict(os.environ if env is None else env)
    for one in programs:
        words = one.words_of(command)
        if words and one.starts_alike(environ) and set(more) <= {"start_new_session"}:
            streams, folder = (stdin, stdout, stderr), Path(cwd or Path.cwd())
            return Begun(one, words, environ, folder, streams, text=text, takes_terminal=takes_terminal)
    if takes_terminal:
        command = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command]
    return subprocess.Popen(command, env=environ, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, text=text, **more)


def run(
    command: Sequence[str],
    *,
    timeout: float | None = None,
    check: bool = False,
    input: Any = None,  # noqa: A002 - as it is called there
    capture_output: bool = False,
    **more: Any,
) -> subprocess.CompletedProcess[Any]:
    """As `subprocess.run`."""
    pipe = subprocess.PIPE
    streams: dict[str, Any] = {"stdout": pipe, "stderr": pipe} if capture_output else {}
    if input is not None:
        streams["stdin"] = pipe
    process = begin(command, **streams, **more)
    try:
        out, words = process.communicate(input, timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    ran = subprocess.CompletedProcess(command, process.returncode, out, words)
    if check:
        ran.check_returncode()
    return ran
