"""`python -m tests.benchmarks.sizes`: bytes of a row, with its share of the indexes, for what docs/sizing.md counts on.

The rows are those that the served bridge leaves in a real PostgreSQL. They are multiplied with other keys, so that
indexes are as full as they are in a large database.
"""

from __future__ import annotations

import random
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value, make_signer
from tests.benchmarks import grant
from tests.benchmarks.bridge import BridgeFiles, Browser, answer_message, make_place, served
from tests.benchmarks.processes import python, running
from tests.free_ports import free_port
from tests.postgresql import Server, running_postgresql

SIGN_INS, GRANTS, ROWS, GROUPS = 20, 3, 100_000, 30
TABLES = (
    *("audit", "people", "group_changes", "sessions", "spent_messages", "live_grants", "session_names"),
    "role_habits",
)
_OTHER_KEYS = {
    *("person", "token_hash", "message", "grant_id", "name", "reference", "access_key_id"),
    *("provider_session", "provider_subject"),
}
"""Columns that differ from row to row in a large database: an index over equal values would be smaller."""
_INSTANTS = {"at", "ends_at", "last_seen_at", "started_at", "kept_until", "changed_at", "made_at"}


@dataclass(frozen=True)
class Size:
    """Of one table, by row."""

    table: str
    row: float
    whole: float
    """With indexes, and what is kept aside."""
    written: float
    """As a line of JSON."""
    of_a_sign_in: float
    """How many rows one leaves."""
    of_a_grant: float


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, running_postgresql(durable=False) as server:
        sizes = list(measured(Path(folder), server))
    sys.stdout.write("| table | row | with indexes | as JSON | rows of one sign-in | rows of one grant |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for one in sizes:
        counts = f"{one.of_a_sign_in:.2f} | {one.of_a_grant:.2f}"
        sys.stdout.write(f"| `{one.table}` | {one.row:.0f} B | {one.whole:.0f} B | {one.written:.0f} B | {counts} |\n")
    return 0


def measured(folder: Path, server: Server) -> Iterator[Size]:
    """The size of each table after some sign-ins and grants."""
    signer, sts_port = make_signer(), free_port()
    sts = python("-m", "tests.benchmarks.answering_sts", str(sts_port), grant.assumed_role_arn())
    with running(sts, sts_port, "/", folder / "sts.log"):
        place = make_place(folder / "bridge", signer, sts_port, server)
        with served(place), server.admin("bench") as connection:
            before = _counted(connection)
            browsers = [_signed_in(place, signer) for _ in range(SIGN_INS)]
            signed = _counted(connection)
            for browser in browsers:
                for _ in range(GRANTS):
                    grant.take(browser, grant.headers_of(browser))
                browser.close()
            granted = _counted(connection)
            for name in TABLES:
                of_a_sign_in = (signed[name] - before[name]) / SIGN_INS
                of_a_grant = (granted[name] - signed[name]) / SIGN_INS / GRANTS
                yield Size(name, *_sizes(connection, name), of_a_sign_in, of_a_grant)


def _signed_in(place: BridgeFiles, signer: Signer) -> Browser:
    browser = Browser(place)
    request_id, relay_state = browser.leave()
    message = answer_message(place.acs, place.entity_id, request_id, GROUPS)
    # Groups as Entra names them, by object ids; the same at each sign-in.
    numbers = random.Random(1)
    groups = tuple(str(uuid.UUID(int=numbers.getrandbits(128))) for _ in range(GROUPS - 1))
    told = {**message.attributes, "groups": ("group-7", *groups)}
    form = form_value(replace(message, attributes=told), signer)
    browser.arrive(urlencode({"SAMLResponse": form, "RelayState": relay_state}))
    return browser


def _counted(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return {name: int(_row(connection, f"SELECT count(*) FROM {name}")[0]) for name in TABLES}


def _sizes(connection: psycopg.Connection[Any], name: str) -> tuple[float, float, float]:
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", (name,)
    )
    columns = [column for (column,) in found if (name, column) != ("audit", "number")]
    written = _row(connection, f"SELECT avg(length(row_to_json(one)::text)) FROM {name} AS one")[0]
    connection.execute("SET session_replication_role = replica")  # past the triggers: only size is looked at
    connection.execute(f"CREATE TABLE many (LIKE {name} INCLUDING ALL)")
    connection.execute(
        f"INSERT INTO many ({', '.join(columns)}) SELECT {', '.join(map(_value, columns))} FROM {name} AS one"
        f" CROSS JOIN generate_series(1, (SELECT {ROWS} / count(*) FROM {name})) AS n"
    )
    connection.execute("VACUUM ANALYZE many")
    row, whole, count = _row(
        connection, "SELECT pg_relation_size('many'), pg_total_relation_size('many'), count(*) FROM many"
    )
    connection.execute("DROP TABLE many")
    return row / count, whole / count, float(written)


def _row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    found = connection.execute(statement).fetchone()
    assert found is not None
    return found


def _value(column: str) -> str:
    if column in _INSTANTS:
        return f"one.{column} + n * 1000000"
    if column not in _OTHER_KEYS:
        return f"one.{column}"
    # As long as it was, and another one.
    return f"left(encode(sha256((one.{column} || '/' || n)::bytea), 'hex'), length(one.{column}))"


if __name__ == "__main__":
    sys.exit(main())
