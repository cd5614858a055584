"""Each kind of notice: what it is, what is to be done, and which entries of the audit become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from federation_bridge.audit import (
    BlockPut,
    NoticeDue,
    NoticesGivenUp,
    Recorded,
    RevocationsSettled,
    RowForged,
    RulebookEmergency,
    RulesRejected,
    VerifiersDisagreed,
)
from federation_bridge.model import RevocationState
from federation_bridge.operator_notices.message import OperatorNotice, bounded, id_of
from federation_bridge.settings import NOTICE_KINDS, NoticeKind, Settings
from federation_bridge.store.follow_ups import Followed


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    what_to_do: str
    """`{connection}`, `{about}` and `{reference}` stand for those of the notice: words of ours, never of others."""


_IN_DEPLOYMENT = "See docs/deployment.md, “What waits for you, and what ends”."

WORDS: Mapping[NoticeKind, _Words] = {
    "certificate.ends": _Words(
        "A certificate or metadata ends",
        "run `federation-bridge check` to see every end. For one of an identity provider, ask whoever runs that for "
        f"the next one; for one of our own, run `federation-bridge keys rotate`. {_IN_DEPLOYMENT}",
    ),
    "metadata.waits": _Words(
        "What an identity provider publishes waits for a yes",
        "ask whoever runs the identity provider, by another way than the network, whether they changed it. Run "
        "`federation-bridge metadata show {connection}` to see what waits, and `federation-bridge metadata accept "
        f"{{connection}}` to say yes. {_IN_DEPLOYMENT}",
    ),
    "nodes.disagree": _Words(
        "Nodes do not agree",
        "look at the page of the rulebook, which shows the version of each node, and at the log of the node that is "
        "named. A clock is set by NTP. See docs/administration.md, “Versions”.",
    ),
    "verifiers.disagree": _Words(
        "Two verifiers did not agree about a SAML message",
        "treat it as an attack until the audit says otherwise. Run `federation-bridge audit --reference {reference}` "
        "to find the sign-in. See docs/saml.md.",
    ),
    "rulebook.emergency": _Words(
        "A change of the rulebook came into force without a second person",
        "look at version {about} with somebody who did not make it: run `federation-bridge rules show {about}`, and "
        "`federation-bridge rules seen {about} --note TEXT` when it is right. See docs/administration.md, “A second "
        "person”.",
    ),
    "rules.rejected": _Words(
        "Changed rules are broken",
        "run `federation-bridge check` to see every mistake with its line. The last good rules stay in force until "
        "then.",
    ),
    "incident.open": _Words(
        "An incident keeps everybody out but a list",
        "when it is over, run `federation-bridge incident end --reason TEXT`. See docs/revocation.md.",
    ),
    "restore.waits": _Words(
        "The database was put back, and nobody comes in",
        "look at what is in force again and say yes to it: run `federation-bridge restore --confirm`. Where nobody put "
        "it back, treat it as an attack. See docs/backup.md, “After a restore”.",
    ),
    "scim.quiet": _Words(
        "A SCIM client has stopped calling",
        "look at provisioning in the directory: its token may have ended. Run `federation-bridge scim show` to see "
        "when it called last. See docs/scim.md, “A client that stopped calling”.",
    ),
    "aws.end_failed": _Words(
        "AWS sessions that should end could not be ended",
        "run `federation-bridge aws endings`: it shows the statement to paste into the account, and for which roles. "
        "See docs/revocation.md, “Ending AWS sessions”.",
    ),
    "settings.wrong": _Words(
        "People meet a wrong setting",
        "run `federation-bridge check`: it names the setting and how to mend it. Until then these sign-ins fail.",
    ),
    "audit.unsealed": _Words(
        "Entries of the audit are not sealed",
        "run `federation-bridge audit verify`, and look in the log for the audit: it says why nothing is sealed. See "
        "docs/audit.md, “Seals”.",
    ),
    "lines.lost": _Words(
        "Lines of the log or of the audit do not get out",
        "look at what reads them: it is slow, full or gone. The database has all of the audit; its lines are sent "
        "again, those of the log are not.",
    ),
    "queue.full": _Words(
        "Work beside the requests falls behind",
        "look in the log for what fails again and again, and whether AWS and the database answer.",
    ),
    "row.forged": _Words(
        "Somebody wrote into the database who is not the bridge",
        "treat it as an attack: find out who reached the database. A restore under another sealing key shows the "
        "same. Run `federation-bridge audit --reference {reference}` to see the rows.",
    ),
    "notices.failed": _Words(
        "Notices did not reach a place, and were given up",
        "run `federation-bridge notices list` to see them, and `federation-bridge notices test` when the place is "
        "mended. See docs/notices.md.",
    ),
}


@dataclass(frozen=True, slots=True)
class _Told:
    kind: NoticeKind
    sentence: str
    about: str = ""


def _due(row: Recorded) -> _Told | None:
    kind, detail, about = (str(row.details.get(name, "")) for name in ("kind", "detail", "about"))
    return _Told(kind, detail, about) if kind in NOTICE_KINDS else None


def _emergency(row: Recorded) -> _Told:
    said = {name: row.details.get(name, "") for name in ("author", "reason", "number", "because")}
    whose = f"{said['author']} ({row.person})" if row.person else str(said["author"])
    sentence = f"{whose} put version {said['number']} in force. Reason: {said['reason']}. Would wait: {said['because']}"
    return _Told("rulebook.emergency", sentence, str(said["number"]))


def _incident(row: Recorded) -> _Told | None:
    if row.details.get("source") != "incident":
        return None
    spared = row.details.get("excepted")
    count = len(spared) if isinstance(spared, list) else 0
    where = f"at the connection {row.details['scope']}" if row.details.get("scope") else "at every connection"
    sentence = (
        f"{row.details.get('by')} began an incident {where}; {count} stay in. Reason: {row.details.get('reason')}"
    )
    return _Told("incident.open", sentence, str(row.details.get("scope", "")))


def _not_ended(row: Recorded) -> _Told | None:
    if row.details.get("state") != RevocationState.COULD_NOT:
        return None
    whose, account, role = (str(row.details.get(name, "")) for name in ("kind", "account", "role"))
    where = f"role {role} of account {account}" if role else f"account {account}"
    return _Told("aws.end_failed", f"Sessions of a {whose} in {where} go on: {row.details.get('told')}", account)


def _given_up(row: Recorded) -> _Told | None:
    kinds = row.details.get("kinds")
    if isinstance(kinds, dict) and set(kinds) == {"notices.failed"}:
        return None  # of two places that refuse all, each would be told of the other for ever
    said = {name: row.details.get(name, "") for name in ("place", "count", "problem")}
    sentence = f"{said['count']} notices to {said['place']} were given up. It said last: {said['problem']}"
    return _Told("notices.failed", sentence, str(said["place"]))


OF_ENTRY: Mapping[str, Callable[[Recorded], _Told | None]] = {
    NoticeDue.name: _due,
    RulebookEmergency.name: _emergency,
    BlockPut.name: _incident,
    RevocationsSettled.name: _not_ended,
    VerifiersDisagreed.name: lambda row: _Told("verifiers.disagree", str(row.details.get("reason", ""))),
    RulesRejected.name: lambda row: _Told("rules.rejected", str(row.details.get("detail", ""))),
    RowForged.name: lambda row: _Told(
        "row.forged", f"The table is {row.details.get('table')}.", str(row.details.get("table", ""))
    ),
    NoticesGivenUp.name: _given_up,
}
"""By the event's name, what an entry tells an operator; None where such an entry tells nothing."""


def notice_of(row: Recorded, bridge: str) -> OperatorNotice | None:
    """The notice that an entry becomes; None where it becomes none. A part that others wrote is bounded."""
    read = OF_ENTRY.get(row.event)
    told = read(row) if read is not None else None
    if told is None:
        return None
    words = WORDS[told.kind]
    connection = bounded(row.connection)
    named = {"connection": connection or "CONNECTION", "about": told.about, "reference": row.reference}
    # Only these kinds have an `about` that is a number of ours: a command that is copied holds no words of others.
    if not named["about"].isascii() or not named["about"].isdigit():
        named["about"] = "NUMBER"
    what_to_do = words.what_to_do.format(**named)
    number = id_of(bridge, row.number)
    sentence, about = bounded(told.sentence), bounded(told.about)
    return OperatorNotice(number, told.kind, row.at, words.title, sentence, what_to_do, connection, about)


def followed(settings: Settings) -> Followed:
    """The entries from which a notice follows: nothing where no place is told anything."""
    wanted = settings.notices.kinds
    if not wanted:
        return {}

    def follows(row: Recorded) -> bool:
        told = OF_ENTRY[row.event](row)
        return told is not None and told.kind in wanted

    return dict.fromkeys(OF_ENTRY, follows)
