"""A notice, and the message that carries one of them or, where many came, all of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from federation_bridge.settings import NoticeKind
from federation_bridge.shown_text import shown

MOST_TOLD = 50
"""Notices that one message tells in full, at most; of the rest it tells how many there are of each kind."""
_MOST_CHARACTERS = 1_000
_LONGEST_SUBJECT = 150
_LONGEST_TEXT = 25_000
"""Octets in JSON of the notices that are told in full: Teams takes 28 kB."""
_CALL = re.compile(r"(?<!\w)@(?=\w)")


@dataclass(frozen=True, slots=True)
class OperatorNotice:
    """What an operator has to do, or should know. Its texts are bounded, and hold nothing that people do not see."""

    id: str
    """The same however often it is sent, so that a receiver can drop what came twice."""
    kind: NoticeKind | Literal["notices.test"]
    at: datetime
    title: str
    """What it is, in a few words of ours."""
    sentence: str
    what_to_do: str
    connection: str = ""
    about: str = ""
    """Which certificate, account or version."""


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a place."""

    id: str
    at: datetime
    bridge: str
    """Address of the bridge that tells it."""
    subject: str
    text: str
    notices: tuple[OperatorNotice, ...]
    more: Mapping[str, int] = field(default_factory=dict)
    """By kind, how many more there are."""

    def to_json(self) -> dict[str, object]:
        """As a webhook's receiver reads it."""
        told = [{**asdict(one), "at": one.at.isoformat()} for one in self.notices]
        return {
            "id": self.id,
            "type": "federation_bridge.notices",
            "timestamp": self.at.isoformat(),
            "text": for_chat(f"{self.subject}\n\n{self.text}"),
            "data": {"bridge": self.bridge, "notices": told, "more": dict(self.more)},
        }


def id_of(bridge: str, number: object) -> str:
    """The id of the notice of an audit entry."""
    return str(uuid5(NAMESPACE_URL, f"{bridge}/notices/{number}"))


def bounded(text: str) -> str:
    """What others wrote, as a notice may repeat it: on one line, without what nobody sees, and not endless."""
    told = shown(" ".join(text.split()), "?")
    return told if len(told) <= _MOST_CHARACTERS else f"{told[:_MOST_CHARACTERS]}…"


def for_chat(text: str) -> str:
    """The same for a chat: no name in it calls people, and no words of it hide an address.

    Slack reads `<!channel>` and `<https://elsewhere|words>`, Teams reads `[words](https://elsewhere)`, Mattermost reads
    `@channel`. An address of mail stays as it is.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CALL.sub("@ ", escaped.replace("](", "] ("))


def message_of(notices: Sequence[OperatorNotice], bridge: str, at: datetime) -> Message:
    """One message of these, of which there is at least one."""
    if len(notices) == 1:
        (alone,) = notices
        return Message(alone.id, at, bridge, _subject(bridge, alone.title), _one(alone, bridge), (alone,))
    parts = _in_full(notices)
    told = tuple(notices[: len(parts)])
    more: Counter[str] = Counter(one.kind for one in notices[len(parts) :])
    if more:
        parts.append("And more: " + ", ".join(f"{count} of {kind}" for kind, count in sorted(more.items())) + ".")
    parts.append(f"Bridge: {bridge}\n")
    made_of = " ".join(one.id for one in notices)
    subject = _subject(bridge, f"{len(notices)} notices")
    return Message(id_of(bridge, made_of), at, bridge, subject, "\n".join(parts), told, dict(more))


def _in_full(notices: Sequence[OperatorNotice]) -> list[str]:
    """Those that are told in full: what a place finds too long it would refuse for good, with all that is in it."""
    parts: list[str] = []
    left = _LONGEST_TEXT
    for number, one in enumerate(notices[:MOST_TOLD], 1):
        part = f"{number}. {_one(one, '')}"
        left -= len(json.dumps(for_chat(part)))
        if parts and left < 0:
            break
        parts.append(part)
    return parts


def _subject(bridge: str, words: str) -> str:
    return f"[{bridge.partition('//')[2]}] {words}"[:_LONGEST_SUBJECT]


def _one(notice: OperatorNotice, bridge: str) -> str:
    # Each line begins with words of ours: what others wrote gives no advice of its own.
    lines = [f"{notice.title}.", "", f"What is so: {notice.sentence}", "", f"What to do: {notice.what_to_do}", ""]
    facts = {"Connection": notice.connection, "About": notice.about, "When": f"{notice.at:%Y-%m-%d %H:%M} UTC"}
    facts |= {"Kind": notice.kind, "Notice": notice.id, "Bridge": bridge}
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in facts.items() if value), ""])
