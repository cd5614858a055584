"""Software of others that some tests need: where it is absent nothing is skipped silently, and under CI nothing at all.

`tests/conftest.py` takes `pytest_terminal_summary` from here, so that the whole run ends with what was not run and how
to install it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

_MARK = "NOT RUN, because this machine lacks "


def absent(what: str, remedy: str) -> None:
    """Ends the asking test: with a loud line at the end of the run, or as a failure under CI=true."""
    sentence = f"{_MARK}{what}. To install it: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def program(name: str, remedy: str, *others: str) -> str:
    """The path of this program, or of the first of the others; where none is there the test ends as `absent` says."""
    found = next(filter(None, map(shutil.which, (name, *others))), None)
    if found is None:
        absent(f"the program `{name}`", remedy)
    return str(found)


def folder(path: Path, remedy: str) -> Path:
    """The same folder; where it is absent the asking test ends as `absent` says."""
    if not path.is_dir():
        absent(f"the folder {path}", remedy)
    return path


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says at the end of the run what was not run."""
    not_run: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if _MARK in reason:
            not_run.setdefault(reason[reason.index(_MARK) :], []).append(report.nodeid)
    for sentence, tests in sorted(not_run.items()):
        terminalreporter.write_sep("!", f"{len(tests)} tests {sentence}", red=True, bold=True)
        files = sorted({test.partition("::")[0] for test in tests})
        terminalreporter.write_line("  " + ", ".join(files))
