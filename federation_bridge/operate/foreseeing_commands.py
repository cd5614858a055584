"""`federation-bridge preview`, `explain` and `sign-ins`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from federation_bridge.durations import parse_duration
from federation_bridge.operate.audit_commands import INSTANT
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

CHANGES = 3
"""Exit status of a preview that changes what somebody has; 1 is a refusal and 2 a wrong command line."""
_TOLD_EVERY = 1_000
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for a program.")


class _Span(click.ParamType[timedelta]):
    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A span such as 30d."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a span of time (12h, 30d)", param, ctx)


SPAN = _Span()
"""A span of time on a command line."""


@click.command()
@SETTINGS
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--people", type=_FILE, help="A YAML or JSON list of people to decide for too.")
@click.option("--seen-within", "span", type=SPAN, help="Only people who signed in within this span (30d).")
@click.option("--against", type=int, help="Compare with this version (`rules history`), not with the one in force.")
@_JSON
def preview(path: Path, *, as_json: bool, **wanted: Any) -> None:
    """Show who would gain or lose which role if FILES (rules as files or folders, register, or both) came into force.

    Exit status: 0 nothing changes, 3 something changes, 1 the files are refused.
    """
    from federation_bridge.operate import foreseeing  # noqa: PLC0415 - imports the server's libraries

    asked = foreseeing.Wanted(**wanted)
    changes, lines = foreseeing.previewed(load_settings(path), asked, _progress, as_json=as_json)
    for line in lines:
        click.echo(line)
    if changes:
        sys.exit(CHANGES)


def _progress(done: int) -> None:
    if done % _TOLD_EVERY == 0:
        click.echo(f"{done} people decided", err=True)


@click.command()
@SETTINGS
@click.argument("person")
@click.option("--role", default="", help="Only this role (account/role).")
@click.option("--at", type=INSTANT, help="At this time, or a span before now.")
@click.option("--groups", help="As if the person were in these groups: names with commas between.")
@click.option("--version", type=int, help="By this version of the rulebook (`rules history`).")
@_JSON
def explain(path: Path, groups: str | None, *, as_json: bool, **asked: Any) -> None:
    """Show which roles PERSON (connection/subject) may have, why, and why they may have no others."""
    from federation_bridge.operate import foreseeing  # noqa: PLC0415 - imports the server's libraries

    given = None if groups is None else tuple(dict.fromkeys(name for name in groups.split(",") if name))
    question = foreseeing.Question(groups=given, **asked)
    for line in foreseeing.explanation(load_settings(path), question, as_json=as_json):
        click.echo(line)


def _narrowing(command: Callable[..., None]) -> Callable[..., None]:
    for name in ("address", "reference", "connection", "person"):
        command = click.option(f"--{name}", default="", help=f"Only sign-ins of this {name}.")(command)
    return click.option("--since", type=INSTANT, help="Only since this time, or since a span (7d).")(command)


@click.command("sign-ins")
@SETTINGS
@_narrowing
@click.option("--until", type=INSTANT, help="Only before this time, or before a span ago (1d).")
@click.option("--outcome", type=click.Choice(["signed-in", "refused"]), help="Only sign-ins that ended like this.")
@click.option("--most", default=50, show_default=True, help="How many, newest first.")
@_JSON
def sign_ins(path: Path, most: int, outcome: Any, *, as_json: bool, **wanted: Any) -> None:
    """Show sign-ins, refused ones too, each with its cause in words."""
    from federation_bridge.audit import AuditQuery  # noqa: PLC0415 - imports the events
    from federation_bridge.operate import audit_query  # noqa: PLC0415 - imports the server's libraries

    asked = audit_query.SignInsAsked(AuditQuery(**wanted), outcome or "", most)
    for line in audit_query.sign_ins(load_settings(path), asked, as_json=as_json):
        click.echo(line)
