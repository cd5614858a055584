"""The conditions that the form of a rule can show: which fields stand for which condition, both ways.

A `when` that says more than these, one level deep, is kept as it is and changed as text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from federation_bridge.mapping.plain import Plain

Values = Mapping[str, tuple[str, ...]]
"""Fields of the form by name; one that is empty is not there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of condition."""

    fields: tuple[str, ...]
    read: Callable[[list[Plain], Collection[str]], dict[str, tuple[str, ...]] | None]
    """The fields of these conditions of this kind; None where fields cannot say what they say."""
    write: Callable[[Values, Collection[str]], list[Plain]]
    """The conditions that say what the fields say. The names are those that the rules give to groups."""


def read_when(when: Plain, names: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    """The fields of a `when`; None where they cannot show it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, conditions in _by_kind(when).items():
        fields = KINDS[name].read(conditions, names) if name in KINDS else None
        if fields is None:
            return None
        found |= fields
    return found


def write_when(fields: Values, old: Plain, names: Collection[str]) -> Plain:
    """The `when` that says what the fields say. Conditions that stay are kept as they were written, and where."""
    known = _by_kind(old) if read_when(old, names) is not None else {}
    listed: list[Plain] = []
    for name in [*known, *(name for name in KINDS if name not in known)]:
        kind = KINDS[name]
        said = {one: fields[one] for one in kind.fields if fields.get(one)}
        was = kind.read(known[name], names) if name in known else {}
        listed += known[name] if name in known and was == said else kind.write(fields, names)
    if isinstance(old, dict) and list(old) == ["all"]:
        return {"all": listed}
    return listed[0] if len(listed) == 1 else {"all": listed}


def _by_kind(when: Plain) -> dict[str, list[Plain]]:
    """The conditions that have to hold together, by the kind that they are of; "" for none."""
    together = when["all"] if isinstance(when, dict) and list(when) == ["all"] else [when]
    found: dict[str, list[Plain]] = {}
    for one in together if isinstance(together, list) else []:
        found.setdefault(_kind_of(one), []).append(one)
    return found


def _kind_of(condition: Plain) -> str:
    if not isinstance(condition, dict) or len(condition) != 1:
        return ""
    ((name, value),) = condition.items()
    if name == "any" and isinstance(value, list) and all(_kind_of(one) == "group" for one in value):
        return "group"
    if name == "not" and isinstance(value, dict) and len(value) == 1 and value.keys() <= {"group", *EXCLUDED}:
        return "not"
    return name if name in KINDS and name != "not" else ""


def _group_in(condition: Plain, names: Collection[str]) -> str | None:
    value = condition.get("group") if isinstance(condition, dict) else None
    if isinstance(value, dict):
        named = value.get("named")
        return named if isinstance(named, str) and named in names else None
    # A group that is called like the name of another one can only be told apart in the text.
    return value if isinstance(value, str) and value not in names else None


def _group_of(name: str, names: Collection[str]) -> Plain:
    return {"group": {"named": name} if name in names else name}


