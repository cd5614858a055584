"""Opening the AWS console: by the bridge's own bookmark, which holds nothing that opens a door (ADR 16)."""

from __future__ import annotations

import webbrowser
from urllib.parse import quote, urlencode

from federation_bridge.cli.context import Context
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.login import chosen_way


def open_console(context: Context, role: str, page: str, *, only_print: bool) -> None:
    """Opens the bookmark of `account/role`, at `page`; `only_print` writes it instead.

    The browser's own sign-in and a press on the bridge's page do the rest. So the address may stand on a browser's
    command line, which everybody on this computer can read, and in a terminal's history.
    """
    bookmark = f"{context.address}/go/{quote(role)}" + (f"?{urlencode({'to': page}, quote_via=quote)}" if page else "")
    if only_print:
        context.terminal.write(bookmark + "\n")
    elif chosen_way("auto", context.environ) != "browser" or not webbrowser.open(bookmark):
        context.terminal.tell(say("Open this address in any browser:"))
        context.terminal.write(bookmark + "\n")
