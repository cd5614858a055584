"""A rule as the fields of a form, and back: pure, over the rule as it is written.

What the fields do not change stays as it was written, what they cannot show is kept, and told by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from federation_bridge.administration.rule_conditions import (
    EXCLUDED,
    KINDS,
    Values,
    one_or_list,
    read_when,
    texts_in,
    write_when,
)
from federation_bridge.mapping.plain import Plain

WORDS = ("id", "description", "owner", "note", "connection")
WHO = tuple(field for kind in KINDS.values() for field in kind.fields)
SETS = ("set_environment", "set_tags", "set_partition", "set_roles")
"""A set of accounts: each field has one text for each set, "" where it says nothing."""
TERMS = ("max_duration", "policy", "policy_arns", "tags", "transitive_tags", "source_identity")
_LISTS = {"policy_arns", "transitive_tags"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule in fields, and the keys of it that no field can show."""

    fields: Values
    kept: tuple[str, ...] = ()


def fields_of(rule: Mapping[str, Plain], names: Collection[str]) -> Shown:
    """The fields that show this rule; `names`: what its text calls groups by."""
    fields: dict[str, tuple[str, ...]] = {}
    kept: list[str] = []
    for name in WORDS:
        _take(name, texts_in(rule.get(name)), name in rule, fields, kept)
    if "when" in rule:
        who = read_when(rule["when"], names)
        fields |= who or {}
        kept += ["when"] if who is None else []
    effect = "deny" if "deny" in rule else "grant"
    fields["effect"] = (effect,)
    gives = rule.get(effect)
    if isinstance(gives, dict):
        _read_gives(gives, fields, kept)
    return Shown({name: values for name, values in fields.items() if values}, tuple(kept))


def rule_of(fields: Values, old: Mapping[str, Plain], names: Collection[str]) -> dict[str, Plain]:
    """The rule that says what the fields say. Of the old one stays what the fields leave, and what they cannot show."""
    shown = fields_of(old, names)
    rule: dict[str, Plain] = {}
    for name in ("id", "description", "owner", "note", "connection"):
        said = fields.get(name, ())
        value: Plain | None = old.get(name) if name in shown.kept or _same(fields, shown, (name,)) else "".join(said)
        if value not in (None, ""):
            rule[name] = value
    if "when" in shown.kept or ("when" in old and _same(fields, shown, WHO)):
        rule["when"] = old["when"]
    else:
        rule["when"] = write_when(fields, old.get("when", {}), names)
    effect = "deny" if fields.get("effect") == ("deny",) else "grant"
    before = old.get(effect)
    rule[effect] = _gives(fields, before if isinstance(before, dict) else {}, shown, is_denial=effect == "deny")
    return rule


def field_at(path: tuple[str, ...]) -> str:
    """The field that stands for the value at this path of a rule; "" where none does."""
    if not path:
        return ""
    if path[0] != "when":
        last = next((one for one in path[1:] if not one.isdigit()), path[0])
        return {"role": "roles", "session_policy": "policy", "grant": "roles", "deny": "roles"}.get(last, last)
    words = [one for one in path[1:] if not one.isdigit()]
    if "not" in words:
        return next((field for name, field in EXCLUDED.items() if name in words), "not_groups")
    names = {"not_before": "not_before", "not_after": "not_after", "from": "hours_from", "to": "hours_to"}
    names |= {"zone": "zone", "days": "days"}
    for word in reversed(words):
        if word in names:
            return names[word]
        if word in KINDS:
            return KINDS[word].fields[0]
    return "groups"


def _take(
    name: str, found: tuple[str, ...] | None, is_there: bool, fields: dict[str, tuple[str, ...]], kept: list[str]
) -> None:
    if found is not None and len(found) == 1:
        fields[name] = found
    elif is_there:
        kept.append(name)


def _same(fields: Values, shown: Shown, names: Collection[str]) -> bool:
    return all(fields.get(name, ()) == shown.fields.get(name, ()) for name in names)


