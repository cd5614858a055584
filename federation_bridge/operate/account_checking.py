"""`aws check`: the accounts as they are, or exports of them, held against the register. Writes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from federation_bridge import system_clock
from federation_bridge.administration import account_checks
from federation_bridge.administration.account_plans import Checked, Needed, additions, chosen, needed, ours
from federation_bridge.administration.account_plans import checked as held_against
from federation_bridge.audit import printable
from federation_bridge.aws.account_check import Difference, RealAccount, RealRole
from federation_bridge.aws.account_reading import AccountReader
from federation_bridge.aws_limits import ROLE_WITH_PATH
from federation_bridge.durations import format_duration
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import JsonObject
from federation_bridge.operate.opening import looking_at, store_looked_at
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown

_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):.+", re.ASCII)
_LARGEST = 100_000_000


def checked(settings: Settings, ids: tuple[str, ...], folder: Path, *, registered: bool = False) -> Checked:
    """Every difference of these exported accounts, or of all registered ones. Calls nobody.

    `registered`: roles that no rule grants are looked at too. ConfigurationInvalid for an unknown account.
    """
    needs = _needed(settings, ids, registered)
    real = accounts_in(folder)
    none = RealAccount({}, problem=f"{folder} has no export of this account")
    return held_against(needs, lambda plan: real.get(plan.id, none))


def checked_live(
    settings: Settings, ids: tuple[str, ...], role_name: str = "", *, registered: bool = False
) -> Checked:  # fmt: skip
    """Every difference of these accounts as they are now, read with the operator's own credentials.

    In accounts of which they are not, the role with this name is assumed. ConfigurationInvalid for an unknown account
    or a name that no role can have.
    """
    check_role_name(role_name)
    needs = _needed(settings, ids, registered, with_keys=True)
    return held_against(needs, AccountReader(settings.aws, settings.outgoing, system_clock.utc_now, role_name).read)


def check_role_name(role_name: str) -> None:
    """ConfigurationInvalid for what no role can be called; nothing is fine."""
    if role_name and not ROLE_WITH_PATH.fullmatch(role_name):
        raise ConfigurationInvalid(f"--role-name {role_name!r} is no name that a role can have")


def _needed(settings: Settings, ids: tuple[str, ...], registered: bool, *, with_keys: bool = False) -> list[Needed]:
    with looking_at(settings) as parts:
        rules = parts.rulebook.in_force
        accounts = chosen(rules.register.accounts, ids)
        told = ours(settings, parts.keys, accounts, with_keys=with_keys)
        return needed(rules, accounts, told, additions(settings), registered=registered)


def last_lines(settings: Settings, *, as_json: bool) -> tuple[bool, list[str]]:
    """Whether the last look that a node took found anything or is missing, and what it found.

    Where no node is to look, none is missing.
    """
    with store_looked_at(settings) as store:
        kept = account_checks.last(store)
    is_awaited = settings.aws.check_accounts
    if kept is None:
        told = "null" if as_json else "No node has looked at the accounts: `aws.check_accounts` lets them."
        return is_awaited, [told]
    is_missing = is_awaited and kept.is_old(system_clock.utc_now())
    is_wrong = bool(kept.differences) or is_missing
    if as_json:
        return is_wrong, [json.dumps({**asdict(kept), "began_at": kept.began_at.isoformat()}, indent=2)]
    return is_wrong, [*_headline(kept, is_missing=is_missing), *lines(kept.differences)]


def _headline(kept: account_checks.KeptCheck, *, is_missing: bool) -> Iterator[str]:
    who = f"as {kept.asked_by} asked" if kept.asked_by else "as each night"
    age = format_duration(timedelta(minutes=int(kept.age(system_clock.utc_now()).total_seconds() // 60)))
    yield printable(f"{kept.began_at:%Y-%m-%d %H:%M} UTC, {age} ago, {who}: {kept.accounts} accounts looked at")
    if is_missing:
        yield "This result is old: at least one nightly check did not take place."
    if kept.more:
        yield f"{kept.more} differences more were found than are kept."


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
    policies: dict[str, dict[str, JsonObject]] = {}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ConfigurationInvalid(f"{folder} has no .json file: export the accounts first")
    for path in paths:
        document = _read(path)
        try:
            for name, account, role in _roles(document):
                known = roles.setdefault(account, {})
                known[name] = _joined(known.get(name), role)
            for account, found in _policies(document):
                policies.setdefault(account, {}).update(found)
            for kind in ("SAMLProviderList", "OpenIDConnectProviderList"):
                for one in document.get(kind, ()):
                    providers.setdefault(_account_of(one["Arn"]), set()).add(one["Arn"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ConfigurationInvalid(f"{path} is not an output of `aws iam` that this command knows") from None
    return {
        one: RealAccount(
            roles.get(one, {}),
            frozenset(providers[one]) if one in providers else None,
            policies=policies.get(one),
        )
        for one in {*roles, *providers}
    }


def _roles(document: dict[str, Any]) -> Iterator[tuple[str, str, RealRole]]:
    for one in (*document.get("RoleDetailList", ()), *document.get("Roles", ())):
        role = RealRole(one["Path"], _text_of(one["AssumeRolePolicyDocument"]), one.get("MaxSessionDuration"))
        if "RolePolicyList" in one:
            # Only these details tell of a boundary, and of policies.
            role = replace(
                role,
                boundary=one.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
                inline=tuple(_text_of(each["PolicyDocument"]) for each in one["RolePolicyList"]),
                attached=tuple(each["PolicyArn"] for each in one.get("AttachedManagedPolicies", ())),
            )
        yield one["RoleName"], _account_of(one["Arn"]), role


def _policies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, JsonObject]]]:
    """The customer-managed policies by account and ARN, each as it is in force; nothing where they were not asked for.

    An account whose roles stand beside an empty list has none.
    """
    if "Policies" not in document:
        return
    for one in document.get("RoleDetailList", ()):
        yield _account_of(one["Arn"]), {}
    for one in document["Policies"]:
        for version in one["PolicyVersionList"] if _ARN.fullmatch(one["Arn"]) else ():
            if version["IsDefaultVersion"]:
                yield _account_of(one["Arn"]), {one["Arn"]: _text_of(version["Document"])}


def _text_of(document: Any) -> Any:
    # Some tools keep the document as IAM's API sends it.
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _joined(known: RealRole | None, role: RealRole) -> RealRole:
    """The same role from two exports: one of them tells MaxSessionDuration, the other what bounds it."""
    if known is None:
        return role
    details = known if role.inline is None else role
    seconds = role.max_session_seconds if role.max_session_seconds is not None else known.max_session_seconds
    return replace(details, max_session_seconds=seconds)


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
