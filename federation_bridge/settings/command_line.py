"""Section `command_line`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from federation_bridge.settings.values import Duration, Section


class CommandLine(Section):
    """How command lines (`fedbridge`, stock AWS clients) are let in."""

    device_flow: bool = True
    """Whether a code may be typed in a browser to sign in a program that has no browser (RFC 8628). The same limits
    hold for the code that a person carries to `aws login --remote`."""
    device_flow_connections: tuple[str, ...] | None = None
    """Connections whose people may do so; if left out: all."""
    device_flow_refused_groups: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """For each connection the groups whose members may not do so: those with the most powerful roles, for example."""
    fresh_sign_in: Duration = timedelta(minutes=15)
    """To approve a device, a person must have signed in at the identity provider within this time."""
    refuse_other_address: bool = False
    """Refuses an approval from another address than the one that asked for the code; else the page warns. A code for
    `aws login --remote` is then good only at the address that approved it."""
    web_identity_files: bool = False
    """Whether a signed token may leave the bridge for `AWS_WEB_IDENTITY_TOKEN_FILE`: of roles that the register allows
    (`web_identity_file`), where AWS enforces the whole grant (docs/aws-clients.md)."""
    geoip: Path | None = None
    """A MaxMind DB file that tells the place of an address (needs the extra `geoip`); if left out: "unknown"."""