def _read_gives(gives: Mapping[str, Plain], fields: dict[str, tuple[str, ...]], kept: list[str]) -> None:
    listed = gives.get("roles", gives.get("role", []))
    roles = listed if isinstance(listed, list) else [listed]
    sets = [_read_set(one) for one in roles if isinstance(one, dict)]
    if None in sets:
        kept.append("roles")
    else:
        fields["roles"] = tuple(one for one in roles if isinstance(one, str))
        fields |= {name: tuple(one[name] for one in sets if one is not None) for name in SETS if sets}
    policy, tags = gives.get("session_policy"), gives.get("tags", {})
    named = policy.get("named") if isinstance(policy, dict) and list(policy) == ["named"] else None
    _take("policy", texts_in(named), "session_policy" in gives, fields, kept)
    pairs = tuple(f"{key}={value}" for key, value in tags.items()) if isinstance(tags, dict) else ()
    if isinstance(tags, dict) and all(isinstance(value, str) and "=" not in key for key, value in tags.items()):
        fields["tags"] = pairs
    else:
        kept.append("tags")
    for name in ("max_duration", "source_identity"):
        _take(name, texts_in(gives.get(name)), name in gives, fields, kept)
    kept += ["agents"] if "agents" in gives else []
    for name in _LISTS & gives.keys():
        found = texts_in(gives[name])
        fields[name] = found or ()
        kept += [name] if found is None else []


def _read_set(written: Mapping[str, Plain]) -> dict[str, str] | None:
    accounts, roles = written.get("accounts"), texts_in(written.get("roles", written.get("role")))
    if not isinstance(accounts, dict) or roles is None:
        return None
    environment, partition = texts_in(accounts.get("environment", "")), texts_in(accounts.get("partition", ""))
    tags = accounts.get("tags", {})
    if environment is None or partition is None or not isinstance(tags, dict):
        return None
    pairs: list[str] = []
    for key, value in tags.items():
        values = texts_in(value)
        if values is None or any(set(one) & set(",=") for one in (key, *values)):
            return None
        pairs += [f"{key}={one}" for one in values]
    words = {"set_environment": environment, "set_tags": pairs, "set_partition": partition, "set_roles": roles}
    return {name: ", ".join(values) for name, values in words.items()}


def _sets(fields: Values) -> list[Plain]:
    rows = zip(*(fields.get(name, ()) for name in SETS), strict=True)
    return [_written_set(*row) for row in rows if any(row)]


def _written_set(environment: str, tags: str, partition: str, roles: str) -> Plain:
    accounts: dict[str, Plain] = {}
    if values := _split(environment):
        accounts["environment"] = one_or_list(values)
    by_key: dict[str, list[str]] = {}
    for pair in _split(tags):
        key, _, value = pair.partition("=")
        by_key.setdefault(key, []).append(value)
    if by_key:
        accounts["tags"] = {key: one_or_list(tuple(values)) for key, values in by_key.items()}
    if values := _split(partition):
        accounts["partition"] = one_or_list(values)
    named = _split(roles)
    return {"accounts": accounts, **({"role": named[0]} if len(named) == 1 else {"roles": list(named)})}


def _split(words: str) -> tuple[str, ...]:
    return tuple(one for part in words.split(",") if (one := part.strip()))


def _gives(fields: Values, old: Mapping[str, Plain], shown: Shown, *, is_denial: bool) -> dict[str, Plain]:
    gives: dict[str, Plain] = {}
    if old and ("roles" in shown.kept or _same(fields, shown, ("roles", *SETS))):
        gives |= {name: old[name] for name in ("role", "roles") if name in old}
    else:
        roles: list[Plain] = [*fields.get("roles", ()), *_sets(fields)]
        is_one = len(roles) == 1 and "roles" not in old
        gives |= {"role": roles[0]} if is_one else {"roles": roles}
    if is_denial:
        return gives
    for name in TERMS:
        key = "session_policy" if name == "policy" else name
        if key in shown.kept or name in shown.kept or _same(fields, shown, (name,)):
            gives |= {key: old[key]} if key in old else {}
        elif said := fields.get(name, ()):
            gives[key] = _term(name, said)
    gives |= {"agents": old["agents"]} if "agents" in old else {}
    # In the order in which they were written.
    return {name: gives[name] for name in [*(one for one in old if one in gives), *gives]}


def _term(name: str, said: tuple[str, ...]) -> Plain:
    if name == "policy":
        return {"named": said[0]}
    if name == "tags":
        return {key: value for key, _, value in (pair.partition("=") for pair in said)}
    return list(said) if name in _LISTS else said[0]
