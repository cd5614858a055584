"""AWS's sign-out of the console, which leads on to an address of AWS's own."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.wire import Answer


def signed_out(own_address: str, fields: Mapping[str, str], cookie: str) -> Answer:
    """Ends the browser's console session, which it holds in `cookie`, and leads to the sign-in that follows."""
    if fields.get("Action") != "logout":
        raise Refused("BadRequest", "The Action must be logout.", 400)
    leads_to = fields.get("redirect_uri", "")
    if not leads_to.startswith(f"{own_address}/federation?"):
        raise Refused("BadRequest", "redirect_uri must be an address of AWS.", 400)
    headers = {
        "Location": leads_to,
        "Set-Cookie": f"{cookie}=; Path=/console; HttpOnly; SameSite=Lax; Max-Age=0",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(b"", 302, "text/plain", headers)
