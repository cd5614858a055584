"""What stands in a bridge's database, read behind its back, and what must hold of it whatever happened."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import make_url


@dataclass(frozen=True)
class Told:
    """One audit entry."""

    event: str
    person: str
    grant_id: str
    access_key_id: str
    details: dict[str, Any]


@dataclass(frozen=True)
class Books:
    """One database, of either kind; each question opens it anew, so that nothing is held while a bridge dies."""

    url: str
    password: str | None

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        url = make_url(self.url)
        if url.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(url.database), timeout=30)) as connection:
                return list(connection.execute(statement))
        with psycopg.connect(
            host=url.host, port=url.port, user=url.username, password=self.password, dbname=url.database
        ) as server:
            return list(server.execute(statement))  # only our own words come here

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def audit(self) -> list[Told]:
        found = self.rows("SELECT event, person, grant_id, access_key_id, details FROM audit ORDER BY number")
        return [
            Told(event, person, grant or "", key or "", json.loads(text)) for event, person, grant, key, text in found
        ]

    def admitted(self) -> Counter[str]:
        """How often each message of an identity provider was admitted."""
        return Counter(str(one.details["message_id"]) for one in self.audit() if one.event == "sign_in.finished")

    def lines(self) -> dict[str, str]:
        """The ledger: each grant that may be alive, with its access key; "" where that is not known."""
        return {grant: key or "" for grant, key in self.rows("SELECT grant_id, access_key_id FROM live_grants")}

    def grants(self, event: str) -> Counter[str]:
        """How often the audit says this of each grant."""
        return Counter(one.grant_id for one in self.audit() if one.event == event)
