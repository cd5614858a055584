"""docs/sizing.md lists what the store uses of PostgreSQL: no more, and no less, so that other engines can be judged."""

from __future__ import annotations

import re

import postgresql
import psycopg
import pytest
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from documents.blocks import ROOT
from logged_statements import logged
from store_scenarios import SCENARIOS

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.store import open_store

PAGE = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
FEATURES = {
    '`COLLATE "C"` of columns': r'CREATE TABLE .* COLLATE "C"',
    "`FOREIGN KEY … ON DELETE CASCADE`": r"FOREIGN KEY.* ON DELETE CASCADE",
    "`BIGSERIAL`": r"\bBIGSERIAL\b",
    "indexes over several columns, unique ones": r"CREATE UNIQUE INDEX \w+ ON \w+ \(\w+, \w+",
    "indexes with `WHERE`": r"CREATE INDEX .* WHERE ",
    "functions in PL/pgSQL that raise": r"LANGUAGE plpgsql .*RAISE EXCEPTION",
    "triggers `FOR EACH ROW` with `WHEN`, `OLD` and `NEW`": r"CREATE TRIGGER .*FOR EACH ROW WHEN \(.*OLD\..*NEW\.",
    "triggers `FOR EACH STATEMENT` on `TRUNCATE`": r"CREATE TRIGGER .*BEFORE TRUNCATE .*FOR EACH STATEMENT",
    "`ALTER TABLE … DISABLE TRIGGER`": r"ALTER TABLE \w+ DISABLE TRIGGER",
    "`ADD COLUMN … NOT NULL DEFAULT`": r"ALTER TABLE \w+ ADD COLUMN .* DEFAULT .* NOT NULL",
    "`pg_advisory_xact_lock`": r"\bpg_advisory_xact_lock\b",
    "`ON CONFLICT DO NOTHING`": r"ON CONFLICT (\([^)]*\) )?DO NOTHING",
    "`ON CONFLICT DO UPDATE`": r"ON CONFLICT \([^)]*\) DO UPDATE",
    "`RETURNING`": r"\bRETURNING\b",
    "`WITH` whose parts write": r"^WITH \w+ AS \((INSERT|DELETE|UPDATE)\b",
    "`FOR UPDATE`": r"FOR UPDATE(?! SKIP| OF)",
    "`FOR UPDATE OF`": r"FOR UPDATE OF \w+",
    "`SKIP LOCKED`": r"SKIP LOCKED",
    "`FOR SHARE`, `FOR KEY SHARE`, `FOR NO KEY UPDATE`": r"FOR (SHARE|KEY SHARE|NO KEY UPDATE)",
    "rows compared whole: `(a, b) IN (SELECT …)`": r"\(\w+\.\w+, \w+\.\w+[^)]*\) IN \(SELECT",
    "`count(*) FILTER (WHERE …)`": r"FILTER \(WHERE",
    "`JSON` and `jsonb`, `->>`": r"(AS JSON\)|::jsonb) ->>",
    "`SET LOCAL synchronous_commit`, `set_config`": r"SET LOCAL synchronous_commit|set_config\(",
    "`SET LOCAL lock_timeout`, `statement_timeout`": r"SET LOCAL (lock|statement)_timeout",
    "`pg_class`, `pg_locks`, `regclass`": r"pg_locks .*regclass",
    "`LOCK TABLE` and `pg_stat_activity`, for `keys reseal` alone": r"^LOCK TABLE\b",
    "isolation `READ COMMITTED`": r"^isolation read committed$",
}
"""Each, by the words of the page, and how it is known in a statement."""
NOT_USED = {
    "`LISTEN` and `NOTIFY`": r"^(LISTEN|NOTIFY|UNLISTEN)\b|pg_notify\(",
    "temporary and unlogged tables": r"\b(TEMP|TEMPORARY|UNLOGGED)\b",
    "savepoints": r"\bSAVEPOINT\b",
    "two-phase commit": r"PREPARE TRANSACTION",
    "cursors": r"^(DECLARE|FETCH)\b",
    "`COPY`": r"^COPY\b",
    "`TRUNCATE`": r"^TRUNCATE\b",
    "extensions": r"CREATE EXTENSION",
    "types of one's own": r"CREATE (TYPE|DOMAIN)",
    "views": r"CREATE (MATERIALIZED )?VIEW",
    "partitions and inheritance": r"PARTITION (BY|OF)|INHERITS",
    "columns of arrays or JSON or times": r"CREATE TABLE .*(\[\]| JSONB?\b| TIMESTAMP| DATE\b)",
    "windows": r"\bOVER \(",
    "recursion": r"WITH RECURSIVE",
    "`MERGE`": r"^MERGE\b",
    "deferred constraints": r"\bDEFERR",
}
_FUNCTION = re.compile(r"\b([a-z_]+)\(")
_TYPE = re.compile(r"\b(BIGINT|BIGSERIAL|BOOLEAN|BYTEA|INTEGER|TEXT|VARCHAR|NUMERIC|DOUBLE|REAL|UUID|INET)\b")


