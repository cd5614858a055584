"""The cookies of pending sign-ins: one for each handle, few, and together small enough for every proxy's limit.

`SameSite=None`, because they must survive the identity provider's cross-site POST (attack K04); each is good for one
answer to one sign-in, and for nothing else. What stands in one is sealed; before that stands, in the open, when it was
set: it decides only which is dropped first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Response, request

from federation_bridge.pending_sign_in import Browser
from federation_bridge.web import cookies
from federation_bridge.web.door import door

PREFIX = f"{cookies.SIGN_IN}-"
"""Before the handle."""
MOST = 8
"""How many a browser holds."""
MOST_BYTES = 3_000
"""What they take together, the browser's secret included: names, values and what stands between them."""
MOST_WHERE_LED = 4
"""With as many, another site begins no sign-in in this browser."""

_MOST_TAKEN_BACK = 16
"""At once: the head of an answer has its limits too."""
_NAME = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{1,64}")
_BETWEEN = len("=; ")


@dataclass(frozen=True, slots=True)
class _Held:
    name: str
    set_at: int
    """Seconds since 1970; 0 for what we did not write."""
    sealed: str

    @property
    def size(self) -> int:
        return len(self.name) + len(self.value) + _BETWEEN

    @property
    def value(self) -> str:
        return f"{self.set_at}.{self.sealed}"


_MOST_DIGITS = 11
"""Of seconds since 1970, for the next three thousand years."""


def browser() -> Browser:
    """What this browser holds for its pending sign-ins."""
    return Browser(request.cookies.get(cookies.SIGN_IN, ""), {_handle(held): held.sealed for held in _held()})


def is_led_here_too_often() -> bool:
    """Whether another site led this browser here while it holds pending sign-ins already: then a person is asked first.

    Else a page anywhere could make a browser drop the sign-in that its person is in the middle of, by leading it here
    again and again.
    """
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return False
    oldest = _oldest()
    living = [held for held in _held() if held.set_at > oldest]
    return len(living) >= MOST_WHERE_LED or sum(held.size for held in living) > MOST_BYTES // 2


def hold(response: Response, handle: str, sealed: str) -> None:
    """Gives the browser one more to hold, and takes the oldest back until there is room."""
    new = _Held(PREFIX + handle, _now(), sealed)
    places, oldest = MOST - 1, _oldest()
    room = MOST_BYTES - new.size - len(cookies.SIGN_IN) - cookies.SECRET_LENGTH - _BETWEEN
    taken_back = []
    for held in sorted(_held(), key=lambda one: one.set_at, reverse=True):
        places -= 1
        room -= held.size
        if places < 0 or room < 0 or held.set_at <= oldest:
            taken_back.append(held.name)
    cookies.forget(response, *taken_back[-_MOST_TAKEN_BACK:])
    cookies.set_for_the_way_back(response, new.name, new.value, door().settings.sign_in_lifetime)


def take_back(response: Response, handle: str) -> None:
    """Takes back the cookie of a sign-in that was used."""
    if handle:
        cookies.forget(response, PREFIX + handle)


def _held() -> list[_Held]:
    return [_read(name, value) for name, value in request.cookies.items() if _NAME.fullmatch(name)]


def _read(name: str, value: str) -> _Held:
    digits, _, sealed = value.partition(".")
    is_ours = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    return _Held(name, int(digits) if is_ours else 0, sealed)


def _handle(held: _Held) -> str:
    return held.name.removeprefix(PREFIX)


def _now() -> int:
    return int(door().clock().timestamp())


def _oldest() -> int:
    return _now() - int(door().settings.sign_in_lifetime.total_seconds())
