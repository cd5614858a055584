"""A command's surroundings without a computer: its address, folder, variables, clock and streams."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from federation_bridge.cli.context import Context
from federation_bridge.cli.terminal.streams import Terminal

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def place(folder: Path, address: str = "https://aws.example.com", **variables: str) -> Context:
    """Of somebody in this folder, with these variables and streams that nobody sees."""
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    return Context(address, folder, variables, lambda: NOW, Terminal(variables, *streams))
