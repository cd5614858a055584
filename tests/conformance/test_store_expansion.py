"""Migrations expand first and contract a release later: programs since `OLDEST` go on beside a newer one's shape.

Whatever the oldest program reads and writes has to be there as it knows it, and its rows have to be believed. What is
dropped has been of no use to any program since `OLDEST` (docs/releasing.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import made_once
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, inspect, text

from federation_bridge.store.engine import Database, open_database
from federation_bridge.store.row_mac import COVERED, NOT_DECIDING
from federation_bridge.store.tables import HEAD, OLDEST

RELEASED = ""
"""The last step of the last release, whose programs run beside ours: set when a release is made. None was made yet."""

RETIRED: dict[str, str] = {}
"""What no program from a step on uses: `table` or `table.column`, to that step. It may go once OLDEST is there."""


@pytest.fixture(autouse=True)
def _steps_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made_once.steps_are_run(monkeypatch)


@dataclass(frozen=True)
class Column:
    """What a program has to know of it."""

    kind: str
    takes_null: bool
    has_default: bool

    def lost(self, now: Column) -> Iterator[str]:
        """In which ways it is narrower now."""
        if now.kind != self.kind:
            yield "is of another type"
        if self.takes_null and not now.takes_null:
            yield "takes no NULL any more"
        if self.has_default and not now.has_default:
            yield "has no default any more"


@dataclass(frozen=True)
class Shape:
    """A database as programs meet it."""

    columns: Mapping[str, Mapping[str, Column]]
    """By table and name."""
    keys: Mapping[str, frozenset[str]]
    """What a row has to fulfil, by table: keys, unique indexes, triggers."""


@dataclass
class Steps:
    """A database whose steps are made one after the other; `written`: what they sent to it meanwhile."""

    database: Database
    written: list[str] = field(default_factory=list)

    def make(self, step: str) -> None:
        with self.database.writing() as connection, self._heard(connection):
            config = Config()
            config.set_main_option("script_location", "federation_bridge.store:migrations")
            config.set_main_option("path_separator", "os")
            config.attributes["connection"] = connection
            command.upgrade(config, step)

    def make_by(self, *statements: str) -> None:
        with self.database.writing() as connection, self._heard(connection):
            for statement in statements:
                connection.execute(text(statement))

    @contextmanager
    def _heard(self, connection: Connection) -> Iterator[None]:
        self.written.clear()

        def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.written.append(statement)

        event.listen(connection, "before_cursor_execute", hear)
        yield
        event.remove(connection, "before_cursor_execute", hear)

    def shape(self) -> Shape:
        with self.database.reading() as connection:
            found = inspect(connection)
            tables = [name for name in found.get_table_names() if name != "alembic_version"]
            triggers = connection.execute(text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")).all()
            columns = {
                table: {
                    str(one["name"]): Column(str(one["type"]), bool(one["nullable"]), one["default"] is not None)
                    for one in found.get_columns(table)
                }
                for table in tables
            }
            return Shape(columns, {table: frozenset(_keys(found, table, triggers)) for table in tables})


def _keys(found: Any, table: str, triggers: Any) -> Iterator[str]:
    yield f"primary key {found.get_pk_constraint(table)['constrained_columns']}"
    for one in found.get_foreign_keys(table):
        yield f"foreign key {one['constrained_columns']}"
    for one in found.get_unique_constraints(table):
        yield f"unique {one['column_names']}"
    for one in found.get_indexes(table):
        if one["unique"]:
            yield f"unique {one['column_names']}"
    for one in found.get_check_constraints(table):
        yield f"check {one['sqltext']}"
    for owner, name in triggers:
        if owner == table:
            yield f"trigger {name}"


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Steps]:
    """A database at the step of the oldest program."""
    database = open_database(f"sqlite:///{tmp_path}/bridge.db", make=True)
    made = Steps(database)
    made.make(OLDEST)
    yield made
    database.close()


def contractions(before: Shape, after: Shape, written: list[str]) -> list[str]:
    """What a program that knows `before` would miss, or would be refused, on `after`."""
    found = [f"{table} is dropped" for table in before.columns if table not in after.columns and not _retired(table)]
    for table, columns in before.columns.items():
        now = after.columns.get(table, {})
        found.extend(_narrower(table, columns, now))
        found.extend(f"{table}: {one} is new" for one in after.keys.get(table, frozenset()) - before.keys[table])
        verbs = (f"DELETE FROM {table}", f"UPDATE {table}", f"DROP TABLE {table}")
        found.extend(
            f"rows: {one}" for one in written if one.replace('"', "").startswith(verbs) and not _retired(table)
        )
    return found


def _narrower(table: str, columns: Mapping[str, Column], now: Mapping[str, Column]) -> Iterator[str]:
    for name in columns.keys() - now.keys():
        if now and not _retired(f"{table}.{name}"):
            yield f"{table}.{name} is dropped or has another name"
    for name in columns.keys() & now.keys():
        yield from (f"{table}.{name} {what}" for what in columns[name].lost(now[name]))
    for name in now.keys() - columns.keys():
        if not now[name].takes_null and not now[name].has_default:
            yield f"{table}.{name} is new, and the oldest program does not fill it"


def _retired(what: str) -> bool:
    return what in RETIRED and RETIRED[what] <= OLDEST


def test_whatever_the_oldest_program_uses_is_there(steps: Steps) -> None:
    before = steps.shape()
    steps.make("head")
    assert contractions(before, steps.shape(), steps.written) == []


def test_rows_of_the_oldest_program_are_believed_and_believes_ours(steps: Steps) -> None:
    """A column more under the MAC makes every row of an older program a forged one."""
    known = steps.shape().columns
    assert {
        table.name: sorted(f"{table.name}.{name}" for name in known[table.name] if name != "mac")
        for table in COVERED
        if table.name in known
    } == {
        table.name: sorted(
            {f"{table.name}.{name}" for name in names}
            | {one for one in NOT_DECIDING if one.startswith(f"{table.name}.")}
        )
        for table, names in COVERED.items()
        if table.name in known
    }


def test_the_oldest_program_is_not_newer_than_the_last_release() -> None:
    assert OLDEST <= HEAD
    assert not RELEASED or OLDEST <= RELEASED, "programs of the last release could not run beside ours"


_TRIES = "CREATE TABLE tries (bucket VARCHAR(64) NOT NULL PRIMARY KEY, ends_at BIGINT NOT NULL, count"
_MATERIAL = "CREATE TABLE provider_material (session TEXT NOT NULL PRIMARY KEY, sealed TEXT NOT NULL, mac VARCHAR(64), "


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (("DROP TABLE tries",), "tries is dropped"),
        (("ALTER TABLE tries DROP COLUMN count",), "tries.count is dropped or has another name"),
        (("ALTER TABLE tries RENAME COLUMN count TO number",), "tries.count is dropped or has another name"),
        (("ALTER TABLE tries RENAME TO attempts",), "tries is dropped"),
        (("CREATE UNIQUE INDEX one ON tries (count)",), "tries: unique ['count'] is new"),
        (("CREATE TRIGGER no BEFORE DELETE ON tries BEGIN SELECT 1; END",), "tries: trigger no is new"),
        (("DELETE FROM tries",), "rows: DELETE FROM tries"),
        (("UPDATE tries SET count = 0",), "rows: UPDATE tries SET count = 0"),
        (("DROP TABLE tries", f"{_TRIES} TEXT NOT NULL)"), "tries.count is of another type"),
        (
            ("DROP TABLE tries", f"{_TRIES} INTEGER, more TEXT NOT NULL)"),
            "tries.more is new, and the oldest program does not fill it",
        ),
        (
            ("DROP TABLE provider_material", f"{_MATERIAL} checked_at BIGINT DEFAULT '0', asked_at BIGINT NOT NULL)"),
            "provider_material.asked_at takes no NULL any more",
        ),
        (
            ("DROP TABLE provider_material", f"{_MATERIAL} checked_at BIGINT NOT NULL, asked_at BIGINT)"),
            "provider_material.checked_at has no default any more",
        ),
    ],
)
def test_a_step_that_contracts_is_found(steps: Steps, statements: tuple[str, ...], told: str) -> None:
    before = steps.shape()
    steps.make_by(*statements)
    assert told in contractions(before, steps.shape(), steps.written)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE shifts (name TEXT PRIMARY KEY)",
        "ALTER TABLE tries ADD COLUMN shift TEXT",
        "ALTER TABLE tries ADD COLUMN shift TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX ix_tries_count ON tries (count)",
    ],
)
def test_a_step_that_expands_is_none(steps: Steps, statement: str) -> None:
    before = steps.shape()
    steps.make_by(statement)
    assert contractions(before, steps.shape(), steps.written) == []


def test_what_nobody_has_used_since_the_oldest_program_may_go(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    before = steps.shape()
    steps.make_by("ALTER TABLE tries DROP COLUMN count")
    monkeypatch.setitem(RETIRED, "tries.count", OLDEST)
    assert contractions(before, steps.shape(), steps.written) == []
    monkeypatch.setitem(RETIRED, "tries.count", "9999")
    assert contractions(before, steps.shape(), steps.written) == ["tries.count is dropped or has another name"]
