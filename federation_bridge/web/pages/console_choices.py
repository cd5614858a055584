"""Where in the console a press leads, and whether the browser signs out there first."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from federation_bridge.aws import console
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws_regions import REGIONS
from federation_bridge.console_pages import LONGEST_ADDRESS, checked_page
from federation_bridge.errors import BadRequest
from federation_bridge.model import Account
from federation_bridge.redaction import quoted
from federation_bridge.web import cookies, forms
from federation_bridge.web.door import door
from federation_bridge.web.pages.destination import Destination

_FIRST = "first"
"""What the field and the cookie hold where somebody signs out first."""
_LONGEST_REGION = 32


def regions_of(account: Account) -> tuple[str, ...]:
    """The regions in which a console of this account's partition opens, its own first."""
    return (account.region, *(one for one in REGIONS[account.partition] if one != account.region))


def resolved(account: Account, page: str, region: str) -> str:
    """The address of a page in a region; "" where neither is chosen.

    Raises:
        BadRequest: the page is none of this account's console, or the region none of its partition.
    """
    if region and region not in REGIONS[account.partition]:
        raise BadRequest(f"{quoted(region)} is no region of partition {account.partition}")
    return checked_page(account.partition, page, region or account.region) if page or region else ""


def sent(account_id: str) -> str:
    """The address that the form which was sent asks for: a pasted one, else a link, in a region; "" for none."""
    page = forms.one_field("to", most=LONGEST_ADDRESS) or forms.one_field("link", most=LONGEST_ADDRESS)
    region = forms.one_field("region", most=_LONGEST_REGION)
    account = door().rulebook.in_force.register.accounts.get(account_id)
    # For an account that is not registered the grant refuses: nothing is issued.
    return resolved(account, page, region) if account else page


def linked(account: Account) -> Destination | None:
    """The page that a bookmark names, else that of the expired tab; None: the console's first page.

    Raises:
        BadRequest: the bookmark names no page of this account's console.
    """
    page = forms.checked_text(request.args.get("to", ""), "to", LONGEST_ADDRESS)
    region = forms.checked_text(request.args.get("region", ""), "region", _LONGEST_REGION)
    if address := resolved(account, page, region):
        return Destination.of(address)
    tab = request.headers.get("Referer", "")
    try:
        return Destination.of(checked_page(account.partition, tab, account.region)) if tab else None
    except BadRequest:
        return None


def may_sign_out_first(account: Account) -> bool:
    """Whether AWS's sign-out is known to lead on to the sign-in, in this account's partition."""
    return bool(PARTITIONS[account.partition].signs_out_at)


def signs_out_first(account: Account) -> bool:
    """Whether this browser signs out of the console before another role is opened there, where that can be."""
    return may_sign_out_first(account) and _is_first()


def _is_first() -> bool:
    # Only the page that asks sends the first field; every other button goes by what was chosen there last.
    if "asked_first" in request.form:
        return forms.one_field("sign_out_first", most=8) == _FIRST
    return request.cookies.get(cookies.CONSOLE) == _FIRST


def manner(account_id: str) -> console.Manner:
    """How a press opens the console of this account."""
    account = door().rulebook.in_force.register.accounts.get(account_id)
    return console.Manner(signs_out_first=account is not None and signs_out_first(account))


def remember(answer: Response) -> None:
    """Keeps the choice in this browser, where it was just made."""
    if "asked_first" in request.form:
        cookies.set_console(answer, _FIRST if _is_first() else "")
