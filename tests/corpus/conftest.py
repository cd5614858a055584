"""Collects these tests for `-m corpus` only, limits each case in time and memory, and prints what is disputed."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from corpus.published import FOLDER

_SECONDS_PER_CASE = 5.0
_MORE_MEMORY = 1 << 30
_DISPUTES: list[str] = []
_REMARKS: list[str] = []
_MOST_DISPUTES = 10


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` runs without these messages; whoever asks for them and has none is told."""
    if config.getoption("markexpr") != "corpus":
        return True
    if not FOLDER.is_dir():
        raise pytest.UsageError(f"There are no published messages at {FOLDER}; set CORPUS to where they lie.")
    return None


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    def too_long(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"this case takes more than {_SECONDS_PER_CASE} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = signal.signal(signal.SIGALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (used + _MORE_MEMORY, hard))
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_PER_CASE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def dispute() -> Callable[[str, str], None]:
    """Takes note of a verdict that we dispute, with the reason; at most ten in the whole run."""

    def note(case: str, reason: str) -> None:
        _DISPUTES.append(f"{case}: {reason}")
        assert len(_DISPUTES) <= _MOST_DISPUTES, "more disputes than the run may have"

    return note


@pytest.fixture
def remark() -> Callable[[str, str], None]:
    """Takes note of a verdict where the product is stricter than the label, on purpose."""
    return lambda case, reason: _REMARKS.append(f"{case}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the verdicts of the run do not say by themselves."""
    if config.getoption("markexpr") != "corpus":
        return
    terminalreporter.section("published messages")
    terminalreporter.line(f"{len(_DISPUTES)} verdicts disputed (at most {_MOST_DISPUTES})")
    terminalreporter.line(f"{len(_REMARKS)} where the product is stricter than a label, on purpose")
    for one in sorted([*_DISPUTES, *_REMARKS]):
        terminalreporter.line(f"  {one}")
