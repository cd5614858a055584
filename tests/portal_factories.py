"""A bridge with a register of any size, and a person in it with all its roles: for the pages of employees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from databases import HeldClock
from web_factories import Person, counted_randomness, door_of, settings_of_tests

from federation_bridge.app import create_app
from federation_bridge.settings import settings_from

GROUP = "employees"
_ROLES = ("ReadOnly", "Developer", "Operator", "DatabaseReader", "NetworkReader", "Billing", "Support", "Auditor")
_WORDS = (
    "payments",
    "search",
    "catalogue",
    "invoices",
    "数据平台",
    "identity",
    "delivery",
    "fraud",
    "mobile",
    "Müller",
)
_ENVIRONMENTS = ({"environment": "production", "color": "red"}, {"environment": "test", "color": "green"})


def account(number: int, **told: Any) -> dict[str, Any]:
    """One account of the register, the number in its id and name; `told` are further keys."""
    name = f"{_WORDS[number % len(_WORDS)]} {number}"
    key = f"{100_000_000_000 + number}"
    provider = f"arn:aws:iam::{key}:saml-provider/bridge"
    return {"id": key, "name": name, "provider": provider, "roles": [*_ROLES, "Administrator", "Deployer"], **told}


def register_of(accounts: int, more_roles: int = 0) -> dict[str, Any]:
    """A register of so many accounts with ten roles each; the first has `more_roles` more."""
    listed = [account(number, **_ENVIRONMENTS[number % 2]) for number in range(accounts)]
    listed[0]["roles"] = [*listed[0]["roles"], *(f"Further{number}" for number in range(more_roles))]
    for one in listed:
        one["roles"] = [_described(role) for role in one["roles"]]
    return {"version": 1, "accounts": listed}


def _described(role: str) -> Any:
    return {"name": role, "description": "For incidents: every use is told"} if role == "Administrator" else role


def rules_for_all(register: dict[str, Any], **told: Any) -> dict[str, Any]:
    """Rules that give all roles of all accounts to the group."""
    roles = [role["name"] if isinstance(role, dict) else role for one in register["accounts"] for role in one["roles"]]
    grant = {"roles": [f"*/{role}" for role in dict.fromkeys(roles)], "max_duration": "2h"}
    rule = {"id": "employees", "description": "What every engineer may do", "connection": "corp"}
    return {"version": 1, "rules": [{**rule, "when": {"group": GROUP}, "grant": grant, **told}]}


def portal_at(
    folder: Path, clock: HeldClock, register: dict[str, Any], rules: dict[str, Any] | None = None, **changes: Any
) -> Iterator[Person]:
    """A browser of a fresh application with this register; the store is closed afterwards."""
    (folder / "accounts.yaml").write_text(yaml.safe_dump(register, allow_unicode=True, sort_keys=False))
    (folder / "rules.yaml").write_text(
        yaml.safe_dump(rules or rules_for_all(register), allow_unicode=True, sort_keys=False)
    )
    settings = settings_from({**settings_of_tests(), **changes}, folder)
    app = create_app(settings, clock=clock, randomness=counted_randomness())
    app.config["TESTING"] = False  # refusals are to look as they do for people
    yield Person(app, app.test_client())
    door_of(app).store.close()
