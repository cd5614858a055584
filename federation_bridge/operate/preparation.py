"""What is made sure before workers start: the database is there and current, the rules are good, the keys open."""

from __future__ import annotations

from pathlib import Path

from federation_bridge import first_start, system_clock
from federation_bridge.administration.last_seal import LastSeal
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import demand_own_folder
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.oauth.places import places_from
from federation_bridge.operate import owning
from federation_bridge.operate.opening import parts_of, store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose
from federation_bridge.store import sqlite_path
from federation_bridge.store.same_tables import PUT_BACK
from federation_bridge.web.branding import read_branding


def migrate(settings: Settings, owner: str = "", owner_password: Path | None = None) -> tuple[str, ...]:
    """Brings the database to the present shape, and makes database and keys where there are none; says what it did.

    `owner`: who does it, where the tables belong to another user of PostgreSQL than the service's own, who gets the
    rights that the service needs. Neither rules nor identity providers are looked at. Raises ConfigurationInvalid, and
    Unavailable where the database does not answer.
    """
    # Before anything is made: what is wrong shall leave nothing behind.
    serving = owning.serving_user(settings) if owner else None
    opened = owning.of_owner(settings, owner, owner_password) if owner else settings
    last_seal = LastSeal.of(settings, system_clock.utc_now)
    if first_start.is_ahead(opened):
        last_seal.forget()  # before anything is made: a start that is killed in between would not come here again
    beginning = first_start.begin(opened, is_told=True)
    if beginning.may_make_database:
        last_seal.forget()
    with store_of(opened, beginning) as store:
        store.migrate(serving)
        if (problem := store.schema_problem()) is not None and problem != PUT_BACK:
            raise ConfigurationInvalid(f"database: {problem}")
        keys = key_ring(settings, beginning.sealing_key, store)
        for purpose in Purpose:
            keys.current(purpose)
    return (*(_made(settings) if beginning.may_make_database else ()), "The database is current.")


def _made(settings: Settings) -> tuple[str, ...]:
    made, key_file = f"Made: {sqlite_path(settings.database_url)}", first_start.key_file_of(settings)
    if key_file is None:
        return (made,)
    return made, f"Its sealing key is {key_file}: keep a copy of it where no copy of the database is."


def prepare(settings: Settings) -> None:
    """Joins all parts once in the parent process and lets them go again: what is wrong stops the start here.

    Raises:
        ConfigurationInvalid: with what to mend.
        Unavailable: the database does not answer.
    """
    if (database := sqlite_path(settings.database_url)) is not None:
        # Whoever serves notes seals and archives the audit in there, too.
        demand_own_folder(database.parent)
    # What only a worker reads: there it would be tried for ever, and nobody would be served meanwhile.
    read_branding(settings.portal)
    places_from(settings.command_line.geoip)
    last_seal = LastSeal.of(settings, system_clock.utc_now)
    if first_start.is_ahead(settings):
        last_seal.forget()
    # Nothing of this may be shared with the workers: connections do not survive a fork.
    with parts_of(settings) as parts:
        if (problem := parts.store.schema_problem()) is not None:
            raise ConfigurationInvalid(f"database: {problem}")
        if (problem := last_seal.problem(parts.store)) is not None:
            raise ConfigurationInvalid(problem)
        for purpose in Purpose:
            parts.keys.current(purpose)
