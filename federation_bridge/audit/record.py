"""An entry as it stands in the log, and its line of JSON: printable, bounded, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from federation_bridge.audit.entry import Entry
from federation_bridge.audit.printable_text import printable
from federation_bridge.redaction import masked

_MOST_ITEMS = 64

SHOWN_WHOLE = frozenset(
    {
        "access_key_id",
        "assumed_role_arn",
        "aws_request_id",
        "because",
        "begun_by",
        "checks",
        "family_id",
        "grant_id",
        "kid",
        "kids",
        "message_id",
        "message_issuer",
        "policy",
        "policy_arns",
        "previous",
        "received",
        "response_id",
        "rule",
        "rules_version",
        "session_name",
        "sha256",
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


def json_line(entry: Entry | Recorded) -> str:
    """The entry as one line of JSON: ASCII, no line break, the event's own fields under `details`."""
    row = entry if isinstance(entry, Recorded) else recorded(entry)
    document = {name: getattr(row, name) for name in _names(Recorded)} | {"at": _instant(row.at)}
    return json.dumps(document, separators=(",", ":"))


def recorded(entry: Entry) -> Recorded:
    """What the log keeps of an entry: printable, bounded, in JSON's types (instants ISO 8601, spans in seconds)."""
    event, origin = entry.event, entry.origin
    return Recorded(
        at=entry.at,
        event=event.name,
        person=printable(entry.person),
        connection=printable(entry.connection),
        reference=printable(origin.reference),
        address=printable(origin.address),
        user_agent=_foreign(origin.user_agent),
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


def _plain(value: object, written: Callable[[str], str]) -> JsonValue:
    if type(value) is str:
        return written(value)  # most are, and the others are asked for one after the other
    if isinstance(value, dict | Mapping):
        return {written(str(key)): _plain(part, written) for key, part in list(value.items())[:_MOST_ITEMS]}
    if isinstance(value, tuple | list):
        rest = [f"... ({len(value)} in all)"] if len(value) > _MOST_ITEMS else []
        return [_plain(part, written) for part in [*value[:_MOST_ITEMS], *rest]]
    return _single(value, written)


def _single(value: object, written: Callable[[str], str]) -> JsonValue:
    match value:
        case None | bool() | int():
            return value
        case datetime():
            return _instant(value)
        case timedelta():
            return int(value.total_seconds())
    return written(str(value))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
