"""Whose files and folders are: whether this user may write there, and as whom a command is to be run instead.

What root puts into the service's folder belongs to root, and the service cannot open it at its next start.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid


def demand_own_folder(folder: Path) -> None:
    """Nothing where what we put into this folder can be used by whom it belongs to; ConfigurationInvalid otherwise."""
    try:
        status = folder.stat()
    except OSError:
        return  # whoever needs it says so
    if os.geteuid() == 0 and status.st_uid != 0:
        owner = user_name(status.st_uid)
        raise ConfigurationInvalid(
            f"the folder {folder} belongs to another user ({owner}), who could not use what root puts there: "
            f"run this as that user ({_command_as(status)})"
        )


def demand_folder_to_write(folder: Path) -> None:
    """The same, and nothing only where this user may put files there."""
    demand_own_folder(folder)
    if not _may(folder, os.W_OK | os.X_OK):
        raise ConfigurationInvalid(f"{this_user()} may put no file into {_in_words(folder)}")


def better_as(folder: Path) -> str:
    """The words by which root acts as the folder's owner; nothing for other users, and where it is root's own."""
    try:
        status = folder.stat()
    except OSError:
        return ""
    return _command_as(status) if os.geteuid() == 0 and status.st_uid != 0 else ""


def may_look_into(folder: Path) -> bool:
    """Whether this user may see what lies in the folder, and open it."""
    return _may(folder, os.R_OK | os.X_OK)


def demand_folder_to_look_into(folder: Path) -> None:
    """Nothing where this user may do so; ConfigurationInvalid otherwise."""
    if not may_look_into(folder):
        raise ConfigurationInvalid(f"{this_user()} may not look into {_in_words(folder)}")


def demand_file_to_write(file: Path) -> None:
    """Nothing where this user may write to the file, and put others beside it; ConfigurationInvalid otherwise."""
    if not _may(file, os.R_OK | os.W_OK):
        raise ConfigurationInvalid(f"{this_user()} may not write to {_in_words(file)}")
    if not _may(file.parent, os.W_OK | os.X_OK):
        raise ConfigurationInvalid(f"{this_user()} may put no file into {_in_words(file.parent)}")


def this_user() -> str:
    """Who acts here, in words."""
    return f"this user ({user_name(os.geteuid())})"


def _in_words(path: Path) -> str:
    """What the place is, whose it is, and what to do about it."""
    status = _status(path)
    what = f"the {'folder' if path.is_dir() else 'file'} {path}"
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return f"{what}, for its file system is mounted to be read only: name another place, or mount it to be written"
    if status.st_uid == os.geteuid():
        return f"{what} (mode {status.st_mode & 0o7777:04o}), which is its own: chmod u+rw{'x' * path.is_dir()} {path}"
    if status.st_uid == 0:
        given = f"give it to that one (chown USER: {path})"
        return f"{what}, which belongs to root: name one of the service's user, or {given}"
    return f"{what}, which belongs to {user_name(status.st_uid)}: run this as that user ({_command_as(status)})"


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as problem:
        raise ConfigurationInvalid(f"{path} cannot be used: {problem.strerror}") from None


def _may(path: Path, mode: int) -> bool:
    # By the rights that an open would have: of the user who acts, not of the one who called (faccessat, AT_EACCESS).
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def user_name(user: int) -> str:
    """What the system calls this user; its number where that has no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a container has numbers alone
        return f"uid {user}"


def _command_as(owner: os.stat_result) -> str:
    """The words by which a command is run as the owner."""
    name = user_name(owner.st_uid)
    if name.startswith("uid "):
        return f"setpriv --reuid {owner.st_uid} --regid {owner.st_gid} --clear-groups federation-bridge ..."
    return f"{'runuser' if os.geteuid() == 0 else 'sudo'} -u {name} -- federation-bridge ..."
