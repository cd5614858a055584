"""Statements as the driver takes them: compiled once, then executed without SQLAlchemy in between.

SQLAlchemy writes every statement and knows the type of every column. Its way of executing one takes several times as
long as the database does, so what requests execute goes to the driver itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Dialect, Executable, PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

_KEPT = 512
"""Compiled statements: several times as many as the store has."""

CONFLICTS = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""What the drivers raise for a key that is in use."""

Processor = Callable[[Any], Any]


class Row(tuple[Any, ...]):
    """The columns of one row in their order; each is an attribute as well. Of two with one name the first is."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What one statement gave."""

    rows: list[Row]
    rowcount: int
    """How many rows it touched."""

    def all(self) -> list[Row]:
        """Every row."""
        return self.rows

    def scalars(self) -> Iterator[Any]:
        """The first column of each row."""
        return (row[0] for row in self.rows)

    def scalar_one_or_none(self) -> Any:
        """The first column of the one row; None where there is none."""
        return self.rows[0][0] if self.rows else None


class Statements:
    """The statements of one database, compiled when they are executed first."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled = lru_cache(maxsize=_KEPT)(self._compile)

    def execute(self, connection: PoolProxiedConnection, statement: Executable, values: Mapping[str, Any]) -> Answer:
        """What the statement gives with these values; raises what the driver raises."""
        compiled = self._compiled(statement, tuple(values))
        driver: Any = connection.dbapi_connection
        cursor = driver.execute(compiled.text, compiled.bound(values))
        found = cursor.fetchall() if cursor.description else []
        answer = Answer(compiled.rows(found), cursor.rowcount)
        cursor.close()
        return answer

    def execute_all(
        self, connection: PoolProxiedConnection, statement: Executable, values: Sequence[Mapping[str, Any]]
    ) -> None:
        """Executes the statement with each of these values, which have the same names; raises as `execute`."""
        compiled = self._compiled(statement, tuple(values[0]))
        driver: Any = connection.dbapi_connection
        cursor = driver.cursor()
        cursor.executemany(compiled.text, [compiled.bound(each) for each in values])
        cursor.close()

    def _compile(self, statement: Executable, names: tuple[str, ...]) -> _Compiled:
        compiled = statement.compile(dialect=self._dialect, column_keys=list(names))  # type: ignore[attr-defined] # not declared
        if compiled.post_compile_params:
            raise TypeError("a statement whose text depends on its values")
        columns = getattr(statement, "exported_columns", ())
        return _Compiled(
            text=compiled.string,
            places=self._places(compiled),
            order=compiled.positiontup if compiled.positional else None,
            fixed={bind.key: bind.value for bind in compiled.bind_names if not bind.required},
            row=_row_class([column.name for column in columns]),
            processors=[self._on_this_side(column.type).result_processor(self._dialect, None) for column in columns],
        )

    def _places(self, compiled: SQLCompiler) -> dict[str, tuple[str, Processor | None]]:
        return {
            name: (bind.key, self._on_this_side(bind.type).bind_processor(self._dialect))
            for bind, name in compiled.bind_names.items()
        }

    def _on_this_side(self, type_: TypeEngine[Any]) -> TypeEngine[Any]:
        """The type as this database has it, which knows how values cross."""
        return type_.dialect_impl(self._dialect)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the words of one database."""

    text: str
    places: Mapping[str, tuple[str, Processor | None]]
    """By the driver's name for a value: ours, and what is to be made of the value."""
    order: Sequence[str] | None
    """The driver's names in the order in which it wants the values; None where it wants them by name."""
    fixed: Mapping[str, Any]
    """Values that stand in the statement itself."""
    row: Callable[[tuple[Any, ...]], Row]
    processors: Sequence[Processor | None]

    def bound(self, values: Mapping[str, Any]) -> list[Any] | dict[str, Any]:
        """These values as the driver takes them; KeyError where one is missing."""
        given = {**self.fixed, **values} if self.fixed else values
        if self.order is None:
            return {name: _made(given[key], process) for name, (key, process) in self.places.items()}
        return [_made(given[key], process) for key, process in map(self.places.__getitem__, self.order)]

    def rows(self, found: Sequence[tuple[Any, ...]]) -> list[Row]:
        """What the driver found, as our types."""
        processors = self.processors
        return [self.row(tuple(map(_made, one, processors))) for one in found]


def _made(value: Any, process: Processor | None) -> Any:
    return value if process is None else process(value)


def _row_class(names: Sequence[str]) -> Callable[[tuple[Any, ...]], Row]:
    columns: dict[str, Any] = {"__slots__": ()}
    for place, name in enumerate(names):
        columns.setdefault(name, property(itemgetter(place)))
    return type("Row", (Row,), columns)
