"""A terminal for commands that ask: answers their questions as a person would type them."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

Answer = str | Callable[[str], str]
"""What is typed, or what makes it of the question's match."""

_WHERE_IS_THE_CURSOR, _HERE = "\x1b[6n", b"\x1b[1;1R"


def typed(
    command: Sequence[str], environment: dict[str, str], home: Path, answers: Sequence[tuple[str, Answer]], within: int
) -> tuple[int, str]:
    """Exit status and words of a command in its own terminal. Each question (a pattern) is answered in turn."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env={**environment, "TERM": "xterm"}, cwd=home, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said, unanswered, left, give_up_at = "", "", list(answers), time.monotonic() + within
    try:
        while time.monotonic() < give_up_at:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    words = os.read(ours, 65_536).decode(errors="replace")
                except OSError:
                    break
                said, unanswered = said + words, unanswered + words
                os.write(ours, _HERE * words.count(_WHERE_IS_THE_CURSOR))
            if left and (found := re.search(left[0][0], unanswered)):
                _, answer = left.pop(0)
                unanswered = ""
                os.write(ours, (answer if isinstance(answer, str) else answer(found.group())).encode())
        return process.wait(60), said
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(ours)
