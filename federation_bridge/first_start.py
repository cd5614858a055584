"""Whether this is a first start, on which a SQLite file and a sealing key may be made, or something was lost.

A database that vanished must not look like a first start: the service would go on with an empty one, under new signing
keys that AWS does not know, and without a word of the sessions and the audit that are gone.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import demand_folder_to_look_into, demand_folder_to_write, may_look_into
from federation_bridge.private_files import check_private_beside
from federation_bridge.settings import Settings
from federation_bridge.signing import (
    derived_key,
    read_or_make_sealing_key,
    read_sealing_key,
    sealing_key_from,
    waiting_beside,
)
from federation_bridge.store import ROWS_USE, sqlite_file, sqlite_path

_MAKE_NEW = "`federation-bridge migrate` makes a new one, with new signing keys that AWS must be told"


@dataclass(frozen=True, slots=True)
class Beginning:
    """The sealing key, and whether a SQLite file may be made."""

    sealing_key: bytes = field(repr=False)
    """32 bytes that seal our private keys."""
    may_make_database: bool

    @property
    def integrity_key(self) -> bytes:
        """The key of the MAC on rows of the database."""
        return derived_key(self.sealing_key, ROWS_USE)


def is_ahead(settings: Settings) -> bool:
    """True where neither sealing key nor SQLite database is there, so that the first start has still to make both."""
    database = sqlite_path(settings.database_url)
    is_given = settings.keys.sealing_key is not None or os.path.lexists(settings.data / "sealing.key")
    return database is not None and not is_given and _is_empty_for(database)


def demand_to_begin(settings: Settings) -> None:
    """Nothing where the first start could make what it makes, if it came now; ConfigurationInvalid otherwise."""
    if is_ahead(settings) and (database := sqlite_path(settings.database_url)) is not None:
        _demand_place(database, key_file_of(settings), has_key=False, is_told=False)


def resume(settings: Settings) -> Beginning:
    """As `begin`, for a command that works on what is there: it makes nothing. Raises ConfigurationInvalid."""
    database = sqlite_path(settings.database_url)
    if database is not None:
        _demand_folder(database.parent)
        if not database.exists():
            raise ConfigurationInvalid(
                f"the database file {database} is not there: `data` or `database` says so; {_MAKE_NEW}"
            )
    key_file = key_file_of(settings)
    if database is not None and key_file is not None and not os.path.lexists(key_file):
        raise _key_is_lost(database, key_file)
    return begin(settings)


def begin(settings: Settings, *, is_told: bool = False) -> Beginning:
    """Reads the sealing key, or makes it where neither it nor the database is there.

    `is_told`: an operator said that a missing database shall be made (`migrate`). Raises ConfigurationInvalid where
    one of the two is missing, with what to do; all that can be wrong is looked at before anything is made.
    """
    database, key_file = sqlite_path(settings.database_url), key_file_of(settings)
    if settings.database_password is not None:
        settings.database_password.read()
    given = _given(settings) if key_file is None else b""
    if database is None:
        return Beginning(given, may_make_database=False)
    _demand_folder(database.parent)
    if key_file is not None:
        _demand_folder(key_file.parent)
    # In this order: a first start makes the database before the key, so whoever sees its key finds its database.
    has_key = key_file is None or os.path.lexists(key_file)
    has_database = database.exists()
    if not has_database:
        _demand_place(database, key_file, has_key=has_key, is_told=is_told)
    if key_file is None:
        return Beginning(given, may_make_database=not has_database)
    # In one without tables there is nothing to lose: a first start was cut off, or is under way.
    if has_database and not os.path.lexists(key_file) and not sqlite_file.holds_nothing(database):
        raise _key_is_lost(database, key_file)
    _demand_one_key(key_file)
    if not has_key:
        sqlite_file.make(database)
    return Beginning(read_or_make_sealing_key(key_file), may_make_database=not (has_database and has_key))


def _key_is_lost(database: Path, key_file: Path) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        f"the database {database} is there, but the sealing key {key_file} is not: put the key back, for "
        "nothing in the database opens without it"
    )


def _demand_place(database: Path, key_file: Path | None, *, has_key: bool, is_told: bool) -> None:
    """Nothing where a database may be made here, and a key beside it where none is."""
    if has_key and not is_told:
        where = "keys.sealing_key" if key_file is None else str(key_file)
        raise ConfigurationInvalid(
            f"the database {database} is not there, but the sealing key ({where}) is: put the database back, or "
            f"{_MAKE_NEW}"
        )
    demand_folder_to_write(database.parent)
    check_private_beside(database, "the database file")
    if key_file is not None and not has_key:
        demand_folder_to_write(key_file.parent)


def sealing_key_of(settings: Settings) -> bytes:
    """The sealing key that is there, for a command that puts a database back; ConfigurationInvalid where none is."""
    if (key_file := key_file_of(settings)) is not None:
        _demand_one_key(key_file)
    return sealing_key_in_force(settings)


def sealing_key_in_force(settings: Settings) -> bytes:
    """The same, also where a new one waits beside it: for the command that puts that one in its place."""
    key_file = key_file_of(settings)
    if key_file is None:
        return _given(settings)
    _demand_folder(key_file.parent)
    if not os.path.lexists(key_file):
        raise ConfigurationInvalid(
            f"the sealing key {key_file} is not there: put it back first, for nothing in a backup opens without it"
        )
    return read_sealing_key(key_file)


def key_file_of(settings: Settings) -> Path | None:
    """The file in `data` that holds the sealing key; None where the settings name the key."""
    if settings.keys.sealing_key is None and sqlite_path(settings.database_url) is not None:
        return settings.data / "sealing.key"
    return None


def _demand_one_key(key_file: Path) -> None:
    waiting = waiting_beside(key_file)
    if os.path.lexists(key_file) and os.path.lexists(waiting):
        raise ConfigurationInvalid(
            f"a change of the sealing key is under way or was cut off, for {waiting} lies beside {key_file}: run "
            f"`federation-bridge keys reseal --new-key {waiting}` once more, which goes on from there"
        )


def _is_empty_for(database: Path) -> bool:
    # Where this user may not look in, nothing is known, and nothing looks like a first start.
    return may_look_into(database.parent) and database.parent.is_dir() and not database.exists()


def _demand_folder(folder: Path) -> None:
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationInvalid(
            f"`data` or `database`: the folder {folder} is not there; make it for the service's user alone "
            f"(install -d -m 0700 -o federation-bridge {folder})"
        ) from None
    except OSError as problem:
        raise ConfigurationInvalid(
            f"`data` or `database`: this user may not look at {folder} ({problem.strerror}): run this as the service's "
            "user"
        ) from None
    if not is_folder:
        raise ConfigurationInvalid(f"`data` or `database`: {folder} is no folder, and one is needed")
    demand_folder_to_look_into(folder)


def _given(settings: Settings) -> bytes:
    if settings.keys.sealing_key is None:
        raise ConfigurationInvalid(
            "keys.sealing_key: several nodes on one database need one sealing key; make it with "
            "`openssl rand -base64 32`, give every node the same and name it here by file or environment"
        )
    return sealing_key_from(settings.keys.sealing_key.read(), "keys.sealing_key")
