"""Settings that are checked, and what was found; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from web_factories import write_files

from federation_bridge.errors import ProviderUnreachable
from federation_bridge.operate.check import Finding, Severity, findings
from federation_bridge.outgoing import Outgoing


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of an administrator, and a port of their own; no identity provider answers."""

    def nobody(_: Outgoing, url: str, **__: Any) -> None:
        raise ProviderUnreachable(f"{url}: nobody answers")

    monkeypatch.setattr(Outgoing, "fetch", nobody)
    file = write_files(tmp_path)
    change(file, serving={"listen": "127.0.0.1:0"})
    yield file


def change(file: Path, **changes: Any) -> None:
    """Writes these settings over what stands in the file."""
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}, sort_keys=False))


def wrong(file: Path) -> list[Finding]:
    """What is wrong."""
    return [one for one in findings(file) if one.severity is Severity.WRONG]
