"""A private file that leads a browser to an address, so that the address stands on no command line.

Everybody on a computer may read the command lines of all (`/proc/PID/cmdline`). What stands there of a sign-in is
enough to complete it as somebody else: the person would then work as that one (RFC 9700 4.7).
"""

from __future__ import annotations

import html
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from sys import platform as system

from federation_bridge.cli.i18n import say

_PREFIX = "fedbridge-sign-in-"
_LEFT_BEHIND_SECONDS = 3600
"""No sign-in takes so long: what is older was left by a process that was killed."""


@contextmanager
def redirect_file(environ: Mapping[str, str], url: str) -> Iterator[Path | None]:
    """A file of mode 0600 in a folder of its own of mode 0700, both gone at the end of the block.

    None where there is no place for one that a browser can read and nobody else can change.
    """
    folder = _new_folder(environ)
    try:
        yield _written(folder / "sign-in.html", url) if folder else None
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _new_folder(environ: Mapping[str, str]) -> Path | None:
    for place in _readable_by_browsers(environ):
        try:
            _sweep(place)
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        except OSError:
            continue
    return None


def _readable_by_browsers(environ: Mapping[str, str]) -> list[Path]:
    """Where to try. Confined browsers (snap, flatpak) see no hidden folder and not the /tmp that we see."""
    if environ.get("WSL_DISTRO_NAME"):
        # The browser is a program of Windows: our paths mean nothing to it.
        return []
    home = Path(environ.get("HOME") or Path.home())
    places = [home / "Downloads", home] if system == "linux" else [home]
    return [place for place in places if _is_ours_alone_to_change(place)]


def _is_ours_alone_to_change(place: Path) -> bool:
    """Whether nobody else can put another folder in the place of ours."""
    try:
        facts = place.lstat()
    except OSError:
        return False
    if system == "win32":
        return stat.S_ISDIR(facts.st_mode)
    is_open = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not is_open


def _sweep(place: Path) -> None:
    for left in place.glob(f"{_PREFIX}*"):
        # Another login may sweep too: what is gone already is no reason to do without a file.
        with suppress(FileNotFoundError):
            if not left.is_symlink() and time.time() - left.lstat().st_mtime > _LEFT_BEHIND_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _written(path: Path, url: str) -> Path | None:
    address, link = html.escape(url), html.escape(say("Go on to the sign-in"))
    page = (
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>fedbridge</title>'
        f'<meta http-equiv="refresh" content="0;url={address}"><p><a href="{address}">{link}</a></p>\n'
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(page.encode())
    except OSError:
        return None
    return path
