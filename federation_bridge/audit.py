"""Every kind of event that is audited, and the log they go to: the database first, then JSON lines to where one wants.

An event carries what an operator needs to join it with the identity provider's log and with CloudTrail, and no secret.
`docs/audit.md` has a row for each.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from federation_bridge.model import AwsCredentials, Grant, Visit
from federation_bridge.redaction import masked
from federation_bridge.shown_text import is_shown, is_shown_text

_LONGEST_TEXT = 1024
_MOST_ITEMS = 64
_LAST_OF_FOUR_DIGITS = "\uffff"
_UNCLEAR = re.compile(r"\\(?=[uU])|[^\x20-\x7e]")

SHOWN_WHOLE = frozenset(
    {
        "access_key_id",
        "assumed_role_arn",
        "aws_request_id",
        "because",
        "begun_by",
        "family_id",
        "grant_id",
        "kid",
        "message_id",
        "message_issuer",
        "policy",
        "policy_arns",
        "previous",
        "response_id",
        "rule",
        "rules_version",
        "session_name",
        "source_identity",
        "statement_id",
        "tags",
        "version",
    }
)
"""Details that are identifiers which we made, or that were checked before they are told. Everything else may repeat
what somebody put into the wrong field: what looks like a secret in it is masked (`redaction`)."""

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided or happened. `name` is what the log calls it."""

    name: ClassVar[str]


# ---------------------------------------------------------------------------------------------------------- sign-in


@dataclass(frozen=True, slots=True)
class SignInFinished(Event):
    """The identity provider's answer was believed and a session began."""

    name: ClassVar[str] = "sign_in.finished"
    message_id: str
    response_id: str
    groups: int
    """How many groups the answer named; which ones decided stands in `grant.made`."""
    groups_gap: str = ""
    """Why these are not all groups, or some were left out."""
    unsolicited: bool = False
    message_issuer: str = ""
    authn_methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """The answer was not believed, or belongs to no sign-in of this browser."""

    name: ClassVar[str] = "sign_in.refused"
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class OpinionsDiffered(Event):
    """Our verifier accepted a message that the second opinion refused: somebody should look at it."""

    name: ClassVar[str] = "sign_in.opinions_differed"
    reason: str
    code: str = "sign_in_rejected"


@dataclass(frozen=True, slots=True)
class IdentityChanged(Event):
    """Another person signed in where somebody was signed in already."""

    name: ClassVar[str] = "session.identity_changed"
    previous: str


@dataclass(frozen=True, slots=True)
class SessionConfirmed(Event):
    """After an unsolicited sign-in the person clicked on a page of ours."""

    name: ClassVar[str] = "session.confirmed"


@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    """A session ended before its time."""

    name: ClassVar[str] = "session.ended"
    reason: str = "sign-out"


# ------------------------------------------------------------------------------------------------------------ grant


@dataclass(frozen=True, slots=True)
class GrantRefused(Event):
    """Somebody asked for a role that no rule gives them now, or on terms that it does not allow."""

    name: ClassVar[str] = "grant.refused"
    account: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantMade(Event):
    """A role was granted. Written before AWS is asked, so that nothing is issued without it."""

    name: ClassVar[str] = "grant.made"
    grant_id: str
    account: str
    role: str
    duration: timedelta
    session_name: str
    source_identity: str
    tags: Mapping[str, str]
    rule: str
    rules_version: str
    because: tuple[str, ...]
    reason: str = ""
    policy_arns: tuple[str, ...] = ()
    policy: str = ""
    statement_id: str = ""
    """The assertion's ID or the JWT's `jti`: what CloudTrail shows of the statement."""

    @classmethod
    def of(cls, grant: Grant) -> GrantMade:
        """The event of this grant."""
        return cls(
            grant_id=grant.id,
            account=grant.account.id,
            role=grant.role,
            duration=grant.duration,
            session_name=grant.session_name,
            source_identity=grant.source_identity,
            tags=grant.tags,
            rule=grant.rule,
            rules_version=grant.rules_version,
            because=grant.because,
            reason=grant.reason,
            statement_id=grant.id,
            policy_arns=grant.policy_arns,
            policy=grant.policy or "",
        )


