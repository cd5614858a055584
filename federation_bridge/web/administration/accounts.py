"""The account register in a browser: every account, one as a form, and what a list of AWS's would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import account_import
from federation_bridge.administration.account_form import SEVERAL, SINGLE, account_of, field_at, fields_of
from federation_bridge.administration.account_import import ImportTerms, RegisterDifference
from federation_bridge.administration.account_search import account_has_words, last_grant_in, mapped_roles
from federation_bridge.administration.accounts_given import read_accounts
from federation_bridge.audit import Recorded
from federation_bridge.errors import BadRequest, BridgeError, ConfigurationInvalid, Mistake, NotFound
from federation_bridge.mapping import AdministrativeRole
from federation_bridge.mapping.account_details import COLORS, LONGEST_DESCRIPTION
from federation_bridge.mapping.register_editing import accounts_of, with_accounts
from federation_bridge.model import Account
from federation_bridge.web import forms
from federation_bridge.web.administration.drafts import (
    Draft,
    draft_in_force,
    draft_sent,
    meanwhile,
    note_refusal,
    outcome_of,
    problems_of,
    put_in_force,
)
from federation_bridge.web.administration.page import MOST_TEXT, argument, in_force, is_writable, page
from federation_bridge.web.administration.rulebook import edit_page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import AS_TYPED, AsksItself
from federation_bridge.web.guards import administrator, auditor, guarded, rights
from federation_bridge.web.headers import allow_live_checks

pages = Blueprint("administration_accounts", __name__)

_MOST_ACCOUNTS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One account of the table."""

    account: Account
    mapped: int
    """Of its roles, those that some rule can give."""
    used: Recorded | None
    """Its last grant."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form of an account was sent with."""

    account: str
    fields: Mapping[str, tuple[str, ...]]
    draft: Draft
    reason: str = ""
    outcome: Mapping[str, object] = field(default_factory=dict)


@pages.get("/administration/accounts")
@guarded(auditor)
def accounts() -> AnyResponse:
    """Every account, or those that hold all words; a page at a time, by the id of the last one."""
    found, words, after = in_force(), argument("q"), argument("after")
    wanted = words.casefold().split()
    every = (found.register.accounts[id_] for id_ in sorted(found.register.accounts) if id_ > after)
    fitting = (one for one in every if account_has_words(one, wanted))
    shown = list(islice(fitting, _MOST_ACCOUNTS + 1))
    rows = [Row(one, mapped_roles(one, found), last_grant_in(door().store, one)) for one in shown[:_MOST_ACCOUNTS]]
    more = rows[-1].account.id if len(shown) > _MOST_ACCOUNTS else ""
    may = rights().includes(AdministrativeRole.ADMINISTRATOR)
    return page("accounts.html", rows=rows, q=words, more=more, may_import=may)


@pages.get("/administration/accounts/<account>")
@guarded(auditor)
def one(account: str) -> AnyResponse:
    """One account: what the register says of it, and a form for those who may change it."""
    draft = draft_in_force()
    written = accounts_of(draft.texts.accounts).get(account) if draft.base_digest else None
    if written is None or account not in in_force().register.accounts:
        raise NotFound(f"no account {account!r} is in the register")
    return _account_page(Asked(account, fields_of(written), draft))


@pages.post("/administration/accounts/form")
@guarded(administrator, goes_on=AS_TYPED)
def save() -> AnyResponse:
    """Looks at what was filled in, or puts it in force; what is wrong stands beside its field."""
    draft, verb = draft_sent(), forms.one_field("do", most=16)
    asked = Asked(forms.one_field("account", most=12), _fields(), draft, forms.one_field("reason", most=1_000))
    edited = draft
    try:
        edited = _edited(asked)
        if verb == "text":
            return edit_page(edited)
        if verb == "save":
            return put_in_force(edited)
        return _account_page(replace(asked, outcome=outcome_of(edited)))
    except (BadRequest, ConfigurationInvalid) as refusal:
        note_refusal(refusal, is_saved=verb == "save")
        return _account_page(replace(asked, outcome=_refused(refusal, edited, asked.account)), 400)


