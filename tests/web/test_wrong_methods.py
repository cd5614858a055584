"""The wrong method: programs are told in their own dialect, people on a page, and both which method would be right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import BASE, Person, person_at


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def _machine_facing(person: Person) -> list[str]:
    """The addresses without parameters that only programs ask."""
    parts = ("api.", "health.", "issuer.", "oauth.", "sso_oidc.", "sso_portal.", "aws_login_token.")
    rules = person.app.url_map.iter_rules()
    return sorted({rule.rule for rule in rules if rule.endpoint.startswith(parts) and not rule.arguments})


def test_every_address_of_programs_answers_a_wrong_method_in_json(person: Person) -> None:
    addresses = _machine_facing(person)
    assert {"/oauth/token", "/oauth/revoke", "/readyz", "/api/v1/me", "/v1/token"} <= set(addresses)
    for address in addresses:
        answer = person.client.open(address, base_url=BASE, method="PATCH", headers={"Accept": "text/html,*/*"})
        assert (address, answer.status_code, answer.mimetype) == (address, 405, "application/json")
        assert "PATCH" not in answer.headers["Allow"]
        assert answer.headers["Allow"]


def test_the_token_endpoint_refuses_a_wrong_method_in_the_shape_of_rfc_6749(person: Person) -> None:
    answer = person.get("/oauth/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert answer.get_json()["error"] == "invalid_request"


def test_a_person_gets_a_page(person: Person) -> None:
    answer = person.client.open("/sign-in", base_url=BASE, method="PUT", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert answer.headers["Allow"] == "OPTIONS, POST"
