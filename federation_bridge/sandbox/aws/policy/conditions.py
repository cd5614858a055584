"""Conditions of the policy language: every operator family, its Not and IfExists forms, and the set operators.

Facts from IAM's reference of condition operators. An operator says whether one context value fits one policy value;
everything else (absence, negation, several values) is the same for all and stands in `holds`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from federation_bridge.sandbox.aws.error_responses import malformed_policy
from federation_bridge.sandbox.aws.policy.patterns import Context, arn_matches, filled, matches, plain

Fits = Callable[[str, str], bool]
"""Whether a context value (second) fits a policy value (first)."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_EPOCH = re.compile(r"[0-9]{1,11}")


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _instant(text: str) -> Decimal | None:
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, minute, second, zone = found.groups()
    written = f"{day}T{minute or '00:00'}{(second or ':00')[:7]}{zone or '+00:00'}"
    try:
        return Decimal(datetime.fromisoformat(written).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None


def _compared(read: Callable[[str], Decimal | None], compare: Callable[[Decimal, Decimal], bool]) -> Fits:
    def fits(wanted: str, given: str) -> bool:
        one, other = read(given), read(plain(wanted))
        return one is not None and other is not None and compare(one, other)

    return fits


def _same_text(wanted: str, given: str) -> bool:
    return plain(wanted) == given


def _same_text_ignoring_case(wanted: str, given: str) -> bool:
    return plain(wanted).lower() == given.lower()


def _same_bytes(wanted: str, given: str) -> bool:
    try:
        return base64.b64decode(plain(wanted), validate=True) == base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False


def _in_network(wanted: str, given: str) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(plain(wanted), strict=False)
    except ValueError:
        return False


_ORDERS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": lambda one, other: one == other,
    "LessThan": lambda one, other: one < other,
    "LessThanEquals": lambda one, other: one <= other,
    "GreaterThan": lambda one, other: one > other,
    "GreaterThanEquals": lambda one, other: one >= other,
}

_POSITIVE: Mapping[str, Fits] = {
    "StringEquals": _same_text,
    "StringEqualsIgnoreCase": _same_text_ignoring_case,
    "StringLike": matches,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": _same_text_ignoring_case,
    "BinaryEquals": _same_bytes,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _compared(_number, order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _compared(_instant, order) for name, order in _ORDERS.items()},
}

_NEGATIVE: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}

OPERATORS = frozenset({*_POSITIVE, *_NEGATIVE, "Null"})
"""Every operator without its prefixes and suffixes."""

_BY_LOWER_NAME = {name.lower(): name for name in OPERATORS}
_OPERATOR = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator over one key. All conditions of a statement must hold; of the values, one is enough."""

    operator: str
    """One of `OPERATORS`."""
    key: str
    """In lower case, as keys are compared without regard to it."""
    values: tuple[str, ...]
    quantifier: Literal["", "any", "all"] = ""
    if_exists: bool = False


def read_conditions(source: object) -> tuple[Condition, ...]:
    """The `Condition` element of a statement; Refused (MalformedPolicyDocument) where IAM would not take it."""
    if not isinstance(source, dict):
        raise malformed_policy("Syntax errors in policy.")
    found = []
    for operator, keys in source.items():
        if not isinstance(keys, dict):
            raise malformed_policy("Syntax errors in policy.")
        found += [_condition(operator, key, values) for key, values in keys.items()]
    return tuple(found)


def _condition(written: str, key: str, source: object) -> Condition:
    parts = _OPERATOR.fullmatch(written)
    operator = _BY_LOWER_NAME.get(parts[2].lower()) if parts else None
    if parts is None or operator is None or (operator == "Null" and parts[3]):
        raise malformed_policy(f"Invalid Condition type : {written}")
    if ":" not in key:
        raise malformed_policy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    sources = source if isinstance(source, list) else [source]
    values = tuple(_value(one) for one in sources)
    quantifiers: Mapping[str, Literal["any", "all"]] = {"foranyvalue": "any", "forallvalues": "all"}
    quantifier = quantifiers[parts[1].lower()] if parts[1] else ""
    return Condition(operator, key.lower(), values, quantifier, bool(parts[3]))


def _value(source: object) -> str:
    if isinstance(source, bool):
        return "true" if source else "false"
    if isinstance(source, str | int | float):
        return str(source)
    raise malformed_policy("Syntax errors in policy.")


def holds(condition: Condition, context: Context, *, has_variables: bool = True) -> bool:
    """Whether the condition is met by the context keys of a request."""
    given = context.get(condition.key, ())
    if condition.operator == "Null":
        return any((value.lower() == "true") == (not given) for value in condition.values)
    is_negative = condition.operator in _NEGATIVE
    if not given:
        return _holds_for_nothing(condition, is_negative=is_negative)
    fits = _POSITIVE[_NEGATIVE.get(condition.operator, condition.operator)]
    wanted = _wanted(condition.values, context, has_variables=has_variables)
    answers = [any(fits(value, one) for value in wanted) != is_negative for one in given]
    if condition.quantifier == "all" or (is_negative and condition.quantifier == ""):
        return all(answers)
    return any(answers)


def _holds_for_nothing(condition: Condition, *, is_negative: bool) -> bool:
    if condition.quantifier == "any":
        return False
    return condition.if_exists or condition.quantifier == "all" or is_negative


def _wanted(values: tuple[str, ...], context: Context, *, has_variables: bool) -> tuple[str, ...]:
    if not has_variables:
        return values
    expanded = (filled(value, context) for value in values)
    return tuple(value for value in expanded if value is not None)