def _read_groups(conditions: list[Plain], names: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    first = conditions[0]
    alternatives = first["any"] if isinstance(first, dict) and "any" in first else None
    if alternatives is not None and (len(conditions) > 1 or not isinstance(alternatives, list)):
        return None
    listed = conditions if alternatives is None else alternatives
    groups = [_group_in(one, names) for one in listed]
    if None in groups or not groups:
        return None
    joined = {"groups_joined": ("all",)} if len(conditions) > 1 else {}
    return {"groups": tuple(one for one in groups if one)} | joined


def _write_groups(fields: Values, names: Collection[str]) -> list[Plain]:
    groups = [_group_of(one, names) for one in fields.get("groups", ())]
    if len(groups) < 2 or fields.get("groups_joined") == ("all",):  # noqa: PLR2004 - several are joined
        return groups
    return [{"any": groups}]


EXCLUDED: Mapping[str, str] = {"signed_in_within": "not_signed_in_within", "authentication_method": "not_methods"}
"""The fields of conditions that may stand under `not`, besides groups: a denial asks so for a sign-in (`denials`)."""


def _read_excluded(conditions: list[Plain], names: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    groups: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        inner: Plain = condition["not"] if isinstance(condition, dict) else ""
        kind = next((one for one in EXCLUDED if isinstance(inner, dict) and list(inner) == [one]), "")
        if kind and isinstance(inner, dict):
            values = texts_in(inner[kind])
            if values is None or EXCLUDED[kind] in found:
                return None
            found[EXCLUDED[kind]] = values
        elif group := _group_in(inner, names):
            groups.append(group)
        else:
            return None
    return found | ({"not_groups": tuple(groups)} if groups else {})


def _write_excluded(fields: Values, names: Collection[str]) -> list[Plain]:
    written: list[Plain] = [{"not": _group_of(one, names)} for one in fields.get("not_groups", ())]
    for name, field in EXCLUDED.items():
        if values := fields.get(field):
            written.append({"not": {name: one_or_list(values)}})
    return written


def _one_value(conditions: list[Plain], name: str) -> Plain | None:
    only = conditions[0] if len(conditions) == 1 else None
    return only.get(name) if isinstance(only, dict) else None


def texts_in(value: Plain | None) -> tuple[str, ...] | None:
    """One text or a list of them; None for anything else."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        return None
    found = tuple(one for one in listed if isinstance(one, str))
    return found if len(found) == len(listed) else None


def one_or_list(values: tuple[str, ...]) -> Plain:
    """As people write it: a list only of several."""
    return values[0] if len(values) == 1 else list(values)


def _listed(name: str, field: str, *, always_list: bool = False) -> Kind:
    def read(conditions: list[Plain], _: Collection[str]) -> dict[str, tuple[str, ...]] | None:
        found = texts_in(_one_value(conditions, name))
        return None if found is None else {field: found}

    def write(fields: Values, _: Collection[str]) -> list[Plain]:
        values = fields.get(field, ())
        return [{name: list(values) if always_list else one_or_list(values)}] if values else []

    return Kind((field,), read, write)


def _mapped(name: str, keys: Mapping[str, str]) -> Kind:
    """A condition of several keys, each a field; one that takes a list may have several values."""

    def read(conditions: list[Plain], _: Collection[str]) -> dict[str, tuple[str, ...]] | None:
        value = _one_value(conditions, name)
        if not isinstance(value, dict) or not value.keys() <= keys.keys():
            return None
        found = {keys[key]: texts_in(one) for key, one in value.items()}
        return None if None in found.values() else {field: one for field, one in found.items() if one}

    def write(fields: Values, _: Collection[str]) -> list[Plain]:
        said = {key: one_or_list(fields[field]) for key, field in keys.items() if fields.get(field)}
        return [{name: dict(said)}] if said else []

    return Kind(tuple(keys.values()), read, write)


def _attribute() -> Kind:
    def read(conditions: list[Plain], _: Collection[str]) -> dict[str, tuple[str, ...]] | None:
        value = _one_value(conditions, "attribute")
        if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
            return None
        values = texts_in(value.get("equals", value.get("one_of")))
        return None if values is None else {"attribute": (name,), "attribute_values": values}

    def write(fields: Values, _: Collection[str]) -> list[Plain]:
        name, values = fields.get("attribute", ()), fields.get("attribute_values", ())
        if not name and not values:
            return []
        wanted: dict[str, Plain] = {"equals": values[0]} if len(values) == 1 else {"one_of": list(values)}
        return [{"attribute": {"name": "".join(name)} | wanted}]

    return Kind(("attribute", "attribute_values"), read, write)


KINDS: Mapping[str, Kind] = {
    "group": Kind(("groups", "groups_joined"), _read_groups, _write_groups),
    "group_template": _listed("group_template", "group_template"),
    "person": _listed("person", "persons"),
    "attribute": _attribute(),
    "email_domain": _listed("email_domain", "email_domains"),
    "authentication_method": _listed("authentication_method", "methods"),
    "signed_in_within": _listed("signed_in_within", "signed_in_within"),
    "source_network": _listed("source_network", "networks", always_list=True),
    "hours": _mapped("hours", {"days": "days", "from": "hours_from", "to": "hours_to", "zone": "zone"}),
    "dates": _mapped("dates", {"not_before": "not_before", "not_after": "not_after"}),
    "not": Kind(("not_groups", *EXCLUDED.values()), _read_excluded, _write_excluded),
}
"""In the order in which a new rule has them."""
