"""The administration's part of the OpenAPI document: every route, its arguments, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.paging import DEFAULT_LIMIT, MOST_LIMIT
from federation_bridge.web.api.administration.schemas import SCHEMAS
from federation_bridge.web.api.administration.scim_schemas import SCIM_SCHEMAS
from federation_bridge.web.api.administration.signal_schemas import SIGNAL_SCHEMAS

_SECURITY: list[JsonObject] = [{"administration": [], "proof": []}]
_AUDIT_FILTERS = (
    "reference",
    "grant_id",
    "access_key_id",
    "person",
    "address",
    "account",
    "role",
    "event",
    "connection",
    "since",
    "until",
)
_PAGING = ("limit", "cursor")
_ABOUT = {
    "q": "Words; all of them have to be there.",
    "cursor": "`next` of the page before, with the same filters.",
    "since": "From this time on, such as 2026-01-31T17:00:00Z.",
    "until": "Before this time.",
    "at": "Decide at this time.",
    "person": "`connection/subject`.",
    "role": "`account/role`, or its name.",
    "version": "The number of a version of the rulebook.",
    "against": "The number of the version to compare with.",
    "outcome": "`signed-in` or `refused`: only these.",
    "show": "`ended`, `unused` or `denying`: only these.",
    "format": "As of `federation-bridge aws onboard --format`.",
    "form": "`json` or `csv`; of the audit `jsonl` or `csv`.",
}
_NUMBERS = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT},
    "version": {"type": "integer", "minimum": 0},
    "against": {"type": "integer", "minimum": 0},
}
_IN_PATH = {
    "number": {"type": "integer", "minimum": 0},
    "asked": {"type": "string", "description": "The id of a change."},
    "rule": {"type": "string"},
    "reference": {"type": "string", "description": "The number that the person was shown."},
    "account": {"type": "string", "pattern": "^[0-9]{12}$"},
    "access_key_id": {"type": "string", "description": "As CloudTrail shows it: ASIA..."},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as the document tells it."""

    summary: str
    answer: str
    """The schema of the answer; with `is_list`, of each of its items."""
    right: str = "auditor"
    arguments: tuple[str, ...] = ()
    is_list: bool = False
    body: str = ""
    forms: tuple[str, ...] = ("application/json",)
    conflicts: bool = False


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/me"): Operation("Who asks, what they may do here, and until when.", "Administrator"),
    ("GET", "/overview"): Operation("What waits, what ends, and what was done without a second person.", "Overview"),
    ("GET", "/rulebook"): Operation("The version in force, with its text.", "VersionInForce"),
    ("GET", "/versions"): Operation("Every version, the newest first, without its text.", "Version", is_list=True),
    ("GET", "/versions/{number}"): Operation(
        "One version, its text, and its difference.", "VersionText", arguments=("against",)
    ),
    ("GET", "/proposals"): Operation("The changes that wait for a second person.", "Proposal", is_list=True),
    ("GET", "/proposals/{asked}"): Operation("One change that waits, or did, with its text.", "ProposalText"),
    ("GET", "/proposals/{asked}/preview"): Operation(
        "Who would gain or lose which role by it.", "Previewed", conflicts=True
    ),
    ("GET", "/versions/{number}/return/preview"): Operation(
        "Who would gain or lose which role if it came into force again.", "Previewed"
    ),
    ("GET", "/rules"): Operation(
        "The rules in force.",
        "Rule",
        arguments=("q", "account", "role", "group", "owner", "show"),
        is_list=True,
    ),
    ("GET", "/rules/{rule}"): Operation("One rule in force, with its text.", "RuleText"),
    ("GET", "/findings"): Operation("What is worth a second look in the rules in force.", "Finding", is_list=True),
    ("GET", "/accounts"): Operation("The account register.", "Account", arguments=("q",), is_list=True),
    ("GET", "/accounts/{account}"): Operation("One account of the register.", "Account"),
    ("POST", "/accounts/import"): Operation(
        "What lists of accounts would make of the register; nothing changes.",
        "Imported",
        "administrator",
        body="Import",
    ),
    ("GET", "/aws"): Operation("What the last look at the accounts found.", "AwsSide"),
    ("GET", "/aws/files"): Operation(
        "The files that make accounts trust the bridge.", "AwsFiles", arguments=("format", "account")
    ),
    ("POST", "/aws/check"): Operation(
        "Asks for a look at the accounts now.", "LookAsked", "administrator", body="Nothing"
    ),
    ("GET", "/aws/endings"): Operation("What was asked of AWS to end, with its state.", "AwsEnding", is_list=True),
    ("POST", "/aws/end"): Operation(
        "Ends the AWS sessions of a grant, a person, a role or an account; who is signed in here stays.",
        "AwsEnded",
        "administrator",
        body="AwsEndRequest",
    ),
    ("GET", "/scim"): Operation("What each connection's SCIM client told, and when it called last.", "ScimTold"),
    ("GET", "/scim/users"): Operation(
        "The users that one connection's client told of.", "ScimUser", arguments=("connection", "show"), is_list=True
    ),
    ("GET", "/scim/groups"): Operation(
        "The groups that one connection's client told of.", "ScimGroup", arguments=("connection",), is_list=True
    ),
    ("GET", "/signals"): Operation("The streams of shared signals, and what came last.", "SignalStreams"),
    ("POST", "/signals"): Operation(
        "Tries, pauses, resumes or removes one stream.", "SignalAnswer", "administrator", body="SignalRequest"
    ),
    ("GET", "/connections"): Operation("Every connection and its state.", "Connection", is_list=True),
    ("GET", "/people"): Operation("Who signed in lately.", "Person", arguments=("q",), is_list=True),
    ("GET", "/explanation"): Operation(
        "Why a person has what they have, and why no more.",
        "PersonExplained",
        arguments=("person", "role", "at", "version", "group"),
    ),
    ("GET", "/sign-ins"): Operation(
        "Sign-ins, refused ones too, the newest first.",
        "AuditEntry",
        arguments=("outcome", *_AUDIT_FILTERS),
        is_list=True,
    ),
    ("GET", "/sign-ins/{reference}"): Operation(
        "The sign-ins with one reference number: each check with its verdict, what arrived, cause and advice.",
        "SignInsTold",
    ),
    ("GET", "/grants/alive"): Operation(
        "The AWS sessions that are alive now, or may be, what lives longest first.",
        "LiveGrant",
        arguments=("person", "account", "role"),
        is_list=True,
    ),
    ("GET", "/grants/by-key/{access_key_id}"): Operation(
        "Who used an access key, also long after its session has ended.", "KeyUse"
    ),
    ("GET", "/review"): Operation(
        "Who can reach which role, sent while it is made.",
        "Review",
        arguments=("form", "account", "role", "group", "person"),
        forms=("application/json", "text/csv"),
    ),
    ("GET", "/audit"): Operation(
        "Entries of the audit, the newest first.", "AuditEntry", arguments=_AUDIT_FILTERS, is_list=True
    ),
    ("GET", "/audit/export"): Operation(
        "All entries that the filters mean, sent while they are read.",
        "AuditEntry",
        arguments=("form", *_AUDIT_FILTERS),
        forms=("application/jsonl", "text/csv"),
    ),
    ("GET", "/blocks"): Operation("Who is kept out, by whom and why.", "Blocks"),
    ("POST", "/blocks"): Operation(
        "Lets a person in no more, and ends all that they hold.", "Ended", "administrator", body="BlockRequest"
    ),
    ("POST", "/blocks/lift"): Operation(
        "Lifts an administrator's block; gives what still keeps the person out.",
        "Blocks",
        "administrator",
        body="UnblockRequest",
    ),
    ("POST", "/incident"): Operation(
        "Keeps everybody out but a list and whoever begins it.", "Ended", "administrator", body="IncidentRequest"
    ),
    ("POST", "/incident/end"): Operation(
        "Ends the incident; people who are blocked by name stay blocked.", "Blocks", "administrator", body="IncidentEnd"
    ),
    ("POST", "/people/end"): Operation(
        "Ends all that a person holds, without a block.", "Ended", "administrator", body="EndRequest"
    ),
    ("POST", "/rulebook/check"): Operation(
        "Every mistake of a proposed text.", "Checked", "author", body="ProposedTexts", conflicts=True
    ),
    ("POST", "/rulebook/preview"): Operation(
        "Who would gain or lose which role.", "Previewed", "author", body="PreviewRequest", conflicts=True
    ),
    ("POST", "/rulebook"): Operation(
        "Puts a text in force, or lets it wait for a second person.",
        "Changed",
        "author",
        body="Change",
        conflicts=True,
    ),
    ("POST", "/versions/{number}/return"): Operation(
        "Puts the text of an older version in force again, or lets it wait.",
        "Changed",
        "author",
        body="Return",
        conflicts=True,
    ),
    ("POST", "/proposals/{asked}/approve"): Operation(
        "A second person's yes.", "Approved", "administrator", body="Approval", conflicts=True
    ),
    ("POST", "/proposals/{asked}/close"): Operation(
        "A no, or a second thought.", "Closed", "administrator", body="Closing"
    ),
    ("POST", "/emergencies/{number}/seen"): Operation(
        "Ends the notice of a change in an emergency; not for whoever made it.", "Seen", "administrator", body="Note"
    ),
}


