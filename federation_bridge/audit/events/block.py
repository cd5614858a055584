"""Who is kept out, and who is let in again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event
from federation_bridge.model import Block, Ended


@dataclass(frozen=True, slots=True)
class BlockPut(Event):
    """A person, a connection or everybody but a list is let in no more; all that they held has ended."""

    name: ClassVar[str] = "block.put"
    scope: str
    """A person (`connection/subject`), a connection, or "" for everybody."""
    source: str
    """`administrator`, `scim`, `signal` or `incident`; one of `restore` is told by `database.restored`."""
    by: str
    reason: str
    sessions: int
    command_lines: int
    pending: int
    excepted: tuple[str, ...] = ()
    """Who stays in."""
    in_aws: int = 0
    not_in_aws: str = ""

    @classmethod
    def of(cls, block: Block, ended: Ended) -> BlockPut:
        """The event of this block."""
        return cls(
            scope=block.scope,
            source=block.source,
            by=block.by,
            reason=block.reason,
            sessions=ended.sessions,
            command_lines=ended.command_lines,
            pending=ended.pending,
            excepted=block.excepted,
            in_aws=ended.aws.sessions,
            not_in_aws=ended.aws.told,
        )


@dataclass(frozen=True, slots=True)
class BlockLifted(Event):
    """One source keeps somebody out no more; another may still."""

    name: ClassVar[str] = "block.lifted"
    scope: str
    source: str
    by: str
    reason: str