@dataclass(frozen=True, slots=True)
class GrantRedeemed(Event):
    """AWS issued a session for a grant."""

    name: ClassVar[str] = "grant.redeemed"
    grant_id: str
    access_key_id: str
    """CloudTrail's `userIdentity.accessKeyId`; an identifier, not a secret."""
    aws_request_id: str
    region: str
    expires_at: datetime
    """When the session ends, as AWS said."""
    assumed_role_arn: str
    told_expires_at: datetime | None = None
    """The end that its holder was told, where that is earlier: the end of the grant, when AWS answered late."""

    @classmethod
    def of(
        cls, grant: Grant, credentials: AwsCredentials, aws_request_id: str, region: str, expires_at: datetime
    ) -> GrantRedeemed:
        """The event of the session that AWS issued for this grant; `expires_at` is AWS's own word."""
        return cls(
            grant_id=grant.id,
            access_key_id=credentials.access_key_id,
            aws_request_id=aws_request_id,
            region=region,
            expires_at=expires_at,
            assumed_role_arn=credentials.assumed_role_arn,
            told_expires_at=credentials.expires_at if credentials.expires_at != expires_at else None,
        )


@dataclass(frozen=True, slots=True)
class GrantFailed(Event):
    """AWS refused a grant or could not be reached."""

    name: ClassVar[str] = "grant.failed"
    grant_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class GrantOutcomeUnknown(Event):
    """Nothing was heard of a grant: its process ended first. AWS may have issued a session, which nobody was given."""

    name: ClassVar[str] = "grant.outcome_unknown"
    grant_id: str
    account: str
    role: str
    session_name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class GrantHandedOver(Event):
    """The statement itself left the bridge: AWS, not we, will see how often and when it is redeemed."""

    name: ClassVar[str] = "grant.handed_over"
    grant_id: str
    way: str
    """`web identity`: a token for AWS_WEB_IDENTITY_TOKEN_FILE."""
    ends_at: datetime
    """`exp` of the token; STS takes it up to five minutes longer."""


@dataclass(frozen=True, slots=True)
class ConsoleOpened(Event):
    """A person was sent to AWS's console."""

    name: ClassVar[str] = "console.opened"
    grant_id: str
    way: str
    """`form` (the statement itself is posted) or `federation` (a login link)."""
    destination: str


# ---------------------------------------------------------------------------------------------------- command lines


@dataclass(frozen=True, slots=True)
class DeviceBegun(Event):
    """A program asked for a code that somebody types in a browser."""

    name: ClassVar[str] = "device.begun"
    client: str
    label: str
    """What the program says of itself."""


@dataclass(frozen=True, slots=True)
class DeviceClaimed(Event):
    """A signed-in person typed the code of a waiting program."""

    name: ClassVar[str] = "device.claimed"


@dataclass(frozen=True, slots=True)
class DeviceDenied(Event):
    """A person, or a rule of the operator, refused a waiting program."""

    name: ClassVar[str] = "device.denied"
    client: str
    begun_by: str
    """The reference number under which the program asked."""
    begun_from: str
    """The address from which it asked."""
    reason: str = "the person said no"


@dataclass(frozen=True, slots=True)
class DeviceRefused(Event):
    """A typed code, or an approval, was not taken: many of these are an attack."""

    name: ClassVar[str] = "device.refused"
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class CommandLineApproved(Event):
    """A person let a command line in."""

    name: ClassVar[str] = "command_line.approved"
    family_id: str
    client: str
    way: str
    """`device` (a typed code) or `browser` (a redirect on the person's own machine)."""
    ends_at: datetime
    label: str = ""
    begun_by: str = ""
    """The reference number under which the program asked."""
    begun_from: str = ""
    """The address from which it asked."""
    role: str = ""


@dataclass(frozen=True, slots=True)
class TokenIssued(Event):
    """A command line got a pair of tokens: its first, or the next one. The entry's address is where it runs now."""

    name: ClassVar[str] = "token.issued"
    family_id: str
    client: str
    by: str
    """What it gave for them: `device code`, `authorization code` or `refresh token`."""


