"""`federation-bridge accounts`: the account register."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.operate.rules_commands import tell
from federation_bridge.settings import load_settings

_FILES = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group(cls=Group)
def accounts() -> None:
    """The account register: the AWS accounts and roles that anything may be issued for."""


@accounts.command("import")
@SETTINGS
@click.argument("files", nargs=-1, required=True, type=_FILES)
@click.option(
    "--format",
    "form",
    type=click.Choice(["organizations", "csv"]),
    help="The format of all FILES; else it is detected for each.",
)
@click.option("--role", "roles", multiple=True, help="A role of new accounts; may be given several times.")
@click.option(
    "--provider",
    default="",
    help="The provider of new accounts, such as saml-provider/bridge; else the one that all accounts have.",
)
@click.option("--remove", is_flag=True, help="Remove accounts that no longer exist or are suspended.")
@click.option("--keep-names", is_flag=True, help="Keep the names of the register.")
@click.option("--text", "is_text", is_flag=True, help="Print the new register instead of the difference.")
@click.option("--write", "is_written", is_flag=True, help="Rulebook in files: change the register's file.")
@click.option("--reason", default="", help="Rulebook in the database: put the new register in force, and why.")
@click.option("--author", default=None, help="Who makes the change; else the user who is logged in here.")
@click.option("--emergency", is_flag=True, help="Do not wait for the second person; only where the settings allow it.")
def import_accounts(path: Path, files: tuple[Path, ...], **said: Any) -> None:
    """Bring the register up to date with FILES: the output of `aws organizations list-accounts`, or a CSV table.

    Without --write and --reason nothing changes: the difference is shown. Remarks, and all that FILES say nothing of,
    stay as they are. `-` is standard input.
    """
    from federation_bridge.administration.account_import import ImportTerms  # noqa: PLC0415 - as below
    from federation_bridge.operate import accounts as doing  # noqa: PLC0415 - imports the server's libraries
    from federation_bridge.operate.rulebook_versions import Wanted  # noqa: PLC0415 - imports the server's libraries

    if said["is_written"] and said["reason"]:
        raise click.UsageError("give either --write or --reason")
    settings = load_settings(path)
    terms = ImportTerms(said["roles"], said["provider"], removes=said["remove"], keeps_names=said["keep_names"])
    found = doing.looked_at(settings, files, said["form"] or "", terms)
    if said["is_text"]:
        click.echo(found.after.accounts, nl=False)
    else:
        for line in found.lines():
            click.echo(line)
    if said["is_written"] and found.difference.names:
        click.echo(f"{doing.write(settings, found)} is written.", err=said["is_text"])
    elif said["reason"] and found.difference.names:
        wanted = Wanted(said["author"] or getpass.getuser(), said["reason"], said["emergency"])
        tell(doing.put_in_force(settings, found, wanted))
