"""`federation-bridge audit`: what was decided, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from federation_bridge.durations import parse_duration
from federation_bridge.operate.groups import Group
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_NARROWING = {
    "person": ("--person", "Only this person (connection/subject)."),
    "reference": ("--reference", "Only this reference number."),
    "grant_id": ("--grant", "Only this grant (the grant_id of its events)."),
    "access_key_id": ("--access-key", "Only the session of this access key (userIdentity.accessKeyId of CloudTrail)."),
    "account": ("--account", "Only grants, made or refused, in this account."),
    "role": ("--role", "Only grants, made or refused, of this role."),
    "connection": ("--connection", "Only this connection to an identity provider."),
    "address": ("--address", "Only requests from this address."),
    "event": ("--event", "Only events of this name, for example grant.outcome_unknown."),
}


class _Instant(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An instant as ISO 8601 (UTC where it names no zone), or a span before now."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        except ValueError:
            pass
        try:
            return datetime.now(UTC) - parse_duration(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a time (2026-03-04T12:00:00Z) nor a span (2h, 7d)", param, ctx)


INSTANT = _Instant()
"""An instant on a command line."""


def _narrowing(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which entries."""
    for name, (option, words) in reversed(_NARROWING.items()):
        command = click.option(option, name, default="", help=words)(command)
    command = click.option("--until", type=INSTANT, help="Only events before this time.")(command)
    return click.option("--since", type=INSTANT, help="Only events since this time, or since a span (7d).")(command)


@click.group(cls=Group, invoke_without_command=True)
@SETTINGS
@_narrowing
@click.option("--most", default=50, show_default=True, help="How many events, newest first.")
@click.pass_context
def audit(context: click.Context, /, path: Path, most: int, **wanted: Any) -> None:
    """Show audit events as JSON lines: the exact reason behind a reference number."""
    if context.invoked_subcommand is not None:
        return
    from federation_bridge.audit import AuditQuery  # noqa: PLC0415 - imports the events
    from federation_bridge.operate import audit_query  # noqa: PLC0415 - imports the server's libraries

    for line in audit_query.lines(load_settings(path), AuditQuery(**wanted), most):
        click.echo(line)


@audit.command("export")
@SETTINGS
@_narrowing
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--sealed", is_flag=True, help="All entries with their seals, for `verify --file`: no other option fits.")
def export(path: Path, form: str, *, sealed: bool, **wanted: Any) -> None:
    """Write audit events to stdout as they are read, newest first; with --sealed the oldest first."""
    from federation_bridge.audit import AuditQuery  # noqa: PLC0415 - imports the events
    from federation_bridge.operate import audit_query  # noqa: PLC0415 - imports the server's libraries

    if sealed and (form != "jsonl" or any(wanted.values())):
        raise click.UsageError("--sealed exports everything, as jsonl: an entry that is left out would look removed")
    settings = load_settings(path)
    for line in audit_query.sealed(settings) if sealed else audit_query.exported(settings, AuditQuery(**wanted), form):
        click.echo(line)


@audit.command("verify")
@SETTINGS
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path), help="Verify exports, not the database."
)
@click.option("--keys", type=click.Path(path_type=Path), help="The output of `keys show`: no settings are needed then.")
@click.option("--told", default="", metavar="NUMBER:DIGEST", help="A seal from the log: it must be present.")
def verify(path: Path, files: tuple[Path, ...], keys: Path | None, told: str) -> None:
    """Find entries that were changed, removed, inserted or moved after they were sealed. Exit status 1 if any were."""
    from federation_bridge.operate import audit_verification  # noqa: PLC0415 - imports the server's libraries

    if keys is not None and not files:
        raise click.UsageError("--keys goes with --file")
    is_whole = True
    for line in audit_verification.lines(path, files, keys, told):
        is_whole = is_whole and not line.is_wrong
        click.echo(f"WRONG  {line.words}" if line.is_wrong else line.words)
    if not is_whole:
        sys.exit(1)
