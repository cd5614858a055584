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
    show_envvar=True,
    help="The settings file.",
)

OWNER = click.option(
    "--owner",
    default="",
    metavar="USER",
    help="The user of PostgreSQL who owns the tables, if it is not the service's own.",
)
OWNER_PASSWORD = click.option(
    "--owner-password",
    "owner_password",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file with that user's password, which nobody else may read.",
)
