"""`federation-bridge keys`: our own signing keys, shown and rolled, and the key that seals them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click

from federation_bridge.durations import parse_duration
from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import OWNER, OWNER_PASSWORD, SETTINGS
from federation_bridge.settings import load_settings

_PURPOSE = click.argument("purpose", metavar="PURPOSE")


@click.group(cls=Group)
def keys() -> None:
    """The bridge's own keys."""


@keys.command("show")
@SETTINGS
def show(path: Path) -> None:
    """Show the public parts: what an identity provider needs to trust the bridge."""
    from federation_bridge.operate import export  # noqa: PLC0415 - imports the server's libraries

    click.echo(json.dumps(export.public_keys(load_settings(path)), indent=2))


@keys.command("rotate")
@SETTINGS
@_PURPOSE
@click.option("--use-in", default="", metavar="SPAN", help="When the new key begins to sign, for example 2h.")
def rotate(path: Path, purpose: str, use_in: str) -> None:
    """Make and publish a new key of PURPOSE. The old key signs until everybody who needs the new one knows it."""
    from federation_bridge.operate import key_rolling  # noqa: PLC0415 - imports the server's libraries

    for line in key_rolling.rotated(load_settings(path), purpose, _span(use_in)):
        click.echo(line)


@keys.command("use")
@SETTINGS
@_PURPOSE
def use(path: Path, purpose: str) -> None:
    """Put the new key of PURPOSE into use now: everybody who must trust it knows it already."""
    from federation_bridge.operate import key_rolling  # noqa: PLC0415 - imports the server's libraries

    click.echo(key_rolling.put_into_use(load_settings(path), purpose))


@keys.command("retire")
@SETTINGS
@_PURPOSE
def retire(path: Path, purpose: str) -> None:
    """Remove the old keys of PURPOSE, when nothing that they signed can still be valid."""
    from federation_bridge.operate import key_rolling  # noqa: PLC0415 - imports the server's libraries

    for line in key_rolling.retired(load_settings(path), purpose):
        click.echo(line)


@keys.command("reseal")
@SETTINGS
@click.option(
    "--new-key",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file with the new sealing key (openssl rand -base64 32), which nobody else may read.",
)
@OWNER
@OWNER_PASSWORD
def reseal(path: Path, new_key: Path, owner: str, owner_password: Path | None) -> None:
    """Change the sealing key while all nodes are stopped. All that depends on it is made anew for the key in FILE.

    With --owner where the service's own user of PostgreSQL may not change every table.
    """
    from federation_bridge.operate import resealing  # noqa: PLC0415 - imports the server's libraries

    for line in resealing.resealed(load_settings(path), new_key, owner, owner_password):
        click.echo(line)


def _span(text: str) -> timedelta | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as mistake:
        raise click.BadParameter(str(mistake), param_hint="--use-in") from None
