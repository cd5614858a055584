"""Nodes that tell places of what happened; import these where they are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from notice_factories import BRIDGE

from federation_bridge.audit import Entry, Event, RulebookEmergency
from federation_bridge.errands import Errands
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.delivery import TELL_PLACE, SendToPlace, TellPlaces
from federation_bridge.operator_notices.kinds import followed
from federation_bridge.operator_notices.message import Message
from federation_bridge.operator_notices.places import Answer
from federation_bridge.settings import Settings, settings_from
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL

TAKEN = Answer("sent", "answered 200")
EMERGENCY = RulebookEmergency("ada", "an outage", 7, "digest", "a second person would have to say yes")


def settings(**places: Any) -> Settings:
    """Settings whose places are these webhooks; nobody answers at their addresses."""
    hooks = {
        name: {"url": "https://hooks.example.com/", "secret": {"environment": "X"}, **more}
        for name, more in places.items()
    }
    one = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    document = {"base_url": BRIDGE, "rules": "r", "accounts": "a", "connections": {"corp": one}}
    return settings_from({**document, "notices": {"webhook": hooks}}, Path("/nowhere"))


@dataclass
class Told:
    """A place that keeps what it is told, and answers as a test says."""

    answer: Answer = TAKEN
    messages: list[Message] = field(default_factory=list)
    dies: bool = False

    def send(self, message: Message) -> Answer:
        self.messages.append(message)
        if self.dies:
            raise KeyboardInterrupt  # what no errand catches: the process is gone
        return self.answer

    @property
    def ids(self) -> list[str]:
        return [one.id for message in self.messages for one in message.notices]


@dataclass
class Node:
    """One node that tells these places."""

    store: Store
    settings: Settings
    places: dict[str, Told]
    clock: HeldClock
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def work(self) -> None:
        """What is due, as often as something is."""

        def count(kind: str, result: str) -> None:
            self.counted[kind, result] += 1

        send = SendToPlace(self.store, self.settings, self.places, self.clock, count)
        acts: Any = {TELL: TellPlaces(self.store, self.settings), TELL_PLACE: send}
        errands = Errands(self.store.errands, acts, "node", jitter=lambda longest: longest)
        while errands.do_due():
            pass

    def record(self, *events: Event) -> None:
        entries = [Entry(self.clock(), RequestOrigin("ref"), event, "corp/ada", "corp") for event in events]
        self.store.audit.record(*entries)


def node(own_database: OwnDatabase, made: Settings, *, names: Sequence[str] = ()) -> Node:
    store = own_database.open()
    store.follow(followed(made))
    return Node(store, made, {name: Told() for name in names or made.notices.places}, own_database.clock)


def kinds_waiting(store: Store) -> dict[str, int]:
    return dict(store.tallies.now().errands)


@pytest.fixture
def ops(own_database: OwnDatabase) -> Node:
    return node(own_database, settings(ops={}))
