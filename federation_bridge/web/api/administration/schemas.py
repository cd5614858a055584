"""The schemas of what the administration's API takes and answers. A test holds them against what is sent."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.administration.page import MOST_TEXT
from federation_bridge.web.api.administration.aws_ending_schemas import AWS_ENDING_SCHEMAS
from federation_bridge.web.api.administration.block_schemas import BLOCK_SCHEMAS
from federation_bridge.web.api.administration.body import MOST_LISTED
from federation_bridge.web.api.administration.live_grant_schemas import LIVE_GRANT_SCHEMAS
from federation_bridge.web.api.administration.schema_parts import (
    FLAG,
    INSTANT,
    NUMBER,
    NUMBER_OR_NONE,
    TEXT,
    TEXT_OR_NONE,
    TEXTS,
    answer,
    answers,
    request_body,
)
from federation_bridge.web.api.administration.sign_in_schemas import SIGN_IN_SCHEMAS

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
        "items": request_body(
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
    **FLAG,
    "description": "Do without the second person; for administrators, where the settings allow it.",
}
_VERSION = {
    "number": NUMBER,
    "digest": TEXT,
    "made_at": INSTANT,
    "author": TEXT,
    "reason": TEXT,
    "origin": TEXT,
}
_BOTH_TEXTS = {"rules": TEXT, "files": answers(name=TEXT, text=TEXT), "accounts": TEXT}
_PROPOSAL = {
    "id": TEXT,
    "digest": TEXT,
    "base_number": NUMBER,
    "base_digest": TEXT,
    "reason": TEXT,
    "origin": TEXT,
    "state": {"type": "string", "enum": ["waits", "approved", "closed"]},
    "decided_by": TEXT,
    "decided_reason": TEXT,
    "author": TEXT,
    "made_at": INSTANT,
}
_RULE = {
    "rule": TEXT,
    "file": TEXT,
    "connection": TEXT,
    "description": TEXT,
    "owner": TEXT,
    "note": TEXT,
    "denies": FLAG,
    "roles": TEXTS,
    "terms": TEXT,
    "line": NUMBER,
    "ends_at": TEXT_OR_NONE,
    "last_granted_at": {**TEXT_OR_NONE, "description": "Among the newest 10,000 grants; null: in none of them."},
    "granted_to": {**NUMBER, "description": "To how many people, among these."},
}
_TOUCHED = {**TEXTS, "description": "Each rule that changes, with all roles that it grants or denies."}
_TIMES = {"first_seen_at": INSTANT, "last_seen_at": INSTANT}
_FINDING = {"kind": TEXT, "rule": TEXT, "file": TEXT, "line": NUMBER, "sentence": TEXT}
_PREVIEWED: dict[str, JsonObject] = {
    "people": NUMBER,
    "changed_people": NUMBER,
    "changes": answers(
        kind=TEXT,
        rule=TEXT,
        terms=TEXT,
        roles=TEXTS,
        people=TEXTS,
        causes=answers(because=TEXT, people=NUMBER),
    ),
    "not_foreseen": TEXTS,
    "findings": answers(**_FINDING),
    "because": {**TEXTS, "description": "Why it would wait for a second person."},
    "touched": _TOUCHED,
    "difference": TEXTS,
}
_ACCOUNT: dict[str, JsonObject] = {
    "account": TEXT,
    "name": TEXT,
    "aliases": TEXTS,
    "description": TEXT,
    "environment": TEXT,
    "color": TEXT,
    "partition": TEXT,
    "region": TEXT,
    "provider": TEXT,
    "tags": {"type": "object", "additionalProperties": TEXT},
    "links": answers(name=TEXT, page=TEXT),
    "roles": TEXTS,
    "mapped_roles": {**NUMBER, "description": "Of its roles, those that some rule can give."},
    "last_granted_at": TEXT_OR_NONE,
}
_RIGHTS = answer(role={"type": "string", "enum": ["administrator", "author", "auditor"]}, accounts=TEXTS, by=TEXTS)

_FORESEEN = {
    **answers(at=INSTANT, people=NUMBER, changed_people=NUMBER, lines=TEXTS, left=NUMBER),
    "description": "What was shown when it came into force, then what was shown when it was proposed.",
}
SCHEMAS: JsonObject = {
    "Administrator": answer(person=TEXT, connection=TEXT, name=TEXT, ends_at=INSTANT, rights=_RIGHTS),
    "Version": answer(**_VERSION),
    "VersionInForce": answer(**_VERSION, **_BOTH_TEXTS, is_writable=FLAG),
    "VersionText": answer(**_VERSION, **_BOTH_TEXTS, against=NUMBER_OR_NONE, difference=TEXTS, foreseen=_FORESEEN),
    "Proposal": answer(**_PROPOSAL),
    "ProposalText": answer(
        **_PROPOSAL,
        **_BOTH_TEXTS,
        difference=TEXTS,
        touched=_TOUCHED,
        because=TEXTS,
        obstacle={**TEXT, "description": "Why it can come into force no more, though it waits."},
    ),
    "Rule": answer(**_RULE),
    "RuleText": answer(**_RULE, text=TEXT, last_grants=answers(role=TEXT, person=TEXT, at=INSTANT, people=NUMBER)),
    "Finding": answer(**_FINDING),
    "Connection": answer(connection=TEXT, title=TEXT_OR_NONE, protocol=TEXT, waits=TEXT, told=TEXTS, described=TEXTS),
    "Person": answer(person=TEXT, name=TEXT, **_TIMES),
    "PersonExplained": answer(
        person=TEXT,
        groups=TEXTS,
        groups_incomplete=TEXT_OR_NONE,
        roles=answers(role=TEXT, rule=TEXT, terms=TEXT, because=TEXTS),
        hits=answers(rule=TEXT, granted=TEXTS, reasons=TEXTS, description=TEXT, owner=TEXT),
        misses=answers(rules=TEXTS, reasons_of_the_first=TEXTS),
        notes={**TEXTS, "description": "By which groups and rules it is told."},
        **_TIMES,
    ),
    "ProposedTexts": request_body(**_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY),
    "PreviewRequest": request_body(
        **_TEXTS_SENT,
        base_digest=_DIGEST,
        reason=_REASON,
        emergency=_EMERGENCY,
        people={**_LONG, "description": "More people for whom it is tried, as in a file of `preview --people`."},
    ),
    "Change": request_body(
        "base_digest", "reason", **_TEXTS_SENT, base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY
    ),
    "Return": request_body("base_digest", "reason", base_digest=_DIGEST, reason=_REASON, emergency=_EMERGENCY),
    "Approval": request_body("digest", "reason", digest=_DIGEST, reason=_REASON),
    "Closing": request_body("reason", reason=_REASON),
    "Checked": answer(problems=TEXTS, because=TEXTS, digest=TEXT, base_digest=TEXT),
    "Previewed": answer(**_PREVIEWED),
    "Import": request_body(
        "lists",
        lists={
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_LISTED,
            "items": answer(name={"type": "string", "maxLength": 256}, text=_LONG),
        },
        form={"type": "string", "enum": ["", "organizations", "csv"], "description": "Left out: each says it itself."},
        roles={**TEXTS, "description": "Of new accounts."},
        provider={"type": "string", "maxLength": 200, "description": "Of new accounts, as saml-provider/NAME."},
        remove={**FLAG, "description": "Accounts that are gone or suspended leave the register."},
        keep_names={**FLAG, "description": "Names of the register stay."},
    ),
    "Imported": answer(
        new=answers(account=TEXT, name=TEXT),
        renamed=answers(account=TEXT, before=TEXT, after=TEXT),
        changed=TEXTS,
        gone=TEXTS,
        suspended=TEXTS,
        removed=TEXTS,
        not_taken=TEXTS,
        is_whole={**FLAG, "description": "False: the list says itself that more pages follow."},
        accounts={**TEXT, "description": "The register as it would be."},
        base_digest=TEXT,
        **_PREVIEWED,
    ),
    "Account": answer(**_ACCOUNT),
    "AwsSide": answer(
        is_allowed={**FLAG, "description": "Whether the settings let nodes read the accounts."},
        asked_at=TEXT_OR_NONE,
        asked_by=TEXT_OR_NONE,
        last={
            "anyOf": [
                {"type": "null"},
                answer(
                    began_at=INSTANT,
                    accounts=NUMBER,
                    asked_by=TEXT,
                    is_old=FLAG,
                    more=NUMBER,
                    not_looked_at=TEXTS,
                    differences=answers(kind=TEXT, subject=TEXT, sentence=TEXT, trust={"type": ["object", "null"]}),
                ),
            ]
        },
    ),
    "AwsFiles": answer(files=answers(name=TEXT, text=TEXT)),
    "LookAsked": answer(asked=FLAG),
    "Nothing": answer(),
    "Overview": answer(
        number=NUMBER,
        is_writable=FLAG,
        waiting=TEXTS,
        told=TEXTS,
        emergencies=answers(at=INSTANT, version=NUMBER, author=TEXT, reason=TEXT),
        nodes=answers(name=TEXT, version=TEXT, problem=TEXT, since=INSTANT, seen_at=INSTANT, is_silent=FLAG),
    ),
    "Changed": answer(
        version={**NUMBER_OR_NONE, "description": "What is in force now; null: it waits."},
        waits_as={**TEXT_OR_NONE, "description": "The id of the change that waits for a second person."},
        because=TEXTS,
    ),
    "Approved": answer(version=NUMBER),
    "Closed": answer(closed=FLAG),
    "Seen": answer(seen=FLAG),
    "Note": request_body("note", note=_REASON),
    "Review": {
        "type": "object",
        "required": ["at", "rulebook", "access"],
        "properties": {
            "at": INSTANT,
            "rulebook": TEXT,
            "people_seen_since": INSTANT,
            "uses_known_since": TEXT_OR_NONE,
            "access": {"type": "array", "items": {"type": "object"}},
        },
    },
    "AuditEntry": {
        "type": "object",
        "required": ["at", "event", "person", "connection", "reference", "address", "details"],
        "properties": {
            "at": INSTANT,
            **dict.fromkeys(("event", "person", "connection", "reference", "address", "user_agent"), TEXT_OR_NONE),
            "number": NUMBER_OR_NONE,
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
                    "code": TEXT,
                    "message": TEXT,
                    "reference": TEXT,
                    "detail": {**TEXT, "description": "What was wrong; told to whoever may administer alone."},
                    "problems": {**TEXTS, "description": "Every mistake of a proposed text, with its place."},
                    "in_force": {"$ref": "#/components/schemas/Version"},
                    "difference": {**TEXTS, "description": "What came between the named base and what is in force."},
                },
            }
        },
    },
}