@dataclass(frozen=True, slots=True)
class TokenRefused(Event):
    """A code or token was not taken."""

    name: ClassVar[str] = "token.refused"
    client: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class CommandLineEnded(Event):
    """A command line's tokens ended before their time."""

    name: ClassVar[str] = "command_line.ended"
    family_id: str
    reason: str


# ------------------------------------------------------------------------------------------------------- the service


@dataclass(frozen=True, slots=True)
class RulesLoaded(Event):
    """New rules are in force."""

    name: ClassVar[str] = "rules.loaded"
    detail: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class RulesRejected(Event):
    """The rules or the register changed and are broken; the last good ones stay in force."""

    name: ClassVar[str] = "rules.rejected"
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataChanged(Event):
    """An identity provider's metadata brought something new, for example a signing key."""

    name: ClassVar[str] = "metadata.changed"
    event: str
    """What happened, in the connector's own word."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataRefused(Event):
    """An identity provider's metadata could not be fetched or is not acceptable; the last good one stays."""

    name: ClassVar[str] = "metadata.refused"
    event: str
    """What happened, in the connector's own word."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataAccepted(Event):
    """An administrator said yes to a document of an identity provider that waited."""

    name: ClassVar[str] = "metadata.accepted"
    document: str
    """The beginning of the document's SHA-256, in hexadecimal."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataRefreshed(Event):
    """An administrator asked an identity provider for its documents."""

    name: ClassVar[str] = "metadata.refreshed"
    kind: str
    """The kind of document that was kept with this entry, or `nothing new`."""
    detail: str
    """What was wrong with what was found."""


@dataclass(frozen=True, slots=True)
class KeyMade(Event):
    """A signing key of ours was made."""

    name: ClassVar[str] = "key.made"
    purpose: str
    kid: str


@dataclass(frozen=True, slots=True)
class KeyUsed(Event):
    """A signing key of ours was put into use before its time, or at an operator's word."""

    name: ClassVar[str] = "key.used"
    purpose: str
    kid: str


@dataclass(frozen=True, slots=True)
class KeyRetired(Event):
    """An old signing key of ours was removed: nobody is to believe it any more."""

    name: ClassVar[str] = "key.retired"
    purpose: str
    kid: str


@dataclass(frozen=True, slots=True)
class RowForged(Event):
    """A row of the database carries no MAC of ours: it is as if absent, and somebody should look at it."""

    name: ClassVar[str] = "row.forged"
    table: str
    row: str
    """Its key."""


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """Any other refusal that somebody got to see with a reference number."""

    name: ClassVar[str] = "request.refused"
    code: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class RefusalsCounted(Event):
    """How many refusals one process gave in a minute to requests that belong to nobody."""

    name: ClassVar[str] = "refusals.counted"
    since: datetime
    until: datetime
    counts: Mapping[str, int]
    """By event, code and connection."""
    lost: int
    """Of these, how many were too many to be kept whole anywhere but in the log."""


EVENTS: Mapping[str, type[Event]] = {
    event.name: event
    for event in (
        SignInFinished,
        SignInRefused,
        OpinionsDiffered,
        IdentityChanged,
        SessionConfirmed,
        SignedOut,
        GrantRefused,
        GrantMade,
        GrantRedeemed,
        GrantFailed,
        GrantOutcomeUnknown,
        GrantHandedOver,
        ConsoleOpened,
        DeviceBegun,
        DeviceClaimed,
        DeviceDenied,
        DeviceRefused,
        CommandLineApproved,
        TokenIssued,
        TokenRefused,
        CommandLineEnded,
        RulesLoaded,
        RulesRejected,
        MetadataChanged,
        MetadataRefused,
        MetadataAccepted,
        MetadataRefreshed,
        KeyMade,
        KeyUsed,
        KeyRetired,
        RowForged,
        RequestRefused,
        RefusalsCounted,
    )
}


