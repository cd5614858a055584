"""What a rule grants: roles, and the terms on which they are granted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, cast, get_args

from federation_bridge.aws_limits import (
    MOST_POLICY_ARNS,
    MOST_TAGS,
    SHORTEST_SESSION,
)
from federation_bridge.aws_regions import REGIONS
from federation_bridge.durations import format_duration
from federation_bridge.mapping import sizes
from federation_bridge.mapping.definitions import Definitions, named
from federation_bridge.mapping.document import Node, fields, refuse, text
from federation_bridge.mapping.duration import DURATION_SCHEMA, duration
from federation_bridge.mapping.fillable import Reached, fillables
from federation_bridge.mapping.filling import Filling, Target, Unfilled
from federation_bridge.mapping.grant_checks import check_fillable, check_policies
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.role_patterns import RolePattern, RoleSet, parse_roles, roles_schema
from federation_bridge.mapping.session_policies import (
    SessionPolicy,
    foreign_policy,
    parse_policy_arns,
    parse_session_policy,
)
from federation_bridge.mapping.session_tags import Tag, parse_tags, parse_transitive
from federation_bridge.mapping.source_identities import fill_source_identity, parse_source_identity
from federation_bridge.mapping.templates import Placeholder
from federation_bridge.mapping.verdicts import Facts, Way, Withheld
from federation_bridge.model import Account, AgentAccess, Entitlement, Role
from federation_bridge.sentence import Sentence

USUAL = timedelta(hours=1)
"""Where a rule names no `max_duration`."""
_PLAIN_FIELDS = frozenset({"role", "max_duration"})
_FIELDS = (
    *("role", "roles", "max_duration", "tags", "transitive_tags"),
    *("source_identity", "policy_arns", "session_policy", "agents"),
)


@dataclass(frozen=True, slots=True)
class Granted:
    """The `grant` of a rule. `parse_granted` makes it."""

    roles: tuple[RolePattern, ...]
    empty_sets: tuple[str, ...] = ()
    """Sets of accounts that hold none of these roles now, each in a sentence."""
    sets: frozenset[RoleSet] = frozenset()
    """The sets as they are written: two that come to the same now may not tomorrow."""
    max_duration: timedelta = USUAL
    tags: tuple[Tag, ...] = ()
    transitive_tags: tuple[str, ...] = ()
    source_identity: Filling | None = None
    policy_arns: tuple[str, ...] = ()
    policy: SessionPolicy | None = None
    agents: AgentAccess = "read-only"

    @property
    def placeholders(self) -> frozenset[Placeholder]:
        """What the rule's condition has to bind."""
        return frozenset[Placeholder]().union(*(role.placeholders for role in self.roles))

    def reachable(self, register: Register) -> tuple[str, ...]:
        """Keys of all roles that the rule could ever grant, sorted."""
        found = {f"{account.id}/{role.name}" for each in self.roles for account, role in each.reachable(register)}
        return tuple(sorted(found))

    def entitle(self, rule: str, way: Way, facts: Facts) -> Iterator[Entitlement | Withheld]:
        """For each role an entitlement on these terms, or why it is withheld."""
        for pattern in self.roles:
            key = (pattern.account or way.binding.account or "", pattern.role or way.binding.role or "")
            found = facts.register.role(*key)
            if found is None:
                yield Withheld("/".join(key), Sentence("%(role)s is not in the register", role="/".join(key)))
            else:
                yield self._entitlement(rule, way, facts, *found)

    def _entitlement(self, rule: str, way: Way, facts: Facts, account: Account, role: Role) -> Entitlement | Withheld:
        key = f"{account.id}/{role.name}"
        if objection := self._objection(key, way, facts, account):
            return Withheld(key, objection)
        target = Target(facts, account, role.name)
        tags = {tag.key: tag.fill(target) for tag in self.tags}
        source_identity = fill_source_identity(self.source_identity, target) if self.source_identity else None
        for value in (*tags.values(), source_identity):
            if isinstance(value, Unfilled):
                return Withheld(key, Sentence("%(role)s: %(reason)s", role=key, reason=value.reason))
        return Entitlement(
            account=account,
            role=role.name,
            rule=rule,
            because=way.because,
            max_duration=min(self.max_duration, role.max_session),
            tags={name: value for name, value in tags.items() if isinstance(value, str)},
            transitive_tags=self.transitive_tags,
            source_identity=source_identity if isinstance(source_identity, str) else None,
            policy_arns=self.policy_arns,
            policy=self.policy.text if self.policy else None,
            agents=self.agents,
            ends_at=way.until,
        )

    def _objection(self, key: str, way: Way, facts: Facts, account: Account) -> Sentence | None:
        """Why nobody at all is granted this role on these terms now; None where somebody may be."""
        # Never a session that outlives the rule, and never an entitlement that only ends in AWS's refusal.
        if way.until is not None and way.until - facts.now < SHORTEST_SESSION:
            return Sentence(
                "%(role)s: the rule ends in less than %(shortest)s, and AWS issues no shorter session",
                role=key,
                shortest=format_duration(SHORTEST_SESSION),
            )
        if self.policy is not None and self.policy.partitions - {account.partition}:
            return Sentence("%(role)s: the session policy names resources of another partition", role=key)
        if foreign := foreign_policy(self.policy_arns, account):
            return Sentence("%(role)s: the policy %(policy)s cannot be used in that account", role=key, policy=foreign)
        return None

    def reached(self, register: Register, connection: str) -> Iterator[Reached]:
        """Every role that the rule could ever grant, for the people of this connection."""
        for pattern in self.roles:
            for account, role in pattern.reachable(register):
                yield Reached(connection, account, role.name)

    def doubts(self, register: Register, connection: str) -> Iterator[str]:
        """Sentences about what can never be granted although the rule names it."""
        yield from self.empty_sets
        for one in fillables(self.tags, self.source_identity):
            for reached, mistake in one.never_for(self.reached(register, connection)):
                yield f"{reached.account.id}/{reached.role} can never be granted: {mistake}"
        is_oidc = any(one.account.road == "oidc" for one in self.reached(register, connection))
        token = sizes.doubt_about_token(self.tags) if is_oidc else None
        packing = sizes.doubt_about_packing(self.policy.text if self.policy else "", self.policy_arns, self.tags)
        yield from (doubt for doubt in (token, packing) if doubt)


