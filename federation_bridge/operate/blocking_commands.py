"""`federation-bridge people block` and its kin, and `federation-bridge incident`."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.operate.people_commands import people

_REASON = click.option("--reason", required=True, help="Why; it stays in the audit.")
_WHY_NOT = click.option("--reason", default="", help="Why; it stays in the audit.")
_IN_AWS = click.option("--in-aws", is_flag=True, help="End the AWS sessions, too.")
_UNSEEN = click.option(
    "--unseen", is_flag=True, help="Take names as they are written, even of people who never signed in here."
)
_EMERGENCY = click.option("--emergency", is_flag=True, help="Do not check that an administrator is left.")
_CONNECTION = click.option("--connection", default="", help="Only at this connection.")


@people.command("block")
@SETTINGS
@click.argument("person")
@_REASON
@_IN_AWS
@_UNSEEN
@_EMERGENCY
def block(path: Path, person: str, reason: str, *, in_aws: bool, unseen: bool, emergency: bool) -> None:
    """Block PERSON (connection/subject) on every node until the block is lifted. Everything that they hold ends."""
    from federation_bridge.operate import blocking  # noqa: PLC0415 - imports the server's libraries

    asked = blocking.BlockingRequest(reason, in_aws=in_aws, unseen=unseen)
    for line in blocking.blocked(path, person, asked, is_emergency=emergency):
        click.echo(line)


@people.command("unblock")
@SETTINGS
@click.argument("person")
@_WHY_NOT
def unblock(path: Path, person: str, reason: str) -> None:
    """Lift the block that an administrator put on PERSON. A directory or a signal must lift its own block."""
    from federation_bridge.operate import blocking  # noqa: PLC0415 - imports the server's libraries

    for line in blocking.unblocked(path, person, blocking.BlockingRequest(reason)):
        click.echo(line)


@people.command("blocked")
@SETTINGS
def blocked(path: Path) -> None:
    """Show who is kept out, by whom and why."""
    from federation_bridge.operate import blocking  # noqa: PLC0415 - imports the server's libraries

    for line in blocking.lines(path):
        click.echo(line)


@click.group(cls=Group)
def incident() -> None:
    """Keep everybody out except a list of people, until the incident is over."""


@incident.command("begin")
@SETTINGS
@click.option("--except", "excepted", multiple=True, help="Who stays in (connection/subject); once for each.")
@_REASON
@_CONNECTION
@_IN_AWS
@_UNSEEN
@_EMERGENCY
def begin(  # noqa: PLR0913 - click hands over one for each option
    path: Path,
    excepted: tuple[str, ...],
    reason: str,
    connection: str,
    *,
    in_aws: bool,
    unseen: bool,
    emergency: bool,
) -> None:
    """Let in only a list of people, on every node, and end all that the others hold. It must name an administrator."""
    from federation_bridge.operate import blocking  # noqa: PLC0415 - imports the server's libraries

    asked = blocking.BlockingRequest(reason, in_aws=in_aws, unseen=unseen)
    for line in blocking.begun(path, excepted, asked, connection, is_emergency=emergency):
        click.echo(line)


@incident.command("end")
@SETTINGS
@_WHY_NOT
@_CONNECTION
def end(path: Path, reason: str, connection: str) -> None:
    """End the incident. Everybody can sign in again, except people who are blocked by name."""
    from federation_bridge.operate import blocking  # noqa: PLC0415 - imports the server's libraries

    for line in blocking.over(path, blocking.BlockingRequest(reason), connection):
        click.echo(line)
