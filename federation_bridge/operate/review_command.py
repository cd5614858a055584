"""`federation-bridge review`: who can reach what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from federation_bridge.operate.foreseeing_commands import SPAN
from federation_bridge.operate.options import SETTINGS
from federation_bridge.settings import load_settings

_NARROWING = {
    "account": "Only this account (id or name).",
    "role": "Only this role (its name, or account/role).",
    "group": "Only what people have because they are in this group.",
    "person": "Only this person (connection/subject).",
}


def _narrowing(command: Callable[..., None]) -> Callable[..., None]:
    for name, words in reversed(_NARROWING.items()):
        command = click.option(f"--{name}", default="", help=words)(command)
    return command


@click.command()
@SETTINGS
@_narrowing
@click.option("--seen-within", "span", type=SPAN, help="Only people who signed in within this span (30d).")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def review(path: Path, span: timedelta | None, form: str, **wanted: Any) -> None:
    """Show who can reach which role, by which rule, on which terms, and when it was used last."""
    from federation_bridge.administration.review import Narrowed  # noqa: PLC0415 - imports the mapping
    from federation_bridge.operate import reviewing  # noqa: PLC0415 - imports the server's libraries

    for line in reviewing.lines(load_settings(path), Narrowed(**wanted), form, span):
        click.echo(line)
