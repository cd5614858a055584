"""`federation-bridge signals`: streams of shared signals."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_CONNECTION = click.argument("connection", metavar="CONNECTION")
_FILE = click.Path(path_type=Path, dir_okay=False)
_ACCESS = "A file with the access token for the transmitter's API"


@click.group(cls=Group)
def signals() -> None:
    """Shared signals: events about sessions and accounts that an identity provider sends as they happen."""


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, help=f"{_ACCESS}; without it, what to enter there by hand is shown.")
def setup(path: Path, connection: str, access_token: Path | None) -> None:
    """Set up the stream of CONNECTION. It replaces an earlier one."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    for line in streams.set_up(load_settings(path), connection, access_token):
        click.echo(line)


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, required=True, help=f"{_ACCESS}.")
def status(path: Path, connection: str, access_token: Path) -> None:
    """Show what the transmitter says about the stream of CONNECTION."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    click.echo(streams.status(load_settings(path), connection, access_token))


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, required=True, help=f"{_ACCESS}.")
def verify(path: Path, connection: str, access_token: Path) -> None:
    """Ask for a verification event. It comes by the stream: `federation-bridge audit --event signal.taken` shows it."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    click.echo(f"Requested, with state {streams.verify(load_settings(path), connection, access_token)}.")


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, required=True, help=f"{_ACCESS}.")
def pause(path: Path, connection: str, access_token: Path) -> None:
    """Have the transmitter of CONNECTION send nothing until `signals resume`."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    streams.pause(load_settings(path), connection, access_token)
    click.echo("The transmitter sends nothing until it is told to again.")


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, required=True, help=f"{_ACCESS}.")
def resume(path: Path, connection: str, access_token: Path) -> None:
    """Have the transmitter of CONNECTION send again."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    streams.resume(load_settings(path), connection, access_token)
    click.echo("The transmitter sends again.")


@signals.command()
@SETTINGS
@_CONNECTION
@click.option("--access-token", type=_FILE, help=f"{_ACCESS}; without it, delete the stream there by hand.")
def delete(path: Path, connection: str, access_token: Path | None) -> None:
    """Accept nothing more from the stream of CONNECTION, and delete it at the transmitter."""
    from federation_bridge.operate import signals as streams  # noqa: PLC0415 - imports the server's libraries

    streams.remove(load_settings(path), connection, access_token)
    click.echo("Nothing more is accepted from this stream.")
