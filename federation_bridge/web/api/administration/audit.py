"""The audit for programs: entries by filters, a page at a time, or all of them as lines."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from flask import Response

from federation_bridge.administration import audit
from federation_bridge.audit import AuditQuery, Recorded, json_line
from federation_bridge.errors import BadRequest
from federation_bridge.model import JsonObject
from federation_bridge.web.administration.page import argument
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.call import api, check_arguments, instant_of
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded

_TEXTS = tuple(one.name for one in fields(AuditQuery) if one.name not in ("since", "until"))
QUERY = (*_TEXTS, "since", "until")
"""The filters of the audit."""


@api.get("/audit")
@guarded(administering_auditor)
def entries() -> Response:
    """Entries that the filters mean, the newest first."""
    check_arguments(*QUERY, *paging.ARGUMENTS)
    return paging.by_time(door().store.audit.found, query(), told_entry)


@api.get("/audit/export")
@guarded(administering_auditor)
def export() -> Response:
    """All entries that the filters mean, as JSON lines or CSV (`form`), sent while they are read."""
    check_arguments("form", *QUERY)
    form = argument("form") or "jsonl"
    if form not in ("csv", "jsonl"):
        raise BadRequest("an export is jsonl or csv")
    write = audit.csv_lines if form == "csv" else audit.json_lines
    lines = write(door().store.audit.found(query()))
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl"
    answer = Response((line.rstrip("\r\n") + "\n" for line in lines), content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename=audit.{form}"
    return answer


def query() -> AuditQuery:
    """What the filters of this call mean; BadRequest for one that cannot be read."""
    named: dict[str, Any] = dict(paging.texts(_TEXTS))
    return replace(AuditQuery(**named), since=instant_of("since"), until=instant_of("until"))


def told_entry(one: Recorded) -> JsonObject:
    """An entry for a program: as it stands in a line of the export."""
    found: JsonObject = json.loads(json_line(one))
    return found
