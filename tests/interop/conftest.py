"""The example company with an identity provider of other people's making."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from federation_bridge.sandbox.company import Company, open_company


@pytest.fixture
def open_with(tmp_path: Path) -> Iterator[Callable[[Callable[[str], str]], Company]]:
    """Opens the company with edited settings, until the test ends."""
    with ExitStack() as stack:

        def opened(edit_settings: Callable[[str], str]) -> Company:
            return stack.enter_context(open_company(tmp_path, in_this_process=True, edit_settings=edit_settings))

        yield opened
