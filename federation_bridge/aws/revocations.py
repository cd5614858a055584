"""What the revocation policy of an account says: which sessions are denied everything, as a permissions boundary. Pure.

AWS cannot take a session back, so it is denied instead, on every request that it makes (IAM: revoking temporary
credentials). The boundary allows everything and adds the denies: a role may do what its own policies allow, but for
these. Each deny names an instant. Sessions that AWS issues after it are not denied, so a person can be let in again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from federation_bridge.aws_limits import PERSON_NAME, tag_value_mistake
from federation_bridge.errors import OutsideAwsLimits
from federation_bridge.model import JsonObject

LONGEST_POLICY = 6_144
"""Characters of a customer-managed policy, whitespace not counted (IAM quotas)."""
LONGEST_INLINE = 10_240
"""The same of all inline policies of one role together."""
GRANT_TAG = "FederationBridgeGrant"
"""The session tag that names a grant, where the bridge sends it."""
ALLOW_ALL: JsonObject = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_NOBODY: JsonObject = {
    "Sid": "DenyNobody",
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"DateLessThan": {"aws:TokenIssueTime": "1970-01-01T00:00:00Z"}},
}
"""What a policy begins with that is attached to roles: a policy needs a statement, and this one gives nothing."""
_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Deny:
    """Whose sessions are denied everything, of those that AWS issued before an instant.

    All that is named has to be met. Nothing named: every session of every role that has the boundary.
    """

    issued_before: datetime
    """In whole seconds, as AWS compares them (`aws:TokenIssueTime`)."""
    source_identity: str = ""
    """Of a person: it stays with a session through every role that is assumed with it (`aws:SourceIdentity`)."""
    session_name: str = ""
    """The end of `aws:userid`. It is not kept when a session assumes another role."""
    role_arn: str = ""
    grant_id: str = ""
    """The value of the session tag GRANT_TAG."""
    at_latest: datetime | None = None
    """A later instant may be written, up to this one: nobody got a session in between. None: only `issued_before`."""

    def __post_init__(self) -> None:
        """OutsideAwsLimits for names or an instant that a policy would take for something else."""
        if not any(one.is_of(self) for one in _SHAPES):
            raise OutsideAwsLimits("no statement names these together")
        for name in filter(None, (self.source_identity, self.session_name)):
            if not PERSON_NAME.fullmatch(name):
                raise OutsideAwsLimits(f"{name!r} is no name of a session, so no policy can deny it")
        if self.grant_id and tag_value_mistake(self.grant_id):
            raise OutsideAwsLimits(f"{self.grant_id!r} is no value of a tag, so no policy can deny it")
        for moment in filter(None, (self.issued_before, self.at_latest)):
            if moment.utcoffset() != timedelta(0) or moment.microsecond:
                raise OutsideAwsLimits(f"{moment} is no whole second of UTC")

    @property
    def whom(self) -> Deny:
        """The same without its instants: two denies of one `whom` differ in time alone."""
        return replace(self, issued_before=_ANY_TIME, at_latest=None)

    @property
    def latest(self) -> datetime:
        """The latest instant that may be written."""
        return max(self.at_latest or self.issued_before, self.issued_before)

    def covers(self, other: Deny) -> bool:
        """Whether every session that `other` denies is denied by this as well."""
        mine = (self.source_identity, self.session_name, self.role_arn, self.grant_id)
        theirs = (other.source_identity, other.session_name, other.role_arn, other.grant_id)
        named = all(one in ("", another) for one, another in zip(mine, theirs, strict=True))
        return named and other.issued_before <= self.issued_before


_ALWAYS = frozenset({("DateLessThan", "aws:TokenIssueTime")})
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Composition:
    """A policy and what of the wanted denies it holds."""

    document: JsonObject
    held: tuple[Deny, ...]
    left_out: tuple[Deny, ...]
    """For these there was no room: they have to be denied by other means, and nothing wider is denied instead."""

    @property
    def text(self) -> str:
        """The policy, canonical and without whitespace: the same denies give the same bytes."""
        return json.dumps(self.document, separators=(",", ":"), ensure_ascii=True)


def composed(
    standing: Sequence[Deny],
    wanted: Iterable[Deny],
    most: int = LONGEST_POLICY,
    *,
    foreign: Sequence[JsonObject] = (),
    base: JsonObject = ALLOW_ALL,
) -> Composition:
    """The boundary policy with all denies that fit into `most` characters; `base`: its first statement.

    `standing`: what is denied already goes in first, in this order, so that nobody's end makes room for another's.
    Of the others the shortest go first, so that as many as possible fit. `foreign`: denies that somebody else put there
    stay as they are.
    """
    room = _Room(most, (base, *foreign))
    ordered = (*standing, *sorted(wanted, key=_cost))
    left_out = () if room.take_all(ordered) else tuple(one for one in ordered if not room.take(one))
    return Composition(room.document, tuple(room.held), left_out)


def deny_only(denies: Iterable[Deny]) -> JsonObject:
    """The same denies without the allowing statement: what is pasted into an account, or put on a role by itself."""
    return {"Version": _VERSION, "Statement": list(_statements(_reduced(denies)))}


class _Room:
    """A policy that is filled until it is full."""

    def __init__(self, most: int, others: Sequence[JsonObject]) -> None:
        self._most = most
        self._others = others
        self.held: list[Deny] = []
        self.document = self._with(())

    def take_all(self, denies: Sequence[Deny]) -> bool:
        """Takes all of them into an empty policy, or none; whether there was room."""
        kept = [one for place, one in enumerate(denies) if not any(known.covers(one) for known in denies[:place])]
        return self._put(kept, denies)

    def take(self, deny: Deny) -> bool:
        """Takes it in if there is room; whether there was."""
        if any(one.covers(deny) for one in self.held):
            self.held.append(deny)
            return True
        return self._put((*self.held, deny), (*self.held, deny))

    def _put(self, written_out: Sequence[Deny], held: Sequence[Deny]) -> bool:
        document = self._with(written_out)
        if len(json.dumps(document, separators=(",", ":"))) > self._most:
            return False
        self.held, self.document = list(held), document
        return True

    def _with(self, denies: Iterable[Deny]) -> JsonObject:
        return {"Version": _VERSION, "Statement": [*self._others, *_statements(_reduced(denies))]}


def _cost(deny: Deny) -> tuple[int, datetime, str]:
    named = f"{deny.source_identity}|{deny.session_name}|{deny.role_arn}|{deny.grant_id}"
    return len(named), deny.issued_before, named


def _reduced(denies: Iterable[Deny]) -> list[Deny]:
    """The fewest denies that deny the same sessions: of each `whom` the latest, and none that another covers."""
    latest: dict[Deny, Deny] = {}
    for deny in denies:
        known = latest.get(deny.whom)
        if known is None or known.issued_before < deny.issued_before:
            latest[deny.whom] = deny
        elif known.issued_before == deny.issued_before and deny.latest < known.latest:
            # The narrower of two windows is the one that must be kept.
            latest[deny.whom] = deny
    wide = [one for one in latest.values() if not (one.source_identity or one.session_name or one.grant_id)]
    return [one for one in latest.values() if not any(other is not one and other.covers(one) for other in wide)]


def _statements(denies: Sequence[Deny]) -> Iterable[JsonObject]:
    """One statement for all denies that differ in one name only, in a fixed order."""
    groups: dict[tuple[datetime, int, str], set[str]] = defaultdict(set)
    for deny, moment in _timed(denies):
        shape = next(place for place, one in enumerate(_SHAPES) if one.is_of(deny))
        groups[moment, shape, deny.role_arn if shape == _IN_A_ROLE else ""].add(_SHAPES[shape].value(deny))
    for (moment, shape, role_arn), values in sorted(groups.items()):
        yield _SHAPES[shape].statement(moment, role_arn, sorted(values))


def _timed(denies: Sequence[Deny]) -> list[tuple[Deny, datetime]]:
    """Each deny with the instant to write: as few different instants as the windows of the denies allow.

    The window that ends first is taken, with all that have an instant in common with it; these share the earliest such
    instant. Then the next one.
    """
    waiting = sorted(denies, key=lambda one: (one.latest, one.issued_before, repr(one)))
    timed: list[tuple[Deny, datetime]] = []
    while waiting:
        point = waiting[0].latest
        together = [one for one in waiting if one.issued_before <= point]
        moment = max(one.issued_before for one in together)
        timed += [(one, moment) for one in together]
        waiting = [one for one in waiting if one.issued_before > point]
    return timed


@dataclass(frozen=True)
class _Shape:
    """Which names a deny has, and the conditions that they become in IAM."""

    names: frozenset[str]
    key: str = ""
    operator: str = "StringEquals"

    @cached_property
    def conditions(self) -> frozenset[tuple[str, str]]:
        """Operator and key of each condition but the instant."""
        in_a_role = {("StringEquals", "aws:PrincipalArn")} if self.names == {"session_name", "role_arn"} else set()
        return frozenset(in_a_role | ({(self.operator, self.key)} if self.key else set()))

    @cached_property
    def _others(self) -> frozenset[str]:
        return frozenset({"source_identity", "session_name", "role_arn", "grant_id"}) - self.names

    def is_of(self, deny: Deny) -> bool:
        return all(getattr(deny, one) for one in self.names) and not any(getattr(deny, one) for one in self._others)

    def value(self, deny: Deny) -> str:
        if "session_name" in self.names:
            # What stands before the colon is the role's id, which has none; names of sessions have none either.
            return f"*:{deny.session_name}"
        return _literal(deny.source_identity or deny.grant_id or deny.role_arn)

    def statement(self, moment: datetime, role_arn: str, values: Sequence[str]) -> JsonObject:
        conditions: dict[str, dict[str, object]] = defaultdict(dict)
        if self.key:
            conditions[self.operator][self.key] = values[0] if len(values) == 1 else list(values)
        if role_arn:
            # Not ArnEquals: it reads `*` and `?` as wildcards, and a role's path may hold them.
            conditions["StringEquals"]["aws:PrincipalArn"] = _literal(role_arn)
        conditions["DateLessThan"] = {"aws:TokenIssueTime": written(moment)}
        return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": dict(conditions)}


_SHAPES: Sequence[_Shape] = (
    _Shape(frozenset()),
    _Shape(frozenset({"role_arn"}), "aws:PrincipalArn"),
    _Shape(frozenset({"source_identity"}), "aws:SourceIdentity"),
    _Shape(frozenset({"session_name"}), "aws:userid", "StringLike"),
    _Shape(frozenset({"session_name", "role_arn"}), "aws:userid", "StringLike"),
    _Shape(frozenset({"grant_id"}), f"aws:PrincipalTag/{GRANT_TAG}"),
)
_IN_A_ROLE = 4


def written(moment: datetime) -> str:
    """An instant as conditions name it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _literal(text: str) -> str:
    """The text, written so that IAM reads no part of it as a variable (IAM: policy variables, `${$}`)."""
    return text.replace("${", "${$}{")


def is_ours(statement: Mapping[str, Any]) -> bool:
    """Whether a statement looks like one of these: what is not among the wanted ones any more may go."""
    if (statement.get("Effect"), statement.get("Action"), statement.get("Resource")) != ("Deny", "*", "*"):
        return False
    condition = statement.get("Condition")
    if not isinstance(condition, dict) or set(statement) != {"Effect", "Action", "Resource", "Condition"}:
        return False
    keys = {(operator, key) for operator, named in condition.items() for key in named}
    return keys >= _ALWAYS and any(keys - _ALWAYS == set(one.conditions) for one in _SHAPES)


def same_policy(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two documents are the same but for whitespace and the order of names."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def first_policy() -> JsonObject:
    """The revocation policy before anybody's sessions were ended: it takes nothing away."""
    return composed((), ()).document


def first_attached_policy() -> JsonObject:
    """The policy for roles with another boundary before anybody's sessions were ended: it denies nobody."""
    return composed((), (), base=DENY_NOBODY).document
