"""Files that an operator has written for others to use: nobody else may have a hand in them.

They are run with an administrator's credentials, or become what AWS believes. Whoever could put a link or a file of
their own in the way beforehand would have another file overwritten, or own what is run.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.private_files import others_may_write


def write_below(folder: Path, name: str, content: bytes) -> Path:
    """The file of this name, with folders of its own, below this folder; a new one in place of what lay there.

    ConfigurationInvalid where it cannot be written, and where a folder on the way is one in which others can put files:
    theirs, or open to all. A folder in which nobody touches the files of others, such as /tmp, is none of these.
    """
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for one in (folder, *(folder / part for part in reversed(Path(name).parents) if part != Path())):
            _check_folder(one)
        _replace(path, content)
    except OSError as problem:
        raise ConfigurationInvalid(f"{path} cannot be written: {problem.strerror}") from None
    return path


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationInvalid(
            f"the folder {folder} belongs to another user (uid {status.st_uid}): choose your own"
        )
    if others_may_write(status) and not status.st_mode & stat.S_ISVTX:
        raise ConfigurationInvalid(
            f"others can put files into the folder {folder}: take that away (chmod go-w {folder}), or choose another"
        )


def _replace(path: Path, content: bytes) -> None:
    # A link that lies there is replaced, never followed; a file of somebody else's stays theirs, under no name.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        raise
