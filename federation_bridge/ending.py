"""One operation ends what a person holds, whatever the cause: browser sessions, command lines, what waits to come in,
and their AWS sessions, where that is asked for. Everything that ends somebody's access goes through here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from federation_bridge.audit import AccessEnded, BlockLifted, BlockPut, CommandLineEnded, Entry
from federation_bridge.model import (
    Block,
    BlockSource,
    Cause,
    CauseKind,
    Clock,
    Ended,
    HandedToAws,
    LiveGrant,
    RequestOrigin,
)
from federation_bridge.store import Store
from federation_bridge.store.blocks import put_in
from federation_bridge.store.live_grants import people_in
from federation_bridge.store.writing import Writing

__all__ = ["AwsEndings", "Cause", "CauseKind", "Ended", "Endings", "HandedToAws", "NotConnected"]

NOT_CONNECTED = "AWS is not told: credentials that it has handed out live on until their own end"


class AwsEndings(Protocol):
    """How AWS is made to end sessions. Each writes durable errands into the open transaction: no network, no own clock.

    Done again it adds nothing. What cannot be ended is told in `HandedToAws.told`, and stops no end here.
    """

    def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
        """Ends every live AWS session of a person (`connection/subject`).

        `before`: none where each session was issued for a sign-in that began after it; otherwise all.
        """

    def grant(self, writing: Writing, grant_id: str, cause: Cause) -> HandedToAws:
        """Ends the AWS session of one grant."""

    def role(self, writing: Writing, account: str, role: str, cause: Cause) -> HandedToAws:
        """Ends every live AWS session of one role that was granted here."""

    def account(self, writing: Writing, account: str, cause: Cause) -> HandedToAws:
        """Ends every live AWS session in one account that was granted here."""


class NotConnected:
    """An `AwsEndings` where nothing reaches AWS, which says so."""

    def person(
        self,
        writing: Writing,  # noqa: ARG002 - the protocol's
        person: str,  # noqa: ARG002 - asked of nobody here
        cause: Cause,  # noqa: ARG002 - as above
        before: datetime | None = None,  # noqa: ARG002 - as above
    ) -> HandedToAws:
        """Says that AWS is not told."""
        return HandedToAws(told=NOT_CONNECTED)

    def grant(self, writing: Writing, grant_id: str, cause: Cause) -> HandedToAws:  # noqa: ARG002 - the protocol's
        """Says that AWS is not told."""
        return HandedToAws(told=NOT_CONNECTED)

    def role(self, writing: Writing, account: str, role: str, cause: Cause) -> HandedToAws:  # noqa: ARG002 - the protocol's
        """Says that AWS is not told."""
        return HandedToAws(told=NOT_CONNECTED)

    def account(self, writing: Writing, account: str, cause: Cause) -> HandedToAws:  # noqa: ARG002 - the protocol's
        """Says that AWS is not told."""
        return HandedToAws(told=NOT_CONNECTED)


class Endings:
    """The operation. Durable, audited in the same transaction; repeated, it ends nothing more. Raises Unavailable."""

    def __init__(self, store: Store, clock: Clock, aws: AwsEndings | None = None) -> None:
        self._store = store
        self._clock = clock
        self.aws: AwsEndings = aws or NotConnected()

    def end_person(self, person: str, cause: Cause, *, in_aws: bool, origin: RequestOrigin | None = None) -> Ended:
        """Ends all that a person (`connection/subject`) holds here, and in AWS where that is demanded.

        `origin`: the request that brought it about; without one the entry names the cause. Gives what there was; an
        end that found nothing is no error, and leaves no entry.
        """

        def beside(writing: Writing) -> HandedToAws:
            return self.aws.person(writing, person, cause) if in_aws else HandedToAws()

        def entries_of(ended: Ended) -> tuple[Entry, ...]:
            return (self.entry(person, cause, AccessEnded.of(cause, ended), origin),)

        # Who ends everything of their own knows why it is over.
        is_told = cause.kind != "person"
        return self._store.sessions.end_of_person(person, entries_of, beside, is_told=is_told)

    def block_in(
        self, writing: Writing, block: Block, cause: Cause, *, in_aws: bool, origin: RequestOrigin | None = None
    ) -> Ended:
        """Blocks one person and ends all that they hold, in an open transaction: of whoever tells that they left."""
        here = put_in(writing, block)
        person = block.scope
        ended = replace(here, aws=self.aws.person(writing, person, cause) if in_aws else HandedToAws())
        if ended != Ended():
            writing.record(self.entry(person, cause, AccessEnded.of(cause, ended), origin))
        return ended

    def end_session(self, key: str, person: str, cause: Cause, origin: RequestOrigin | None = None) -> None:
        """Ends one session of a person, with the command lines that were let in from it; `key` as `Session` has it."""
        self._store.sessions.end(key, self.entry(person, cause, AccessEnded.of(cause, Ended(sessions=1)), origin))

    def end_command_line(self, family_id: str, person: str, cause: Cause, origin: RequestOrigin | None = None) -> bool:
        """Ends one command line; whether there was one. `person` may be "" where only the id is known."""
        entry = self.entry(person, cause, CommandLineEnded(family_id, cause.reason), origin)
        return self._store.token_families.end(family_id, entry)

    def block(self, block: Block, *, in_aws: bool, origin: RequestOrigin | None = None) -> Ended:
        """Keeps a person, a connection or everybody but a list out, and ends all that they hold; gives what ended."""
        cause = Cause("block", block.by, block.reason)

        def beside(writing: Writing) -> HandedToAws:
            return self._blocked_in_aws(writing, block, cause) if in_aws else HandedToAws()

        def entries_of(ended: Ended) -> tuple[Entry, ...]:
            return (self._entry_of_block(block.scope, BlockPut.of(block, ended), cause, origin),)

        return self._store.blocks.put(block, entries_of, beside)

    def unblock(
        self, scope: str, source: BlockSource, by: str, reason: str, origin: RequestOrigin | None = None
    ) -> Block | None:
        """Lifts what this source blocked; gives what stood, None where nothing did."""
        entry = self._entry_of_block(scope, BlockLifted(scope, source, by, reason), Cause("block", by, reason), origin)
        return self._store.blocks.lift(scope, source, entry)

    def _blocked_in_aws(self, writing: Writing, block: Block, cause: Cause) -> HandedToAws:
        if block.is_of_person:
            return self.aws.person(writing, block.scope, cause)
        ended = Ended()
        for person in people_in(writing):
            if block.applies_to(person):
                ended += Ended(aws=self.aws.person(writing, person, cause))
        return ended.aws

    def _entry_of_block(
        self, scope: str, event: BlockPut | BlockLifted, cause: Cause, origin: RequestOrigin | None
    ) -> Entry:
        asked = origin or RequestOrigin(reference=cause.by if cause.by == "operator" else event.source)
        person, connection = (scope if "/" in scope else ""), scope.partition("/")[0]
        return Entry(self._clock(), asked, event, person=person, connection=connection)

    def end_grant(self, grant_id: str, cause: Cause, *entries: Entry) -> HandedToAws:
        """Has AWS end the session that it issued, or may have issued, for one grant, in one transaction with these."""

        def work(writing: Writing) -> HandedToAws:
            writing.record(*entries)
            return self.aws.grant(writing, grant_id, cause)

        return self._store.audit.transact(work)

    def end_grant_in(
        self, writing: Writing, grant: LiveGrant, cause: Cause, *, origin: RequestOrigin | None = None
    ) -> HandedToAws:
        """Has AWS end the session of one grant whose reason is gone, in an open transaction. Its person stays."""
        told = self.aws.grant(writing, grant.id, cause)
        writing.record(self.entry(grant.person, cause, AccessEnded.of(cause, Ended(aws=told)), origin))
        return told

    def entry(
        self, person: str, cause: Cause, event: AccessEnded | CommandLineEnded, origin: RequestOrigin | None
    ) -> Entry:
        """An entry at this instant about this person, on account of this cause."""
        connection = person.partition("/")[0] if person else cause.connection
        asked = origin or RequestOrigin(reference=cause.by if cause.by == "operator" else cause.kind)
        return Entry(self._clock(), asked, event, person=person, connection=connection)
