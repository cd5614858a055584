"""`federation-bridge scim`: who may tell of people by SCIM, and what was told."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_CONNECTION = click.argument("connection", metavar="CONNECTION")


@click.group(cls=Group)
def scim() -> None:
    """People and groups that an identity provider provisions by SCIM."""


@scim.command("show")
@SETTINGS
@click.option("--connection", default="", help="Also every user and group that this connection's client provisioned.")
@click.option("--unjoined", is_flag=True, help="Of its users, only those who are linked to nobody.")
def show(path: Path, connection: str, *, unjoined: bool) -> None:
    """Show how much each connection's client provisioned, and when it called last."""
    from federation_bridge.operate import provisioned  # noqa: PLC0415 - imports the server's libraries

    for line in provisioned.shown(load_settings(path), connection, unjoined=unjoined):
        click.echo(line)


@scim.group()
def token() -> None:
    """The bearer tokens of a connection's SCIM client: one, and a second one while the client changes over to it."""


@token.command("new")
@SETTINGS
@_CONNECTION
def new(path: Path, connection: str) -> None:
    """Make a token for the identity provider of CONNECTION. It is shown only this once."""
    from federation_bridge.operate import provisioned  # noqa: PLC0415 - imports the server's libraries

    for line in provisioned.made(load_settings(path), connection):
        click.echo(line)


@token.command("list")
@SETTINGS
@_CONNECTION
def list_(path: Path, connection: str) -> None:
    """Show the tokens of CONNECTION: id, when each was made, when it was used last."""
    from federation_bridge.operate import provisioned  # noqa: PLC0415 - imports the server's libraries

    for line in provisioned.tokens(load_settings(path), connection):
        click.echo(line)


@token.command("revoke")
@SETTINGS
@_CONNECTION
@click.argument("token_id", metavar="ID")
def revoke(path: Path, connection: str, token_id: str) -> None:
    """Revoke the token ID of CONNECTION. It is not accepted from now on."""
    from federation_bridge.operate import provisioned  # noqa: PLC0415 - imports the server's libraries

    provisioned.revoke(load_settings(path), connection, token_id)
    click.echo("1 revoked.")
