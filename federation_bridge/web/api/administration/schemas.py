"""The schemas of what the administration's API takes and answers. A test holds them against what is sent."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.administration.page import MOST_TEXT
from federation_bridge.web.api.administration.aws_ending_schemas import AWS_ENDING_SCHEMAS
from federation_bridge.web.api.administration.block_schemas import BLOCK_SCHEMAS
from federation_bridge.web.api.administration.body import MOST_LISTED
from federation_bridge.web.api.administration.live_grant_schemas import LIVE_GRANT_SCHEMAS
from federation_bridge.web.api.administration.sign_in_schemas import SIGN_IN_SCHEMAS

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
    "files": {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_LISTED,
        "items": _wish(
            "name",
            name={"type": "string", "maxLength": 128},
            text={**_LONG, "description": "Left out: as it is."},
            was={"type": "string", "maxLength": 128, "description": 'What it is called so far; "": the only text.'},
        ),
        "description": "All files of rules there will be, in their order: whichever is left out goes.",
    },
    "accounts": {**_LONG, "description": "The whole register; left out: as it is in force."},
}
_EMERGENCY = {
    **_FLAG,
    "description": "Do without the second person; for administrators, where the settings allow it.",
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
    "file": _TEXT,
    "connection": _TEXT,
    "description": _TEXT,
    "owner": _TEXT,
    "note": _TEXT,
    "denies": _FLAG,
    "roles": _TEXTS,
    "terms": _TEXT,
    "line": _NUMBER,
    "ends_at": _TEXT_OR_NONE,
    "last_granted_at": {**_TEXT_OR_NONE, "description": "Among the newest 10,000 grants; null: in none of them."},
    "granted_to": {**_NUMBER, "description": "To how many people, among these."},
}
_TOUCHED = {**_TEXTS, "description": "Each rule that changes, with all roles that it grants or denies."}
_TIMES = {"first_seen_at": _INSTANT, "last_seen_at": _INSTANT}
_FINDING = {"kind": _TEXT, "rule": _TEXT, "file": _TEXT, "line": _NUMBER, "sentence": _TEXT}
_PREVIEWED: dict[str, JsonObject] = {
    "people": _NUMBER,
    "changed_people": _NUMBER,
    "changes": _list(
        kind=_TEXT,
        rule=_TEXT,
        terms=_TEXT,
        roles=_TEXTS,
        people=_TEXTS,
        causes=_list(because=_TEXT, people=_NUMBER),
    ),
    "not_foreseen": _TEXTS,
    "findings": _list(**_FINDING),
    "because": {**_TEXTS, "description": "Why it would wait for a second person."},
    "touched": _TOUCHED,
    "difference": _TEXTS,
}
_ACCOUNT: dict[str, JsonObject] = {
    "account": _TEXT,
    "name": _TEXT,
    "aliases": _TEXTS,
    "description": _TEXT,
    "environment": _TEXT,
    "color": _TEXT,
    "partition": _TEXT,
    "region": _TEXT,
    "provider": _TEXT,
    "tags": {"type": "object", "additionalProperties": _TEXT},
    "links": _list(name=_TEXT, page=_TEXT),
    "roles": _TEXTS,
    "mapped_roles": {**_NUMBER, "description": "Of its roles, those that some rule can give."},
    "last_granted_at": _TEXT_OR_NONE,
}
_RIGHTS = _answer(role={"type": "string", "enum": ["administrator", "author", "auditor"]}, accounts=_TEXTS, by=_TEXTS)

_FORESEEN = {
    **_list(at=_INSTANT, people=_NUMBER, changed_people=_NUMBER, lines=_TEXTS, left=_NUMBER),
    "description": "What was shown when it came into force, then what was shown when it was proposed.",
}
SCHEMAS: JsonObject = {
    "Administrator": _answer(person=_TEXT, connection=_TEXT, name=_TEXT, ends_at=_INSTANT, rights=_RIGHTS),
    "Version": _answer(**_VERSION),
    "VersionInForce": _answer(**_VERSION, **_BOTH_TEXTS, is_writable=_FLAG),
    "VersionText": _answer(**_VERSION, **_BOTH_TEXTS, against=_NUMBER_OR_NONE, difference=_TEXTS, foreseen=_FORESEEN),
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
    "RuleText": _answer(**_RULE, text=_TEXT, last_grants=_list(role=_TEXT, person=_TEXT, at=_INSTANT, people=_NUMBER)),
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
        notes={**_TEXTS, "description": "By which groups and rules it is told."},
        **_TIMES,
    ),
    "ProposedTexts": _wish(**_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY),
    "PreviewWish": _wish(
        **_TEXTS_SENT,
        base_digest=_DIGEST,
        reason=_REASON,
        emergency=_EMERGENCY,
        people={**_LONG, "description": "More people for whom it is tried, as in a file of `preview --people`."},
    ),
    "Change": _wish("base_digest", "reason", **_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY),
    "Return": _wish("base_digest", "reason", base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY),
    "Approval": _wish("digest", "reason", digest=_DIGEST, reason=_REASON),
    "Closing": _wish("reason", reason=_REASON),
    "Checked": _answer(problems=_TEXTS, because=_TEXTS, digest=_TEXT, base_digest=_TEXT),
    "Previewed": _answer(**_PREVIEWED),
    "Import": _wish(
        "lists",
        lists={
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_LISTED,
            "items": _answer(name={"type": "string", "maxLength": 256}, text=_LONG),
        },
        form={"type": "string", "enum": ["", "organizations", "csv"], "description": "Left out: each says it itself."},
        roles={**_TEXTS, "description": "Of new accounts."},
        provider={"type": "string", "maxLength": 200, "description": "Of new accounts, as saml-provider/NAME."},
        remove={**_FLAG, "description": "Accounts that are gone or suspended leave the register."},
        keep_names={**_FLAG, "description": "Names of the register stay."},
    ),
    "Imported": _answer(
        new=_list(account=_TEXT, name=_TEXT),
        renamed=_list(account=_TEXT, before=_TEXT, after=_TEXT),
        changed=_TEXTS,
        gone=_TEXTS,
        suspended=_TEXTS,
        removed=_TEXTS,
        not_taken=_TEXTS,
        is_whole={**_FLAG, "description": "False: the list says itself that more pages follow."},
        accounts={**_TEXT, "description": "The register as it would be."},
        base_digest=_TEXT,
        **_PREVIEWED,
    ),
    "Account": _answer(**_ACCOUNT),
    "AwsSide": _answer(
        is_allowed={**_FLAG, "description": "Whether the settings let nodes read the accounts."},
        asked_at=_TEXT_OR_NONE,
        asked_by=_TEXT_OR_NONE,
        last={
            "anyOf": [
                {"type": "null"},
                _answer(
                    began_at=_INSTANT,
                    accounts=_NUMBER,
                    asked_by=_TEXT,
                    is_old=_FLAG,
                    more=_NUMBER,
                    not_looked_at=_TEXTS,
                    differences=_list(kind=_TEXT, subject=_TEXT, sentence=_TEXT, trust={"type": ["object", "null"]}),
                ),
            ]
        },
    ),
    "AwsFiles": _answer(files=_list(name=_TEXT, text=_TEXT)),
    "LookAsked": _answer(asked=_FLAG),
    "Nothing": _answer(),
    "Overview": _answer(
        number=_NUMBER,
        is_writable=_FLAG,
        waiting=_TEXTS,
        told=_TEXTS,
        emergencies=_list(at=_INSTANT, version=_NUMBER, author=_TEXT, reason=_TEXT),
        nodes=_list(name=_TEXT, version=_TEXT, problem=_TEXT, since=_INSTANT, seen_at=_INSTANT, is_silent=_FLAG),
    ),
    "Changed": _answer(
        version={**_NUMBER_OR_NONE, "description": "What is in force now; null: it waits."},
        waits_as={**_TEXT_OR_NONE, "description": "The id of the change that waits for a second person."},
        because=_TEXTS,
    ),
    "Approved": _answer(version=_NUMBER),
    "Closed": _answer(closed=_FLAG),
    "Seen": _answer(seen=_FLAG),
    "Note": _wish("note", note=_REASON),
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
    **LIVE_GRANT_SCHEMAS,
    **AWS_ENDING_SCHEMAS,
    **SIGN_IN_SCHEMAS,
    **BLOCK_SCHEMAS,
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
