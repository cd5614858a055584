"""Collects the rounds for `-m chaos` only: they take minutes."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` runs the short form, `make chaos` both."""
    if collection_path.name == "test_rounds.py" and config.getoption("markexpr") != "chaos":
        return True
    return None