@pytest.fixture(scope="module")
def statements() -> list[str]:
    """What a server of its own was asked: others' servers are asked by other tests, too."""
    with postgresql.running_postgresql(durable=False) as server:
        return logged(server, SCENARIOS)


def listed(heading: str) -> list[str]:
    """The first cells of the table, or the items of the sentence, under this heading."""
    part = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([^|]+?) \|", part, re.MULTILINE)
    return rows[2:] if rows else []


def test_the_page_lists_what_is_used(statements: list[str]) -> None:
    used = {name for name, pattern in FEATURES.items() if any(re.search(pattern, one) for one in statements)}
    assert used == set(FEATURES)
    assert listed("What the store uses") == [*FEATURES, "DDL and DML in one transaction", "rights of single columns"]


def test_what_the_page_says_is_not_used_is_not(statements: list[str]) -> None:
    found = {name: one for one in statements for name, pattern in NOT_USED.items() if re.search(pattern, one)}
    assert found == {}
    sentence = re.search(r"^Not used: (.*?)\.$", PAGE, re.MULTILINE | re.DOTALL)
    assert sentence
    assert re.split(r",\s+", " ".join(sentence[1].split())) == list(NOT_USED)


def test_every_function_and_type_that_is_asked_for_is_named(statements: list[str]) -> None:
    plain = [re.sub(r"'[^']*'", "''", one) for one in statements]
    functions = {name for one in plain for name in _FUNCTION.findall(one)} - {"any"}
    ours = {name for one in plain for name in re.findall(r"CREATE FUNCTION (\w+)\(", one)}
    tables = {name for one in plain for name in re.findall(r"CREATE TABLE (\w+)", one)}
    types = {
        name.lower() for one in plain if one.startswith(("CREATE TABLE", "ALTER TABLE")) for name in _TYPE.findall(one)
    }
    assert named("Functions") == functions - ours - tables
    assert named("Types") == types


def named(what: str) -> set[str]:
    """What the page names in its line of functions, or of types."""
    sentence = re.search(rf"^{what}: (.*?)\.$", PAGE, re.MULTILINE | re.DOTALL)
    assert sentence
    return set(re.findall(r"`(\w+)`", sentence[1]))


def test_migrations_are_one_transaction(statements: list[str]) -> None:
    made = [number for number, one in enumerate(statements) if one.startswith(("CREATE TABLE", "ALTER TABLE"))]
    between = statements[made[0] : made[-1]]
    assert "COMMIT" not in between
    assert any(one.startswith(("INSERT", "DELETE", "UPDATE")) for one in between)


def test_rights_of_single_columns_are_what_erasure_needs() -> None:
    assert re.search(r"GRANT UPDATE \(\w+, ", (ROOT / "docs" / "store.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("CockroachDB", "crdb_version", "CockroachDB CCL v26.3.0"),
        ("YugabyteDB", "server_version", "15.12-YB-2025.2.0.0-b0"),
    ],
)
def test_another_database_is_refused_by_its_name(
    postgresql_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch, name: str, parameter: str, value: str
) -> None:
    really = psycopg.ConnectionInfo.parameter_status
    monkeypatch.setattr(
        psycopg.ConnectionInfo,
        "parameter_status",
        lambda self, asked: value if asked == parameter else really(self, asked),
    )
    store = open_store(
        postgresql_database.url, clock=HeldClock(), integrity_key=INTEGRITY_KEY, password=postgresql_database.password
    )
    with pytest.raises(ConfigurationInvalid, match=f"^the database is {name}: .*docs/sizing.md"):
        store.migrate()
    store.close()
