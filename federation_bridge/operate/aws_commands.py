"""`federation-bridge aws`: what the accounts need so that they believe the bridge."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_FORMATS = ("cloudformation", "stack-set", "terraform", "cli", "json")


@click.group(cls=Group)
def aws() -> None:
    """AWS's side: providers, roles and their trust policies."""


_ACCOUNTS = click.option(
    "--accounts", default="", metavar="IDS", help="Only these accounts, with commas; else all registered."
)


@aws.command("onboard")
@SETTINGS
@_ACCOUNTS
@click.option("--format", "form", type=click.Choice(_FORMATS), default="cloudformation", show_default=True)
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="A folder for the files.")
@click.option("--policies", type=click.Path(dir_okay=False, path_type=Path),
              help="A YAML file: managed policy ARNs by ROLE or ACCOUNT/ROLE.")  # fmt: skip
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag for everything that is made.")
def onboard(
    path: Path, accounts: str, form: str, folder: Path | None, policies: Path | None, tags: tuple[str, ...]
) -> None:
    """Write what makes the accounts trust the bridge: provider, roles, trust policies. Changes nothing in AWS.

    Without --to the one file is printed. A role may do nothing until --policies names its managed policies.
    """
    from federation_bridge.operate import onboarding  # noqa: PLC0415 - imports the server's libraries

    ids = onboarding.ids_of(accounts)
    made = onboarding.onboard(load_settings(path), ids, form, policies=policies, tags=tags)
    for warning in made.warnings:
        click.echo(f"note: {warning}", err=True)
    if folder is None:
        click.echo(made.only_text(), nl=False)
        return
    for written in onboarding.write(made, folder):
        click.echo(str(written))


_ROLE_NAME = click.option(
    "--role-name", metavar="NAME", default="", help="The role to assume in accounts that are not yours."
)


@aws.command("check")
@SETTINGS
@_ACCOUNTS
@click.option("--from", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="A folder with outputs of `aws iam`, as JSON; then AWS is not called.")  # fmt: skip
@_ROLE_NAME
@click.option("--all", "registered", is_flag=True, help="Also check roles that no rule grants.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(path: Path, accounts: str, folder: Path | None, role_name: str, *, registered: bool, as_json: bool) -> None:
    """Compare the accounts with what the register and the rules need. Changes nothing.

    Without --from the accounts are read with your own AWS credentials. Exit status 1 where something would fail, is
    wider than needed, or cannot be told.
    """
    from federation_bridge.operate import account_checking, onboarding  # noqa: PLC0415 - imports the server's libraries

    if folder is not None and role_name:
        raise click.UsageError("--role-name is for accounts that are read now: leave --from out")
    settings, ids = load_settings(path), onboarding.ids_of(accounts)
    told = (
        account_checking.checked(settings, ids, folder, registered=registered)
        if folder is not None
        else account_checking.checked_live(settings, ids, role_name, registered=registered)
    )
    for one in told.not_looked_at:
        click.echo(f"note: no rule grants a role of {one}, so it was not checked (--all checks it too)", err=True)
    found = told.differences
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for line in account_checking.lines(found):
            click.echo(line)
    if found:
        sys.exit(1)


@aws.command("publish-keys")
@SETTINGS
@_ACCOUNTS
@_ROLE_NAME
@click.option("--write", is_flag=True, help="Update what is not current; without it nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each account.")
def publish_keys(path: Path, accounts: str, role_name: str, *, write: bool, as_json: bool) -> None:
    """Tell which SAML providers lack our keys; bring them with --write. Uses your own AWS credentials.

    Each account is told as it is done; one that fails does not stop the others. Exit status 1 where one is not
    current, or cannot be told.
    """
    from federation_bridge.operate import key_publishing, onboarding  # noqa: PLC0415 - imports the server's libraries

    ids, is_open = onboarding.ids_of(accounts), False
    for line in key_publishing.published(load_settings(path), ids, role_name, write=write, as_json=as_json):
        click.echo(line.text, err=line.is_note)
        is_open |= line.is_open
    if is_open:
        sys.exit(1)


@aws.command("last-check")
@SETTINGS
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def last_check(path: Path, *, as_json: bool) -> None:
    """Show what a node found when it last checked the accounts (`aws.check_accounts`). Does not call AWS.

    Exit status 1 where something would fail, is wider than needed or could not be told, and where nights were missed.
    """
    from federation_bridge.operate import account_checking  # noqa: PLC0415 - imports the server's libraries

    is_wrong, told = account_checking.last_lines(load_settings(path), as_json=as_json)
    for line in told:
        click.echo(line)
    if is_wrong:
        sys.exit(1)


@aws.command("end")
@SETTINGS
@click.option("--person", default="", help="All sessions of this person (connection/subject).")
@click.option("--grant", default="", help="The session of this grant, as `grants alive` shows it.")
@click.option("--role", default="", metavar="ACCOUNT/ROLE", help="Every session of this role.")
@click.option("--account", default="", help="Every session in this account.")
@click.option("--reason", required=True, help="Why: it stands in the audit.")
def end(path: Path, person: str, grant: str, role: str, account: str, reason: str) -> None:
    """End AWS sessions that are alive, within a minute. People stay signed in here: `sessions end` ends that.

    Exit status 1 where nothing of that name is alive.
    """
    from federation_bridge.administration.aws_sessions import Whose  # noqa: PLC0415 - imports the server's libraries
    from federation_bridge.operate import aws_ending  # noqa: PLC0415 - imports the server's libraries

    named = [
        Whose("person", person) if person else None,
        Whose("grant", grant) if grant else None,
        Whose("role", role) if role else None,
        Whose("account", account) if account else None,
    ]
    wanted = [one for one in named if one is not None]
    if len(wanted) != 1:
        raise click.UsageError("name one of --person, --grant, --role and --account")
    for line in aws_ending.ended(path, wanted[0], reason):
        click.echo(line)


@aws.command("endings")
@SETTINGS
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each line.")
def endings(path: Path, *, as_json: bool) -> None:
    """Show the state of sessions that are ended in AWS: ending, ended and checked, or what somebody has to do.

    Exit status 1 where somebody has to do something.
    """
    from federation_bridge.operate import aws_ending  # noqa: PLC0415 - imports the server's libraries

    waits, told = aws_ending.lines(path, as_json=as_json)
    for line in told:
        click.echo(line)
    if waits:
        sys.exit(1)
