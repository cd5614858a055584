"""Opening the AWS console: in the browser here, or as the bridge's own bookmark where there is none."""

from __future__ import annotations

import html
import secrets
import webbrowser
from urllib.parse import urlencode

from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed
from federation_bridge.cli.login import chosen_way
from federation_bridge.cli.loopback import Loopback, Page
from federation_bridge.cli.place import Place
from federation_bridge.cli.session import LocalSession
from federation_bridge.cli.texts import say
from federation_bridge.model import JsonObject

_FETCHED_WITHIN = 120


def open_console(place: Place, role: str, page: str, *, only_print: bool) -> None:
    """Opens the console as `account/role`, at `page`; `only_print` writes the link instead.

    Where there is no browser the bridge's bookmark is told: it signs nobody in, so it may lie in a terminal's history.
    """
    if not only_print and chosen_way("auto", place.environ) != "browser":
        bookmark = f"{place.address}/go/{role}" + (f"?{urlencode({'to': page})}" if page else "")
        place.terminal.tell(say("Open this address in any browser:"))
        place.terminal.write(bookmark + "\n")
        return
    wish: JsonObject = {"show_link": True, **({"to": page} if page else {})}
    departure = LocalSession(place).post(f"/roles/{role}/console", wish)
    url, form = str(departure.get("url", "")), departure.get("form")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")) or not url.isprintable():
        raise BridgeUnreachable(say("The bridge answered with a console address that cannot be used."))
    if only_print and not isinstance(form, dict):
        place.terminal.write(url + "\n")
    else:
        _hand_over(place, _form_page(url, form) if isinstance(form, dict) else _link_page(url), only_print=only_print)


def _hand_over(place: Place, page: str, *, only_print: bool) -> None:
    """Serves the page once, at an address on this computer that cannot be guessed.

    A form has no link. A link could be opened as it is, but then it would stand on the browser's command line, which
    everybody on this computer may read: what stands there now is worth nothing after its first use.
    """
    pages = [page]

    def answer(_: dict[str, list[str]]) -> Page:
        try:
            return 200, pages.pop()
        except IndexError:
            return 410, ""

    with Loopback(f"/{secrets.token_urlsafe(24)}", answer) as loopback:
        if only_print or not webbrowser.open(loopback.url):
            place.terminal.tell(say("This address works once, on this computer, within two minutes:"))
            place.terminal.write(loopback.url + "\n")
        if not loopback.wait(_FETCHED_WITHIN):
            raise CommandFailed(say("No browser came to fetch the way to the console."))


def _link_page(url: str) -> str:
    return f'<!doctype html><meta charset=utf-8><meta http-equiv="refresh" content="0;url={html.escape(url)}">\n'


def _form_page(url: str, form: JsonObject) -> str:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(str(name))}" value="{html.escape(str(value))}">'
        for name, value in form.items()
    )
    button = f"<noscript><button>{html.escape(say('Go on'))}</button></noscript>"
    return (
        f'<!doctype html><meta charset=utf-8><form method="post" action="{html.escape(url)}">{fields}{button}</form>'
        "<script>document.forms[0].submit()</script>\n"
    )
