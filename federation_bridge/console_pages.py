"""Which addresses are pages of AWS's console: the one definition, for links of the register, of people and of AWS.

A link leads only to a page of the partition's own console (attack L05).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from federation_bridge.errors import NoConsolePage
from federation_bridge.redaction import quoted

LONGEST_ADDRESS = 2048
_LABEL = re.compile(r"[a-z][a-z0-9-]{0,40}")
_SESSION_LABEL = re.compile(r"[0-9]{12}-[a-z0-9]{1,32}")
_ADDRESS = re.compile(r"[!-~]+")  # printable ASCII without a blank


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one partition."""

    host: str
    """Each region's console stands one label below it."""
    is_global: bool = True
    """Whether the host itself answers; otherwise only those of the regions do."""

    def origin(self, region: str) -> str:
        """Host of this region's console."""
        return f"{region}.{self.host}"

    def home(self, region: str) -> str:
        """The first page in this region."""
        return f"https://{self.origin(region)}/console/home?region={region}"


CONSOLES: Mapping[str, Console] = MappingProxyType(
    {
        "aws": Console("console.aws.amazon.com"),
        "aws-cn": Console("console.amazonaws.cn"),
        "aws-us-gov": Console("console.amazonaws-us-gov.com"),
        "aws-eusc": Console("console.amazonaws-eusc.eu", is_global=False),
    }
)
"""By partition."""


def checked_page(partition: str, text: str, region: str) -> str:
    """The console page that `text` names; empty: the region's first page; a path: that page in the region.

    The random label of a multi-session console is dropped: it belongs to the session that has ended. NoConsolePage for
    anything that is not an https address of this partition's console.
    """
    console = CONSOLES[partition]
    if not text:
        return console.home(region)
    if text.startswith("/") and not text.startswith("//"):
        text = f"https://{console.origin(region)}{text}"
    if len(text) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(text) or "\\" in text:
        raise NoConsolePage("the console page is too long or holds a character that no address has")
    try:
        parts = urlsplit(text)
        # Browsers and parsers differ about everything but a bare host, so the whole authority must be one.
        host = _host_of(console, parts.netloc)
    except ValueError:
        host = None
    if host is None or parts.scheme != "https":
        raise NoConsolePage(f"{quoted(text, 200)} is no page of the console of partition {partition}")
    return urlunsplit(("https", host, parts.path, parts.query, parts.fragment))


def _host_of(console: Console, authority: str) -> str | None:
    """The console host that this authority names, or None."""
    if authority == console.host:
        return authority if console.is_global else None
    labels = authority.removesuffix(f".{console.host}")
    if labels == authority:
        return None
    session, _, rest = labels.rpartition(".")
    if not _LABEL.fullmatch(rest) or (session and not _SESSION_LABEL.fullmatch(session)):
        return None
    return f"{rest}.{console.host}"
