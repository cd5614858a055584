"""Forty more AWS accounts for the example company, with 200 roles for one person: how it looks where there are many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

GROUP = "operations"
"""Who is in it has every role of these accounts."""
OPERATOR = (
    "ivy", "Ivy Tan", "Operations", ("everyone", GROUP),
    "Runs everything: 200 roles in 40 accounts, to find and to keep at hand.",
)  # fmt: skip
"""A row of the directory: the one person of this group."""
_PRODUCTS = (
    ("billing", "计费", "Invoices and payments."),
    ("catalog", "商品目录", "What is on sale."),
    ("checkout", "结账", "From the basket to the order."),
    ("data-lake", "数据湖", "Everything that is counted."),
    ("identity", "身份", "Sign-in of customers."),
    ("logistics", "物流", "Parcels and stores."),
    ("mail", "邮件", "What is sent to customers."),
    ("search", "搜索", "Finding things on sale."),
    ("storefront", "店面", "The pages that customers see."),
    ("support", "客服", "Tickets and calls."),
)
_ENVIRONMENTS = {"production": "red", "staging": "orange", "test": "yellow", "development": "green"}
_ROLES = {
    "Administrator": "May do everything.",
    "Developer": "Deploys and debugs.",
    "ReadOnly": "Looks at everything and changes nothing.",
    "Support": "Looks at logs and restarts services.",
    "Billing": "Looks at what it costs.",
}
ROLES = tuple(_ROLES)
"""What each of the accounts has."""


class Account(NamedTuple):
    """One of the accounts."""

    id: str
    name: str
    environment: str
    color: str
    alias: str
    description: str


def accounts() -> Iterator[Account]:
    """All forty, product by product."""
    for number, (product, alias, description) in enumerate(_PRODUCTS):
        for place, (environment, color) in enumerate(_ENVIRONMENTS.items()):
            name, known_as = f"{product}-{environment}", f"{alias}-{environment}"
            yield Account(f"7000000{number:02}{place:03}", name, environment, color, known_as, description)


def register_text() -> str:
    """What the account register says of them, after its other accounts."""
    roles = "\n".join(
        f"      - {{name: {name}, max_session: 8h, description: {description}}}" for name, description in _ROLES.items()
    )
    return "".join(
        f'  - id: "{one.id}"\n'
        f"    name: {one.name}\n"
        f"    provider: arn:aws:iam::{one.id}:saml-provider/federation-bridge\n"
        f"    region: eu-central-1\n"
        f"    environment: {one.environment}\n"
        f"    color: {one.color}\n"
        f"    aliases: [{one.alias}]\n"
        f"    description: {one.description}\n"
        f"    roles:\n{roles}\n"
        for one in accounts()
    )


def rules_text(connections: tuple[str, ...]) -> str:
    """The rules that give these roles, after the other ones."""
    return "".join(
        f"  - id: {connection}.operations\n"
        f"    description: Operations may use every role of every product.\n"
        f"    owner: Platform team, platform@example.com\n"
        f"    connection: {connection}\n"
        f"    when: {{group: {GROUP}}}\n"
        f"    grant:\n"
        f"      roles:\n"
        f"        - {{accounts: {{environment: [{', '.join(_ENVIRONMENTS)}]}}, roles: [{', '.join(_ROLES)}]}}\n"
        f"      max_duration: 4h\n"
        for connection in connections
    )
