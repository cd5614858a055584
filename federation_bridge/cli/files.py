"""Private files: made whole or not at all, for this person alone, never through a symbolic link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.i18n import say

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MOST_BYTES = 4_000_000
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def private_folder(path: Path) -> Path:
    """The folder; where it or one above it is missing, that is made with mode 0700, whatever the umask.

    A folder of ours that only its group may write to as well is what a umask of 002 makes: it is taken from the group.

    Raises:
        LocalFailure: it cannot be made, is a link, or is another's: what lies in it could be swapped under us.
    """
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        facts = path.lstat()
        is_ours = sys.platform == "win32" or (stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid())
        if is_ours and facts.st_mode & _OTHERS_WRITE == stat.S_IWGRP:
            path.chmod(stat.S_IMODE(facts.st_mode) & ~stat.S_IWGRP)
            facts = path.lstat()
    except OSError as refused:
        raise local_failure(path, refused) from None
    is_open = sys.platform != "win32" and bool(facts.st_mode & _OTHERS_WRITE)
    if path.is_symlink() or is_open or not is_ours:
        raise LocalFailure(
            say("The folder {path} is not yours alone: chmod 700 it, or set FEDBRIDGE_FOLDER.", path=str(path))
        )
    return path


def write_private(path: Path, data: bytes) -> None:
    """Puts `data` in the place of `path`, atomically, mode 0600: readers see the old file or the new one.

    Raises:
        LocalFailure: a full disk, a folder without room for us; nothing is left behind then.
    """
    private_folder(path.parent)
    with drafted(path, data) as put:
        put()


@contextmanager
def drafted(path: Path, data: bytes, mode: int = 0o600) -> Iterator[Callable[[], None]]:
    """`data` on the disk beside `path`, until what it gives puts it there, atomically; gone at the end of the block.

    What may still fail stands between the two: a full disk has shown itself by then, and nothing has been changed yet.

    Raises:
        LocalFailure: a full disk, a folder without room for us; nothing is left behind then.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")

    def put() -> None:
        try:
            try:
                draft.replace(path)
            except FileNotFoundError:
                _write(draft, data, mode)  # a sign-in or a logout beside us took it for what was left
                draft.replace(path)
        except OSError as refused:
            raise local_failure(path, refused) from None

    try:
        try:
            _write(draft, data, mode)
        except OSError as refused:
            raise local_failure(path, refused) from None
        yield put
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _write(draft: Path, data: bytes, mode: int) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def read_private(path: Path) -> bytes | None:
    """What the file holds; None where there is none.

    Raises:
        LocalFailure: a link, another's file, or one that others may read or write: it is not believed.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _NO_LINK)
    except FileNotFoundError:
        return None
    except OSError as refused:
        raise local_failure(path, refused) from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if sys.platform != "win32" and (facts.st_uid != os.geteuid() or facts.st_mode & 0o077):
            raise LocalFailure(
                say("The file {path} can be read or changed by others. Delete it and sign in again.", path=str(path))
            )
        return file.read(_MOST_BYTES)


def local_failure(path: Path, refused: OSError) -> LocalFailure:
    """What the operating system refused, in words: what it was about, why, and what to do."""
    reason, place = refused.strerror or type(refused).__name__, str(path)
    if refused.errno in _NO_ROOM:
        return LocalFailure(
            say("There is no disk space for {path} ({reason}). Free some space.", path=place, reason=reason)
        )
    if refused.errno in _NOT_ALLOWED:
        return LocalFailure(
            say(
                "This computer does not allow access to {path} ({reason}). Correct its permissions.",
                path=place,
                reason=reason,
            )
        )
    return LocalFailure(say("This computer refused {path}: {reason}.", path=place, reason=reason))
