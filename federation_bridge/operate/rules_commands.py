"""`federation-bridge rules`: versions of the rulebook."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_REASON = click.option("--reason", required=True, help="Why; it stands in the history and in the audit.")
_AUTHOR = click.option("--author", default=None, help="Who; else the name of who is logged in here.")


@click.group()
def rules() -> None:
    """The versions of the rulebook: rules and register, as one."""


@rules.command()
@SETTINGS
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_REASON
@_AUTHOR
@click.option("--base", default=None, help="Only over the version of this digest (or its first 8 or more digits).")
def apply(path: Path, files: tuple[Path, ...], reason: str, author: str | None, base: str | None) -> None:
    """Put FILES in force on every node: one of rules, one of the register, or both."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the whole server

    number = versions.apply(load_settings(path), files, author or getpass.getuser(), reason, base)
    click.echo(f"Version {number} is in force.")


@rules.command("return")
@SETTINGS
@click.argument("number", type=int)
@_REASON
@_AUTHOR
def return_to(path: Path, number: int, reason: str, author: str | None) -> None:
    """Put the text of version NUMBER in force again, as a new version."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the whole server

    made = versions.return_to(load_settings(path), number, author or getpass.getuser(), reason)
    click.echo(f"Version {made} is in force; it says what version {number} said.")


@rules.command()
@SETTINGS
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first.")
def history(path: Path, most: int) -> None:
    """Show the versions, newest first; `*` is in force."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the whole server

    for line in versions.history(load_settings(path), most):
        click.echo(line)


@rules.command()
@SETTINGS
@click.argument("number", type=int, required=False)
@click.option("--part", type=click.Choice(["rules", "accounts"]), default="rules", show_default=True)
def show(path: Path, number: int | None, part: str) -> None:
    """Print the rules, or the register, of version NUMBER as they were written; without NUMBER, of the one in force."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the whole server

    click.echo(versions.show(load_settings(path), number, part), nl=False)


@rules.command()
@SETTINGS
@click.argument("before", type=int)
@click.argument("after", type=int)
def diff(path: Path, before: int, after: int) -> None:
    """Show what changed from version BEFORE to version AFTER."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the whole server

    for line in versions.diff(load_settings(path), before, after):
        click.echo(line)
