"""Files that nobody else may read: looked at before they are used, and refused where others can use them too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid


def check_private(path: Path, status: os.stat_result, what: str) -> None:
    """Nothing where this file is for us alone; ConfigurationInvalid with a sentence that says how to mend it.

    Ours are files of ours and of root's. Our own group, or root's, may read (0440, as secrets are mounted); nobody else
    may do anything.
    """
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o037 or (mode & stat.S_IRGRP and not _is_our_group(status.st_gid)):
        raise ConfigurationInvalid(
            f"{what} {path} can be used by others (mode {mode:04o}): it must be ours alone (chmod 600 {path}), "
            "or readable by the service's own group (0440)"
        )
    if not _is_our_owner(status.st_uid):
        raise ConfigurationInvalid(f"{what} {path} belongs to another user (uid {status.st_uid}), who can read it")


def check_private_beside(path: Path, what: str) -> None:
    """The same for every file whose name begins with this one's: SQLite's log, a copy that somebody made beside it.

    The folder may be looked into, but others may put nothing there: they could replace what lies in it.
    """
    for beside in sorted(path.parent.glob(f"{path.name}*")):
        try:
            status = beside.lstat()
        except FileNotFoundError:
            continue  # SQLite's log goes with its last connection
        if stat.S_ISREG(status.st_mode):
            check_private(beside, status, what)
    if others_may_write(path.parent.stat()):
        raise ConfigurationInvalid(
            f"others can put files into the folder {path.parent} of {what}: take that away (chmod go-w {path.parent})"
        )


def others_may_write(status: os.stat_result) -> bool:
    """Whether others than our own group can change what this file or folder holds."""
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_our_group(status.st_gid)))


def keep_names(folder: Path) -> None:
    """Returns when the names in this folder are on the disk: only then a new name outlives a power failure. OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_our_owner(owner: int) -> bool:
    # Whoever is root reads everything anyway, and looks at the files of the service's own user.
    return os.geteuid() == 0 or owner in (os.geteuid(), 0)


def _is_our_group(group: int) -> bool:
    return os.geteuid() == 0 or group in (0, os.getegid(), *os.getgroups())
