"""Blocks as tests need them: put and lifted as anybody may, and rows that came past the verb."""

from __future__ import annotations

from datetime import datetime

from databases import HeldClock
from store_factories import entry

from federation_bridge.model import Block, BlockSource, Ended
from federation_bridge.store import Store
from federation_bridge.store.blocks import row_of
from federation_bridge.store.tables import BLOCKS

LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
ALICE, BOB = "corp/alice", "corp/bob"


def block(now: datetime, scope: str = ALICE, source: BlockSource = "administrator", *excepted: str) -> Block:
    return Block(scope, source, "operator", "left the company", now, excepted)


def put(
    store: Store, clock: HeldClock, scope: str = ALICE, source: BlockSource = "administrator", *excepted: str
) -> Ended:
    return store.blocks.put(block(clock(), scope, source, *excepted), lambda _: [entry(clock())])


def lift(store: Store, clock: HeldClock, scope: str = ALICE, source: BlockSource = "administrator") -> Block | None:
    return store.blocks.lift(scope, source, entry(clock()))


def appear(store: Store, *blocks: Block) -> None:
    """Rows that end nothing: as if all that was ended had been committed a moment later."""
    with store.audit.writing() as writing:
        for one in blocks:
            writing.insert(BLOCKS, row_of(one))
