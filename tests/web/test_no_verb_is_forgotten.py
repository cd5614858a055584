# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a page or a command of administration does, a program does too, by the same right, or a reason is told.

A new page, a new press of a form or a new command fails here until its call of the API, or the reason, is named.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import click
from administration_fixtures import ada  # noqa: F401 - a fixture

from federation_bridge.operate.commands import commands
from federation_bridge.web import guards
from federation_bridge.web.api.administration.document import OPERATIONS

SAVING = ("POST /rulebook/check", "POST /rulebook/preview", "POST /rulebook")
PAGES: dict[str, tuple[str, ...]] = {
    "GET /administration": ("GET /overview", "GET /me", "GET /versions", "GET /proposals"),
    "GET /administration/versions/{number}": ("GET /versions/{number}",),
    "POST /administration/versions/return": (
        "GET /versions/{number}/return/preview",
        "POST /versions/{number}/return",
    ),
    "POST /administration/emergencies/seen": ("POST /emergencies/{number}/seen",),
    "GET /administration/edit": ("GET /rulebook",),
    "POST /administration/edit": SAVING,
    "GET /administration/files": ("GET /rulebook",),
    "POST /administration/files": SAVING,
    "GET /administration/changes/{asked}": ("GET /proposals/{asked}", "GET /proposals/{asked}/preview"),
    "POST /administration/changes/decision": ("POST /proposals/{asked}/approve", "POST /proposals/{asked}/close"),
    "GET /administration/findings": ("GET /findings",),
    "GET /administration/review": ("GET /review",),
    "GET /administration/review/export": ("GET /review",),
    # A form writes the text, and a program sends it.
    "GET /administration/form": ("GET /rulebook",),
    "GET /administration/form/{rule}": ("GET /rules/{rule}",),
    "POST /administration/form": SAVING,
    "GET /administration/accounts": ("GET /accounts",),
    "GET /administration/accounts/{account}": ("GET /accounts/{account}",),
    "POST /administration/accounts/form": SAVING,
    "POST /administration/accounts/import": ("POST /accounts/import",),
    "GET /administration/rules": ("GET /rules",),
    "GET /administration/rules/{rule}": ("GET /rules/{rule}",),
    "GET /administration/connections": ("GET /connections", "GET /sign-ins"),
    "GET /administration/people": ("GET /people",),
    "GET /administration/people/{person}": ("GET /explanation",),
    "GET /administration/blocks": ("GET /blocks",),
    "POST /administration/blocks": (
        "POST /blocks",
        "POST /blocks/lift",
        "POST /incident",
        "POST /incident/end",
        "POST /people/end",
    ),
    "GET /administration/audit": ("GET /audit",),
    "GET /administration/sign-ins": ("GET /sign-ins",),
    "GET /administration/sign-ins/{reference}": ("GET /sign-ins/{reference}",),
    "GET /administration/audit/export": ("GET /audit/export",),
    "GET /administration/signals": ("GET /signals",),
    "POST /administration/signals": ("POST /signals",),
    "GET /administration/scim": ("GET /scim", "GET /scim/users", "GET /scim/groups"),
    "GET /administration/aws": ("GET /aws",),
    "POST /administration/aws/check": ("POST /aws/check",),
    "GET /administration/aws/files": ("GET /aws/files",),
    "GET /administration/aws/endings": ("GET /aws/endings",),
    "POST /administration/aws/endings": ("POST /aws/end",),
    "GET /administration/grants": ("GET /grants/alive",),
    "GET /administration/grants/key": ("GET /grants/by-key/{access_key_id}",),
}
PRESSES = {
    "decide": ("approve", "close"),
    "rulebook.save": ("save",),
    "rule_files.save": ("save",),
    "rule_form.save": ("open", "newest", "text", "save"),
    "accounts.save": ("text", "save"),
    "act": ("block", "unblock", "end", "begin", "over"),
}
"""What a form of a page can be sent with, as its route tells it apart. None of them does what no call does."""

