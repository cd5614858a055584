"""AWS's side is looked at by one node, each night or when an administrator asks, and the last result is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from mapping_factories import identity, rule, rule_set
from web_factories import write_files

from federation_bridge.administration import account_checks
from federation_bridge.administration.account_checks import MOST_DIFFERENCES, AccountChecks
from federation_bridge.aws.account_check import RealAccount, RealRole
from federation_bridge.errors import BadRequest, Unavailable
from federation_bridge.model import Caller, RequestOrigin, Session
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.settings import Settings, load_settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store

NIGHT = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


class InForce:
    """A rulebook that grants one role of one account."""

    def current(self, _number: int | None = None) -> Any:
        return rule_set(rule("{group: g}", '{role: "111111111111/Administrator"}'))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings(write_files(tmp_path))
    return found.model_copy(update={"aws": found.aws.model_copy(update={"check_accounts": True})})


def nothing_there(_plan: Any) -> RealAccount:
    return RealAccount({}, frozenset())


Read = Callable[[Any], RealAccount]


def checks(store: Store, clock: HeldClock, settings: Settings, read: Read = nothing_there) -> AccountChecks:
    ring = KeyRing(bytes(32), SealedKeysAndNotices(store.sealed_keys, clock), clock, "bridge.example.com")
    return AccountChecks(store, ring, InForce(), settings, clock, read)  # type: ignore[arg-type]


def ada(clock: HeldClock) -> Caller:
    now = clock()
    who = identity(groups=("admins",), subject="ada")
    return Caller(Session("t", who, now, now, now + timedelta(hours=1)), RequestOrigin(reference="r-1"))


def events(store: Store) -> list[str]:
    return [one.event for one in store.audit.entries() if one.event.startswith("accounts.")]


def test_the_first_look_is_taken_at_once_and_others_each_night(store, clock, settings) -> None:
    clock.now = NIGHT - timedelta(hours=6)
    looking = checks(store, clock, settings)
    assert looking.look()
    assert not looking.look()
    clock.now = NIGHT - timedelta(seconds=1)
    assert not looking.look()
    clock.now = NIGHT
    assert looking.look()
    clock.now = NIGHT + timedelta(hours=23, minutes=59)
    assert not looking.look()
    clock.now = NIGHT + timedelta(days=3, hours=9)  # the service stood still for days
    assert looking.look()
    assert events(store) == ["accounts.checked"] * 3


def test_the_result_is_kept_with_what_mends_it_and_audited_in_numbers(store, clock, settings) -> None:
    assert account_checks.last(store) is None
    assert checks(store, clock, settings).look()
    kept = account_checks.last(store)
    assert kept is not None
    assert (kept.began_at, kept.accounts, kept.asked_by) == (clock(), 1, "")
    (provider, role) = kept.differences
    assert (provider.kind, role.kind, role.subject) == ("fails", "fails", "111111111111/Administrator")
    assert role.trust is not None
    assert role.trust["Statement"][0]["Effect"] == "Allow"
    newest = store.audit.entries(limit=1)[0]
    assert (newest.event, newest.details["fails"], newest.details["accounts"]) == ("accounts.checked", 2, 1)


def test_of_nodes_that_look_at_once_one_does(own_database: OwnDatabase, clock: HeldClock, settings: Settings) -> None:
    store, read, begun, both = own_database.open(), [], threading.Event(), threading.Event()

    def slowly(plan: Any) -> RealAccount:
        read.append(plan.id)
        begun.set()
        both.wait(60)
        return nothing_there(plan)

    first, second = (checks(store, clock, settings, slowly) for _ in range(2))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(first.look)
        assert begun.wait(60)
        assert not second.look()
        both.set()
        assert running.result()
    assert read == ["111111111111"]
    assert not second.look()


def test_a_node_that_died_while_it_looked_is_waited_for_half_an_hour(store, clock, settings) -> None:
    def dies(_plan: Any) -> RealAccount:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.service_marks, "change", _only_first(store.service_marks.change))
        with pytest.raises(SystemExit):
            checks(store, clock, settings, dies).look()
    looking = checks(store, clock, settings)
    assert not looking.look()
    clock.advance(timedelta(minutes=31))
    assert looking.look()


def _only_first(real: Callable[..., bool]) -> Callable[..., bool]:
    calls: list[int] = []

    def change(*words: Any, **more: Any) -> bool:
        calls.append(1)
        return real(*words, **more) if len(calls) == 1 else False

    return change


def test_an_administrator_has_it_looked_at_now_once_at_a_time(store, clock, settings) -> None:
    looking = checks(store, clock, settings)
    looking.look()
    clock.advance(timedelta(minutes=5))
    assert not looking.look()
    account_checks.ask(store, settings, clock, ada(clock))
    assert account_checks.waiting(store) is not None
    with pytest.raises(BadRequest, match="asked for already"):
        account_checks.ask(store, settings, clock, ada(clock))
    assert looking.look()
    kept = account_checks.last(store)
    assert kept is not None
    assert kept.asked_by == "entra/ada"
    assert account_checks.waiting(store) is None
    assert not looking.look()
    assert events(store) == ["accounts.checked", "accounts.check_asked", "accounts.checked"]
    clock.advance(timedelta(minutes=1))
    account_checks.ask(store, settings, clock, ada(clock))


def test_where_the_settings_do_not_allow_it_nobody_can_ask(store, clock, tmp_path) -> None:
    with pytest.raises(BadRequest, match=r"aws\.check_accounts"):
        account_checks.ask(store, load_settings(write_files(tmp_path)), clock, ada(clock))
    assert events(store) == []


def test_what_is_kept_is_bounded_and_holds_no_control_characters(store, clock, settings, monkeypatch) -> None:
    """Attack: whoever may write a trust policy in an account fills our database, or speaks to our terminals."""
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": ["\x1b[2J" + "x" * 9_000]}}]}
    hostile = RealAccount({"Administrator": RealRole("/", trust, 3600)}, frozenset())
    monkeypatch.setattr(account_checks, "MOST_DIFFERENCES", 2)
    assert MOST_DIFFERENCES > 2
    assert checks(store, clock, settings, lambda _: hostile).look()
    kept = account_checks.last(store)
    assert kept is not None
    assert len(kept.differences) == 2
    assert kept.more > 0
    text = store.documents.last_good("check of the accounts", "last")
    assert text is not None
    assert "\\u001b" not in text
    assert len(text) < 20_000


def test_a_result_is_old_when_a_night_was_missed(store, clock, settings) -> None:
    checks(store, clock, settings).look()
    kept = account_checks.last(store)
    assert kept is not None
    assert [kept.is_old(clock() + timedelta(hours=hours)) for hours in (0, 25, 49, 51)] == [False, False, False, True]


def test_what_the_audit_does_not_take_is_not_kept(store, clock, settings, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    monkeypatch.setattr("federation_bridge.store.writing.Writing.record", refused)
    with pytest.raises(Unavailable):
        checks(store, clock, settings).look()
    assert account_checks.last(store) is None
