"""Errands are tried until they hold, with pauses that grow; whatever happens, none is lost and none is done by two."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase

from federation_bridge import errands as module
from federation_bridge.errands import LEASED_FOR, Errands
from federation_bridge.errors import AwsUnreachable
from federation_bridge.model import Errand
from federation_bridge.store import Store


class _Act:
    """Fails as often as it is told to."""

    def __init__(self, *outcomes: BaseException | timedelta | None) -> None:
        self.outcomes = list(outcomes)
        self.done: list[str] = []

    def __call__(self, errand: Errand) -> timedelta | None:
        self.done.append(errand.subject)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@pytest.fixture
def held(sqlite_database: OwnDatabase) -> Store:
    return sqlite_database.open()


def _errands(store: Store, act: _Act, holder: str = "node") -> Errands:
    return Errands(store.errands, {"revoke": act}, holder, jitter=lambda longest: longest)


def test_what_is_due_is_done_once(held: Store) -> None:
    act = _Act()
    for account in ("111122223333", "444455556666"):
        held.errands.ask("revoke", account)

    assert _errands(held, act).do_due() == 2

    assert act.done == ["111122223333", "444455556666"]
    assert _errands(held, act).do_due() == 0


def test_a_failure_is_tried_again_after_pauses_that_grow(held: Store, clock: HeldClock) -> None:
    act = _Act(*(AwsUnreachable(f"no {place}") for place in range(8)))
    errands = _errands(held, act)
    held.errands.ask("revoke", "111122223333")
    pauses = []

    for _ in range(8):
        assert errands.do_due() == 1
        [waits] = held.errands.waiting("revoke")
        pauses.append((waits.due_at - clock()).total_seconds())
        clock.advance(waits.due_at - clock() - timedelta(seconds=1))
        assert errands.do_due() == 0
        clock.advance(timedelta(seconds=1))

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert errands.do_due() == 1
    assert held.errands.waiting("revoke") == ()


def test_what_nobody_foresaw_is_tried_again_too(held: Store) -> None:
    held.errands.ask("revoke", "111122223333")

    _errands(held, _Act(ZeroDivisionError("secret"))).do_due()

    [waits] = held.errands.waiting("revoke")
    assert waits.attempts == 1
    assert "secret" not in waits.problem


def test_one_that_fails_holds_up_no_other(held: Store) -> None:
    act = _Act(AwsUnreachable("no"))
    for account in ("111122223333", "444455556666"):
        held.errands.ask("revoke", account)

    _errands(held, act).do_due()

    assert act.done == ["111122223333", "444455556666"]
    assert [one.subject for one in held.errands.waiting("revoke")] == ["111122223333"]


def test_a_flood_of_one_kind_holds_up_no_other_kind(held: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever causes notices without end has none of them sent."""
    monkeypatch.setattr(module, "_MOST_AT_ONCE", 3)
    many, few = _Act(), _Act()
    for number in range(9):
        held.errands.ask("many", str(number))
    held.errands.ask("few", "this")

    assert Errands(held.errands, {"many": many, "few": few}, "node").do_due() == 4

    assert len(many.done) == 3
    assert few.done == ["this"]


def test_who_took_longer_than_the_lease_has_it_done_once_more(held: Store, clock: HeldClock) -> None:
    """Else what a slow node wrote last, from older rows, would stand."""
    held.errands.ask("revoke", "111122223333")
    quick = _Act()

    class _Slow(_Act):
        def __call__(self, errand: Errand) -> timedelta | None:
            if not self.done:
                clock.advance(LEASED_FOR)
                assert _errands(held, quick, "quick").do_due() == 1
            return super().__call__(errand)

    slow = _Slow()
    _errands(held, slow, "slow").do_due()

    assert len(quick.done) == 1
    assert len(slow.done) == 2


def test_a_node_that_dies_in_the_middle_is_followed_by_another(held: Store, clock: HeldClock) -> None:
    held.errands.ask("revoke", "111122223333")
    act = _Act()

    with pytest.raises(KeyboardInterrupt):
        _errands(held, _Act(KeyboardInterrupt()), "dies").do_due()

    assert _errands(held, act).do_due() == 0
    clock.advance(LEASED_FOR)
    assert _errands(held, act).do_due() == 1


def test_what_is_to_be_looked_at_again_is(held: Store, clock: HeldClock) -> None:
    held.errands.ask("revoke", "111122223333")
    act = _Act(timedelta(minutes=10))
    errands = _errands(held, act)
    errands.do_due()

    assert errands.do_due() == 0
    clock.advance(timedelta(minutes=10))
    assert errands.do_due() == 1