COMMANDS: dict[str, tuple[str, ...]] = {
    "rules apply": SAVING,
    "rules return": ("POST /versions/{number}/return",),
    "rules proposals": ("GET /proposals",),
    "rules close": ("POST /proposals/{asked}/close",),
    "rules history": ("GET /versions", "GET /versions/{number}"),
    "rules emergencies": ("GET /overview",),
    "rules seen": ("POST /emergencies/{number}/seen",),
    "rules show": ("GET /rulebook", "GET /versions/{number}"),
    "rules diff": ("GET /versions/{number}",),
    "accounts import": ("POST /accounts/import", "POST /rulebook"),
    "aws onboard": ("GET /aws/files",),
    "aws last-check": ("GET /aws",),
    "aws end": ("POST /aws/end",),
    "aws endings": ("GET /aws/endings",),
    "preview": ("POST /rulebook/preview",),
    "explain": ("GET /explanation",),
    "sign-ins": ("GET /sign-ins", "GET /sign-ins/{reference}"),
    "review": ("GET /review",),
    "people block": ("POST /blocks",),
    "people unblock": ("POST /blocks/lift",),
    "people blocked": ("GET /blocks",),
    "incident begin": ("POST /incident",),
    "incident end": ("POST /incident/end",),
    "audit": ("GET /audit",),
    "audit export": ("GET /audit/export",),
    "grants alive": ("GET /grants/alive",),
    "grants key": ("GET /grants/by-key/{access_key_id}",),
}
ON_THE_MACHINE = {
    "aws check": "it reads the accounts with credentials of whoever types it; nodes look when asked to",
    "aws publish-keys": "it writes in the accounts with credentials of whoever types it, and the bridge has none",
    "audit verify": "whoever doubts the bridge does not ask it",
    "people show": "all that is kept of a person is handed out by whoever answers for that, and by no program",
    "people erase": "what is erased cannot be brought back, and no program shall do it",
}
"""Commands that no program gives, each with its reason."""
OF_THE_OPERATOR = {"backup", "restore", "keys", "metadata", "sessions", "issuer", "sandbox", "scim"} | {
    "check",
    "demo",
    "healthy",
    "migrate",
    "notices",
    "serve",
    "settings",
    "signals",
    "trust-policy",
}
"""Commands and groups of whoever runs the service: no page does what they do."""


def _name(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if not before and name in OF_THE_OPERATOR:
            continue
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{before}{name}"
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")


def test_what_a_page_does_a_program_does_by_the_same_right(ada) -> None:
    rights = {guards.auditor: "auditor", guards.author: "author", guards.administrator: "administrator"}
    order = ["auditor", "author", "administrator"]
    found: dict[str, str] = {}
    for rule in ada.app.url_map.iter_rules():
        guard = rights.get(ada.app.view_functions[rule.endpoint].guard)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if guard else ():
            found[f"{method} {_name(rule.rule)}"] = guard or ""
    assert set(found) == set(PAGES)
    for page, calls in PAGES.items():
        assert calls, page
        for call in calls:
            operation = OPERATIONS[tuple(call.split(" "))]  # type: ignore[index]
            looks_alone = call.startswith("GET")
            # Who only looks needs no more than the page asks for; who changes something is asked for no less.
            assert looks_alone or order.index(operation.right) >= 1, call
            assert order.index(operation.right) <= order.index(found[page]), (page, call)


def test_every_press_of_a_form_is_known(ada) -> None:
    from federation_bridge.web.administration import accounts, rule_files, rule_form, rulebook  # noqa: PLC0415 - beside the test

    compared = re.compile(r'(?:verb|decision|most=16\)) (?:==|in) "(\w+)"')
    views: dict[str, Callable[..., Any]] = {
        "decide": rulebook._decide,
        "rulebook.save": rulebook.save,
        "rule_files.save": rule_files.save,
        "rule_form.save": rule_form.save,
        "accounts.save": accounts.save,
    }
    for name, view in views.items():
        presses = tuple(dict.fromkeys(compared.findall(inspect.getsource(view))))
        assert presses == PRESSES[name], name


def test_what_a_command_does_a_program_does_or_a_reason_is_told() -> None:
    assert set(_commands(commands)) == set(COMMANDS) | set(ON_THE_MACHINE)
    assert {call for calls in COMMANDS.values() for call in calls} <= {" ".join(one) for one in OPERATIONS}
    assert not [name for name, reason in ON_THE_MACHINE.items() if len(reason) < 20]


def test_every_call_belongs_to_a_page_or_a_command() -> None:
    told = {call for calls in (*PAGES.values(), *COMMANDS.values()) for call in calls}
    assert told == {" ".join(one) for one in OPERATIONS}
