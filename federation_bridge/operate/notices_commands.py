"""`federation-bridge notices`: whether the places that are told what an operator must do can be reached."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings


@click.group(cls=Group)
def notices() -> None:
    """Notices to operators by mail and webhook."""


@notices.command("list")
@SETTINGS
def list_(path: Path) -> None:
    """Show which notices wait for each place and why, and which were given up in the last 30 days. Sends nothing."""
    from federation_bridge.operate import telling  # noqa: PLC0415 - imports the server's libraries

    for line in telling.waiting(load_settings(path)):
        click.echo(line)


@notices.command()
@SETTINGS
@click.option("--place", default="", help="Only this place, as `mail/NAME` or `webhook/NAME`.")
def test(path: Path, place: str) -> None:
    """Send a notice to every place now, and show what each answered. Exit status 1 if one did not accept it."""
    from federation_bridge.operate import telling  # noqa: PLC0415 - imports the server's libraries

    are_sent = True
    for name, answer in telling.tried(load_settings(path), place):
        click.echo(f"{name}: {answer.result}: {answer.told}")
        are_sent = are_sent and answer.result == "sent"
    if not are_sent:
        sys.exit(1)
