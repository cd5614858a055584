"""`federation-bridge people`."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings


@click.group()
def people() -> None:
    """What is kept of people."""


@people.command("erase")
@SETTINGS
@click.argument("person")
@click.option("--reason", required=True, help="Why; it stays in the audit, so do not name the person in it.")
def erase(path: Path, person: str, reason: str) -> None:
    """Erase what is kept of PERSON (connection/subject), in the audit too; its seals stay whole."""
    from federation_bridge.operate import erasing  # noqa: PLC0415 - imports the whole server

    for line in erasing.erased(load_settings(path), person, reason):
        click.echo(line)
