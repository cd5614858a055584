"""The bridge's address, as a person gives it: checked once, pinned from then on."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say

_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._/-]*)?")


def checked_address(text: str) -> str:
    """The address without a closing slash; `https://` is assumed where no scheme is named.

    Raises:
        UsageWrong: not an address, or plain http to another computer than this one.
    """
    address = (text if "://" in text else f"https://{text}").rstrip("/")
    if not _ADDRESS.fullmatch(address) or "/." in address:
        raise UsageWrong(say("{text!r} is not an address; write for example https://aws.example.com", text=text[:80]))
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise UsageWrong(say("A bridge must have an https address; plain http is only for this computer."))
    return address.replace(parts.netloc, parts.netloc.lower(), 1)


def is_loopback(host: str) -> bool:
    """Whether the host is this computer: a loopback address, or `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
