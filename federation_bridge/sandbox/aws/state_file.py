"""The accounts of a local AWS in one JSON file of mode 0600: read at the start, written whole after every change.

Holds private keys and access keys, as the accounts do. Sessions are not kept: they end with the process.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.aws.state import AccessKey, AccountState, Bucket, State

_VERSION = 1


@dataclass
class _Saved:
    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    version: int = _VERSION
    accounts: dict[str, AccountState] = field(default_factory=dict)
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)


_SAVED = TypeAdapter(_Saved)


def read_state(path: Path, state: State) -> None:
    """Fills an empty state from the file, if there is one; ConfigurationInvalid when it cannot be read."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be read: {problem.strerror}") from None
    try:
        saved = _SAVED.validate_json(text)
    except ValidationError as problem:
        where = ".".join(map(str, problem.errors()[0]["loc"]))
        raise ConfigurationInvalid(f"{path}: is no state of a local AWS ({where or 'not JSON'})") from None
    if saved.version != _VERSION:
        raise ConfigurationInvalid(f"{path}: was written by another version of the local AWS")
    state.accounts.update(saved.accounts)
    state.access_keys.update(saved.access_keys)
    state.buckets.update(saved.buckets)


def write_state(path: Path, state: State) -> None:
    """Writes the file, all of it or nothing; ConfigurationInvalid when it cannot be written."""
    with state.lock:
        text = _SAVED.dump_json(_Saved(_VERSION, state.accounts, state.access_keys, state.buckets), indent=1)
        try:
            handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=path.name)
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError as problem:
            with suppress(OSError, UnboundLocalError):
                Path(name).unlink()
            raise ConfigurationInvalid(f"{path}: cannot be written: {problem.strerror}") from None
