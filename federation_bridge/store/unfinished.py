"""A folder for what is not finished, beside what it becomes; what a run that was killed left goes with the next one.

It holds a copy of the whole database. Whoever works in it holds it locked, and the system lets go of a lock when its
process ends, however that was: so a folder of a living run is never taken for one that was left.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MOST_TRIES = 10


@contextmanager
def unfinished(prefix: str, parent: Path) -> Iterator[Path]:
    """A new folder of ours in `parent`, whose name begins so; it is gone when the block ends. OSError."""
    _remove_left(prefix, parent)
    folder, held = _made(prefix, parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _made(prefix: str, parent: Path) -> tuple[Path, int]:
    for _ in range(_MOST_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue  # another run found it before it was held, and took it away
        # Shared: nobody else takes it away, and what opens a database in it locks its folder so, too.
        if _is_locked(held, fcntl.LOCK_SH) is not False and _is_still(folder, held):
            return folder, held
        os.close(held)  # another run holds it, to take it away
    raise BlockingIOError(0, "other runs are in the way; try again")


def _is_locked(descriptor: int, kind: int) -> bool | None:
    """Whether it is locked from now on; None where this file system has no locks, so that nobody removes any."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(folder.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_left(prefix: str, parent: Path) -> None:
    """Removes folders of this user with a name such as ours, in which nobody works. What cannot be removed stays."""
    name = re.compile(re.escape(prefix) + "[a-z0-9_]{8}")
    for one in (found for found in parent.iterdir() if name.fullmatch(found.name)):
        with suppress(OSError):
            # Never through a link: it would lead to folders of somebody's choice.
            descriptor = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if (
                    os.fstat(descriptor).st_uid == os.geteuid()
                    and _is_locked(descriptor, fcntl.LOCK_EX)
                    and _is_still(one, descriptor)
                ):
                    shutil.rmtree(one)
            finally:
                os.close(descriptor)
