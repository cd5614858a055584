"""A notice stands with the entry of the audit that it follows from, and each place gets it, whatever falls over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from notice_factories import BRIDGE

from federation_bridge.audit import (
    AuditQuery,
    Entry,
    Event,
    NoticeDue,
    RulebookEmergency,
    SignedOut,
    VerifiersDisagreed,
)
from federation_bridge.errands import Errands
from federation_bridge.errors import Unavailable
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.delivery import FEW, TELL_PLACE, SendToPlace, TellPlaces, waits_for
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


def test_an_entry_that_tells_something_reaches_each_place_that_wants_its_kind(own_database: OwnDatabase) -> None:
    made = settings(ops={}, security={"kinds": ["verifiers.disagree"]})
    one = node(own_database, made)
    one.record(EMERGENCY)
    one.record(VerifiersDisagreed("they differ"), EMERGENCY)
    one.work()
    assert [message.notices[0].kind for message in one.places["webhook/ops"].messages] == [
        "rulebook.emergency",
        "verifiers.disagree",
        "rulebook.emergency",
    ]
    assert [message.notices[0].kind for message in one.places["webhook/security"].messages] == ["verifiers.disagree"]
    assert kinds_waiting(one.store) == {}
    assert one.counted == {("rulebook.emergency", "sent"): 2, ("verifiers.disagree", "sent"): 2}


def test_a_notice_stands_if_and_only_if_its_entry_does(ops: Node) -> None:
    def undone() -> None:
        with ops.store.audit.writing() as writing:
            writing.record(Entry(ops.clock(), RequestOrigin("ref"), EMERGENCY))
            raise Unavailable("the rest of the change fails")

    with pytest.raises(Unavailable):
        undone()
    assert kinds_waiting(ops.store) == {}
    ops.record(EMERGENCY)
    assert kinds_waiting(ops.store) == {TELL: 1}


def test_an_entry_that_tells_nobody_anything_asks_for_nothing(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(ops={"kinds": ["scim.quiet"]}))
    one.record(EMERGENCY, SignedOut())
    one.record(SignedOut())
    without = node(own_database, settings())
    without.record(EMERGENCY)
    assert kinds_waiting(one.store) == {}


def test_a_node_that_ends_while_it_sends_leaves_the_notice_to_another_under_the_same_id(
    sqlite_database: OwnDatabase,
) -> None:
    made = settings(ops={})
    first, second = node(sqlite_database, made), node(sqlite_database, made)
    first.record(EMERGENCY)
    first.places["webhook/ops"].dies = True
    with pytest.raises(KeyboardInterrupt):
        first.work()
    second.work()
    assert second.places["webhook/ops"].messages == []  # the lease of the first one holds still
    sqlite_database.clock.advance(timedelta(minutes=3))
    second.work()
    assert second.places["webhook/ops"].ids == first.places["webhook/ops"].ids
    assert len(second.places["webhook/ops"].ids) == 1
    assert kinds_waiting(second.store) == {}


def test_a_place_that_does_not_take_it_is_tried_again_ever_more_seldom_until_it_does(
    sqlite_database: OwnDatabase,
) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    place.answer = Answer("retried", "answered 503")
    one.record(EMERGENCY)
    tries = []
    for _ in range(120):
        one.work()
        tries.append(len(place.messages))
        sqlite_database.clock.advance(timedelta(seconds=1))
    assert tries[-1] == 6  # at once, then after 2, 4, 8, 16 and 32 seconds
    (waiting,) = one.store.errands.waiting(TELL_PLACE)
    assert waiting.problem == "answered 503"
    place.answer = TAKEN
    sqlite_database.clock.advance(timedelta(minutes=1))
    one.work()
    assert len(set(place.ids)) == 1
    assert one.counted == {("rulebook.emergency", "retried"): 6, ("rulebook.emergency", "sent"): 1}
    assert kinds_waiting(one.store) == {}


def test_a_place_that_is_down_holds_up_no_other(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(down={}, ops={}))
    one.places["webhook/down"].answer = Answer("retried", "answered 503")
    one.record(EMERGENCY)
    one.work()
    assert len(one.places["webhook/ops"].messages) == 1


def test_what_a_place_refuses_for_good_is_given_up_and_told_to_the_others(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(broken={}, ops={}))
    broken, other = one.places["webhook/broken"], one.places["webhook/ops"]
    broken.answer = Answer("refused", "answered 404")
    one.record(EMERGENCY)
    one.work()
    (row,) = one.store.audit.found(AuditQuery(event="notices.given_up"))
    assert row.details == {
        "place": "webhook/broken",
        "problem": "answered 404",
        "count": 1,
        "kinds": {"rulebook.emergency": 1},
    }
    assert [message.notices[0].kind for message in other.messages] == ["rulebook.emergency", "notices.failed"]
    assert len(broken.messages) == 1  # it is not told that it was not told
    assert one.counted["rulebook.emergency", "given_up"] == 1
    assert kinds_waiting(one.store) == {}


def test_two_places_that_refuse_all_are_not_told_of_each_other_for_ever(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(broken={}, other={}))
    for place in one.places.values():
        place.answer = Answer("refused", "answered 404")
    one.record(EMERGENCY)
    one.work()
    kinds = [row.details["kinds"] for row in one.store.audit.found(AuditQuery(event="notices.given_up"))]
    assert kinds.count({"rulebook.emergency": 1}) == 2
    assert kinds.count({"notices.failed": 1}) == 2
    assert len(kinds) == 4
    assert kinds_waiting(one.store) == {}


def test_a_flood_of_one_kind_buries_no_other_kind(sqlite_database: OwnDatabase) -> None:
    """Whoever breaks the glass could cause many notices before that tell of something else."""
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    one.record(*[VerifiersDisagreed(f"number {number}") for number in range(60)])
    one.record(EMERGENCY)
    one.work()
    (message,) = place.messages
    assert [told.kind for told in message.notices[:2]] == ["verifiers.disagree", "rulebook.emergency"]
    assert message.more == {"verifiers.disagree": 11}


def test_a_place_that_is_slow_keeps_no_other_waiting_for_longer_than_one_message(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(ops={}, slow={}))
    one.record(EMERGENCY, EMERGENCY, EMERGENCY)
    tell = TellPlaces(one.store, one.settings)
    for errand in one.store.errands.waiting(TELL):
        tell(errand)
    send = SendToPlace(one.store, one.settings, one.places, one.clock)
    (errand,) = [each for each in one.store.errands.waiting(TELL_PLACE) if each.subject == "webhook/slow"]
    for sent, again in ((1, timedelta(0)), (2, timedelta(0)), (3, None)):
        assert send(errand) == again
        assert len(one.places["webhook/slow"].messages) == sent


def test_what_waited_for_days_is_given_up_once_it_was_tried(sqlite_database: OwnDatabase) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    one.record(EMERGENCY)
    sqlite_database.clock.advance(timedelta(days=4))  # no node ran meanwhile
    place.answer = Answer("retried", "answered 503")
    one.work()
    assert len(place.messages) == 1
    sqlite_database.clock.advance(timedelta(minutes=1))
    one.work()
    assert len(place.messages) == 1
    assert kinds_waiting(one.store) == {}
    (row,) = one.store.audit.found(AuditQuery(event="notices.given_up"))
    assert (row.details["problem"], row.details["count"]) == ("answered 503", 1)


def test_many_at_once_are_one_message_and_none_is_lost(ops: Node) -> None:
    place = ops.places["webhook/ops"]
    ops.record(*[VerifiersDisagreed(f"number {number}") for number in range(FEW + 70)])
    ops.work()
    (message,) = place.messages
    assert len(message.notices) == 50
    assert message.more == {"verifiers.disagree": FEW + 20}
    assert kinds_waiting(ops.store) == {}


def test_a_place_gets_few_messages_in_ten_minutes_and_the_rest_in_one(sqlite_database: OwnDatabase) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    for number in range(60):
        one.record(VerifiersDisagreed(f"number {number}"))
        one.work()
        sqlite_database.clock.advance(timedelta(seconds=1))
    assert len(place.messages) == 6
    sqlite_database.clock.advance(timedelta(minutes=10))
    one.work()
    assert len(place.messages) == 7
    assert [one.sentence for message in place.messages for one in message.notices] == [
        f"number {number}" for number in range(56)
    ]
    assert place.messages[-1].more == {"verifiers.disagree": 4}


def test_a_place_that_the_settings_name_no_more_waits_for_nothing(own_database: OwnDatabase) -> None:
    made = settings(ops={}, gone={})
    before = node(own_database, made)
    before.places["webhook/gone"].answer = Answer("retried", "answered 503")
    before.record(EMERGENCY)
    TellPlaces(before.store, made)(before.store.errands.waiting(TELL)[0])
    assert len(before.store.errands.waiting(waits_for("webhook/gone", "rulebook.emergency"))) == 1
    after = node(own_database, settings(ops={}))
    after.work()
    assert len(after.places["webhook/ops"].messages) == 1
    assert kinds_waiting(after.store) == {}


def test_a_forged_errand_tells_no_entry_that_is_not_meant_for_operators(ops: Node) -> None:
    ops.record(SignedOut())
    for subject in ("1", "99999", "-1", "one", "1 OR 1=1", "٣", "9" * 30, "9" * 200):
        ops.store.errands.ask(TELL, subject)
        ops.store.errands.ask(waits_for("webhook/ops", "rulebook.emergency"), subject)
    ops.store.errands.ask(TELL_PLACE, "webhook/ops")
    ops.work()
    assert ops.places["webhook/ops"].messages == []
    assert kinds_waiting(ops.store) == {}


@pytest.mark.parametrize("mark", ["no JSON", "{}", "[1]", '["x"]', json.dumps(["2999-01-01T00:00:00+00:00"] * 9)])
def test_a_forged_mark_keeps_no_notice_back(ops: Node, mark: str) -> None:
    ops.store.service_marks.change("notices sent to webhook/ops", None, mark)
    ops.record(EMERGENCY)
    ops.work()
    assert len(ops.places["webhook/ops"].messages) == 1


def test_a_notice_that_nobody_foresaw_as_a_kind_is_told_nowhere(ops: Node) -> None:
    ops.record(NoticeDue("no.such.kind", "x"))
    ops.work()
    assert kinds_waiting(ops.store) == {}
