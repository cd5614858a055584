"""AWS's side is looked at each night, and when an administrator asks; the last result is kept for pages and commands.

Only where the settings allow it (ADR 47): a node then reads the accounts with AWS credentials of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from federation_bridge.administration.account_plans import additions, chosen, needed, ours
from federation_bridge.administration.account_plans import checked as held_against
from federation_bridge.administration.lease import Lease
from federation_bridge.audit import AccountsCheckAsked, AccountsChecked, Entry
from federation_bridge.aws.account_check import Difference, RealAccount
from federation_bridge.aws.onboarding import AccountPlan
from federation_bridge.errors import BadRequest
from federation_bridge.model import Caller, Clock, RequestOrigin
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_KIND = "check of the accounts"
_LAST, _ASKED = "last", "asked"
_LEASE = "accounts are checked until"
_LEASED_FOR = timedelta(minutes=30)
_HOUR = 2
"""Of the night, in UTC."""
_OLD = timedelta(hours=50)
"""A result that is older was missed by at least one night."""
MOST_DIFFERENCES = 500
"""Of one result: what is kept is bounded, and more is told as a number."""
_MOST_CHARACTERS = 2_000
"""Of one sentence."""


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """What the last look at the accounts found."""

    began_at: datetime
    accounts: int
    """How many were looked at."""
    asked_by: str
    """Who asked for it; "" where it was the night's."""
    differences: tuple[Difference, ...]
    more: int = 0
    """How many differences were too many to be kept."""
    not_looked_at: tuple[str, ...] = ()

    def age(self, now: datetime) -> timedelta:
        """How long ago it began."""
        return max(now - self.began_at, timedelta(0))

    def is_old(self, now: datetime) -> bool:
        """Whether a night has been missed since."""
        return self.age(now) > _OLD

    def count(self, kind: str) -> int:
        """How many differences of this kind are kept."""
        return sum(one.kind == kind for one in self.differences)


@dataclass(frozen=True, slots=True)
class AskedCheck:
    """Somebody wants the accounts to be looked at now."""

    at: datetime
    by: str


def last(store: Store) -> KeptCheck | None:
    """The last result; None where there is none. Unavailable."""
    text = store.documents.last_good(_KIND, _LAST)
    if text is None:
        return None
    kept = json.loads(text)
    kept["began_at"] = datetime.fromisoformat(kept["began_at"])
    kept["differences"] = tuple(Difference(**one) for one in kept["differences"])
    return KeptCheck(**{**kept, "not_looked_at": tuple(kept["not_looked_at"])})


def waiting(store: Store) -> AskedCheck | None:
    """What was asked for and not begun yet; None where nothing was. Unavailable."""
    text = store.documents.last_good(_KIND, _ASKED)
    if text is None:
        return None
    asked = AskedCheck(datetime.fromisoformat(json.loads(text)["at"]), json.loads(text)["by"])
    before = last(store)
    return None if before is not None and before.began_at >= asked.at else asked


def ask(store: Store, settings: Settings, clock: Clock, caller: Caller) -> None:
    """An administrator wants a look now: a node begins within a minute; audited.

    Doors let only administrators come here. BadRequest where the settings do not allow it, or one is asked for already.
    """
    if not settings.aws.check_accounts:
        raise BadRequest("the settings do not let nodes read the accounts: `aws.check_accounts` says so")
    if waiting(store) is not None:
        raise BadRequest("a look at the accounts is asked for already: a node begins within a minute")
    now, identity = clock(), caller.session.identity
    text = json.dumps({"at": now.isoformat(), "by": identity.person})
    event = Entry(now, caller.origin, AccountsCheckAsked(), person=identity.person, connection=identity.connection)
    store.documents.keep(_KIND, _ASKED, text, event)


@dataclass(frozen=True, slots=True)
class AccountChecks:
    """What is called every minute, on every node that is allowed to."""

    store: Store
    keys: KeyRing
    rulebook: RulebookInForce
    settings: Settings
    clock: Clock
    read: Callable[[AccountPlan], RealAccount]

    def look(self) -> bool:
        """Looks at the accounts where the night's look, or one that was asked for, is due; whether it did.

        Of all nodes one does. Unavailable; whatever an account does not tell is in the result.
        """
        if not self._is_due():
            return False
        with Lease(self.store.service_marks, self.clock, _LEASE, _LEASED_FOR).held() as is_ours:
            # Another node may have done it between.
            if not is_ours or not self._is_due():
                return False
            self._look()
            return True

    def _is_due(self) -> bool:
        before = last(self.store)
        if before is None or waiting(self.store) is not None:
            return True
        now = self.clock()
        night = now.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
        return before.began_at < (night if night <= now else night - timedelta(days=1))

    def _look(self) -> None:
        asked, began_at, rules = waiting(self.store), self.clock(), self.rulebook.current()
        accounts = chosen(rules.register.accounts, ())
        needs = needed(rules, accounts, ours(self.settings, self.keys, accounts), additions(self.settings))
        found = held_against(needs, self.read)
        told = tuple(_bounded(one) for one in found.differences[:MOST_DIFFERENCES])
        kept = KeptCheck(
            began_at,
            len(needs) - len(found.not_looked_at),
            asked.by if asked is not None else "",
            told,
            len(found.differences) - len(told),
            found.not_looked_at[:MOST_DIFFERENCES],
        )
        event = AccountsChecked(
            kept.accounts, kept.count("fails"), kept.count("wider"), kept.count("unsure"), kept.asked_by
        )
        entry = Entry(self.clock(), RequestOrigin(AccountsChecked.name), event)
        text = json.dumps({**asdict(kept), "began_at": began_at.isoformat()})
        self.store.documents.keep(_KIND, _LAST, text, entry)
        log = _log.warning if kept.differences else _log.info
        log("the accounts were looked at", fails=event.fails, wider=event.wider, unsure=event.unsure)


def _bounded(one: Difference) -> Difference:
    # What stands in an account was written by others.
    return replace(one, subject=shown(one.subject, "?")[:200], sentence=shown(one.sentence, "?")[:_MOST_CHARACTERS])
