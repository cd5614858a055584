"""The bridges that this computer knows, side by side: each has a folder of its own, and a name if it was given one.

A name lies in `names/NAME`, which holds the name of the folder: the fast path of `credential-process` reads it too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.cli import folders
from federation_bridge.cli.failures import LocalFailure, UsageWrong
from federation_bridge.cli.files import local_failure, read_private, write_private
from federation_bridge.cli.i18n import say

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class KnownBridge:
    """A bridge at which somebody signed in on this computer."""

    address: str
    folder: Path
    given: str = ""
    """The name that the person gave it."""

    @property
    def name(self) -> str:
        """What `--bridge` and `use` take: the given name, else host and port of the address."""
        return self.given or folders.shown_name(self.address)


def known_bridges(environ: Mapping[str, str]) -> list[KnownBridge]:
    """All of them, by name."""
    root = Path(folders.root(environ))
    given = {folder: name for name, folder in _names(root).items()}
    places = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    found = [KnownBridge(address, place, given.get(place.name, "")) for place in places if (address := _address(place))]
    return sorted(found, key=lambda one: one.name)


def bridge_called(environ: Mapping[str, str], name: str) -> KnownBridge:
    """The bridge of this name or address.

    Raises:
        UsageWrong: none is known; a near one is suggested and never taken.
    """
    folder = folders.named_folder(folders.root(environ), name)
    known = known_bridges(environ)
    for one in known:
        if str(one.folder) == folder:
            return one
    names = [one.name for one in known]
    if near := difflib.get_close_matches(name, names, 3, 0.6):
        raise UsageWrong(say("No bridge is called {name}. Did you mean: {near}?", name=name, near=", ".join(near)))
    if names:
        listed = ", ".join(names[:10])
        raise UsageWrong(say("No bridge is called {name}. You have: {names}", name=name, names=listed))
    raise UsageWrong(say("No bridge is called {name}. Sign in first: fedbridge login https://...", name=name))


def name_of_folder(environ: Mapping[str, str], folder: str) -> str:
    """What the bridge of the folder with this name is called; the folder's own name where none is known there."""
    return next((one.name for one in known_bridges(environ) if one.folder.name == folder), folder)


def check_name(environ: Mapping[str, str], folder: Path, name: str) -> None:
    """Raises UsageWrong where this bridge cannot be called so: another one is, or it is no name."""
    if not _NAME.fullmatch(name):
        raise UsageWrong(say("{name} is no name for a bridge: letters, digits, - and _, at most 40.", name=name[:80]))
    root = Path(folders.root(environ))
    taken = _names(root).get(name, name)
    if taken != folder.name and (address := _address(root / taken)):
        raise UsageWrong(say("{name} is the name of {address} already.", name=name, address=address))


def give_name(folder: Path, name: str) -> None:
    """Calls the bridge of this folder so; a name that it had before is forgotten."""
    write_private(folder.parent / "names" / name, folder.name.encode())
    for old, place in _names(folder.parent).items():
        if place == folder.name and old != name:
            path = folder.parent / "names" / old
            try:
                path.unlink(missing_ok=True)
            except OSError as refused:
                raise local_failure(path, refused) from None


def given_name(folder: Path) -> str:
    """What the person called the bridge of this folder; empty where nothing."""
    return next((name for name, place in _names(folder.parent).items() if place == folder.name), "")


def make_current(folder: Path) -> str:
    """Makes this the bridge that commands use which name none; the folder's name of the one before."""
    before = read_private(folder.parent / "current") or b""
    write_private(folder.parent / "current", folder.name.encode())
    return before.decode(errors="replace").strip()


def _names(root: Path) -> dict[str, str]:
    try:
        paths = [path for path in (root / "names").iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return {}
    return {path.name: text.decode(errors="replace").strip() for path in paths if (text := _believed(path))}


def _address(folder: Path) -> str:
    return (_believed(folder / "address") or b"").decode(errors="replace").strip()


def _believed(path: Path) -> bytes | None:
    try:
        return read_private(path)
    except LocalFailure:
        return None
