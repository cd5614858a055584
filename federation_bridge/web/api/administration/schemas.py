"""The schemas of what the administration's API takes and answers. A test holds them against what is sent."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.administration.page import MOST_TEXT

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


def _wish(*needed: str, **properties: JsonObject) -> JsonObject:
    """What is sent: it may leave out what is not needed."""
    return {**_answer(**properties), "required": list(needed)}


_LONG: JsonObject = {"type": "string", "maxLength": MOST_TEXT}
_REASON: JsonObject = {"type": "string", "minLength": 1, "maxLength": 1_000}
_DIGEST: JsonObject = {"type": "string", "maxLength": 64, "description": "Of a version, in hexadecimal digits."}
_TEXTS_SENT = {
    "rules": {**_LONG, "description": "The whole text; left out: as it is in force."},
    "file": {
        "type": "string",
        "maxLength": 128,
        "description": "Where the rules are several texts: the name of the one that `rules` replaces.",
    },
    "accounts": {**_LONG, "description": "The whole register; left out: as it is in force."},
}
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
_TOUCHED = {**_TEXTS, "description": "Each rule that changes, with all roles that it grants or denies."}
_TIMES = {"first_seen_at": _INSTANT, "last_seen_at": _INSTANT}
_FINDING = {"kind": _TEXT, "rule": _TEXT, "line": _NUMBER, "sentence": _TEXT}
_RIGHTS = _answer(role={"type": "string", "enum": ["administrator", "author", "auditor"]}, accounts=_TEXTS, by=_TEXTS)

SCHEMAS: JsonObject = {
    "Administrator": _answer(person=_TEXT, connection=_TEXT, name=_TEXT, ends_at=_INSTANT, rights=_RIGHTS),
    "Version": _answer(**_VERSION),
    "VersionInForce": _answer(**_VERSION, **_BOTH_TEXTS, is_writable=_FLAG),
    "VersionText": _answer(**_VERSION, **_BOTH_TEXTS, against=_NUMBER_OR_NONE, difference=_TEXTS),
    "Proposal": _answer(**_PROPOSAL),
    "ProposalText": _answer(
        **_PROPOSAL,
        **_BOTH_TEXTS,
        difference=_TEXTS,
        touched=_TOUCHED,
        because=_TEXTS,
        obstacle={**_TEXT, "description": "Why it can come into force no more, though it waits."},
    ),
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
        hits=_list(rule=_TEXT, granted=_TEXTS, reasons=_TEXTS, description=_TEXT, owner=_TEXT),
        misses=_list(rules=_TEXTS, reasons_of_the_first=_TEXTS),
        **_TIMES,
    ),
    "ProposedTexts": _wish(**_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON),
    "PreviewWish": _wish(
        **_TEXTS_SENT,
        base_digest=_DIGEST,
        reason=_REASON,
        people={**_LONG, "description": "More people for whom it is tried, as in a file of `preview --people`."},
    ),
    "Change": _wish("base_digest", "reason", **_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON),
    "Return": _wish("base_digest", "reason", base_digest=_DIGEST, reason=_REASON),
    "Approval": _wish("digest", "reason", digest=_DIGEST, reason=_REASON),
    "Closing": _wish("reason", reason=_REASON),
    "Checked": _answer(problems=_TEXTS, because=_TEXTS, digest=_TEXT, base_digest=_TEXT),
    "Previewed": _answer(
        people=_NUMBER,
        changed_people=_NUMBER,
        changes=_list(
            kind=_TEXT,
            rule=_TEXT,
            terms=_TEXT,
            roles=_TEXTS,
            people=_TEXTS,
            causes=_list(because=_TEXT, people=_NUMBER),
        ),
        not_foreseen=_TEXTS,
        findings=_list(**_FINDING),
        because={**_TEXTS, "description": "Why it would wait for a second person."},
        touched=_TOUCHED,
        difference=_TEXTS,
    ),
    "Changed": _answer(
        version={**_NUMBER_OR_NONE, "description": "What is in force now; null: it waits."},
        waits_as={**_TEXT_OR_NONE, "description": "The id of the change that waits for a second person."},
        because=_TEXTS,
    ),
    "Approved": _answer(version=_NUMBER),
    "Closed": _answer(closed=_FLAG),
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
