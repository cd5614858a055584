"""`federation-bridge backup` and `federation-bridge restore`."""

from __future__ import annotations

from pathlib import Path

import click

from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@SETTINGS
@click.argument("file", type=_FILE)
@click.option("--verify", is_flag=True, help="Make no backup: read FILE to its end, and check it.")
def backup(path: Path, file: Path, *, verify: bool) -> None:
    """Copy the SQLite database into FILE, which is new; the service may run meanwhile.

    FILE holds personal data, and no sealing key.
    """
    from federation_bridge.operate import backing_up  # noqa: PLC0415 - imports the server's libraries

    settings = load_settings(path)
    for line in backing_up.verified(settings, file) if verify else backing_up.backed_up(settings, file):
        click.echo(line)


@click.command()
@SETTINGS
@click.argument("file", type=_FILE, required=False)
@click.option("--replace", is_flag=True, help="With FILE: replace the database that is there.")
@click.option(
    "--database-is-restored", "by_hand", is_flag=True, help="Say that the database was restored by other means."
)
@click.option("--show", is_flag=True, help="Show what is in force again, to be confirmed.")
@click.option("--confirm", "code", metavar="CODE", default="", help="Confirm what --show showed: people can sign in.")
@click.option("--reason", default="", help="With --confirm: why; it stays in the audit.")
@click.option("--in-aws", is_flag=True, help="With --confirm: end every session in every registered account.")
def restore(  # noqa: PLR0913 - click hands over one for each option
    path: Path,
    file: Path | None,
    *,
    replace: bool,
    by_hand: bool,
    show: bool,
    code: str,
    reason: str,
    in_aws: bool,
) -> None:
    """Restore the SQLite database from FILE while the service is stopped. Afterwards run --show, and then --confirm.

    On PostgreSQL, pg_restore puts it back, and --database-is-restored follows. All sessions and command lines end, and
    nobody comes in until somebody has looked and confirmed.
    """
    from federation_bridge.operate import restoring  # noqa: PLC0415 - imports the server's libraries

    if sum((file is not None, by_hand, show, bool(code))) != 1:
        raise click.UsageError("give one of FILE, --database-is-restored, --show and --confirm")
    if (replace and file is None) or ((reason or in_aws) and not code):
        raise click.UsageError("--replace goes with FILE, --reason and --in-aws go with --confirm")
    settings = load_settings(path)
    if file is not None:
        lines = restoring.restored(settings, file, replace=replace)
    elif by_hand:
        lines = restoring.told_by_hand(settings)
    elif show:
        lines = restoring.shown(settings)
    else:
        lines = restoring.confirmed(settings, code, reason, in_aws=in_aws)
    for line in lines:
        click.echo(line)
