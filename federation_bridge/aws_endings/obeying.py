"""The errand that ends sessions in one account: it writes the policy that all present revocations together need.

Idempotent: it always starts from the rows and from what stands in the account, so that two nodes that do it at once, or
one that was killed in the middle, leave the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from federation_bridge.audit import Entry, RevocationPolicyWritten, RevocationsSettled
from federation_bridge.aws.revocations import Deny, composed, deny_only, is_ours, same_policy
from federation_bridge.aws.revoker import Policy, Revoker
from federation_bridge.aws_endings.attaching import Attached, Goes, attached
from federation_bridge.aws_endings.instants import longest_after, not_before, whole_second
from federation_bridge.aws_endings.packing import denies_of, deny_of, on_full_minutes
from federation_bridge.aws_endings.probing import probed
from federation_bridge.aws_endings.sharing import told_apart
from federation_bridge.aws_limits import LONGEST_SESSION
from federation_bridge.errors import AwsUnreachable, CannotRevoke
from federation_bridge.model import (
    CHAINED,
    Account,
    Clock,
    Errand,
    LiveGrant,
    RequestOrigin,
    Revocation,
    RevocationState,
)
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_LOOK_AGAIN = timedelta(minutes=10)
"""How often the policy is looked at while it denies something: somebody may have written over it."""
_UNSEEN = "the policy denies it; whether it is the boundary of the roles is not known (iam:ListEntitiesForPolicy)"
_NOBODY_CAN = timedelta(days=7)
"""For how long after a deny became needless the bridge still tries to take it out."""


@dataclass(frozen=True)
class RevocationErrand:
    """An `errands.Act` for errands of the kind `store.revocations.ERRAND`."""

    store: Store
    rulebook: RulebookInForce
    revoker: Revoker
    clock: Clock
    answer_time: timedelta
    """How long after a call was begun STS may still issue a session."""
    on_settled: Callable[[Revocation], None] = lambda _revocation: None
    """Hears of each revocation whose state became another one."""

    def __call__(self, errand: Errand) -> timedelta | None:
        """After how long to look again; CannotRevoke and AwsUnreachable where AWS does not hold it all yet."""
        kept = told_apart(self.store, self.store.revocations.of_account(errand.subject))
        known = [self._as_long_as_alive(one) for one in kept]
        now = self.clock()
        wanted = [one for one in known if now < one.over_at]
        try:
            policy, account = self._opened(errand.subject)
            settled = self._written(policy, account, wanted)
        except (CannotRevoke, AwsUnreachable) as problem:
            if wanted or any(now < one.over_at + _NOBODY_CAN for one in known):
                self._settle(kept, self._failed(wanted, problem))
                raise
            # The account is gone, or nobody lets us in any more, and nothing that was denied can be alive.
            settled = []
        self._settle(kept, settled)
        self.store.revocations.remove([one for one in known if now >= one.over_at])
        if any(one.state is not RevocationState.ENDED for one in settled):
            raise CannotRevoke("; ".join(sorted({one.told for one in settled if one.told})) or "it was not in time")
        return _LOOK_AGAIN if settled else None

    def _opened(self, account_id: str) -> tuple[Policy, Account]:
        account = self.rulebook.current().register.accounts.get(account_id)
        if account is None:
            raise CannotRevoke(
                f"the account {account_id} is not in the register any more, so the bridge cannot reach it"
            )
        return self.revoker.opened(account), account

    def _written(self, policy: Policy, account: Account, wanted: Sequence[Revocation]) -> list[Revocation]:
        """What became of each, once the account's policy says what they need."""
        found = policy.read()
        ahead = found.clock_ahead(self.clock())
        timed = on_full_minutes([self._in_time(one, ahead) for one in wanted])
        denies = denies_of(timed, self.store.live_grants, self.clock())
        standing = [denies[one.id] for one in timed if one.state is RevocationState.ENDED]
        others = [denies[one.id] for one in timed if one.state is not RevocationState.ENDED]
        goes = self._goes(standing, others)
        policy_text = composed(standing, others, foreign=found.foreign_denies(goes))
        if not same_policy(found.document, policy_text.document):
            self._tell(account, policy.write(policy_text.document, policy_text.text).version, len(policy_text.held))
        bounded = policy.bounded()
        if not bounded.is_known:
            _log.warning("the revoking role may not list the roles with the boundary", account=account.id)
        hanging = self._attached(policy, account, (standing, others), goes)
        now = self.clock() + ahead
        outcomes = []
        for one in timed:
            missing = self._without(one, account, bounded.roles | hanging.roles) if bounded.is_known else []
            needed = [policy_text.held, *([hanging.held] if hanging.roles & self._places(one, account) else [])]
            if not all(denies[one.id] in held for held in needed):
                outcomes.append(self._could_not(one, "the policy is full", self._roles(one)))
            elif missing:
                outcomes.append(self._could_not(one, self._unreached(account, hanging), missing))
            else:
                outcomes.append(self._outcome(one, now))
        if self.revoker.aws.revocation_probe:
            outcomes = [
                probed(policy, before, one, self._lives(one)) for before, one in zip(timed, outcomes, strict=True)
            ]
        if bounded.is_known:
            return outcomes
        return [replace(one, told=_UNSEEN) if one.state is RevocationState.ENDED else one for one in outcomes]

    def _goes(self, standing: Sequence[Deny], others: Sequence[Deny]) -> Goes:
        """Which statements are left out of the next policy: ours, as all that are still needed are written anew.

        After a restore the rows behind some denies are lost. These denies stay until no session that they cover can be
        alive.
        """
        restoration = self.store.restorations.last()
        if restoration is None or self.clock() >= restoration.restored_at + LONGEST_SESSION + CHAINED:
            return is_ours
        written = composed(standing, others).document["Statement"]
        return lambda one: is_ours(one) and one in written

    def _attached(
        self, policy: Policy, account: Account, denies: tuple[Sequence[Deny], Sequence[Deny]], goes: Goes
    ) -> Attached:
        if account.id not in self.revoker.aws.attached_revocations:
            return Attached()
        hanging = attached(policy.beside(self.revoker.aws.attached_policy), *denies, goes)
        if hanging.version:
            self._tell(account, hanging.version, len(hanging.held))
        return hanging

    def _unreached(self, account: Account, hanging: Attached) -> str:
        if account.id not in self.revoker.aws.attached_revocations:
            return "the policy is the permissions boundary of none of them"
        name = self.revoker.aws.attached_policy
        told = f": {hanging.problem}" if hanging.problem else ""
        return (
            f"none of them has the policy as its permissions boundary, nor {name} attached (docs/revocation.md){told}"
        )

    def _tell(self, account: Account, version: str, denies: int) -> None:
        _log.info("sessions are denied in AWS", account=account.id, denies=denies)
        event = RevocationPolicyWritten(account.id, version, denies)
        self.store.audit.record(Entry(self.clock(), RequestOrigin(event.name), event))

    def _in_time(self, one: Revocation, ahead: timedelta = timedelta(0)) -> Revocation:
        """The same with a later instant, while AWS was not told yet: what was assumed meanwhile is denied as well.

        The ledger is read again, for lines that were written while the end was. Nobody whom the end covers gets a new
        session before the instant; once AWS was told, it moves no more. `ahead`: how far AWS's clock is ahead. Sessions
        are issued by that clock, so on a node whose clock is slow the newest would be missed without it.
        """
        if one.state is not RevocationState.ENDING:
            return one
        earliest = not_before(self.clock(), self._lives(one), self.answer_time)
        return replace(one, issued_before=max(one.issued_before, whole_second(earliest + ahead)))

    def _as_long_as_alive(self, one: Revocation) -> Revocation:
        """The same with the longest session that the ledger knows by now: one may have come after the end."""
        meant = [live for live in self._lives(one) if live.made_at < one.issued_before]
        return replace(one, longest=max(one.longest, longest_after(one.issued_before, meant)))

    def _lives(self, one: Revocation) -> Sequence[LiveGrant]:
        if not one.person:
            return self.store.live_grants.of_role(one.account)
        return [live for live in self.store.live_grants.of_person(one.person) if live.account == one.account]

    def _outcome(self, one: Revocation, now: datetime) -> Revocation:
        if one.state is RevocationState.ENDED:
            return replace(one, told="")
        if one.state is RevocationState.ENDING and now > one.issued_before:
            # AWS was told too late: something may have been assumed between the instant and now.
            return replace(one, told="AWS was told too late: it is told again")
        return replace(one, state=RevocationState.ENDED, told="", settled_at=self.clock())

    def _failed(self, wanted: Iterable[Revocation], problem: CannotRevoke | AwsUnreachable) -> list[Revocation]:
        if isinstance(problem, CannotRevoke):
            return [self._could_not(one, problem.detail, self._roles(one)) for one in wanted]
        # What was settled stands as it was told: that AWS does not answer changes nothing there.
        return [replace(one, told=problem.detail) if one.state is RevocationState.ENDING else one for one in wanted]

    def _could_not(self, one: Revocation, why: str, roles: Sequence[str]) -> Revocation:
        later = self._in_time(one)
        statement = json.dumps(deny_only([deny_of(later)]))
        place = f"{_named(roles)} of account {one.account}"
        told = f"{why}. Do this: put this policy on {place}, as an inline policy: {statement}"
        settled_at = one.settled_at if one.state is RevocationState.COULD_NOT else self.clock()
        return replace(later, state=RevocationState.COULD_NOT, told=told, settled_at=settled_at)

    def _roles(self, one: Revocation) -> list[str]:
        """The roles in which a session of this end may be alive."""
        if one.role_arn:
            return [one.role_arn.rpartition("/")[2]]
        return sorted({live.role for live in self._lives(one)})

    def _places(self, one: Revocation, account: Account) -> frozenset[str]:
        return frozenset(account.roles if one.kind == "account" else self._roles(one))

    def _without(self, one: Revocation, account: Account, reached: frozenset[str]) -> list[str]:
        return sorted(self._places(one, account) - reached)

    def _settle(self, known: Iterable[Revocation], settled: Sequence[Revocation]) -> None:
        before = {one.id: one for one in known}
        changed = [one for one in settled if one != before[one.id]]
        if not changed:
            return
        moved = [one for one in changed if one.state is not before[one.id].state]
        entries = [
            Entry(self.clock(), RequestOrigin(RevocationsSettled.name), RevocationsSettled.of(one), person=one.person)
            for one in moved
        ]
        self.store.revocations.settle(changed, *entries)
        for one in moved:
            self.on_settled(one)


def _named(roles: Sequence[str]) -> str:
    if not roles:
        return "every role that may hold such a session"
    return f"the role{'s' if len(roles) > 1 else ''} {', '.join(roles)}"
