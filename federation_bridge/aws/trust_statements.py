"""Trust policies, whoever wrote them, read for what they mean to the bridge's own statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WILD = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True)
class Allowing:
    """One statement of a trust policy."""

    is_allow: bool
    principals: Mapping[str, tuple[str, ...]]
    actions: tuple[str, ...]
    condition: Mapping[str, Mapping[str, tuple[str, ...]]]
    """By operator, then by key, both in lower case."""

    @property
    def federated(self) -> tuple[str, ...]:
        """The identity providers that it names."""
        return self.principals.get("Federated", ())

    @property
    def is_wide(self) -> bool:
        """Whether an action has a wildcard."""
        return any(_WILD.search(one) for one in self.actions)

    def allows(self, action: str) -> bool:
        """Whether it names this action; IAM's actions have no letter case."""
        return any(is_like(action.lower(), one.lower()) for one in self.actions)

    def others(self, provider: str) -> tuple[str, ...]:
        """Whom it names beside this provider."""
        named = (one for values in self.principals.values() for one in values)
        return tuple(one for one in named if one != provider)


def read_statements(trust: Mapping[str, Any]) -> tuple[tuple[Allowing, ...], str]:
    """The statements, and why some could not be read ("": all could)."""
    written = trust.get("Statement", [])
    found, problem = [], ""
    for one in written if isinstance(written, list) else [written]:
        if not isinstance(one, dict) or {"NotPrincipal", "NotAction"} & set(one):
            problem = "a statement with NotPrincipal or NotAction cannot be judged: name who and what instead"
            continue
        try:
            found.append(_statement(one))
        except (AttributeError, TypeError):
            problem = "a statement is not written as IAM writes them"
    return tuple(found), problem


def is_like(text: str, pattern: str) -> bool:
    """Whether the pattern (`*` and `?`) matches the whole text."""
    signs = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(signs.get(sign, re.escape(sign)) for sign in pattern), text, re.DOTALL))


def conditions_of(condition: Mapping[str, Mapping[str, tuple[str, ...]]], expected: Mapping[str, Any]) -> (
    tuple[str, str] | None
):  # fmt: skip
    """Why the bridge's statement does not meet this condition (`fails` or `unsure`, sentence); None where it does."""
    sent = {key.lower(): _texts(value) for keys in expected.values() for key, value in keys.items()}
    unsure = None
    for operator, keys in condition.items():
        for key, values in keys.items():
            plain = operator.removesuffix("ifexists")
            if key not in sent or plain not in ("stringequals", "stringlike"):
                unsure = ("unsure", f"the condition {operator} {key} cannot be judged from the policy")
            elif missed := [one for one in sent[key] if not _is_met(plain, one, values)]:
                return "fails", f"{key} is {' or '.join(missed)}, and the policy wants {' or '.join(values)}"
    return unsure


def pins_of(
    condition: Mapping[str, Mapping[str, tuple[str, ...]]], expected: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Each condition that is missing or lets more in than the planned one. Of two on one key both have to be met."""
    for keys in expected.values():
        for key, value in keys.items():
            wanted = _texts(value)
            found = [
                (operator, condition[operator][key.lower()])
                for operator in ("stringequals", "stringlike")
                if key.lower() in condition.get(operator, {})
            ]
            wide = [[one for one in values if _is_wider(operator, one, wanted)] for operator, values in found]
            if not found:
                yield key, f"is missing; it has to be {' or '.join(wanted)}"
            elif all(wide):
                yield key, f"lets in {' or '.join(wide[0])}; it has to be {' or '.join(wanted)}"


def _is_wider(operator: str, written: str, wanted: tuple[str, ...]) -> bool:
    if written in wanted:
        return False
    # A pattern is narrower than `account/role/*` where it begins with the same words.
    begins = [one[:-1] for one in wanted if one.endswith("/*")]
    return not any(written.startswith(one) for one in begins) or (operator == "stringlike" and not begins)


def _is_met(operator: str, sent: str, values: tuple[str, ...]) -> bool:
    if sent in values:
        return True
    # What the bridge sends for `account/role/*` is any name: only a pattern that takes them all is met.
    return operator == "stringlike" and any(is_like(sent, one) for one in values)


def _statement(one: Mapping[str, Any]) -> Allowing:
    principal = one.get("Principal", {})
    named = principal if isinstance(principal, dict) else {"*": principal}
    condition = {
        operator.lower(): {key.lower(): _texts(value) for key, value in keys.items()}
        for operator, keys in one.get("Condition", {}).items()
    }
    principals = {kind: _texts(value) for kind, value in named.items()}
    return Allowing(one.get("Effect") == "Allow", principals, _texts(one.get("Action", [])), condition)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else (str(value),)