class Around(NamedTuple):
    """What the `grant` of a rule is read with: what its condition always binds, its connection, and what has a name."""

    register: Register
    bound: Collection[Placeholder]
    connection: str
    definitions: Definitions
    plain: dict[tuple[str, str | None], Granted]
    """What was read so far of roles with no more than a duration, by how they are written."""


def parse_granted(node: Node, around: Around) -> Granted:
    """The `grant` of a rule; ConfigurationInvalid with the place. Of two that say the same, one object, mostly."""
    entry = fields(node, "`grant`", _FIELDS)
    written = _written_plainly(entry)
    if written is None:
        return _granted(node, entry, around)
    known = around.plain.get(written)
    if known is None:
        known = _granted(node, entry, around)
        # What fits one rule may not fit another one where a condition fills it, or where accounts are chosen.
        if not known.placeholders and not known.sets:
            around.plain[written] = known
    return known


def _written_plainly(entry: Mapping[str, Node]) -> tuple[str, str | None] | None:
    if "role" not in entry or not entry.keys() <= _PLAIN_FIELDS:
        return None
    role, span = entry["role"].value, entry["max_duration"].value if "max_duration" in entry else None
    return (role, span) if isinstance(role, str) and (span is None or isinstance(span, str)) else None


def _granted(node: Node, entry: Mapping[str, Node], around: Around) -> Granted:
    register = around.register
    if ("role" in entry) == ("roles" in entry):
        refuse(node, "`grant` needs either `role` or `roles`")
    listed = entry["role"] if "role" in entry else entry["roles"]
    tags = parse_tags(entry["tags"]) if "tags" in entry else ()
    roles = parse_roles(listed, register)
    granted = Granted(
        roles=roles.patterns,
        empty_sets=roles.empty_sets,
        sets=roles.sets,
        max_duration=duration(entry["max_duration"], "max_duration", SHORTEST_SESSION)
        if "max_duration" in entry
        else USUAL,
        tags=tags,
        transitive_tags=parse_transitive(entry["transitive_tags"], tags) if "transitive_tags" in entry else (),
        source_identity=parse_source_identity(entry["source_identity"]) if "source_identity" in entry else None,
        policy_arns=parse_policy_arns(entry["policy_arns"]) if "policy_arns" in entry else (),
        policy=_policy(entry["session_policy"], _partitions(roles.patterns, register), around.definitions)
        if "session_policy" in entry
        else None,
        agents=_agents(entry["agents"]) if "agents" in entry else "read-only",
    )
    if unbound := granted.placeholders - frozenset(around.bound):
        refuse(
            listed,
            "{%(which)s} is not bound: every way to meet `when` must go through a group_template",
            which=min(unbound),
        )
    check_policies(granted, node, register)
    check_fillable(granted, node, register, around.connection)
    return granted


