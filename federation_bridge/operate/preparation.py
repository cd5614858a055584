"""What is made sure before workers start: the database is there and current, the rules are good, the keys open."""

from __future__ import annotations

from pathlib import Path

import structlog

from federation_bridge import first_start, system_clock
from federation_bridge.administration.last_seal import LastSeal
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import demand_own_folder
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.oauth.places import places_from
from federation_bridge.operate import owning
from federation_bridge.operate.opening import parts_of, store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import sqlite_path
from federation_bridge.web.branding import read_branding

_log = structlog.get_logger(__name__)

_LAST_MADE = Purpose.AWS_SAML
"""Of our keys: one that every database has had since the first release."""


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
        if (problem := store.shape_problem()) is not None:
            raise ConfigurationInvalid(f"database: {problem}")
        is_new = _make_keys(key_ring(settings, beginning.sealing_key, store))
    return (*(_made(settings) if is_new else ()), "The database is current.")


def _make_keys(keys: KeyRing) -> bool:
    """Makes our keys where there are none; whether what a first start makes became whole just now.

    A first start that was killed has told nobody what it made: the one that ends its work tells it.
    """
    is_new = not keys.made(_LAST_MADE)
    for purpose in (*(one for one in Purpose if one is not _LAST_MADE), _LAST_MADE):
        keys.current(purpose)
    return is_new


def _made(settings: Settings) -> tuple[str, ...]:
    """What a first start made, and what is to be done about it; nothing on PostgreSQL, where an operator made both."""
    if sqlite_path(settings.database_url) is None:
        return ()
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
        if _make_keys(parts.keys) and (told := _made(settings)):
            _log.info("made", detail=" ".join(told))
