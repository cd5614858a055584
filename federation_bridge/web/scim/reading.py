"""Which resources a query means, and how much of each it wants (RFC 7644 3.4.2, 3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from scim2_models import ScimFilter, SearchRequest
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

from federation_bridge.errors import ScimRefused
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store.provisioned import Asked
from federation_bridge.web.scim.messages import read_as_scim
from federation_bridge.web.scim.resources import MOST_RESULTS, USUAL_RESULTS

_LONGEST_FILTER = 2_048
_MOST_TERMS = 8
_MOST_SKIPPED = 10_000_000
_ARGUMENTS = ("filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count")
_INDEXED = {
    "id": "id",
    "externalid": "external_id",
    "username": "name",
    "displayname": "name",
    "members": "member",
    "members.value": "member",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for."""

    asked: Asked
    rest: ScimFilter[Any] | None
    """What no index knows: to be looked at in each resource. None: nothing of that kind."""
    skipped: int
    most: int
    wanted: SearchRequest[Any]
    """Which attributes of each."""

    @property
    def start(self) -> int:
        """The number of the first one, from 1."""
        return self.skipped + 1

    def wants(self, attribute: str) -> bool:
        """Whether the answer may hold this attribute: what it may not need not be read."""
        name = attribute.lower()
        if self.wanted.attributes:
            return any(str(one).lower().rpartition(":")[2].split(".")[0] == name for one in self.wanted.attributes)
        return not any(str(one).lower().rpartition(":")[2] == name for one in self.wanted.excluded_attributes or ())


def query(model: type[Any], document: JsonObject | None = None, *, searched: str = "") -> Query:
    """What the query of this request asks of such resources, or what `document` does (RFC 7644 3.4.3).

    `searched`: the attribute that `name` stands for, in lower case. ScimRefused with invalidFilter and the like.
    """
    given = {name: value for name in _ARGUMENTS if (value := request.args.get(name)) is not None}
    text = (given if document is None else document).get("filter")
    if isinstance(text, str) and len(text) > _LONGEST_FILTER:
        raise ScimRefused(f"a filter has at most {_LONGEST_FILTER} characters", "invalidFilter")
    with read_as_scim():
        wanted = SearchRequest[model].model_validate(given if document is None else document)  # type: ignore[valid-type] # a type made by value
    skipped = min((wanted.start_index or 1) - 1, _MOST_SKIPPED)
    most = min(USUAL_RESULTS if wanted.count is None else wanted.count, MOST_RESULTS)
    asked, rest = ({}, None) if wanted.filter is None else _asked(model, wanted.filter, searched)
    return Query(Asked(**asked), rest, skipped, most, wanted)


def _asked(
    model: type[Any], wanted: ScimFilter[Any], searched: str
) -> tuple[Mapping[str, str], ScimFilter[Any] | None]:
    terms = _terms(wanted.ast)
    if len(terms) > _MOST_TERMS:
        raise ScimRefused(f"a filter has at most {_MOST_TERMS} comparisons here", "invalidFilter")
    asked: dict[str, str] = {}
    rest: list[FilterNode] = []
    for term in terms:
        _demand_shown(term)
        name = _indexed(term, searched)
        value = _value(term)
        if name is None or value is None or name in asked:
            rest.append(term)
        else:
            asked[name] = value
    left = None if not rest else ScimFilter[model](" and ".join(map(str, rest)))  # type: ignore[valid-type] # a type made by value
    return asked, left


def _terms(node: FilterNode) -> list[FilterNode]:
    """The comparisons that all have to hold; ScimRefused for anything but `eq`, joined by `and`."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        return [inner for term in node.terms for inner in _terms(term)]
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        return [node]
    if isinstance(node, ValuePath):
        _terms(node.val_filter)
        return [node]
    raise ScimRefused("a filter compares by `eq` and joins by `and` here", "invalidFilter")


def _indexed(term: FilterNode, searched: str) -> str | None:
    if isinstance(term, ValuePath):
        is_member = term.attr_path.attr.lower() == "members" and _is_of_value(term.val_filter)
        return "member" if is_member and term.sub_attr is None else None
    if not isinstance(term, Comparison):
        return None
    path = ".".join(part for part in (term.attr_path.attr, term.attr_path.sub_attr) if part).lower()
    found = _INDEXED.get(path)
    return None if found == "name" and path != searched else found


def _is_of_value(node: FilterNode) -> bool:
    return isinstance(node, Comparison) and (node.attr_path.attr.lower(), node.attr_path.sub_attr) == ("value", None)


def _demand_shown(term: FilterNode) -> None:
    """ScimRefused where a text holds what no name can: a database takes no zero byte, and no half of a character."""
    compared = _terms(term.val_filter) if isinstance(term, ValuePath) else [term]
    texts = [one.value for one in compared if isinstance(one, Comparison) and isinstance(one.value, str)]
    if not all(map(is_shown_text, texts)):
        raise ScimRefused("a filter compares with a text that shows all that it is", "invalidFilter")


def _value(term: FilterNode) -> str | None:
    inner = term.val_filter if isinstance(term, ValuePath) else term
    return inner.value if isinstance(inner, Comparison) and isinstance(inner.value, str) else None
