"""`federation-bridge people`."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import OWNER, OWNER_PASSWORD, SETTINGS
from federation_bridge.settings import load_settings


@click.group(cls=Group)
def people() -> None:
    """What is stored about people, and who is blocked."""


@people.command("show")
@SETTINGS
@click.argument("person")
def show(path: Path, person: str) -> None:
    """Show all that is stored about PERSON (connection/subject), to hand it out: one JSON object on each line."""
    from federation_bridge.operate import erasing  # noqa: PLC0415 - imports the server's libraries

    for line in erasing.shown(load_settings(path), person):
        click.echo(line)


@people.command("erase")
@SETTINGS
@click.argument("person")
@click.option("--reason", required=True, help="Why; it stays in the audit, so do not name the person in it.")
@OWNER
@OWNER_PASSWORD
def erase(path: Path, person: str, reason: str, owner: str, owner_password: Path | None) -> None:
    """Erase what is stored about PERSON (connection/subject), in the audit too. The seals of the audit stay valid.

    With --owner where the service's own user of PostgreSQL may not touch the audit's past.
    """
    from federation_bridge.operate import erasing, owning  # noqa: PLC0415 - imports the server's libraries

    settings = load_settings(path)
    opened = owning.of_owner(settings, owner, owner_password) if owner else settings
    for line in erasing.erased(opened, person, reason):
        click.echo(line)
