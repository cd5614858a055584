"""`federation-bridge grants`: which AWS sessions are alive, and whose an access key is."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.model import LiveGrantQuery
from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings


@click.group(cls=Group)
def grants() -> None:
    """The AWS sessions of this bridge's grants."""


@grants.command("alive")
@SETTINGS
@click.option("--person", default="", help="Only of this person (connection/subject).")
@click.option("--account", default="", help="Only in this account.")
@click.option("--role", default="", help="Only of this role.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each line.")
def alive(path: Path, person: str, account: str, role: str, *, as_json: bool) -> None:
    """Show the AWS sessions that are alive now, or may be. The one that lives longest comes first."""
    from federation_bridge.operate import live_grants  # noqa: PLC0415 - imports the server's libraries

    for line in live_grants.alive_lines(load_settings(path), LiveGrantQuery(person, account, role), as_json=as_json):
        click.echo(line)


@grants.command("key")
@SETTINGS
@click.argument("access_key_id", metavar="KEY")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def key(path: Path, access_key_id: str, *, as_json: bool) -> None:
    """Show who used the access key KEY (ASIA..., as CloudTrail shows it), even long after its session has ended."""
    from federation_bridge.operate import live_grants  # noqa: PLC0415 - imports the server's libraries

    for line in live_grants.key_lines(load_settings(path), access_key_id, as_json=as_json):
        click.echo(line)