def _edited(asked: Asked) -> Draft:
    written = asked.draft.texts.accounts
    old = accounts_of(written).get(asked.account)
    if old is None:
        raise BadRequest(f"no account {asked.account!r} stands in this text")
    written = with_accounts(written, {asked.account: account_of(asked.fields, old)})
    return asked.draft.changed(replace(asked.draft.texts, accounts=written))


@pages.post("/administration/accounts/import")
@guarded(administrator, goes_on=AsksItself(lambda _: "/administration/accounts"))
def import_list() -> AnyResponse:
    """What a list of accounts would make of the register in force. Nothing changes: a form of its own asks for that."""
    draft = draft_in_force()
    try:
        found = account_import.difference(draft.texts.accounts, read_accounts([_uploaded()]), _terms())
        edited = draft.changed(replace(draft.texts, accounts=found.written))
        return _import_page(edited, outcome_of(edited) if found.names else {}, found)
    except (BadRequest, ConfigurationInvalid) as refusal:
        return _import_page(draft, {"problems": problems_of(refusal)}, status=400)


def _uploaded() -> tuple[str, str]:
    files = request.files.getlist("list")
    if len(files) != 1 or not files[0].filename:
        raise BadRequest("choose one file: JSON of `aws organizations`, or CSV")
    content = files[0].stream.read(MOST_TEXT + 1)
    if len(content) > MOST_TEXT:
        raise BadRequest(f"a file has at most {MOST_TEXT} bytes here; `federation-bridge accounts import` takes larger")
    # Its name is whatever the browser's person called it: only an account id is read from it.
    name = forms.checked_text(files[0].filename, "list", 256)
    try:
        return name, content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("the file is no text in UTF-8") from None


def _terms() -> ImportTerms:
    return ImportTerms(
        tuple(forms.one_field("roles", most=2_000).replace(",", " ").split()),
        forms.one_field("provider", most=200).strip(),
        removes=forms.one_field("remove", most=3) == "yes",
        keeps_names=forms.one_field("keep_names", most=3) == "yes",
    )


def _import_page(
    draft: Draft, outcome: Mapping[str, object], found: RegisterDifference | None = None, status: int = 200
) -> AnyResponse:
    lines = [] if found is None else list(account_import.lines_of(found, in_force().register))
    may_save = is_writable() and found is not None and bool(found.names)
    return page(
        "accounts_import.html", status, draft=draft, lines=lines, may_save=may_save, **({"beside": {}} | dict(outcome))
    )


def _account_page(asked: Asked, status: int = 200) -> AnyResponse:
    allow_live_checks()
    rules = in_force()
    return page(
        "account.html",
        status,
        account=rules.register.accounts.get(asked.account),
        asked=asked,
        fields=asked.fields,
        draft=asked.draft,
        colors=COLORS,
        environments_known=[
            (one, "")
            for one in sorted({each.environment for each in rules.register.accounts.values() if each.environment})
        ],
        may_edit=rights().includes(AdministrativeRole.ADMINISTRATOR),
        is_writable=is_writable(),
        **({"beside": {}} | dict(asked.outcome)),
    )


def _refused(refusal: BridgeError, edited: Draft, account: str) -> dict[str, object]:
    if others := meanwhile(edited.base_digest):
        return {"problems": problems_of(refusal), "meanwhile": others}
    beside: dict[str, list[str]] = {}
    problems: list[str] = []
    for problem in problems_of(refusal):
        place = ""
        if isinstance(problem, Mistake) and problem.file == "accounts":
            place = field_at(edited.texts.accounts, account, problem.line, problem.column)
        if isinstance(problem, Mistake) and place in (*SINGLE, *SEVERAL):
            beside.setdefault(place, []).append(problem.reason)
        else:
            problems.append(problem)
    return {"beside": beside, "problems": problems}


def _fields() -> dict[str, tuple[str, ...]]:
    longest = {"description": LONGEST_DESCRIPTION * 2}
    found = {name: (text,) for name in SINGLE if (text := forms.one_field(name, most=longest.get(name, 256)).strip())}
    return found | {name: values for name in SEVERAL if (values := forms.lines_of_field(name))}