def paths() -> JsonObject:
    """The paths of this part, below `/api/v1`."""
    found: JsonObject = {}
    for (method, path), operation in OPERATIONS.items():
        found.setdefault(f"/administration{path}", {})[method.lower()] = _told(path, operation)
    return found


def schemas() -> JsonObject:
    """The schemas that these paths name, those of lists among them."""
    lists = {f"{one.answer}s": _list_of(one.answer) for one in OPERATIONS.values() if one.is_list}
    return {**SCHEMAS, **SCIM_SCHEMAS, **SIGNAL_SCHEMAS, **lists}


SECURITY: JsonObject = {
    "administration": {
        "type": "http",
        "scheme": "DPoP",
        "description": "An access token of the scope `administration`, bound to a key (RFC 9449). "
        "No other token and no cookie counts.",
    }
}


def _told(path: str, operation: Operation) -> JsonObject:
    arguments = operation.arguments + (_PAGING if operation.is_list else ())
    in_path = [name for name in _IN_PATH if f"{{{name}}}" in path]
    told: JsonObject = {
        "summary": operation.summary,
        "description": f"For an {operation.right}, by the rules in force.",
        "security": _SECURITY,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]} for name in in_path),
            *(_argument(name) for name in arguments),
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        told["requestBody"] = {"required": True, "content": _content(operation.body, ("application/json",))}
    return told


def _argument(name: str) -> JsonObject:
    schema = _NUMBERS.get(name, {"type": "string", "maxLength": 2_048 if name == "cursor" else 256})
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": _ABOUT.get(name, "")}


def _responses(operation: Operation) -> JsonObject:
    answer = f"{operation.answer}s" if operation.is_list else operation.answer
    found: JsonObject = {"200": {"description": "Done.", "content": _content(answer, operation.forms)}}
    refusals = {
        "400": "Not understood; `detail` says why.",
        "401": "No live token of this scope, or a sign-in that is too old.",
        "404": "Nothing is there, or it is not for who asks.",
        "503": "Not available right now.",
    }
    if operation.conflicts:
        refusals["409"] = "Another version is in force by now; `difference` says what came between."
    if operation.body:
        refusals["413"] = "Too large."
    for status, words in sorted(refusals.items()):
        found[status] = {"description": words, "content": _content("AdministrationError", ("application/json",))}
    return found


def _content(schema: str, forms: tuple[str, ...]) -> JsonObject:
    named = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {form: {"schema": {"type": "string"}} if form == "text/csv" else named for form in forms}


def _list_of(schema: str) -> JsonObject:
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {"items": items, "next": {"type": ["string", "null"]}},
    }
