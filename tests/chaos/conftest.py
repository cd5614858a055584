"""Collects the rounds for `-m chaos` only, for they take minutes; and tells at the end how soon all was well again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.occurrences import HEAD, Told

Tell = Callable[[Told], Told]
_LONG = {"test_rounds.py", "test_long_days.py"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` runs the short form, `make chaos` the long one."""
    if collection_path.name in _LONG and config.getoption("markexpr") != "chaos":
        return True
    return None


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Puts an occurrence into the table at the end of the run, and gives it back."""

    def tell(told: Told) -> Told:
        record_property("occurrence", told.row())
        return told

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of what befell nodes and database, with what people saw of it."""
    told = [
        text
        for report in terminalreporter.stats.get("passed", ())
        for name, text in report.user_properties
        if name == "occurrence" and report.when == "call"
    ]
    if told:
        terminalreporter.section("how soon all was well again")
        for line in (HEAD, *told):
            terminalreporter.write_line(line)
