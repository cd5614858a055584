"""The key that seals our private keys at rest, and the keys that are derived from it."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import user_name
from federation_bridge.private_files import keep_names

SEALING_KEY_BYTES = 32
NOT_A_SEALING_KEY = "must hold 32 bytes as base64 (make them with: openssl rand -base64 32)"


def read_or_make_sealing_key(path: Path) -> bytes:
    """The 32 bytes that seal our keys, from a file of mode 0600 that is made if it is not there.

    ConfigurationInvalid where the file is a link, readable by others, of another owner, or no sealing key.
    """
    if not os.path.lexists(path):
        try:
            _place_sealing_key(path)
        except OSError as problem:
            raise ConfigurationInvalid(
                f"the sealing key {path} cannot be made: {problem.strerror}: its folder belongs to the service's user, "
                "and this has to run as that user"
            ) from None
    try:
        return sealing_key_from(_read_private(path), str(path))
    except OSError as problem:
        raise ConfigurationInvalid(f"the sealing key {path} cannot be used: {problem.strerror}") from None


def read_sealing_key(path: Path) -> bytes:
    """The same for a file that is there; ConfigurationInvalid, too, where it is not."""
    try:
        return sealing_key_from(_read_private(path), str(path))
    except OSError as problem:
        raise ConfigurationInvalid(f"the sealing key {path} cannot be used: {problem.strerror}") from None


def waiting_beside(path: Path) -> Path:
    """Where a new sealing key lies until it takes the place of the one in `path`."""
    return path.with_name(f"{path.name}.new")


def put_in_place(path: Path, now: datetime) -> Path:
    """Gives the key that waits beside the name `path`, for good; gives where the one that had it is kept.

    Whatever stops it, both keys are there, and it may be done again. OSError.
    """
    aside = path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}")
    with suppress(FileExistsError):
        os.link(path, aside, follow_symlinks=False)
    waiting_beside(path).replace(path)
    keep_names(path.parent)
    return aside


def lay_beside(path: Path, key: bytes) -> None:
    """Lays a new sealing key beside the one in `path`, on the disk and readable for us alone. OSError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write_new(beside, key)
    try:
        beside.replace(waiting_beside(path))
    finally:
        beside.unlink(missing_ok=True)
    keep_names(path.parent)


def sealing_key_from(text: str, origin: str = "the sealing key") -> bytes:
    """The 32 bytes that this base64 text names; ConfigurationInvalid (which does not repeat the text) for any other."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SEALING_KEY_BYTES:
        raise ConfigurationInvalid(f"{origin} {NOT_A_SEALING_KEY}")
    return key


def derived_key(sealing_key: bytes, use: str) -> bytes:
    """32 bytes for one use, from the sealing key alone (HKDF with SHA-256, RFC 5869): all nodes derive the same.

    `use` is a fixed name in the code. Whoever has one derived key learns neither another nor the sealing key.
    """
    info = f"federation-bridge derived key 1 {use}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=SEALING_KEY_BYTES, salt=None, info=info).derive(sealing_key)


def _place_sealing_key(path: Path) -> None:
    """Writes beside, then links: a racing worker sees a whole file or none, and only the first link stands."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(beside, secrets.token_bytes(SEALING_KEY_BYTES))
        os.link(beside, path, follow_symlinks=False)
    except FileExistsError:
        return
    finally:
        beside.unlink(missing_ok=True)


def _write_new(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationInvalid(f"the sealing key {path} is not a file")
        if status.st_mode & 0o077:
            raise ConfigurationInvalid(f"the sealing key {path} must be ours alone (chmod 600 {path})")
        # Whoever is root reads everything anyway, and looks at the files of the service's own user.
        if os.geteuid() != 0 and status.st_uid not in (os.geteuid(), 0):
            owner = user_name(status.st_uid)
            raise ConfigurationInvalid(
                f"the sealing key {path} belongs to another user ({owner}): run this as that user"
            )
        return file.read(1024).decode("ascii", errors="replace")
