"""What is made sure before workers start: the database is there and current, the rules are good, the keys open."""

from __future__ import annotations

from federation_bridge import app, first_start
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.opening import parts_of, store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose


def migrate(settings: Settings) -> None:
    """Brings the database to the present shape, and makes database and keys where there are none.

    Neither rules nor identity providers are looked at. Raises ConfigurationInvalid, and Unavailable where the database
    does not answer.
    """
    beginning = first_start.begin(settings, is_told=True)
    with store_of(settings, beginning) as store:
        store.migrate()
        keys = app.key_ring(settings, beginning.sealing_key, store)
        for purpose in Purpose:
            keys.current(purpose)


def prepare(settings: Settings) -> None:
    """Joins all parts once in the parent process and lets them go again: what is wrong stops the start here.

    Raises:
        ConfigurationInvalid: with what to mend.
        Unavailable: the database does not answer.
    """
    # Nothing of this may be shared with the workers: connections do not survive a fork.
    with parts_of(settings) as parts:
        if (problem := parts.store.schema_problem()) is not None:
            raise ConfigurationInvalid(problem)
        for purpose in Purpose:
            parts.keys.current(purpose)
