"""Sets of accounts: all that the register puts into an environment, under a tag, or in a partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from federation_bridge.aws_regions import REGIONS
from federation_bridge.mapping.account_details import environment_schema, parse_environment
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, refuse, text, texts
from federation_bridge.mapping.register import Register
from federation_bridge.model import Account
from federation_bridge.sentence import Sentence

_CRITERIA = ("environment", "tags", "partition")


@dataclass(frozen=True, slots=True)
class AccountSet:
    """The accounts that meet every criterion; without any, all. Of the values of one criterion any will do."""

    environments: tuple[str, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each key with its values."""
    partitions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, node: Node) -> Self:
        """Reads `{environment: production, tags: {team: [data, web]}, partition: aws}`."""
        entry = fields(node, "`accounts`", _CRITERIA)
        if not entry:
            refuse(node, "`accounts` needs `environment`, `tags` or `partition`; for all accounts write */Name")
        return cls(
            _environments(entry["environment"]) if "environment" in entry else (),
            _tags(entry["tags"]) if "tags" in entry else (),
            _partitions(entry["partition"]) if "partition" in entry else (),
        )

    def holds(self, account: Account) -> bool:
        """Whether this account is one of them. Texts are compared code point by code point."""
        return (
            (not self.environments or account.environment in self.environments)
            and (not self.partitions or account.partition in self.partitions)
            and all(account.tags.get(key) in values for key, values in self.tags)
        )

    def empty(self, role: str, register: Register) -> str:
        """Why no account of the set has this role, with the nearest of what the register knows."""
        known = {one.environment for one in register.accounts.values() if one.environment}
        for environment in self.environments:
            if environment not in known:
                return f"no account is in environment {environment!r}{did_you_mean(environment, known)}"
        keys = {key for one in register.accounts.values() for key in one.tags}
        for key, _ in self.tags:
            if key not in keys:
                return f"no account has tag {key!r}{did_you_mean(key, keys)}"
        return f"no account with {self} allows role {role!r}"

    def __str__(self) -> str:
        """The criteria in words."""
        words = {"environment": self.environments, "partition": self.partitions}
        words |= {f"tag {key}": values for key, values in self.tags}
        return ", ".join(f"{name} {' or '.join(map(repr, values))}" for name, values in words.items() if values)


def _environments(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, str):
        return (parse_environment(node),)
    found = tuple(parse_environment(item) for item in items(node, "`environment`"))
    if len(set(found)) != len(found):
        refuse(node, "an environment stands here twice")
    return found


def _partitions(node: Node) -> tuple[str, ...]:
    found = texts(node, "a partition")
    for partition in found:
        if partition not in REGIONS:
            refuse(
                node,
                "there is no partition %(partition)s%(near)s",
                partition=repr(partition),
                near=did_you_mean(partition, REGIONS),
            )
    return found


def _tags(node: Node) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(node.value, Mapping) or not node.value:
        refuse(node, "`tags` must be written as `key: value` lines")
    return tuple((key, _values(key, value)) for key, value in node.value.items())


def _values(key: str, node: Node) -> tuple[str, ...]:
    what = Sentence("tag %(key)s", key=repr(key))
    listed = (node,) if isinstance(node.value, str) else items(node, what)
    found = tuple("" if one.value == "" and not one.is_plain else text(one, what) for one in listed)
    if len(set(found)) != len(found):
        refuse(node, "tag %(key)s names the same twice", key=repr(key))
    return found


def account_set_schema() -> dict[str, Any]:
    """JSON schema of `accounts`."""

    def one_or_more(one: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]}

    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "environment": one_or_more(environment_schema()),
            "tags": {"type": "object", "minProperties": 1, "additionalProperties": one_or_more({"type": "string"})},
            "partition": one_or_more({"enum": list(REGIONS)}),
        },
    }
