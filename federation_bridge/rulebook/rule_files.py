"""Which files hold the rules: one, several, or those of a folder.

Of a folder its `*.yaml` are taken, by name. What editors leave there is not, nor what leads out of it: whoever can only
add a link must not bring in a text that lies elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid

ENDING = ".yaml"
_LIKE_RULES = (ENDING, ".yml", ".YAML", ".YML", ".json")
RulesPlace = Path | tuple[Path, ...]
"""What the settings say: a file, a folder, or several of these."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a folder of rules that is not read as rules."""

    path: Path
    reason: str
    looks_like_rules: bool = True
    """False for what editors and mounts leave there, which nobody takes for rules."""


def is_one_file(place: RulesPlace) -> bool:
    """Whether the rules are one text without a name: the path of a file."""
    return isinstance(place, Path) and not _is_folder(place)


def rule_files(place: RulesPlace) -> tuple[Path, ...]:
    """The files of rules in this place, in their order: a list's as written, a folder's by name.

    ConfigurationInvalid where a folder cannot be read or holds none.
    """
    paths = (place,) if isinstance(place, Path) else place
    return tuple(file for path in paths for file in (_in_folder(path) if _is_folder(path) else (path,)))


def folders(place: RulesPlace) -> tuple[Path, ...]:
    """The folders among the paths of this place."""
    paths = (place,) if isinstance(place, Path) else place
    return tuple(path for path in paths if _is_folder(path))


def skipped(place: RulesPlace) -> Iterator[Skipped]:
    """What lies in the folders of this place and is not taken, with the reason; ConfigurationInvalid."""
    for folder in folders(place):
        for entry in _entries(folder):
            if reason := _reason_to_skip(entry, folder):
                yield Skipped(Path(entry.path), reason, entry.name.endswith(_LIKE_RULES) and entry.name[0] != ".")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that this user may not look into: whoever reads it says so
        return False


def _in_folder(folder: Path) -> tuple[Path, ...]:
    taken = tuple(Path(entry.path) for entry in _entries(folder) if not _reason_to_skip(entry, folder))
    if not taken:
        raise ConfigurationInvalid(f"{folder}: holds no rules: no file in it ends in {ENDING}")
    return taken


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda one: one.name)
    except OSError as problem:
        raise ConfigurationInvalid(f"{folder}: cannot be read: {problem.strerror}") from None


def _reason_to_skip(entry: os.DirEntry[str], folder: Path) -> str:
    """Why this is no file of rules; "" for one that is, and for one that has to be read to find out."""
    if entry.name.startswith("."):
        return "it is hidden"
    if not entry.name.endswith(ENDING):
        return f"its name does not end in {ENDING}"
    if entry.is_symlink():
        # Mounts of Kubernetes link each name to a folder of theirs within the same one.
        return "" if _leads_within(entry, folder) else "it is a link that leads out of the folder"
    return "" if entry.is_file(follow_symlinks=False) else "it is no file"


def _leads_within(entry: os.DirEntry[str], folder: Path) -> bool:
    target = Path(os.path.realpath(entry.path))
    return target.is_relative_to(os.path.realpath(folder)) and not target.is_dir()
