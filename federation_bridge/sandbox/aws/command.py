"""`federation-bridge sandbox aws`: the local AWS in a terminal, until it is interrupted."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from federation_bridge.errors import ConfigurationInvalid


@click.command("aws")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=4566, show_default=True, help="Where to listen; 0 picks a free port.")
@click.option(
    "--allow-beyond-loopback", is_flag=True, help="Let other machines in. Whoever reaches it may do everything."
)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the accounts in this file.")
@click.option("--account", "accounts", multiple=True, metavar="NUMBER", help="Have this account; may be repeated.")
@click.option(
    "--issuer",
    "issuers",
    multiple=True,
    metavar="https://NAME=http://127.0.0.1:PORT",
    help="Where on this machine an OpenID Connect issuer answers; may be repeated.",
)
@click.option(
    "--thumbprint",
    "thumbprints",
    multiple=True,
    metavar="https://NAME=SHA1",
    help="AWS shall know this issuer's certificate by its thumbprint only; may be repeated.",
)
@click.option("--mode", type=click.Choice(["aws", "paranoid"]), default="aws", show_default=True)
@click.option(
    "--events", type=click.Path(dir_okay=False, path_type=Path), help="Append CloudTrail events to this file."
)
def aws_command(  # noqa: PLR0913, PLR0917 - one per option
    host: str,
    port: int,
    allow_beyond_loopback: bool,
    state: Path | None,
    accounts: tuple[str, ...],
    issuers: tuple[str, ...],
    thumbprints: tuple[str, ...],
    mode: str,
    events: Path | None,
) -> None:
    """Runs a local AWS that refuses what AWS refuses (docs/sandbox.md)."""
    from federation_bridge.sandbox.aws.start import (  # noqa: PLC0415 - other commands should not pay for it
        StartOptions,
        started,
    )

    options = StartOptions(host, port, allow_beyond_loopback, state, accounts, issuers, thumbprints, mode, events)
    try:
        running = started(options)
    except ConfigurationInvalid as problem:
        raise click.ClickException(problem.detail) from None
    for line in running.lines:
        click.echo(line)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    running.stop()