# ---------------------------------------------------------------------------------------------------------- the log


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, when it was, and on whose request."""

    at: datetime
    visit: Visit
    event: Event
    person: str = ""
    """`connection/subject`, or empty while nobody is known."""
    connection: str = ""
    is_somebodys: bool = False
    """Whether a session, or a message whose signature held, is behind it, though `person` says nobody."""


_REFUSALS = (SignInRefused, DeviceRefused, TokenRefused, RequestRefused)


def belongs_to_nobody(entry: Entry) -> bool:
    """Whether this is a refusal with no session, no command line and no believed message behind it.

    Anybody can bring about any number of these, so they must not grow the audit. All other entries, alarms above all,
    stay in it.
    """
    return isinstance(entry.event, _REFUSALS) and not entry.person and not entry.is_somebodys


_OF_EVERY_DAY = frozenset({"not_found", "method_not_allowed", "not_signed_in"})


def is_of_every_day(event: Event) -> bool:
    """Whether this tells of no more than that an address was asked for: crawlers, and tabs whose session has ended."""
    return isinstance(event, RequestRefused) and event.code in _OF_EVERY_DAY


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the log: every text made printable, long ones cut."""

    at: datetime
    event: str
    person: str
    connection: str
    reference: str
    address: str
    user_agent: str
    details: Mapping[str, JsonValue]
    """The event's own fields."""
    number: int | None = None
    """Its place in the database's log."""


class AuditLog(Protocol):
    """Where decisions are recorded."""

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these, or none; raises Unavailable.

        Not `durable`: in order with all others, but a power failure may take them.
        """


class Lines(Protocol):
    """A second place for entries that are in the database already."""

    def write(self, rows: Sequence[Recorded]) -> None:
        """Takes them, each with its number; never waits and never raises: the database has them."""


def json_line(entry: Entry | Recorded) -> str:
    """The entry as one line of JSON: ASCII, no line break, the event's own fields under `details`."""
    row = entry if isinstance(entry, Recorded) else recorded(entry)
    document = {name: getattr(row, name) for name in _names(Recorded)} | {"at": _instant(row.at)}
    return json.dumps(document, separators=(",", ":"))


def recorded(entry: Entry) -> Recorded:
    """What the log keeps of an entry: printable, bounded, in JSON's types (instants ISO 8601, spans in seconds)."""
    event, visit = entry.event, entry.visit
    return Recorded(
        at=entry.at,
        event=event.name,
        person=printable(entry.person),
        connection=printable(entry.connection),
        reference=printable(visit.reference),
        address=printable(visit.address),
        user_agent=_foreign(visit.user_agent),
        details={name: _detail(name, getattr(event, name)) for name in _names(type(event))},
    )


def _detail(name: str, value: object) -> JsonValue:
    return _plain(value, printable if name in SHOWN_WHOLE else _foreign)


def _foreign(text: str) -> str:
    return printable(masked(text))


_NAMES: dict[object, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The fields' names; `dataclasses.fields` takes longer than what is done with each."""
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(member.name for member in fields(kind))
    return found


def printable(text: str) -> str:
    r"""The text with everything that a terminal or a log reader might obey shown as `\uXXXX`, and cut.

    What is escaped: whatever people would not see (`shown_text`: line breaks, ANSI escapes, bidirectional controls,
    zero-width characters, NUL, lone surrogates) and a backslash that could be taken for such an escape, so that two
    texts never look the same. A cut text ends with its length and hash for the same reason.
    """
    if text.isascii() and is_shown_text(text) and "\\" not in text and len(text) <= _LONGEST_TEXT:
        return text  # nearly all of them, and it takes a quarter of the time
    if len(text) > _LONGEST_TEXT:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"{printable(text[: _LONGEST_TEXT - 64])}... ({len(text)} characters, sha256 {digest})"
    return _UNCLEAR.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    char = match[0]
    if char != "\\" and is_shown(char):
        return char
    return f"\\u{ord(char):04x}" if char <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(char):08x}"


def _plain(value: object, written: Callable[[str], str]) -> JsonValue:
    match value:
        case None | bool() | int():
            return value
        case datetime():
            return _instant(value)
        case timedelta():
            return int(value.total_seconds())
        case Mapping():
            return {written(str(key)): _plain(part, written) for key, part in list(value.items())[:_MOST_ITEMS]}
        case tuple() | list():
            rest = [f"... ({len(value)} in all)"] if len(value) > _MOST_ITEMS else []
            return [_plain(part, written) for part in [*value[:_MOST_ITEMS], *rest]]
    return written(str(value))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
