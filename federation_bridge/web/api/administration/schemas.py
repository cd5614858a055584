"""The schemas of what the administration's API takes and answers. A test holds them against what is sent."""

from __future__ import annotations

from federation_bridge.model import JsonObject

_TEXT: JsonObject = {"type": "string"}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}
_FLAG: JsonObject = {"type": "boolean"}
_NUMBER: JsonObject = {"type": "integer"}
_NUMBER_OR_NONE: JsonObject = {"type": ["integer", "null"]}
_TEXT_OR_NONE: JsonObject = {"type": ["string", "null"]}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}


def _answer(**properties: JsonObject) -> JsonObject:
    """An object that has all of these, and nothing else."""
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list(**properties: JsonObject) -> JsonObject:
    return {"type": "array", "items": _answer(**properties)}


_VERSION = {
    "number": _NUMBER,
    "digest": _TEXT,
    "made_at": _INSTANT,
    "author": _TEXT,
    "reason": _TEXT,
    "origin": _TEXT,
}
_BOTH_TEXTS = {"rules": _TEXT, "files": _list(name=_TEXT, text=_TEXT), "accounts": _TEXT}
_PROPOSAL = {
    "id": _TEXT,
    "digest": _TEXT,
    "base_number": _NUMBER,
    "base_digest": _TEXT,
    "reason": _TEXT,
    "origin": _TEXT,
    "state": {"type": "string", "enum": ["waits", "approved", "closed"]},
    "decided_by": _TEXT,
    "decided_reason": _TEXT,
    "author": _TEXT,
    "made_at": _INSTANT,
}
_RULE = {
    "rule": _TEXT,
    "connection": _TEXT,
    "description": _TEXT,
    "owner": _TEXT,
    "note": _TEXT,
    "denies": _FLAG,
    "roles": _TEXTS,
    "terms": _TEXT,
    "line": _NUMBER,
}
_TIMES = {"first_seen_at": _INSTANT, "last_seen_at": _INSTANT}
_FINDING = {"kind": _TEXT, "rule": _TEXT, "line": _NUMBER, "sentence": _TEXT}
_RIGHTS = _answer(role={"type": "string", "enum": ["administrator", "author", "auditor"]}, accounts=_TEXTS, by=_TEXTS)

SCHEMAS: JsonObject = {
    "Administrator": _answer(person=_TEXT, connection=_TEXT, name=_TEXT, ends_at=_INSTANT, rights=_RIGHTS),
    "Version": _answer(**_VERSION),
    "VersionInForce": _answer(**_VERSION, **_BOTH_TEXTS, is_writable=_FLAG),
    "VersionText": _answer(**_VERSION, **_BOTH_TEXTS, against=_NUMBER_OR_NONE, difference=_TEXTS),
    "Proposal": _answer(**_PROPOSAL),
    "ProposalText": _answer(**_PROPOSAL, **_BOTH_TEXTS, difference=_TEXTS),
    "Rule": _answer(**_RULE),
    "RuleText": _answer(**_RULE, text=_TEXT),
    "Finding": _answer(**_FINDING),
    "Connection": _answer(
        connection=_TEXT, title=_TEXT_OR_NONE, protocol=_TEXT, waits=_TEXT, told=_TEXTS, described=_TEXTS
    ),
    "Person": _answer(person=_TEXT, name=_TEXT, **_TIMES),
    "PersonExplained": _answer(
        person=_TEXT,
        groups=_TEXTS,
        groups_incomplete=_TEXT_OR_NONE,
        roles=_list(role=_TEXT, rule=_TEXT, terms=_TEXT, because=_TEXTS),
        hits=_list(rule=_TEXT, granted=_TEXTS, reasons=_TEXTS),
        misses=_list(rules=_TEXTS, reasons_of_the_first=_TEXTS),
        **_TIMES,
    ),
    "Review": {
        "type": "object",
        "required": ["at", "rulebook", "access"],
        "properties": {
            "at": _INSTANT,
            "rulebook": _TEXT,
            "people_seen_since": _INSTANT,
            "uses_known_since": _TEXT_OR_NONE,
            "access": {"type": "array", "items": {"type": "object"}},
        },
    },
    "AuditEntry": {
        "type": "object",
        "required": ["at", "event", "person", "connection", "reference", "address", "details"],
        "properties": {
            "at": _INSTANT,
            **dict.fromkeys(("event", "person", "connection", "reference", "address", "user_agent"), _TEXT_OR_NONE),
            "number": _NUMBER_OR_NONE,
            "details": {"type": "object"},
        },
    },
    "AdministrationError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "reference"],
                "properties": {
                    "code": _TEXT,
                    "message": _TEXT,
                    "reference": _TEXT,
                    "detail": {**_TEXT, "description": "What was wrong; told to whoever may administer alone."},
                    "problems": {**_TEXTS, "description": "Every mistake of a proposed text, with its place."},
                    "in_force": {"$ref": "#/components/schemas/Version"},
                    "difference": {**_TEXTS, "description": "What came between the named base and what is in force."},
                },
            }
        },
    },
}
