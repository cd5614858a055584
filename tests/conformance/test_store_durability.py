"""What waits for the disk, and what is only in order: each verb, the table in docs/store.md and the code agree."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import postgresql
import pytest
from database_traffic import commits
from databases import HeldClock, OwnDatabase
from package_modules import nodes
from store_factories import entry
from store_scenarios import SCENARIOS

from federation_bridge.store import Store

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "federation_bridge"
_ROW = re.compile(r"^\| `([\w., ]+)` \| (durable|ordered) \|", re.MULTILINE)


def _verbs(store: Store) -> Iterator[str]:
    """Every public function of every part, as `part.verb`, and the store's own."""
    for name, value in inspect.getmembers(type(store), inspect.isfunction):
        if not name.startswith("_") and value.__qualname__.startswith("Store."):
            yield name
    for part in fields(store):
        if not part.name.startswith("_"):
            noun = type(getattr(store, part.name))
            yield from (f"{part.name}.{verb}" for verb in vars(noun) if not verb.startswith("_"))


def _documented() -> dict[str, str]:
    """The table: each verb, and how it commits."""
    page = (ROOT / "docs" / "store.md").read_text("utf-8")
    return dict(_ROW.findall(page))


def test_every_verb_has_its_scenario(store: Store) -> None:
    assert {verb.partition(",")[0] for verb in SCENARIOS} == set(_verbs(store)) - {"close"}


@pytest.mark.parametrize("verb", SCENARIOS)
def test_each_verb_commits_as_the_table_in_the_documentation_says(
    own_database: OwnDatabase, clock: HeldClock, verb: str
) -> None:
    own_database.be(_AS.get(verb, postgresql.SERVING))
    store, scenario = own_database.open(), SCENARIOS[verb]
    scenario.prepare(store, clock())
    clock.advance(scenario.later)
    with commits(store) as modes:
        scenario.act(store, clock())
    said = _documented().get(verb)
    assert set(modes) == (set() if said is None else {said})


_AS = {"erasure.erase": postgresql.OWNER, "seals.archive": postgresql.ARCHIVING} | {
    "resealing.reseal": postgresql.OWNER
}
"""Who does what the service's own user may not."""


def _ordered_in_the_code() -> Iterator[str]:
    """`module.function` of every call of the product that asks not to wait for the disk."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in nodes(path):
            if isinstance(function, ast.FunctionDef) and any(map(_asks_for_no_disk, ast.walk(function))):
                yield f"{path.stem}.{function.name.removeprefix('_')}"


def _asks_for_no_disk(node: ast.AST) -> bool:
    words = node.keywords if isinstance(node, ast.Call) else []
    return any(
        word.arg == "durable" and not (isinstance(word.value, ast.Constant) and word.value.value is True)
        for word in words
    )


_PASS_IT_ON = {
    "sparing.record",
    "audit_log.record",
    "audit_log.record_where",
    "audit_log.writing",
    "audit_log.transact",
    "audit_log.attempt",
    "audit_log.record_alone",
    "audit_log.record_beside",
    "audit_log._init__",
    "engine.alone",
    "engine._init__",
    "engine.transaction",
    "engine.begun",
    "engine.beginning",
    "sqlite_engine.begin",
    "postgresql_server.begin",
}
"""Who is told by others whether to wait."""


def test_whatever_does_not_wait_for_the_disk_stands_in_the_table() -> None:
    listed = {verb.partition(",")[0] for verb, mode in _documented().items() if mode == "ordered"}
    assert {
        where.removeprefix("sweeping.").removeprefix("readiness.") for where in _ordered_in_the_code()
    } - _PASS_IT_ON == listed


def test_a_durable_commit_after_an_ordered_one_waits_again(store: Store, clock: HeldClock) -> None:
    """The same connection, one after the other: nothing of the one stays for the next."""
    with commits(store) as modes:
        for durable in (False, True, True, False, True):
            store.audit.record(entry(clock()), durable=durable)
    assert modes == ["ordered", "durable", "durable", "ordered", "durable"]
