"""What the tests of the administration's pages share: the pages there are, and a change that is sent from one."""

from __future__ import annotations

from typing import Any

from administration_factories import base_of, text_in_force
from web_factories import Person

GET = (
    "/administration",
    "/administration/rules",
    "/administration/accounts",
    "/administration/people",
    "/administration/blocks",
    "/administration/audit",
    "/administration/sign-ins",
    "/administration/grants",
    "/administration/grants/key",
    "/administration/aws",
    "/administration/aws/endings",
    "/administration/connections",
    "/administration/scim",
    "/administration/signals",
    "/administration/findings",
    "/administration/review",
)
EDIT = "/administration/edit"


def posted(person: Person, what: str, *, group: str = "staff", do: str = "save", **changes: str) -> Any:
    """Sends the form of the text, with another group for administrators in AWS."""
    stands = text_in_force(person)
    rules = stands.document().replace("when: {group: admins}", f"when: {{group: {group}}}")
    fields = {"rules": rules, "accounts": stands.accounts, "base_digest": base_of(person), "reason": what, "do": do}
    return person.post(EDIT, fields | changes)
