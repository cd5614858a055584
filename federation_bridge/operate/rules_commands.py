"""`federation-bridge rules`: versions of the rulebook."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

if TYPE_CHECKING:
    from federation_bridge.administration.rules import Outcome

_WAITS = 3
"""Exit status where a change is kept and waits for a second person."""
_REASON = click.option("--reason", required=True, help="Why; it stands in the history and in the audit.")
_EMERGENCY = click.option(
    "--emergency", is_flag=True, help="Do not wait for the second person; only where the settings allow it."
)
_AUTHOR = click.option("--author", default=None, help="Who makes the change; else the user who is logged in here.")


@click.group(cls=Group)
def rules() -> None:
    """The versions of the rulebook: rules and register, as one."""


@rules.command()
@SETTINGS
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@_REASON
@_AUTHOR
@click.option(
    "--base", default=None, help="Only if the version in force has this digest (or its first 8 or more digits)."
)
@_EMERGENCY
def apply(
    path: Path, files: tuple[Path, ...], reason: str, author: str | None, base: str | None, emergency: bool
) -> None:
    """Put FILES in force on every node: the rules, as files or folders, the register, or both.

    All files of rules are read as one set, and are all the rules there will be.
    Where the rules ask for a second person the change waits, with exit status 3.
    """
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    wanted = versions.Wanted(author or getpass.getuser(), reason, emergency)
    tell(versions.apply(load_settings(path), files, wanted, base))


def tell(outcome: Outcome, more: str = "") -> None:
    """Says what became of a change, and ends with status 3 where it waits."""
    for reason in outcome.because:
        click.echo(f"Two people have to agree: {reason}.", err=True)
    if outcome.number is not None:
        click.echo(f"Version {outcome.number} is in force{more}.")
        return
    click.echo(f"Change {outcome.waits_as} waits for another administrator, at /administration of the bridge.")
    raise SystemExit(_WAITS)


@rules.command("return")
@SETTINGS
@click.argument("number", type=int)
@_REASON
@_AUTHOR
@_EMERGENCY
def return_to(path: Path, number: int, reason: str, author: str | None, emergency: bool) -> None:
    """Put the text of version NUMBER in force again, as a new version."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    wanted = versions.Wanted(author or getpass.getuser(), reason, emergency)
    tell(versions.return_to(load_settings(path), number, wanted), f"; it says what version {number} said")


@rules.command()
@SETTINGS
def proposals(path: Path) -> None:
    """Show the changes that wait for a second person, newest first."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    for line in versions.proposals(load_settings(path)):
        click.echo(line)


@rules.command()
@SETTINGS
@click.argument("change")
@_REASON
@_AUTHOR
def close(path: Path, change: str, reason: str, author: str | None) -> None:
    """Close CHANGE, which waits: it will not come into force."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    versions.close(load_settings(path), change, versions.Wanted(author or getpass.getuser(), reason))
    click.echo(f"Change {change} does not wait any more.")


@rules.command()
@SETTINGS
def emergencies(path: Path) -> None:
    """Show the emergency changes that nobody has dealt with yet, newest first."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    for line in versions.emergencies(load_settings(path)):
        click.echo(line)


@rules.command()
@SETTINGS
@click.argument("number", type=int)
@click.option("--note", required=True, help="What you found; it goes into the audit.")
@_AUTHOR
def seen(path: Path, number: int, note: str, author: str | None) -> None:
    """Say that you have checked the emergency change that made version NUMBER: its notice ends."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    versions.see_to_emergency(load_settings(path), number, versions.Wanted(author or getpass.getuser(), note))
    click.echo(f"The notice about version {number} has ended.")


@rules.command()
@SETTINGS
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first.")
@click.argument("number", type=int, required=False)
def history(path: Path, most: int, number: int | None) -> None:
    """Show the versions, newest first; `*` is in force. With a number: that one, and what was predicted for it."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    settings = load_settings(path)
    for line in versions.history(settings, most) if number is None else versions.told_whole(settings, number):
        click.echo(line)


@rules.command()
@SETTINGS
@click.argument("number", type=int, required=False)
@click.option("--part", type=click.Choice(["rules", "accounts"]), default="rules", show_default=True)
@click.option("--file", "file", default="", help="If the rules are several files: only this file.")
def show(path: Path, number: int | None, part: str, file: str) -> None:
    """Print the rules, or the register, of version NUMBER as they were written; without NUMBER, of the one in force.

    Rules of several files follow each other, each behind a remark with its name.
    """
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    click.echo(versions.show(load_settings(path), number, part, file), nl=False)


@rules.command()
@SETTINGS
@click.argument("before", type=int)
@click.argument("after", type=int)
def diff(path: Path, before: int, after: int) -> None:
    """Show what changed from version BEFORE to version AFTER."""
    from federation_bridge.operate import rulebook_versions as versions  # noqa: PLC0415 - imports the server's libraries

    for line in versions.diff(load_settings(path), before, after):
        click.echo(line)
