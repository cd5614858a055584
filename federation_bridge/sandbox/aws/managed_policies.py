"""AWS's own managed policies: those that people use most, whole, as AWS published them.

Each is a file of `published_policies`, found by the path and the name that its ARN has. None is read before somebody
asks for it: the largest have thousands of actions.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from federation_bridge.sandbox.aws.policy.document import Policy, parse_policy

_FOLDER = Path(__file__).parent / "published_policies"
_ARN = re.compile(r"(arn:aws[a-z-]{0,20}:iam::aws:policy)/([A-Za-z0-9_./-]{1,512})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy."""

    id: str
    policy: Policy
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy, of an account's own or of AWS; `policy` and `version` are its default version."""

    arn: str
    name: str
    path: str
    id: str
    policy: Policy
    created_at: datetime
    description: str = ""
    version: str = "v1"
    updated_at: datetime | None = None
    """None where it never was."""
    others: tuple[PolicyVersion, ...] = ()
    """Every version but the default one."""
    made: int = 1
    """How many versions it ever had: numbers are not used again."""
    default_made_at: datetime | None = None
    """When the default version was made, where that is known."""
    before: ManagedPolicy | None = None
    """What it was until `updated_at`, as those see it who have not heard of the change yet."""

    @property
    def versions(self) -> tuple[PolicyVersion, ...]:
        """All versions, the newest first."""
        default = PolicyVersion(self.version, self.policy, self._default_made_at)
        return tuple(sorted((default, *self.others), key=lambda one: int(one.id[1:]), reverse=True))

    @property
    def changed_at(self) -> datetime | None:
        """When the default version became another one."""
        return self.updated_at

    @property
    def _default_made_at(self) -> datetime:
        return self.default_made_at or self.updated_at or self.created_at


@cache
def published_names() -> tuple[str, ...]:
    """Path and name of each, as in ARNs: `SecurityAudit`, `job-function/ViewOnlyAccess`."""
    return tuple(sorted(file.relative_to(_FOLDER).with_suffix("").as_posix() for file in _FOLDER.rglob("*.json")))


def policy_of_aws(arn: str) -> ManagedPolicy | None:
    """The policy of AWS's own with this ARN, or None where it is not among those that stand here."""
    found = _ARN.fullmatch(arn)
    # Looked up in the list of what is there: no text of a request ever becomes a path.
    return _published(found[1], found[2]) if found and found[2] in published_names() else None


def policies_of_aws(partition: str) -> tuple[ManagedPolicy, ...]:
    """All that stand here, as an account of this partition sees them."""
    return tuple(_published(f"arn:{partition}:iam::aws:policy", name) for name in published_names())


@cache
def _published(prefix: str, name: str) -> ManagedPolicy:
    source = _source(name)
    path, _, last = name.rpartition("/")
    return ManagedPolicy(
        arn=f"{prefix}/{name}",
        name=last,
        path=f"/{path}/" if path else "/",
        id="ANPA" + hashlib.sha256(name.encode()).hexdigest().upper()[:17],
        policy=parse_policy(json.dumps(source["document"])),
        created_at=datetime.fromisoformat(source["created"]),
        version=source["version"],
        updated_at=datetime.fromisoformat(source["updated"]),
    )


@cache
def _source(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return found
