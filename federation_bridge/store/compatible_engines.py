"""Databases that speak PostgreSQL's protocol and are none: refused in words, before anything is written to them."""

from __future__ import annotations

import psycopg

from federation_bridge.errors import ConfigurationInvalid

_WHY = "what keeps the audit whole is not promised there (docs/sizing.md): use PostgreSQL, or Aurora PostgreSQL"


def demand_postgresql(server: psycopg.ConnectionInfo) -> None:
    """Nothing where this is PostgreSQL; ConfigurationInvalid where the server says that it is another database.

    It said so when the connection was opened: nothing is asked.
    """
    if server.parameter_status("crdb_version"):
        raise ConfigurationInvalid(f"the database is CockroachDB: {_WHY}")
    if "-YB-" in (server.parameter_status("server_version") or ""):
        raise ConfigurationInvalid(f"the database is YugabyteDB: {_WHY}")
