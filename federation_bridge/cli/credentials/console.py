"""Opening the AWS console: by the bridge's own bookmark, which holds nothing that opens a door (ADR 16)."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from federation_bridge.cli.context import Context
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.login import chosen_way
from federation_bridge.cli.session.opening import output_kept


def open_console(context: Context, role: str, wish: Mapping[str, str], *, only_print: bool) -> None:
    """Opens the bookmark of `account/role`; `only_print` writes it instead.

    `wish`: the page to land on (`to`), `duration` and `reason`; what is empty is left out. The bridge's page shows them
    before the press.

    The browser's own sign-in and a press on the bridge's page do the rest. So the address may stand on a browser's
    command line, which everybody on this computer can read, and in a terminal's history.
    """
    query = urlencode({name: text for name, text in wish.items() if text}, quote_via=quote, safe="")
    bookmark = f"{context.address}/go/{quote(role)}" + (f"?{query}" if query else "")
    if only_print:
        context.terminal.write(bookmark + "\n")
        return
    with output_kept():
        is_open = chosen_way("auto", context.environ) == "browser" and webbrowser.open(bookmark)
    if not is_open:
        context.terminal.tell(say("Open this address in any browser:"))
        context.terminal.write(bookmark + "\n")