def _policy(node: Node, partitions: frozenset[str], definitions: Definitions) -> SessionPolicy:
    if not isinstance(node.value, Mapping) or "named" not in node.value:
        return parse_session_policy(node, partitions)
    name = named(node, "a session policy", definitions.policies)
    policy = definitions.policies[name]
    if foreign := policy.partitions - partitions:
        there = ", ".join(sorted(partitions))
        refuse(
            node,
            "policy %(name)s names resources in partition %(which)s; the rule's roles are in %(there)s",
            name=repr(name),
            which=min(foreign),
            there=there,
        )
    return policy


def _agents(node: Node) -> AgentAccess:
    found = text(node, "`agents`")
    if found not in get_args(AgentAccess):
        refuse(node, "`agents` is one of: %(choices)s", choices=", ".join(get_args(AgentAccess)))
    return cast("AgentAccess", found)


def _partitions(roles: tuple[RolePattern, ...], register: Register) -> frozenset[str]:
    named = frozenset(account.partition for role in roles for account, _ in role.reachable(register))
    # Sets of accounts may hold nothing yet.
    return named or frozenset(REGIONS)


def granted_schema() -> dict[str, Any]:
    """JSON schema of `grant`."""
    filled: dict[str, Any] = {"type": "string", "minLength": 1}
    tag_value: dict[str, Any] = {"type": "string"}
    texts_schema = {"type": "array", "minItems": 1, "uniqueItems": True}
    closed = {
        "type": "object",
        "additionalProperties": False,
        "required": ["value", "one_of"],
        "properties": {"value": tag_value, "one_of": {"anyOf": [filled, {**texts_schema, "items": filled}]}},
    }
    properties: dict[str, Callable[[], dict[str, Any]] | dict[str, Any]] = {
        **roles_schema(),
        "max_duration": dict(DURATION_SCHEMA),
        "tags": {"type": "object", "maxProperties": MOST_TAGS, "additionalProperties": {"anyOf": [tag_value, closed]}},
        "transitive_tags": {"anyOf": [filled, {**texts_schema, "items": filled}]},
        "source_identity": filled,
        "policy_arns": {"anyOf": [filled, {**texts_schema, "maxItems": MOST_POLICY_ARNS, "items": filled}]},
        "session_policy": {"type": ["object", "string"]},
        "agents": {"enum": list(get_args(AgentAccess))},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["role"]}, {"required": ["roles"]}],
        "properties": {name: properties[name] for name in _FIELDS},
    }
