"""Where the service itself writes: what is made at the first start, and what the audit leaves beside the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from federation_bridge import first_start
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import better_as, demand_file_to_write, demand_folder_to_write
from federation_bridge.operate.check.finding import Finding, Kind, Severity, refused
from federation_bridge.settings import Settings
from federation_bridge.store import sqlite_path


def look(settings: Settings) -> Iterator[Finding]:
    """What this user may not write there. Nothing is made."""
    database = sqlite_path(settings.database_url)
    if database is not None and (words := better_as(database.parent)):
        told = f"this looked as root, who may do everything; what the service's user may do, this tells: {words}"
        yield Finding(Kind.FILE, Severity.NOTE, told)
        return
    try:
        first_start.demand_to_begin(settings)
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.DATABASE, refusal)
    if isinstance(settings.audit.also_to, Path):
        yield from _doubt("audit.also_to", settings.audit.also_to, is_folder=False)
    if settings.audit.keep is not None and settings.audit.archive is not None:
        yield from _doubt("audit.archive", settings.audit.archive, is_folder=True)


def _doubt(setting: str, path: Path, *, is_folder: bool) -> Iterator[Finding]:
    """A warning, since nothing of this stops the service: the database has the entries meanwhile."""
    try:
        _demand(path, is_folder=is_folder)
    except ConfigurationInvalid as refusal:
        yield Finding(Kind.FILE, Severity.DOUBTFUL, f"{setting}: {refusal.detail}")


def _demand(path: Path, *, is_folder: bool) -> None:
    if is_folder:
        # The archive makes its folder itself, in whatever is there of the path.
        demand_folder_to_write(next(one for one in (path, *path.parents) if os.path.lexists(one)))
    elif not os.path.lexists(path):
        demand_folder_to_write(path.parent)
    elif path.is_dir():
        raise ConfigurationInvalid(f"{path} is a folder, and a file is needed")
    else:
        demand_file_to_write(path)
