"""The audit as an operator reads it: a line for each event, as it is read from the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from federation_bridge.administration import audit, sign_in_record
from federation_bridge.administration.sign_ins import Outcome, line_of
from federation_bridge.administration.sign_ins import sign_ins as found_sign_ins
from federation_bridge.audit import AuditQuery, json_line
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.settings import Settings


def lines(settings: Settings, query: AuditQuery, most: int) -> Iterator[str]:
    """The newest events that the query means, at most so many.

    Unavailable where the database does not answer.
    """
    with store_looked_at(settings) as store:
        for entry in islice(store.audit.found(query), most):
            yield json_line(entry)


def exported(settings: Settings, query: AuditQuery, form: str) -> Iterator[str]:
    """All that the query means, newest first, as lines of `jsonl` or `csv`; Unavailable."""
    write = audit.csv_lines if form == "csv" else audit.json_lines
    with store_looked_at(settings) as store:
        yield from write(store.audit.found(query))


def sealed(settings: Settings) -> Iterator[str]:
    """Every entry, the oldest first, and the seals; Unavailable."""
    with store_looked_at(settings) as store:
        yield from map(audit.json_text, audit.sealed(store))


@dataclass(frozen=True, slots=True)
class SignInsAsked:
    """Which sign-ins are asked for, and how many at most."""

    query: AuditQuery
    outcome: Outcome
    most: int


def sign_ins(settings: Settings, asked: SignInsAsked, *, as_json: bool) -> Iterator[str]:
    """The newest sign-ins that are asked for, for people or as JSON lines; Unavailable.

    Of those with one reference number everything is told: checks, what arrived, cause, and what to do.
    """
    with store_looked_at(settings) as store:
        for entry in islice(found_sign_ins(store, asked.query, asked.outcome), asked.most):
            if not as_json:
                yield line_of(entry)
            if not asked.query.reference:
                yield from [json_line(entry)] if as_json else []
                continue
            connection = settings.connections.get(entry.connection)
            found = sign_in_record.told(entry, "" if connection is None else connection.protocol)
            if as_json:
                yield json.dumps(json.loads(json_line(entry)) | {"told": sign_in_record.document_of(found)})
            else:
                yield from sign_in_record.lines_of(found)
