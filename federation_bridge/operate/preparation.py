"""What is made sure before workers start: the database is there and current, the rules are good, the keys open."""

from __future__ import annotations

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.keys import Purpose
from federation_bridge.operate.opening import parts_of
from federation_bridge.settings import Settings


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
