"""`keys reseal` for a terminal: all that hangs on the sealing key is made anew, and then the key takes its place.

On SQLite with `sealing.key` in `data` the new key lies beside the old one before anything is written, and takes its
name after the commit. While both lie there no start and no other command goes on: whatever stops this one, both keys
are there, and it may be run again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from federation_bridge import first_start, system_clock
from federation_bridge.administration import resealing
from federation_bridge.administration.resealing import SealingKeys
from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.file_owners import demand_folder_to_write
from federation_bridge.first_start import Beginning
from federation_bridge.operate import owning
from federation_bridge.operate.opening import store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import lay_beside, put_in_place, read_sealing_key, waiting_beside
from federation_bridge.store import Store, putting_back, sqlite_path, user_of


def resealed(settings: Settings, new_key: Path, owner: str, owner_password: Path | None) -> Iterator[str]:
    """Makes all of it anew; one line for each thing that was done or has still to be done.

    ConfigurationInvalid, with one sentence, where it cannot be; then nothing has changed.
    """
    opened = owning.of_owner(settings, owner, owner_password) if owner else settings
    keys = SealingKeys(first_start.sealing_key_in_force(settings), read_sealing_key(new_key))
    if keys.before == keys.after:
        raise ConfigurationInvalid(f"--new-key: {new_key} holds the sealing key that is in force")
    _demand_place(settings)
    with store_of(opened, Beginning(keys.before, may_make_database=False)) as store:
        if (problem := store.schema_problem()) is not None:
            raise ConfigurationInvalid(f"database: {problem}")
        if resealing.is_done(store, keys, system_clock.utc_now):
            yield f"The database is sealed by the new key ({keys.names[1]}) already."
        else:
            yield from _made_anew(settings, store, keys)
    yield from _placed(first_start.key_file_of(settings), keys.after)
    yield "Keep the old key where backups made under it can still be read, away from the database, and nowhere else."


def _demand_place(settings: Settings) -> None:
    if (database := sqlite_path(settings.database_url)) is not None:
        demand_folder_to_write(database.parent)
        if not database.exists():
            raise ConfigurationInvalid(f"the database file {database} is not there: nothing is sealed")
        putting_back.demand_unused(database)
    if (key_file := first_start.key_file_of(settings)) is not None:
        demand_folder_to_write(key_file.parent)


def _made_anew(settings: Settings, store: Store, keys: SealingKeys) -> Iterator[str]:
    with _waiting(first_start.key_file_of(settings), store, keys):
        store.close()
        serving = "" if sqlite_path(settings.database_url) else user_of(settings.database_url)
        with _alone(settings):
            done = resealing.reseal(store, keys, system_clock.utc_now, secrets.token_bytes, serving)
    before, after = keys.names
    yield f"Made anew: {done.keys} keys and {done.rows} rows. The sealing key was {before}, and is {after}."
    yield f"Ended: {done.pending} command lines not let in yet; whoever is signing in now begins again."
    yield "Sessions and command lines go on under the same signing keys: nobody else has to learn anything."


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """Until the commit nobody else opens a SQLite database: whoever read the old key before the new one lay there, and
    opens it later, finds that the key does not fit, and has written nothing.
    """
    database = sqlite_path(settings.database_url)
    return nullcontext() if database is None else putting_back.alone(database)


@contextmanager
def _waiting(key_file: Path | None, store: Store, keys: SealingKeys) -> Iterator[None]:
    """Lays the new key beside the old one, and removes it if it is certain that nothing was written."""
    if key_file is None:
        yield
        return
    was_there = os.path.lexists(waiting_beside(key_file))  # another run's, at work or cut off: not ours to remove
    try:
        lay_beside(key_file, keys.after)
    except OSError as problem:
        raise ConfigurationInvalid(f"{key_file.parent} cannot be written: {problem.strerror}") from None
    try:
        yield
    except BridgeError:
        with suppress(BridgeError):
            if not was_there and not resealing.is_done(store, keys, system_clock.utc_now):
                waiting_beside(key_file).unlink(missing_ok=True)
        raise


def _placed(key_file: Path | None, key: bytes) -> Iterator[str]:
    if key_file is None:
        yield "Now put the new key where `keys.sealing_key` names it, on every node, before you start them."
        return
    try:
        lay_beside(key_file, key)
        aside = put_in_place(key_file, system_clock.utc_now())
    except OSError as problem:
        raise ConfigurationInvalid(
            f"the database is sealed anew, but {key_file} cannot be written ({problem.strerror}): run this once more"
        ) from None
    yield f"The new key is in force: {key_file}. The old one lies in {aside}."
