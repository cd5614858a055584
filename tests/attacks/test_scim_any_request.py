# ruff: noqa: F811 - fixtures are named where they are asked for
"""Whatever a SCIM client sends, it is never a fault of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim_factories import GROUP, PATCH, USER, ScimClient, client_of
from scim_fixtures import app  # noqa: F401 - a fixture

_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["active", "members", "userName", "emails", "displayName", "id", "value", "schemas", USER, GROUP]),
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=4)),
    max_leaves=12,
)
_OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "op": st.one_of(st.sampled_from(["add", "Replace", "remove", "Remove"]), _JSON),
        "path": st.one_of(
            st.sampled_from(["active", "members", 'members[value eq "x"]', 'emails[type eq "work"].value', "name"]),
            _JSON,
        ),
        "value": _JSON,
    },
)
_RESOURCE = st.fixed_dictionaries(
    {"schemas": st.one_of(st.just([USER]), st.just([GROUP]), _JSON)},
    optional={
        "userName": _JSON, "displayName": _JSON, "active": _JSON, "members": _JSON, "emails": _JSON, "name": _JSON,
        "externalId": _JSON, "meta": _JSON, "id": _JSON, "groups": _JSON,
    },
)  # fmt: skip


@settings(
    max_examples=80, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH", "SEARCH"]),
    kind=st.sampled_from(["Users", "Groups"]),
    resource=_RESOURCE,
    operations=st.lists(_OPERATION, max_size=3),
    text=st.one_of(_TEXTS, st.sampled_from(['userName eq "a"', 'members eq "x"', 'emails[type eq "a"]'])),
    count=_JSON,
)
def test_no_request_is_ever_a_fault_of_ours(
    app: Flask, method: str, kind: str, resource: Any, operations: Any, text: str, count: Any
) -> None:
    client = fuzzing(app)
    existing = client.ask("GET", f"/{kind}?count=1").json["Resources"]
    place = f"/{kind}/{existing[0]['id']}" if existing else f"/{kind}/x"
    if method == "POST":
        answer = client.ask("POST", f"/{kind}", json.dumps(resource))
    elif method == "PUT":
        answer = client.ask("PUT", place, json.dumps(resource))
    elif method == "SEARCH":
        client.ask("GET", f"/{kind}?filter={quote(text)}&attributes={quote(text)}")
        answer = client.ask("POST", f"/{kind}/.search", json.dumps({"filter": text, "count": count}))
    else:
        answer = client.ask("PATCH", place, json.dumps({"schemas": [PATCH], "Operations": operations}))
    assert answer.status_code in {200, 201, 204, 400, 404, 409}, (answer.status_code, answer.text)


_CLIENTS: dict[int, ScimClient] = {}


def fuzzing(app: Flask) -> ScimClient:
    """One client for all examples of a test."""
    if id(app) not in _CLIENTS:
        _CLIENTS.clear()
        client = _CLIENTS[id(app)] = client_of(app)
        client.made_group("admins", client.made(emails=[{"value": "a@example.com", "type": "work"}]))
    return _CLIENTS[id(app)]
