"""The rules in force in a browser: found by words, and each with its text and its last grants; and the connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.rule_search import SHOWN, RulesWanted, fits, roles_of, terms_of
from federation_bridge.administration.rule_use import Use, uses_of_rules
from federation_bridge.audit import AuditQuery, GrantMade, Recorded
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import Rule
from federation_bridge.mapping.findings import end_of
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.page import argument, in_force, page
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_rules", __name__, url_prefix="/administration")

_MOST_RULES = 100
_MOST_ROLES = 20
_MOST_GRANTS = 200
RULE_FILTERS = ("q", "account", "role", "group", "owner", "show")
"""By what rules are looked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of the table."""

    rule: Rule
    roles: tuple[str, ...]
    terms: str
    ends: datetime | None
    use: Use | None


@pages.get("/rules")
@guarded(auditor)
def rules() -> AnyResponse:
    """Every rule in force, or those that fit what was asked; a page at a time, by the id of the last one."""
    found, after = in_force(), argument("after")
    uses = uses_of_rules(door().store)
    wanted, now = rules_wanted(), door().clock()
    fitting = (rule for rule in found.rules if rule.id > after and fits(rule, found, wanted, uses, now))
    shown = list(islice(fitting, _MOST_RULES + 1))
    rows = [
        Row(rule, roles_of(rule, found), terms_of(rule), end_of(rule.when), uses.by_rule.get(rule.id))
        for rule in shown[:_MOST_RULES]
    ]
    more = rows[-1].rule.id if len(shown) > _MOST_RULES else ""
    accounts = [(one.id, one.name) for one in found.register.accounts.values()]
    return page(
        "rules.html",
        rules=rows,
        administration=found.administration,
        asked={name: value for name in RULE_FILTERS if (value := argument(name))},
        more=more,
        uses=uses,
        accounts=accounts,
        now=now,
    )


@pages.get("/rules/<rule>")
@guarded(auditor)
def one(rule: str) -> AnyResponse:
    """One rule: its text, its roles, and by whom each was used last."""
    found = in_force()
    shown = next((each for each in found.rules if each.id == rule), None)
    if shown is None:
        raise NotFound(f"no rule {rule!r} is in force")
    roles = roles_of(shown, found)
    uses = last_uses_of(shown, roles)
    return page("rule.html", rule=shown, roles=roles, terms=terms_of(shown), uses=uses, text=text_of(shown))


@pages.get("/connections")
@guarded(auditor)
def connections() -> AnyResponse:
    """Every connection: what waits for a yes, what ends, what is in force."""
    here = door()
    standing = here.upkeep.seen().connections
    rows = [(name, one.title, standing.get(name)) for name, one in here.settings.connections.items()]
    return page("connections.html", rows=rows, now=here.clock())


def rules_wanted() -> RulesWanted:
    """What the query asks for; BadRequest for a kind of rules that there is not."""
    asked = {name: argument(name) for name in ("account", "role", "group", "owner", "show")}
    if asked["show"] not in SHOWN:
        raise BadRequest("rules are shown that have ended, were never used, or deny")
    return RulesWanted(tuple(argument("q").casefold().split()), **asked)


def last_uses_of(rule: Rule, roles: Sequence[str]) -> list[tuple[str, Recorded, int]]:
    """Of the first of these roles each: the role, its last grant by this rule, and how many people had one lately."""
    return [] if rule.denied else [use for key in roles[:_MOST_ROLES] if (use := _last_use(rule, key)) is not None]


def _last_use(rule: Rule, key: str) -> tuple[str, Recorded, int] | None:
    """The role, its last grant by this rule, and how many people had one, of the role's last grants."""
    account, _, role = key.partition("/")
    query = AuditQuery(event=GrantMade.name, account=account, role=role)
    newest = islice(door().store.audit.found(query), _MOST_GRANTS)
    grants = [entry for entry in newest if entry.details.get("rule") == rule.id]
    return (key, grants[0], len({entry.person for entry in grants})) if grants else None


def text_of(rule: Rule) -> str:
    """The rule as it is written in the version in force; "" where that cannot be told."""
    version = door().store.rulebook_versions.in_force()
    return (
        "" if version is None else lines_of(Texts.from_kept(version.text).document(rule.document), rule.line, rule.id)
    )


def lines_of(text: str, line: int, name: str) -> str:
    """The item of a YAML list that begins in this line; "" where that is not the rule of this name."""
    lines = text.splitlines()[max(line - 1, 0) :]
    if not lines or not lines[0].lstrip().startswith("- "):
        return ""
    depth = len(lines[0]) - len(lines[0].lstrip())
    ends = (at for at, each in enumerate(lines) if at and each.strip() and len(each) - len(each.lstrip()) <= depth)
    item = "\n".join(lines[: next(ends, len(lines))]).rstrip()
    return item if name in item else ""
