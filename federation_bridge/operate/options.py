"""Options that many commands of `federation-bridge` share."""

from __future__ import annotations

from pathlib import Path

import click

SETTINGS = click.option(
    "--settings",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("federation-bridge.yaml"),
    envvar="FEDERATION_BRIDGE_SETTINGS",
    show_default=True,
    help="The settings file.",
)
