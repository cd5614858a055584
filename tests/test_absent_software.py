"""Where software of others is absent, a run says so loudly; under CI it fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from absent_software import absent, program, pytest_terminal_summary

_LACKS_TEA = "NOT RUN, because this machine lacks tea. To install it: ask"


def test_an_absent_program_skips_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"NOT RUN.*`no-such-program`.*install it: apt-get install it"):
        program("no-such-program", "apt-get install it")


def test_under_ci_an_absent_program_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NOT RUN"):
        absent("the program `no-such-program`", "apt-get install it")


def test_a_present_program_is_given_by_its_path() -> None:
    assert program("sh", "").endswith("/sh")
    assert program("sh", "", "cat").endswith("/sh")


def test_another_program_is_taken_where_the_first_is_absent() -> None:
    assert program("no-such-program", "", "no-such-program-either", "sh").endswith("/sh")


def test_the_run_ends_with_what_was_not_run_and_how_to_install_it() -> None:
    lines: list[str] = []
    reports = [
        SimpleNamespace(longrepr=("a.py", 3, f"Skipped: {_LACKS_TEA}"), nodeid="a.py::one"),
        SimpleNamespace(longrepr=("b.py", 9, f"Skipped: {_LACKS_TEA}"), nodeid="b.py::two"),
        SimpleNamespace(longrepr=("c.py", 1, "Skipped: something else"), nodeid="c.py::three"),
    ]
    reporter: Any = SimpleNamespace(
        stats={"skipped": reports}, write_sep=lambda _, text, **more: lines.append(text), write_line=lines.append
    )
    pytest_terminal_summary(reporter)
    assert lines == [f"2 tests {_LACKS_TEA}", "  a.py, b.py"]
