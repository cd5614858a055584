"""The operator's verbs: what changes something and its audit entry stand or fall together."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from database_place import HeldClock, Place
from family_material import let_in, signed_in
from sqlalchemy import select

import federation_bridge.administration
from federation_bridge.administration import keys as key_verbs
from federation_bridge.administration import sessions as session_verbs
from federation_bridge.administration.keys import Keys
from federation_bridge.errors import Unavailable
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store
from federation_bridge.store.tables import METADATA
from federation_bridge.store.writing import Writing


def keys(store: Store, clock: HeldClock) -> Keys:
    return Keys(KeyRing(bytes(32), store.sealed_keys, clock, "bridge.example.com"), store.sealed_keys, clock)


def _rotated(store: Store, clock: HeldClock) -> None:
    keys(store, clock).ring.current(Purpose.AWS_SAML)
    key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML)


def _used(store: Store, clock: HeldClock) -> None:
    _rotated(store, clock)
    key_verbs.use(keys(store, clock), Purpose.AWS_SAML)
    clock.advance(timedelta(days=1))


@dataclass(frozen=True)
class Scenario:
    """One verb: what has to be there, the call, and the event that tells of it."""

    prepare: Callable[[Store, HeldClock], object]
    act: Callable[[Store, HeldClock], object]
    event: str


CHANGING = {
    "keys.rotate": Scenario(
        lambda store, clock: keys(store, clock).ring.current(Purpose.AWS_SAML),
        lambda store, clock: key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML),
        "key.made",
    ),
    "keys.use": Scenario(
        _rotated, lambda store, clock: key_verbs.use(keys(store, clock), Purpose.AWS_SAML), "key.used"
    ),
    "keys.retire": Scenario(
        _used, lambda store, clock: key_verbs.retire(keys(store, clock), Purpose.AWS_SAML), "key.retired"
    ),
    "sessions.end_of_person": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: session_verbs.end_of_person(store, clock, "corp/alice"),
        "session.ended",
    ),
    "sessions.end_of_family": Scenario(
        lambda store, clock: let_in(store, clock()),
        lambda store, clock: session_verbs.end_of_family(store, clock, "family"),
        "command_line.ended",
    ),
}
LOOKING = {"keys.states"}


def _verbs() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(federation_bridge.administration.__path__):
        part = importlib.import_module(f"federation_bridge.administration.{module.name}")
        found |= {
            f"{module.name}.{name}"
            for name, one in inspect.getmembers(part, inspect.isfunction)
            if not name.startswith("_") and one.__module__ == part.__name__
        }
    return found


def test_every_verb_is_known_to_change_or_to_look() -> None:
    assert _verbs() == set(CHANGING) | LOOKING


def everything(store: Store) -> dict[str, list[Any]]:
    """Every row of every table but for the audit."""
    with store._database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in METADATA.sorted_tables
            if table.name != "audit"
        }


@pytest.mark.parametrize("verb", CHANGING)
def test_a_verb_that_cannot_be_audited_changes_nothing(
    place: Place, clock: HeldClock, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, scenario = place.open(), CHANGING[verb]
    scenario.prepare(store, clock)
    before = everything(store)

    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken, pytest.raises(Unavailable, match="takes nothing"):
        broken.setattr(Writing, "record", refused)
        scenario.act(store, clock)
    assert everything(store) == before
    scenario.act(store, clock)
    assert everything(store) != before
    newest = store.audit.entries(limit=1)[0]
    assert (newest.event, newest.reference) == (scenario.event, "operator")
