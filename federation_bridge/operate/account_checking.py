"""`aws check`: the accounts as they are, or exports of them, held against the register. Writes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from federation_bridge.app import utc_now
from federation_bridge.aws import issuer
from federation_bridge.aws.account_check import Difference, RealAccount, RealRole, differences
from federation_bridge.aws.account_reading import AccountReader
from federation_bridge.aws.onboarding import AccountPlan, Additions, planned
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.operate.onboarding import chosen
from federation_bridge.operate.opening import looking_at
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown

_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):.+", re.ASCII)
_ROLE_NAME = re.compile(r"(?:[A-Za-z0-9_+=,.@-]{1,64}/){0,8}[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
_LARGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and the ids of accounts that were not looked at: no rule grants a role there."""

    differences: tuple[Difference, ...]
    not_looked_at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Needed:
    """A plan, and what `differences` takes as `granted`."""

    plan: AccountPlan
    granted: Mapping[str, int] | None


def checked(settings: Settings, ids: tuple[str, ...], folder: Path, *, registered: bool = False) -> Checked:
    """Every difference of these exported accounts, or of all registered ones. Calls nobody.

    `registered`: roles that no rule grants are looked at too. ConfigurationInvalid for an unknown account.
    """
    needed = _needed(settings, ids, registered)
    real = accounts_in(folder)
    none = RealAccount({}, problem=f"{folder} has no export of this account")
    return _checked(needed, lambda plan: real.get(plan.id, none))


def checked_live(
    settings: Settings, ids: tuple[str, ...], role_name: str = "", *, registered: bool = False
) -> Checked:  # fmt: skip
    """Every difference of these accounts as they are now, read with the operator's own credentials.

    In accounts of which they are not, the role with this name is assumed. ConfigurationInvalid for an unknown account
    or a name that no role can have.
    """
    if role_name and not _ROLE_NAME.fullmatch(role_name):
        raise ConfigurationInvalid(f"--role-name {role_name!r} is no name that a role can have")
    needed = _needed(settings, ids, registered, with_keys=True)
    return _checked(needed, AccountReader(settings.aws, settings.outgoing, utc_now, role_name).read)


def _checked(needed: list[_Needed], read: Callable[[AccountPlan], RealAccount]) -> Checked:
    looked_at = [one for one in needed if one.granted is None or one.granted]
    found = tuple(each for one in looked_at for each in differences(one.plan, read(one.plan), one.granted))
    return Checked(found, tuple(one.plan.id for one in needed if one not in looked_at))


def _needed(settings: Settings, ids: tuple[str, ...], registered: bool, *, with_keys: bool = False) -> list[_Needed]:
    document = b""
    with looking_at(settings) as parts:
        rules = parts.rulebook.in_force
        accounts = chosen(rules.register.accounts, ids)
        if with_keys and any(account.road == "saml" for account in accounts):
            document = issuer.saml_metadata(parts.keys, settings.saml_entity_id, settings.base_url)
    ours = {"entity_id": settings.saml_entity_id, "issuer": settings.issuer, "metadata": document.decode()}
    granted = _granted(rules)
    return [
        _Needed(planned(account, additions=Additions(), **ours), None if registered else granted.get(account.id, {}))
        for account in accounts
    ]


def _granted(rules: RuleSet) -> dict[str, dict[str, int]]:
    """By account and role the seconds of the longest session that a rule could ever grant."""
    longest: dict[str, dict[str, int]] = {}
    reachable = rules.reachable()
    for rule in rules.rules:
        for key in reachable.get(rule.id, ()):
            account, _, name = key.partition("/")
            roles = longest.setdefault(account, {})
            span = min(rule.grant.max_duration, rules.register.accounts[account].roles[name].max_session)
            roles[name] = max(roles.get(name, 0), int(span.total_seconds()))
    return longest


def lines(found: tuple[Difference, ...]) -> Iterator[str]:
    """The differences for a person, and once for each role the trust policy to paste."""
    if not found:
        yield "Everything is as the register needs it."
    for one in found:
        # What stands in an account was written by others, and must not steer the terminal.
        yield f"{one.kind:7} {one.subject}: {shown(one.sentence, '?')}"
    for subject, trust in {one.subject: one.trust for one in found if one.trust}.items():
        yield f"\nThe trust policy of {subject}:\n{json.dumps(trust, indent=2)}"


def accounts_in(folder: Path) -> dict[str, RealAccount]:
    """The accounts that the JSON files of this folder tell of, by id.

    The outputs of `aws iam get-account-authorization-details`, `list-roles`, `list-saml-providers` and
    `list-open-id-connect-providers`, in any number of files. ConfigurationInvalid for any other file.
    """
    roles: dict[str, dict[str, RealRole]] = {}
    providers: dict[str, set[str]] = {}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ConfigurationInvalid(f"{folder} has no .json file: export the accounts first")
    for path in paths:
        document = _read(path)
        try:
            for name, account, role in _roles(document):
                known = roles.setdefault(account, {})
                known[name] = _joined(known.get(name), role)
            for kind in ("SAMLProviderList", "OpenIDConnectProviderList"):
                for one in document.get(kind, ()):
                    providers.setdefault(_account_of(one["Arn"]), set()).add(one["Arn"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ConfigurationInvalid(f"{path} is not an output of `aws iam` that this command knows") from None
    return {
        one: RealAccount(roles.get(one, {}), frozenset(providers[one]) if one in providers else None)
        for one in {*roles, *providers}
    }


def _roles(document: dict[str, Any]) -> Iterator[tuple[str, str, RealRole]]:
    for one in (*document.get("RoleDetailList", ()), *document.get("Roles", ())):
        trust = one["AssumeRolePolicyDocument"]
        # Some tools keep the document as IAM's API sends it.
        trust = json.loads(unquote(trust)) if isinstance(trust, str) else trust
        yield one["RoleName"], _account_of(one["Arn"]), RealRole(one["Path"], trust, one.get("MaxSessionDuration"))


def _joined(known: RealRole | None, role: RealRole) -> RealRole:
    """The same role from two exports: only one of them tells MaxSessionDuration."""
    return known if known and role.max_session_seconds is None else role


def _account_of(arn: str) -> str:
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ValueError(arn)
    return found[1]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationInvalid(f"{path} has more than {_LARGEST} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ConfigurationInvalid(f"{path} cannot be read as JSON: {problem}") from None
    if not isinstance(document, dict):
        raise ConfigurationInvalid(f"{path} is not an output of `aws iam` that this command knows")
    return document
