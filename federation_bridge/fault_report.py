"""What is written down of an exception that nobody foresaw: where it happened, and what it said without its secrets.

The places in the code are written whole: they hold nothing personal. What an exception says may repeat a token, a key
or a cookie, so it is masked; what follows a name or scheme that announces a secret goes, whatever it looks like.
Values of variables are not written at all.
"""

from __future__ import annotations

import platform
import re
import traceback
from collections.abc import Iterator, Mapping

from federation_bridge.redaction import masked

_MOST_CHARACTERS = 4_000
_NAME = r"authorization|[\w-]*token|[\w-]*secret|[\w-]*password|passwd|[\w-]*session|[\w-]*key(?:_id)?|code|assertion"
_NAMED = re.compile(
    rf"(?i)((?:{_NAME}|samlresponse)[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|dpop|basic)\s+)?)[^\s\"',;&)}}\]]{{4,}}"
)
_SCHEME = re.compile(r"(?i)\b(bearer|dpop|basic)(\s+)[^\s\"',;)]{4,}")
_COOKIES = re.compile(r"(?i)((?:set-)?cookie[\"']?\s*[:=]\s*)[^\n]+")
_IN_ADDRESS = re.compile(r"(://)[^/@\s]+@")
_QUERY = re.compile(r"(https?://[^\s?\"']*\?)[^\s\"']+")


def fault_text(failure: BaseException, about: Mapping[str, str]) -> str:
    """The report: `about` and this computer's Python, then each exception of the chain, the first cause first."""
    head = {**about, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    lines = [f"{name}: {text}" for name, text in head.items()]
    return "\n".join(lines) + "\n\n" + "\n".join(_told(one) for one in reversed(list(_chain(failure))))


def without_secrets(text: str) -> str:
    """What an exception said, without what could open a door."""
    shown = _QUERY.sub(r"\1[masked]", _IN_ADDRESS.sub(r"\1[masked]@", text[:_MOST_CHARACTERS]))
    shown = _NAMED.sub(r"\1[masked]", _COOKIES.sub(r"\1[masked]", shown))
    return masked(_SCHEME.sub(r"\1\2[masked]", shown))


def _chain(failure: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = failure
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _told(failure: BaseException) -> str:
    kind = type(failure)
    places = "".join(traceback.format_tb(failure.__traceback__))
    return f"{places}{kind.__module__}.{kind.__qualname__}: {without_secrets(_said(failure))}\n"


def _said(failure: BaseException) -> str:
    try:
        return str(failure)
    except Exception:
        return "?"
