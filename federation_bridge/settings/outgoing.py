"""Section `outgoing`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from federation_bridge.settings.values import Duration, Section


class Outgoing(Section):
    """How everything that we fetch is fetched. Environment variables for proxies are ignored."""

    proxy: Annotated[str, Field(pattern=r"^http://[A-Za-z0-9.\-\[\]:]+/?$")] | None = None
    """`http://host:port`; everything that goes through it is encrypted to its end."""
    ca_bundle: Path | None = None
    """Certificate authorities to trust instead of the system's, as a PEM file."""
    timeout: Duration = timedelta(seconds=5)
    """How long one fetch may take in all."""
