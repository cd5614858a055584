"""The page of a person's roles: accounts that unfold, what they keep on top, what they used, and a search (ADR 58).

Two documents. The page holds the form's token and so is never compressed; it has a bounded number of rows, however many
roles there are. The list of all roles, by which the page's script searches, has no token in it and may be compressed.
Without the script the same page pages, and the service searches.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.bridge import Offer, Offers
from federation_bridge.bridge.offers import names_of, offers_found, texts_of
from federation_bridge.errors import BadRequest, NotSignedIn
from federation_bridge.model import Account
from federation_bridge.sentence import Sentence
from federation_bridge.web import forms
from federation_bridge.web.door import caller, door, signed_in
from federation_bridge.web.going_on import GoesOn, Line, Pressed
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.observe.public_documents import compressed_if_asked

pages = Blueprint("my_roles", __name__)

ROWS_OF_A_PAGE = 100
"""Roles in accounts, or found, that one page shows."""
ROWS_OF_RECENTS = 6
MOST_IN_A_BROWSER = 20_000
"""Roles that a browser is given to search in; of more, it asks us."""
OPEN_UP_TO = 20
"""Of so few roles all accounts are open at once."""
_LONGEST_SEARCH = 200
_LAST_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class AccountShown:
    """An account on the page, with those of its roles that are on it."""

    account: Account
    offers: Sequence[Offer]
    roles: int
    """How many the person has in it."""


@dataclass(frozen=True, slots=True)
class ListShown:
    """What one page shows of the person's roles."""

    typed: str
    """What is searched for; empty: nothing."""
    total: int
    found: int
    """How many of all that is."""
    kept: frozenset[str]
    """Keys of all that are kept on top, shown there or not."""
    favourites: Sequence[Offer]
    recents: Sequence[Offer]
    accounts: Sequence[AccountShown]
    hits: Sequence[Offer]
    page: int
    pages: int
    is_open: bool

    def address(self, page: int) -> str:
        """Where another page of the same is."""
        asked = {"q": self.typed} if self.typed else {}
        return f"/?{urlencode({**asked, 'page': page})}"


def shown(offers: Offers) -> ListShown:
    """What the request asks to see of these."""
    typed = forms.checked_text(request.args.get("q", ""), "q", _LONGEST_SEARCH).strip()
    found = offers_found(typed, offers.roles) if typed else offers.roles
    pages = max(1, -(-len(found) // ROWS_OF_A_PAGE))
    page = min(_page_asked(), pages)
    rows = found[(page - 1) * ROWS_OF_A_PAGE : page * ROWS_OF_A_PAGE]
    is_first = page == 1 and not typed
    return ListShown(
        typed=typed,
        total=len(offers.roles),
        found=len(found),
        kept=frozenset(one.key for one in offers.favourites),
        favourites=offers.favourites if is_first else (),
        recents=offers.recents[:ROWS_OF_RECENTS] if is_first else (),
        accounts=() if typed else tuple(_by_account(rows, offers.roles)),
        hits=rows if typed else (),
        page=page,
        pages=pages,
        is_open=len(found) <= OPEN_UP_TO,
    )


def _page_asked() -> int:
    written = request.args.get("page", "1")
    if not (written.isascii() and written.isdigit() and 0 < int(written[:8]) <= _LAST_PAGE):
        raise BadRequest("page is no number of a page")
    return int(written[:8])


def _by_account(rows: Iterable[Offer], all_of_them: Iterable[Offer]) -> Iterator[AccountShown]:
    of_page = [(account, list(group)) for account, group in groupby(rows, key=_account_of)]
    wanted = {account for account, _ in of_page}
    roles = dict.fromkeys(wanted, 0)
    for one in all_of_them:
        if one.entitlement.account.id in roles:
            roles[one.entitlement.account.id] += 1
    for account, group in of_page:
        yield AccountShown(group[0].entitlement.account, group, roles[account])


def _account_of(offer: Offer) -> str:
    return offer.entitlement.account.id


@pages.get("/roles/list")
@guarded(signed_in_here)
def listed() -> AnyResponse:
    """All of a person's roles, for the page's script to search in; `many` where that is left to us."""
    session = signed_in()
    if not session.confirmed:
        raise NotSignedIn("the sign-in was not confirmed on a page of ours")
    offers = door().bridge.offers(caller(of=session))
    is_many = len(offers.roles) > MOST_IN_A_BROWSER
    document = {"many": True} if is_many else _document(offers)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return compressed_if_asked(Response(body, mimetype="application/json"))


def _document(offers: Offers) -> dict[str, Any]:
    """Each text once: roles and descriptions by their number, as most accounts have the same."""
    roles: dict[str, int] = {}
    texts: dict[str, int] = {}
    accounts = []
    for _, group in groupby(offers.roles, key=_account_of):
        listed = list(group)
        account = listed[0].entitlement.account
        numbers: list[int] = []
        for one in listed:
            numbers.append(roles.setdefault(one.entitlement.role, len(roles)))
            numbers.append(texts.setdefault(one.description, len(texts)))
        names = names_of(account)[:-1]
        accounts.append([account.id, names, account.environment, account.color, texts_of(account), numbers])
    kept = [one.key for one in offers.favourites]
    return {"accounts": accounts, "roles": list(roles), "texts": list(texts), "kept": kept}


def _told(pressed: Pressed) -> list[Line]:
    return [(Sentence("Role"), pressed.args["role"]), (Sentence("Account"), pressed.args["account"])]


@pages.post("/roles/<account>/<role>/favourite")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("Change what is kept on top"), _told))
def favourite(account: str, role: str) -> AnyResponse:
    """Keeps a role on top of the list, or no longer; back to the page where that was pressed."""
    asking, keep = caller(of=signed_in()), forms.one_field("keep", most=3)
    if keep not in ("yes", "no"):
        raise BadRequest("keep is yes or no")
    (door().bridge.keep_on_top if keep == "yes" else door().bridge.keep_no_longer)(asking, account, role)
    typed = forms.one_field("q", most=_LONGEST_SEARCH)
    return redirect(f"/?q={quote(typed)}" if typed else "/", 303)
