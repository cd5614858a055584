"""What an end asks of AWS: revocations, written into the transaction of the end itself. An `ending.AwsEndings`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.aws_endings.instants import issuing_until, longest_after, not_before
from federation_bridge.aws_limits import LONGEST_SESSION
from federation_bridge.model import (
    Account,
    Cause,
    Clock,
    HandedToAws,
    LiveGrant,
    Randomness,
    Revocation,
    RevocationKind,
)
from federation_bridge.store import Store
from federation_bridge.store.revocations import add_in
from federation_bridge.store.writing import Writing

_CHAINED_NOT = (
    "the source identity of {person} is somebody else's too, so only sessions of the name {name} end, and none that "
    "were assumed with them"
)


@dataclass(frozen=True)
class EndingsInAws:
    """Asks for what is not asked for already, so each may be called again."""

    store: Store
    register: Callable[[], Mapping[str, Account]]
    """The registered accounts by id."""
    answer_time: timedelta
    """How long after a call was begun STS may still issue a session."""
    clock: Clock
    randomness: Randomness

    def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
        """Ends every live AWS session of a person (`connection/subject`), whatever role it is in by now.

        `before`: none ends where each was issued for a sign-in that began after it. Otherwise all end: a deny knows
        only when a session was issued, and an older sign-in may have obtained the newest, or assumed a role with one.
        """
        found = self.store.live_grants.of_person(person)
        if before is not None and all(one.signed_in_at > before for one in found):
            return HandedToAws()
        by_account: dict[str, list[LiveGrant]] = defaultdict(list)
        for live in found:
            by_account[live.account].append(live)
        wanted, told = [], []
        for account, lives in sorted(by_account.items()):
            for source in sorted({one.source_identity for one in lives}):
                of_source = [one for one in lives if one.source_identity == source]
                if not self._is_shared(account, source, person):
                    wanted.append(self._revocation("person", of_source, cause, {"source_identity": source}))
                    continue
                # A deny of this source identity would end others' sessions, too. A session name is one person's.
                for name in sorted({one.session_name for one in of_source}):
                    named = [one for one in of_source if one.session_name == name]
                    wanted.append(self._revocation("person", named, cause, {"session_name": name}))
                    told.append(_CHAINED_NOT.format(person=person, name=name))
        return self._handed(writing, wanted, [live for lives in by_account.values() for live in lives], told)

    def grant(self, writing: Writing, grant_id: str, cause: Cause) -> HandedToAws:
        """Ends the AWS sessions of one grant: those of its session name in its role."""
        live = self.store.live_grants.grant(grant_id)
        if live is None:
            return HandedToAws(told=f"nothing of a grant {grant_id} is alive")
        alike = [one for one in self.store.live_grants.of_role(live.account, live.role) if one.person == live.person]
        names = {"session_name": live.session_name, "role_arn": live.role_arn}
        told = ["sessions that were assumed with it go on, for an hour at most"]
        if len(alike) > 1:
            told.append(f"all {len(alike)} sessions of {live.person} in {live.role} end: AWS cannot tell them apart")
        return self._handed(writing, [self._revocation("grant", alike, cause, names)], alike, told)

    def role(self, writing: Writing, account: str, role: str, cause: Cause) -> HandedToAws:
        """Ends every session of one role. An empty name ends nothing: the ledger would read it as every role."""
        if not role:
            return HandedToAws(told=f"no role of account {account} was named: it is ACCOUNT/ROLE")
        lives = self.store.live_grants.of_role(account, role)
        place = self._place(account)
        arn = lives[0].role_arn if lives else place.role_arn(role) if place and role in place.roles else ""
        if not arn:
            return HandedToAws(told=f"no role {role} of account {account} is registered, and nothing of it is alive")
        whole = self._of_place("role", account, lives, cause, role_arn=arn)
        return self._handed(writing, [whole], lives, [])

    def account(self, writing: Writing, account: str, cause: Cause) -> HandedToAws:
        """Ends every session in one account."""
        lives = self.store.live_grants.of_role(account)
        if not lives and self._place(account) is None:
            return HandedToAws(told=f"no account {account} is registered, and nothing in it is alive")
        return self._handed(writing, [self._of_place("account", account, lives, cause)], lives, [])

    def _place(self, account: str) -> Account | None:
        return self.register().get(account)

    def _is_shared(self, account: str, source_identity: str, person: str) -> bool:
        """Whether somebody else has this source identity in the account: a rule may fill it from any claim."""
        alike = self.store.live_grants.of_source_identity(account, source_identity)
        return any(one.person != person for one in alike)

    def _revocation(
        self, kind: RevocationKind, lives: Sequence[LiveGrant], cause: Cause, named: Mapping[str, str]
    ) -> Revocation:
        now = self.clock()
        instant = not_before(now, lives, self.answer_time)
        first = lives[0]
        return Revocation(
            id=self.randomness(16).hex(),
            kind=kind,
            partition=first.partition,
            account=first.account,
            issued_before=instant,
            longest=longest_after(instant, lives),
            asked_at=now,
            because=_because(cause),
            person=first.person,
            source_identity=named.get("source_identity", ""),
            session_name=named.get("session_name", ""),
            role_arn=named.get("role_arn", ""),
        )

    def _of_place(
        self, kind: RevocationKind, account: str, lives: Sequence[LiveGrant], cause: Cause, role_arn: str = ""
    ) -> Revocation:
        """For a whole role or account, with sessions that were not granted here."""
        now, place = self.clock(), self._place(account)
        return Revocation(
            id=self.randomness(16).hex(),
            kind=kind,
            partition=lives[0].partition if lives else place.partition if place else "aws",
            account=account,
            issued_before=not_before(now, lives, self.answer_time),
            longest=LONGEST_SESSION,
            asked_at=now,
            because=_because(cause),
            role_arn=role_arn,
        )

    def _handed(
        self, writing: Writing, wanted: Iterable[Revocation], lives: Sequence[LiveGrant], told: Sequence[str]
    ) -> HandedToAws:
        """Writes what no earlier end covers.

        An end of a person covers another whose instant lies after all that the ledger has of them. An end of a role or
        account covers only while its instant lies ahead: anybody may get a session there at any time.
        """
        new = []
        for one in wanted:
            mine = [live for live in lives if live.account == one.account]
            until = issuing_until(mine, self.answer_time) if one.person else self.clock()
            known = self.store.revocations.of_account(one.account)
            if not any(_means_the_same(before, one) and before.issued_before >= until for before in known):
                new.append(one)
        add_in(writing, new, self.store.errands)
        return HandedToAws(len(lives), "; ".join(told))


def _means_the_same(before: Revocation, wanted: Revocation) -> bool:
    mine = (before.person, before.source_identity, before.session_name, before.role_arn, before.grant_id)
    return mine == (wanted.person, wanted.source_identity, wanted.session_name, wanted.role_arn, wanted.grant_id)


def _because(cause: Cause) -> str:
    return f"{cause.by}: {cause.reason}" if cause.reason else cause.by
