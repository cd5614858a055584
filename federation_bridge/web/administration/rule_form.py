"""A rule as a form: fields that anybody can fill, over the same text that others write and keep in git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.rule_form import SETS, Shown, field_at, fields_of, rule_of
from federation_bridge.errors import BadRequest, BridgeError, ConfigurationInvalid, Mistake, NotFound
from federation_bridge.mapping import AdministrativeRole
from federation_bridge.mapping.plain import Plain
from federation_bridge.mapping.rule_editing import names_of, path_at, rules_of, with_rule, without_rule
from federation_bridge.model import PersonSeen
from federation_bridge.web import forms
from federation_bridge.web.administration.differences import difference
from federation_bridge.web.administration.drafts import (
    NAMES,
    Draft,
    draft_in_force,
    draft_sent,
    meanwhile,
    note_refusal,
    outcome_of,
    problems_of,
    put_in_force,
    version_of,
)
from federation_bridge.web.administration.page import in_force, is_writable, page
from federation_bridge.web.administration.rulebook import edit_page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import AS_TYPED
from federation_bridge.web.guards import author, guarded, rights
from federation_bridge.web.headers import allow_live_checks

pages = Blueprint("administration_rule_form", __name__)

_SINGLE = (
    ("id", 64),
    ("description", 1_000),
    ("owner", 1_000),
    ("note", 1_000),
    ("connection", 64),
    ("effect", 8),
    ("groups_joined", 8),
    ("group_template", 256),
    ("attribute", 256),
    ("signed_in_within", 16),
    ("not_signed_in_within", 16),
    ("hours_from", 8),
    ("hours_to", 8),
    ("zone", 64),
    ("not_before", 32),
    ("not_after", 32),
    ("max_duration", 16),
    ("policy", 64),
    ("source_identity", 256),
)
"""Fields of one text, and the most characters of each."""
_SEVERAL = (
    "groups",
    "not_groups",
    "persons",
    "attribute_values",
    "email_domains",
    "methods",
    "not_methods",
    "networks",
    "days",
    "roles",
    "policy_arns",
    "tags",
    "transitive_tags",
)
"""Fields of several texts: one for each, or one with a line for each."""
_MOST_SUGGESTED = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form was sent with."""

    rule: str
    """The rule that it changes; "": a new one."""
    fields: Mapping[str, tuple[str, ...]]
    is_removal: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out about a form."""

    draft: Draft
    outcome: Mapping[str, object] = field(default_factory=dict)
    refusal: BridgeError | None = None


@pages.get("/administration/form")
@guarded(author)
def new() -> AnyResponse:
    """A form for a rule that is not there yet."""
    return _form_page(Asked("", {}), Looked(draft_in_force()))


@pages.get("/administration/form/<rule>")
@guarded(author)
def existing(rule: str) -> AnyResponse:
    """A rule in force as a form."""
    draft = draft_in_force()
    file = next((name for name, written in draft.texts.documents if rule in rules_of(written)), None)
    if file is None:
        raise NotFound(f"no rule {rule!r} is in force")
    draft = draft_in_force(file)
    return _form_page(Asked(rule, _shown(draft, rule).fields), Looked(draft))


@pages.post("/administration/form")
@guarded(author, goes_on=AS_TYPED)
def save() -> AnyResponse:
    """Looks at what was filled in, or puts it in force; what is wrong stands beside its field.

    `open` shows a rule of a text that is being written, `text` the text that comes of the fields, `newest` the fields
    over what is in force by now.
    """
    draft, verb = draft_sent(), forms.one_field("do", most=16)
    name = forms.one_field("rule", most=64)
    try:
        _names(draft)
        shown = _shown(draft, name) if name else Shown({})
    except (BadRequest, ConfigurationInvalid) as refusal:
        # What is typed as text and cannot be shown in fields is not lost.
        return edit_page(draft, refusal=refusal)
    if verb == "open":
        return _form_page(Asked(name, shown.fields, reason=forms.one_field("reason", most=1_000)), Looked(draft))
    asked = Asked(name, _fields(), forms.one_field("remove", most=3) == "yes", forms.one_field("reason", most=1_000))
    edited = draft
    try:
        if verb == "newest":
            draft = edited = _over_newest(draft, asked)
        edited = _edited(draft, asked)
        if verb == "text":
            return edit_page(edited)
        if verb == "save":
            return put_in_force(edited)
        return _form_page(asked, Looked(draft, outcome_of(edited)))
    except (BadRequest, ConfigurationInvalid) as refusal:
        note_refusal(refusal, is_saved=verb == "save")
        return _form_page(asked, Looked(draft, _refused(refusal, edited, asked), refusal))


def _names(draft: Draft) -> frozenset[str]:
    """What the texts of rules call groups by, whichever of them says it."""
    return frozenset[str]().union(*(names_of(written) for _, written in draft.texts.documents if written))


def _shown(draft: Draft, name: str) -> Shown:
    rule = _rule(draft, name)
    return fields_of(rule, _names(draft))


def _rule(draft: Draft, name: str) -> dict[str, Plain]:
    found = rules_of(draft.rules).get(name)
    if found is None:
        raise BadRequest(f"no rule {name!r} stands in this text")
    return found


def _fields() -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]]
    fields = {name: (value,) for name, most in _SINGLE if (value := forms.one_field(name, most=most).strip())}
    fields |= {name: values for name in _SEVERAL if (values := forms.lines_of_field(name))}
    sets = [[forms.checked_text(value, name, 256).strip() for value in request.form.getlist(name)] for name in SETS]
    if len({len(values) for values in sets}) != 1:
        raise BadRequest("a set of accounts was sent in part")
    rows = [row for row in zip(*sets, strict=True) if any(row)]
    return fields | {name: tuple(row[at] for row in rows) for at, name in enumerate(SETS) if rows}


def _edited(draft: Draft, asked: Asked) -> Draft:
    written = draft.rules
    if asked.is_removal and asked.rule:
        return draft.with_rules(without_rule(written, asked.rule))
    old = _rule(draft, asked.rule) if asked.rule else {}
    rule = rule_of(asked.fields, old, _names(draft))
    return draft.with_rules(with_rule(written, rule, asked.rule))


def _over_newest(draft: Draft, asked: Asked) -> Draft:
    """What is in force by now, where nobody else changed the rule of the form; else BadRequest."""
    newest = draft_in_force(draft.file)
    if not draft.is_base:
        raise BadRequest("the text was changed elsewhere too: go on with the text in force, and change it again")
    then, now = (rules_of(one.rules).get(asked.rule) for one in (draft, newest))
    if then != now:
        raise BadRequest(f"rule {asked.rule} itself was changed meanwhile: open it again, and change what it says now")
    return newest


def _refused(refusal: BridgeError, edited: Draft, asked: Asked) -> dict[str, object]:
    others = meanwhile(edited.base_digest)
    if not others:
        return _placed(problems_of(refusal), edited, asked)
    own = difference(version_of(edited.base_digest), edited.texts.to_kept())
    return {"problems": problems_of(refusal), "meanwhile": others, "own": own}


def _placed(problems: Iterable[str], edited: Draft, asked: Asked) -> dict[str, object]:
    """The mistakes at their fields, and those that belong to none."""
    beside: dict[str, list[str]] = {}
    others: list[str] = []
    name = "".join(asked.fields.get("id", ())) or asked.rule
    for problem in problems:
        is_here = isinstance(problem, Mistake) and problem.file == (edited.file or NAMES[0])
        found = problem if is_here and isinstance(problem, Mistake) else None
        path = found and path_at(edited.rules, name, found.line, found.column)
        place = field_at(path) if path else ""
        if found and place:
            beside.setdefault(place, []).append(found.reason)
        else:
            others.append(problem)
    return {"beside": beside, "problems": others}


def _form_page(asked: Asked, looked: Looked) -> AnyResponse:
    allow_live_checks()
    rule = rules_of(looked.draft.rules).get(asked.rule, {}) if asked.rule else {}
    names = sorted(_names(looked.draft))
    return page(
        "rule_form.html",
        200 if looked.refusal is None else 400,
        asked=asked,
        fields=asked.fields,
        kept=fields_of(rule, names).kept,
        draft=looked.draft,
        suggested=_suggested(names),
        is_writable=is_writable(),
        **({"beside": {}} | dict(looked.outcome)),
    )


def _suggested(names: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What fields offer to pick: each value with what people call it."""
    found = in_force()
    accounts = found.register.accounts.values()
    # An author may write rules for some accounts alone.
    held = rights()
    is_all = held.includes(AdministrativeRole.ADMINISTRATOR)
    own = [one for one in accounts if is_all or one.id in held.accounts]
    roles = [(f"{one.id}/{role}", one.name) for one in own for role in one.roles]
    everywhere = [(f"*/{role}", "") for role in sorted(found.register.role_names)] if is_all else []
    groups = [(found.definitions.groups.get(name, ""), name) for name in names]
    seen = tuple(door().store.people.seen_since(door().clock() - door().settings.sessions.people_kept))
    others = {group for one in seen for group in one.identity.groups.names} - {group for group, _ in groups}
    return {
        "connections": [(name, one.title) for name, one in door().settings.connections.items()],
        "roles": list(islice([*roles, *everywhere], _MOST_SUGGESTED)),
        "groups": [*((name, group) for group, name in groups), *((one, "") for one in sorted(others))][
            :_MOST_SUGGESTED
        ],
        "methods": _methods(seen),
        "policies": [(name, "") for name in sorted(found.definitions.policies)],
        "environments": [(one, "") for one in sorted({each.environment for each in accounts if each.environment})],
        "tags": [
            (one, "") for one in sorted({f"{key}={value}" for each in accounts for key, value in each.tags.items()})
        ],
        "partitions": [(one, "") for one in sorted({each.partition for each in accounts})],
        "role_names": [(one, "") for one in sorted(found.register.role_names)],
    }


def _methods(seen: Iterable[PersonSeen]) -> list[tuple[str, str]]:
    """Names of methods: those that connections know, with their titles, then what sign-ins stated besides."""
    known = [(name, one.title) for one in door().connectors.values() for name in one.methods.methods]
    stated = {method for one in seen for method in one.identity.authn_methods} - {name for name, _ in known}
    return [*known, *((one, "") for one in sorted(stated))][:_MOST_SUGGESTED]
