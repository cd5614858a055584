"""What a rule grants: roles, and the terms on which they are granted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from federation_bridge.aws_limits import (
    ACCOUNT_ID,
    LONGEST_POLICIES,
    MOST_POLICY_ARNS,
    MOST_TAGS,
    ROLE_NAME,
    SHORTEST_SESSION,
    source_identity_mistake,
)
from federation_bridge.durations import format_duration
from federation_bridge.mapping.document import Node, did_you_mean, fields, refuse, texts
from federation_bridge.mapping.filling import Filling, Target, Unfilled
from federation_bridge.mapping.register import DURATION_SCHEMA, Register, duration
from federation_bridge.mapping.session_policies import foreign_policy, parse_policy_arns, parse_session_policy
from federation_bridge.mapping.session_tags import Tag, parse_tags, parse_transitive
from federation_bridge.mapping.templates import Placeholder
from federation_bridge.mapping.verdicts import Facts, Way, Withheld
from federation_bridge.model import Account, Entitlement, Role
from federation_bridge.sentence import Sentence

USUAL = timedelta(hours=1)
"""Where a rule names no `max_duration`."""
_FIELDS = (
    "role",
    "roles",
    "max_duration",
    "tags",
    "transitive_tags",
    "source_identity",
    "policy_arns",
    "session_policy",
)


@dataclass(frozen=True, slots=True)
class RolePattern:
    """`account/role`, where either may be a placeholder (None) that the rule's condition binds."""

    account: str | None
    role: str | None

    @property
    def placeholders(self) -> frozenset[Placeholder]:
        """What the condition has to bind."""
        named: set[Placeholder] = set()
        if self.account is None:
            named.add("account")
        if self.role is None:
            named.add("role")
        return frozenset(named)

    def reachable(self, register: Register) -> Iterator[tuple[Account, Role]]:
        """Every registered role that this can ever name."""
        accounts = register.accounts if self.account is None else (self.account,)
        for account in accounts:
            names = register.accounts[account].roles if self.role is None else (self.role,)
            for name in names:
                if found := register.role(account, name):
                    yield found


@dataclass(frozen=True, slots=True)
class Granted:
    """The `grant` of a rule. `parse_granted` makes it."""

    roles: tuple[RolePattern, ...]
    max_duration: timedelta = USUAL
    tags: tuple[Tag, ...] = ()
    transitive_tags: tuple[str, ...] = ()
    source_identity: Filling | None = None
    policy_arns: tuple[str, ...] = ()
    policy: str | None = None

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
        # Never a session that outlives the rule, and never an entitlement that only ends in AWS's refusal.
        if way.until is not None and way.until - facts.now < SHORTEST_SESSION:
            return Withheld(
                key,
                Sentence(
                    "%(role)s: the rule ends in less than %(shortest)s, and AWS sells no shorter session",
                    role=key,
                    shortest=format_duration(SHORTEST_SESSION),
                ),
            )
        if foreign := foreign_policy(self.policy_arns, account):
            return Withheld(
                key,
                Sentence("%(role)s: the policy %(policy)s cannot be used in that account", role=key, policy=foreign),
            )
        target = Target(facts, account, role.name)
        tags = {tag.key: tag.fill(target) for tag in self.tags}
        source_identity = self._source_identity(target)
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
            policy=self.policy,
            ends_at=way.until,
        )

    def _source_identity(self, target: Target) -> str | Unfilled | None:
        if self.source_identity is None:
            return None
        value = self.source_identity.fill(target)
        mistake = value.reason if isinstance(value, Unfilled) else source_identity_mistake(value)
        if mistake is None:
            return value
        return Unfilled(Sentence("the source identity cannot be filled: %(reason)s", reason=mistake))


def parse_granted(node: Node, register: Register, bound: Collection[Placeholder]) -> Granted:
    """The `grant` of a rule whose condition always binds `bound`; ConfigurationInvalid with the line."""
    entry = fields(node, "`grant`", _FIELDS)
    if ("role" in entry) == ("roles" in entry):
        refuse(node, "`grant` needs either `role` or `roles`")
    listed = entry["role"] if "role" in entry else entry["roles"]
    tags = parse_tags(entry["tags"]) if "tags" in entry else ()
    granted = Granted(
        roles=tuple(_role_pattern(written, listed, register) for written in texts(listed, "a role")),
        max_duration=duration(entry["max_duration"], "max_duration", SHORTEST_SESSION)
        if "max_duration" in entry
        else USUAL,
        tags=tags,
        transitive_tags=parse_transitive(entry["transitive_tags"], tags) if "transitive_tags" in entry else (),
        source_identity=_source_identity(entry["source_identity"]) if "source_identity" in entry else None,
        policy_arns=parse_policy_arns(entry["policy_arns"]) if "policy_arns" in entry else (),
        policy=parse_session_policy(entry["session_policy"]) if "session_policy" in entry else None,
    )
    if unbound := granted.placeholders - frozenset(bound):
        refuse(listed, f"{{{min(unbound)}}} is not bound: every way to meet `when` must go through a group_template")
    _check_policies(granted, node, register)
    return granted


def _role_pattern(written: str, node: Node, register: Register) -> RolePattern:
    account, slash, role = written.partition("/")
    is_account = account == "{account}" or ACCOUNT_ID.fullmatch(account)
    if not slash or not is_account or not (role == "{role}" or ROLE_NAME.fullmatch(role)):
        refuse(node, f"{written!r} is not a role: write 111111111111/Name, {{account}}/Name or {{account}}/{{role}}")
    pattern = RolePattern(None if account == "{account}" else account, None if role == "{role}" else role)
    if pattern.account is not None and pattern.account not in register.accounts:
        refuse(node, f"account {account} is not in the register{did_you_mean(account, register.accounts)}")
    if next(pattern.reachable(register), None) is None:
        known = register.accounts[pattern.account].roles if pattern.account else register.role_names
        refuse(node, f"the register allows no role {role!r} there{did_you_mean(role, known)}")
    return pattern


def _source_identity(node: Node) -> Filling:
    filling = Filling.parse(node, "`source_identity`")
    if not filling.names_the_person:
        refuse(node, "`source_identity` must name the person: use {subject}, {email} or {attribute.NAME}")
    return filling


def _check_policies(granted: Granted, node: Node, register: Register) -> None:
    characters = len(granted.policy or "") + sum(len(arn) for arn in granted.policy_arns)
    if characters > LONGEST_POLICIES:
        refuse(node, f"the session policies have {characters} characters; AWS takes {LONGEST_POLICIES} in all")
    for pattern in granted.roles:
        accounts = {account.id: account for account, _ in pattern.reachable(register)}
        usable = [account for account in accounts.values() if not foreign_policy(granted.policy_arns, account)]
        # A template may reach accounts of several partitions: those where the policy is unknown are not granted.
        if not usable:
            refuse(node, f"the policies cannot be used in account {min(accounts)}")


def granted_schema() -> dict[str, Any]:
    """JSON schema of `grant`."""
    filled: dict[str, Any] = {"type": "string", "minLength": 1}
    tag_value: dict[str, Any] = {"type": "string"}
    role = {"type": "string", "pattern": r"^([0-9]{12}|\{account\})/([A-Za-z0-9_+=,.@-]{1,64}|\{role\})$"}
    texts_schema = {"type": "array", "minItems": 1, "uniqueItems": True}
    closed = {
        "type": "object",
        "additionalProperties": False,
        "required": ["value", "one_of"],
        "properties": {"value": tag_value, "one_of": {"anyOf": [filled, {**texts_schema, "items": filled}]}},
    }
    properties: dict[str, Callable[[], dict[str, Any]] | dict[str, Any]] = {
        "role": role,
        "roles": {"anyOf": [role, {**texts_schema, "items": role}]},
        "max_duration": dict(DURATION_SCHEMA),
        "tags": {"type": "object", "maxProperties": MOST_TAGS, "additionalProperties": {"anyOf": [tag_value, closed]}},
        "transitive_tags": {"anyOf": [filled, {**texts_schema, "items": filled}]},
        "source_identity": filled,
        "policy_arns": {"anyOf": [filled, {**texts_schema, "maxItems": MOST_POLICY_ARNS, "items": filled}]},
        "session_policy": {"type": ["object", "string"]},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["role"]}, {"required": ["roles"]}],
        "properties": {name: properties[name] for name in _FIELDS},
    }
